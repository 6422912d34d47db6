//! The page's server, spoken to as a page would, and as a page should not.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use klfit::{Experiment, Opening, Server};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tungstenite::client::IntoClientRequest;
use tungstenite::http::header;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket, connect};

use crate::pages::page;
use crate::support::run_text;

/// A server on a thread of its own; it stops when this is dropped.
struct Running {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Running {
    fn new(opening: Opening) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let server = Server::bind(0, opening).await.unwrap();
                tell.send(server.url()).unwrap();
                let stop = async { _ = stopped.await };
                server.serve(stop).await;
            });
            runtime.shutdown_background();
        });
        Self {
            url: told.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    fn address(&self) -> SocketAddr {
        address(&self.url)
    }

    /// The path of a file of the page.
    fn path(&self, file: &str) -> String {
        let (_, path) = self.url["http://".len()..].split_once('/').unwrap();
        format!("/{path}{file}")
    }

    fn socket(&self) -> String {
        format!("ws://{}{}", self.address(), self.path("socket"))
    }

    /// What is answered to a request for something with these header lines.
    fn ask(&self, target: &str, headers: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        ask(&mut stream, target, headers)
    }

    fn page(&self) -> Page {
        let (socket, _) = connect(self.socket()).unwrap();
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream
                .set_read_timeout(Some(Duration::from_secs(60)))
                .unwrap();
        }
        let mut page = Page {
            socket,
            state: Value::Null,
        };
        let hello = page.hear();
        assert_eq!(hello["type"], "hello");
        let limit = |name: &str| hello["limits"][name].as_f64().unwrap();
        let docs = page::Page::open("docs/explore.md");
        docs.says(
            "for mixtures of up to {} Gaussians in one and two dimensions and a q of up to {}",
            &[limit("components"), limit("q_components")],
        );
        docs.says("up to {} random ones for each fit", &[limit("restarts")]);
        page.state = hello["state"].clone();
        page
    }
}

fn address(url: &str) -> SocketAddr {
    let (address, _) = url["http://".len()..].split_once('/').unwrap();
    address.parse().unwrap()
}

/// What is answered to a request for something with these header lines.
fn ask(stream: &mut TcpStream, target: &str, headers: &str) -> String {
    write!(stream, "GET {target} HTTP/1.1\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.stop.take().unwrap().send(());
        self.thread.take().unwrap().join().unwrap();
    }
}

struct Page {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    state: Value,
}

impl Page {
    fn say(&mut self, message: &Value) {
        self.socket
            .send(Message::text(message.to_string()))
            .unwrap();
    }

    fn hear(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.read().unwrap() {
                return serde_json::from_str(text.as_str()).unwrap();
            }
        }
    }

    fn ask(&mut self, message: &Value) -> Value {
        self.say(message);
        self.hear()
    }

    fn view(&mut self, q: &Value, landscape: &str) -> Value {
        let view =
            json!({"type": "view", "id": 7, "state": self.state, "q": q, "landscape": landscape});
        let view = self.ask(&view);
        assert_eq!(
            (&view["type"], &view["id"]),
            (&json!("view"), &json!(7)),
            "{view}"
        );
        view
    }

    /// Listens until every fit has ended, and gives its last q.
    fn until_done(&mut self) -> Vec<Value> {
        loop {
            let news = self.hear();
            assert_eq!(news["type"], "progress", "{news}");
            let fits = news["fits"].as_array().unwrap();
            if fits.iter().all(|fit| fit["status"] == "done") {
                return fits.clone();
            }
        }
    }
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn gaussian(mean: f64, std: f64) -> Value {
    json!({"weights": [1.0], "means": [[mean]], "stds": [[std]], "correlations": [0.0]})
}

#[test]
fn only_pages_of_this_server_are_answered() {
    let server = Running::new(Opening::default());
    let token = server.path("").replace('/', "");
    assert!(token.chars().all(|digit| digit.is_ascii_hexdigit()));
    page::Page::open("docs/explore.md").says(
        "the address holds {} random bits",
        &[4.0 * token.len() as f64],
    );
    let host = format!("Host: {}\r\n", server.address());
    let page = server.ask(&server.path(""), &host);
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    assert!(
        page.contains("content-security-policy: default-src 'none'"),
        "{page}"
    );
    // Every file that the page names is there.
    for (before, after) in [("src=\"", "\""), ("href=\"", "\"")] {
        for part in page.split(before).skip(1) {
            let name = part.split(after).next().unwrap();
            if !name.starts_with("data:") {
                assert!(
                    server
                        .ask(&server.path(name), &host)
                        .starts_with("HTTP/1.1 200"),
                    "{name}"
                );
            }
        }
    }
    for name in ["nowhere", "../Cargo.toml"] {
        let answer = server.ask(&server.path(name), &host);
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
    let port = server.address().port();
    for headers in [
        String::new(),
        format!("Host: rebound.example:{port}\r\n"),
        format!("{host}Host: rebound.example:{port}\r\n"),
        format!("{host}{host}"),
        format!("{host}Origin: http://elsewhere.example\r\n"),
        format!(
            "{host}Origin: http://{0}\r\nOrigin: http://elsewhere.example\r\n",
            server.address()
        ),
        format!("{host}Sec-Fetch-Site: cross-site\r\n"),
        format!("{host}Sec-Fetch-Site: same-site\r\n"),
        format!("{host}Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n"),
    ] {
        refused(&server.ask(&server.path(""), &headers));
    }
    let path = server.path("");
    refused(&server.ask(&format!("http://elsewhere.example{path}"), &host));
    for site in ["same-origin", "none"] {
        let headers = format!("{host}Sec-Fetch-Site: {site}\r\n");
        let answer = server.ask(&format!("http://{}{path}", server.address()), &headers);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let opens = |name: header::HeaderName, value: &str| {
        let mut request = server.socket().into_client_request().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        connect(request).is_ok()
    };
    let site = header::HeaderName::from_static("sec-fetch-site");
    assert!(!opens(header::ORIGIN, "http://elsewhere.example"));
    assert!(!opens(site.clone(), "cross-site"));
    assert!(!opens(site.clone(), "none"));
    assert!(opens(site, "same-origin"));
    assert!(opens(
        header::ORIGIN,
        &format!("http://{}", server.address())
    ));
}

fn refused(answer: &str) {
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(!answer.contains("<html"), "{answer}");
}

#[test]
fn nobody_is_answered_without_the_token() {
    let server = Running::new(Opening::default());
    let other = Running::new(Opening::default());
    let host = format!("Host: {}\r\n", server.address());
    assert_eq!(server.path("").len(), 34);
    assert_ne!(server.path(""), other.path(""));
    for path in [
        "/".to_owned(),
        "/app.js".to_owned(),
        "/socket".to_owned(),
        server
            .path("")
            .replace(|digit: char| digit.is_ascii_digit(), "x"),
        server.path("").to_uppercase() + "x/",
        other.path(""),
        other.path("app.js"),
        other.path("socket"),
    ] {
        let answer = server.ask(&path, &host);
        refused(&answer);
        assert!(
            answer.contains("open the address that klfit printed"),
            "{answer}"
        );
    }
    for path in ["/socket".to_owned(), other.path("socket")] {
        assert!(connect(format!("ws://{}{path}", server.address())).is_err());
    }
}

/// Waits for the end of a connection, and gives how long it took.
fn end(stream: &mut TcpStream) -> Duration {
    let started = Instant::now();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    match stream.read(&mut [0; 1 << 10]) {
        Ok(0) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        other => panic!("the connection goes on: {other:?}"),
    }
    started.elapsed()
}

#[test]
fn who_asks_slowly_is_not_waited_for() {
    let server = Running::new(Opening::default());
    let path = server.path("");
    let begun = |text: &str| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let mut streams = [
        "",
        "G",
        &format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", server.address()),
    ]
    .map(begun);
    let time = end(&mut streams[0]);
    assert!(
        (Duration::from_secs(4)..Duration::from_secs(10)).contains(&time),
        "{time:?}"
    );
    for stream in &mut streams[1..] {
        assert!(end(stream) < Duration::from_secs(4));
    }
    // One that was answered is closed at once, also where the rest of what it announced never comes.
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let started = Instant::now();
    let headers = format!("Host: {}\r\nContent-Length: 1000\r\n", server.address());
    let answer = ask(&mut stream, &path, &headers);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    refused(&server.ask("/", &headers));
    assert!(started.elapsed() < Duration::from_secs(4));
}

/// The program, which may open few files.
#[cfg(unix)]
#[test]
fn idle_connections_keep_nobody_out() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    // With fewer files than connections may be open, too.
    for files in [256, 48] {
        let mut process = Command::new("bash")
            .arg("-c")
            .arg(format!(
                "ulimit -n {files}; exec \"$0\" explore --no-open --quiet"
            ))
            .arg(env!("CARGO_BIN_EXE_klfit"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        output.read_line(&mut url).unwrap();
        let url = url.trim_end();
        let (_, path) = url["http://".len()..].split_once('/').unwrap();
        let idle = |_| TcpStream::connect(address(url)).unwrap();
        let idle: Vec<_> = (0..300).map(idle).collect();
        let started = Instant::now();
        let mut stream = TcpStream::connect(address(url)).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let host = format!("Host: {}\r\n", address(url));
        let page = ask(&mut stream, &format!("/{path}"), &host);
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        let (mut socket, _) = connect(format!("{}socket", url.replace("http", "ws"))).unwrap();
        assert!(socket.read().unwrap().is_text());
        let time = started.elapsed();
        process.kill().unwrap();
        process.wait().unwrap();
        assert!(time < Duration::from_secs(2), "{files}: {time:?}");
        assert_eq!(idle.len(), 300);
    }
}

#[test]
fn a_view_has_the_known_numbers() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    // Wide enough for all of q.
    page.state["axes"]["x"] = json!([-25.0, 25.0]);
    // ½N(±3, 1) and the Gaussian with its moments, σ² = 10; 0.46199461 is published.
    let view = page.view(&gaussian(0.0, 10f64.sqrt()), "fine");
    let values = view["values"].as_array().unwrap();
    assert!(
        (number(&values[0]["value"]) - 0.461_994_61).abs() < 1e-8,
        "{values:?}"
    );
    for value in values {
        let (value, low, high) = (
            number(&value["value"]),
            number(&value["lower"]),
            number(&value["upper"]),
        );
        assert!(low <= value && value <= high && high - low < 1e-4 * value);
    }
    // The integrands are what the values are the integrals of.
    let densities = &view["densities"];
    let list = |list: &Value| -> Vec<f64> { list.as_array().unwrap().iter().map(number).collect() };
    let x = list(&densities["x"]);
    let step = x[1] - x[0];
    for (curve, value) in densities["integrands"]
        .as_array()
        .unwrap()
        .iter()
        .zip(values)
    {
        let sum: f64 = list(&curve["values"]).iter().sum::<f64>() * step;
        assert!((sum - number(&value["value"])).abs() < 1e-4, "{sum}");
    }
    let total: f64 = list(&densities["p"]).iter().sum::<f64>() * step;
    assert!((total - 1.0).abs() < 1e-6);
    // The landscape has the optima that restarts find.
    let surfaces = view["landscape"]["surfaces"].as_array().unwrap();
    let optima = |surface: usize| -> Vec<[f64; 3]> {
        let optima = surfaces[surface]["optima"].as_array().unwrap();
        let of = |o: &Value| {
            [
                number(&o["at"][0]),
                number(&o["at"][1]),
                number(&o["value"]),
            ]
        };
        optima.iter().map(of).collect()
    };
    let near = |found: &[f64; 3], expected: [f64; 3]| {
        found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 2e-3)
    };
    assert_eq!(optima(0).len(), 1);
    assert!(near(&optima(0)[0], [0.0, 3.162_277_7, 0.461_994_6]));
    // One at each bump, and one that covers both.
    assert_eq!(optima(1).len(), 3, "{:?}", optima(1));
    for expected in [
        [-2.984_306, 1.023_368_6, 0.688_769],
        [2.984_306, 1.023_368_6, 0.688_769],
        [0.0, 2.743_769_3, 0.840_621_4],
    ] {
        assert!(
            optima(1).iter().any(|found| near(found, expected)),
            "{:?}",
            optima(1)
        );
    }
}

#[test]
fn fits_train_as_the_saved_config_does() {
    let server = Running::new(Opening::default());
    let fit = |id: &str, divergence: &str, estimator: Value| json!({"id": id, "divergence": divergence, "estimator": estimator});
    let exact = json!({"type": "quadrature"});
    let two = json!({
        "weights": [0.5, 0.5], "means": [[-1.0], [2.0]], "stds": [[1.0], [0.5]], "correlations": [0.0, 0.0]
    });
    let both = json!([
        fit("forward-kl", "forward-kl", exact.clone()),
        fit("reverse-kl", "reverse-kl", exact.clone())
    ]);
    let by_draws = json!([
        fit("reverse-kl", "reverse-kl", exact),
        fit(
            "reverse-kl-n2",
            "reverse-kl",
            json!({"type": "monte-carlo", "gradient": "score-function", "samples": 16})
        ),
        fit(
            "reverse-kl-n3",
            "reverse-kl",
            json!({"type": "monte-carlo", "gradient": "sticking-the-landing", "samples": 16})
        ),
    ]);
    for (q, restarts, fits, steps) in [
        (gaussian(1.0, 1.5), 1, both.clone(), 60),
        (gaussian(1.0, 1.5), 12, both.clone(), 60),
        (two.clone(), 1, both.clone(), 130),
        (two, 5, both, 60),
        (gaussian(1.0, 1.5), 3, by_draws, 60),
    ] {
        let mut page = server.page();
        page.state["q"] = q;
        page.state["restarts"] = json!(restarts);
        page.state["fits"] = fits;
        page.state["optimizer"]["steps"] = json!(steps);
        page.say(&json!({"type": "run", "id": 8, "state": page.state}));
        let ends = page.until_done();
        assert_eq!(ends[0]["step"], steps);
        let saved = page.ask(&json!({"type": "config", "id": 9, "state": page.state}));
        let text = saved["toml"].as_str().unwrap();
        let summary = run_text(text).summary;
        assert_eq!(ends.len(), summary.fits.len());
        for (end, fit) in ends.iter().zip(&summary.fits) {
            let best = fit.best.as_ref().unwrap();
            assert_eq!(end["id"], json!(fit.label), "{text}");
            assert_eq!(end["best"], json!(best.run), "{text}");
            assert_eq!(end["q"]["means"], json!(best.mixture.means), "{text}");
            assert_eq!(end["q"]["weights"], json!(best.mixture.weights), "{text}");
            let value = best.divergences.estimate(fit.divergence).value;
            assert!((end["value"].as_f64().unwrap() - value).abs() < 1e-7);
            // Every run has a place, and every one that ended well an optimum; that of the best is the first.
            let runs = end["runs"].as_array().unwrap();
            assert_eq!(runs.len(), restarts);
            assert!(runs.iter().all(|run| !run["optimum"].is_null()), "{runs:?}");
            assert_eq!(runs[best.run]["optimum"], 0);
        }
    }
}

#[test]
fn a_swarm_tells_the_optima_apart() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    page.state["restarts"] = json!(24);
    page.state["optimizer"]["steps"] = json!(1000);
    page.say(&json!({"type": "run", "id": 1, "state": page.state, "speed": 100.0}));
    let ends = page.until_done();
    let optima = |fit: usize| -> usize {
        let runs = ends[fit]["runs"].as_array().unwrap();
        let places = runs.iter().map(|run| run["optimum"].as_u64().unwrap());
        1 + usize::try_from(places.max().unwrap()).unwrap()
    };
    // Forward KL has one; reverse KL one at each bump and one over both, which are all found.
    assert_eq!((optima(0), optima(1)), (1, 3));
    // Which modes of p the best q covers: both, and one.
    assert_eq!(ends[0]["covered"], json!([true, true]));
    let covered = ends[1]["covered"].as_array().unwrap();
    assert_eq!(covered.iter().filter(|is| **is == json!(true)).count(), 1);
}

#[test]
fn fits_can_be_stepped_paused_and_stopped() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    page.say(&json!({"type": "run", "id": 1, "state": page.state, "paused": true}));
    let step = |news: &Value| news["fits"][0]["step"].as_u64().unwrap();
    let first = page.hear();
    assert_eq!(
        (step(&first), &first["fits"][0]["status"]),
        (0, &json!("paused"))
    );
    let second = page.ask(&json!({"type": "step"}));
    assert_eq!(step(&second), 1);
    let rows = &second["fits"][0]["runs"][0]["rows"];
    assert_eq!(rows.as_array().unwrap().len(), 1);
    page.say(&json!({"type": "resume"}));
    assert!(step(&page.hear()) > 1);
    page.say(&json!({"type": "stop"}));
    // Nothing of them comes after the answer to what is asked next, but for what was on its way.
    page.say(
        &json!({"type": "view", "id": 5, "state": page.state, "q": null, "landscape": "none"}),
    );
    while page.hear()["type"] != "view" {}
    let state = page.state.clone();
    let next = page.ask(&json!({"type": "config", "id": 6, "state": state}));
    assert_eq!(next["type"], "config");
}

#[test]
fn nonsense_is_an_error_and_the_page_goes_on() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    for message in [
        "",
        "{",
        "[]",
        "{\"type\":\"view\"}",
        "{\"type\":\"unheard\"}",
        "\u{0}",
    ] {
        page.socket.send(Message::text(message)).unwrap();
        assert_eq!(page.hear()["type"], "error", "{message}");
    }
    let good = page.state.clone();
    for (path, value) in [
        ("/dim", json!(3)),
        ("/version", json!(1)),
        ("/version", json!(3)),
        ("/target/weights", json!([0.5, 0.6])),
        ("/target/weights", json!([])),
        ("/target/means", json!([[0.0]])),
        ("/target/stds/0/0", json!(0.0)),
        ("/target/stds/0/0", json!(1e300)),
        ("/target/correlations/0", json!(0.5)),
        ("/q/means/0/0", json!(1e300)),
        ("/q/means/0", json!([1.0, 2.0])),
        ("/q/weights", json!([0.5, 0.5])),
        ("/restarts", json!(0)),
        ("/restarts", json!(65)),
        ("/fits/0/divergence", json!("kl")),
        ("/fits/0/id", json!("reverse-kl")),
        ("/fits/0/id", json!("a\nb")),
        ("/fits/0/id", json!("")),
        ("/fits/0/estimator/type", json!("rows")),
        (
            "/fits/0/estimator",
            json!({"type": "monte-carlo", "samples": 1}),
        ),
        (
            "/fits/0/estimator",
            json!({"type": "monte-carlo", "gradient": "exact"}),
        ),
        ("/landscape/component", json!(1)),
        ("/optimizer/steps", json!(0)),
        ("/optimizer/steps", json!(100_000_000)),
        ("/optimizer/learning_rate", json!(-1.0)),
        ("/axes/x", json!([1.0, 1.0])),
        ("/landscape/parameters/1", json!("mean")),
        ("/landscape/parameters/1", json!("std2")),
        ("/landscape/ranges/0", json!([5.0, -5.0])),
    ] {
        let mut state = good.clone();
        *state.pointer_mut(path).unwrap() = value.clone();
        for mut request in [
            json!({"type": "view", "q": null, "landscape": "coarse"}),
            json!({"type": "config"}),
            json!({"type": "run"}),
            json!({"type": "figure", "format": "svg"}),
        ] {
            request["id"] = json!(3);
            request["state"] = state.clone();
            let answer = page.ask(&request);
            assert_eq!(
                (&answer["type"], &answer["id"]),
                (&json!("error"), &json!(3)),
                "{path} {value}"
            );
            assert!(!answer["help"].as_str().unwrap().is_empty());
        }
    }
    // A range that no density is in is an answer too.
    page.state["landscape"]["ranges"] = json!([[-5.0, 5.0], [-2.0, -1.0]]);
    let view =
        json!({"type": "view", "id": 3, "state": page.state, "q": null, "landscape": "coarse"});
    assert_eq!(page.ask(&view)["type"], "error");
    page.state = good;
    page.view(&Value::Null, "coarse");
    // Too long a message ends this page and no other.
    let mut other = server.page();
    page.socket.send(Message::text("x".repeat(1 << 20))).ok();
    assert!((0..3).any(|_| page.socket.read().is_err()));
    other.view(&Value::Null, "none");
}

#[test]
fn pages_come_and_go() {
    let server = Running::new(Opening::default());
    let mut pages: Vec<Page> = (0..10).map(|_| server.page()).collect();
    for page in &mut pages {
        page.say(&json!({"type": "run", "id": 1, "state": page.state}));
    }
    for page in &mut pages {
        assert_eq!(page.hear()["type"], "progress");
    }
    // Closed in the middle of a fit.
    pages.truncate(2);
    pages[1].view_among_news();
    let more: Vec<Page> = (0..10).map(|_| server.page()).collect();
    assert_eq!(more.len(), 10);
    let too_many: Vec<_> = (0..10).map(|_| connect(server.socket())).collect();
    assert!(too_many.iter().any(Result::is_err));
}

impl Page {
    fn view_among_news(&mut self) {
        self.say(
            &json!({"type": "view", "id": 2, "state": self.state, "q": null, "landscape": "none"}),
        );
        while self.hear()["type"] != "view" {}
    }
}

#[test]
fn two_dimensions_and_figures() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/plane.toml");
    let server = Running::new(Opening::read(&path).unwrap());
    let mut page = server.page();
    assert_eq!(page.state["dim"], 2);
    let view = page.view(&Value::Null, "coarse");
    let (x, p) = (&view["densities"]["x"], &view["densities"]["p"]);
    assert_eq!(
        p.as_array().unwrap().len(),
        x.as_array().unwrap().len().pow(2)
    );
    assert!(view["values"][0]["value"].as_f64().unwrap() > 0.0);
    let saved = page.ask(&json!({"type": "config", "id": 9, "state": page.state}));
    let text = saved["toml"].as_str().unwrap();
    Experiment::parse(Path::new("explored.toml"), text, Vec::new()).unwrap();
    let figure =
        page.ask(&json!({"type": "figure", "id": 4, "state": page.state, "format": "png"}));
    let data = figure["data"].as_str().unwrap();
    // What every PNG begins with, in base64.
    assert!(data.starts_with("iVBORw0KGgo"), "{}", &data[..20]);
}

#[test]
fn figures_show_what_is_on_screen() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    let svg = |page: &mut Page, shown: Value| -> String {
        let figure = json!({"type": "figure", "id": 4, "state": page.state, "shown": shown, "format": "svg"});
        let answer = page.ask(&figure);
        let data = answer["data"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"));
        String::from_utf8(BASE64.decode(data.as_bytes()).unwrap()).unwrap()
    };
    let bare = svg(&mut page, json!({}));
    for text in [
        "Densities",
        "Integrands",
        "p log(p/q)",
        "KL(p‖q)",
        "KL(q‖p)",
        "target p",
    ] {
        assert!(bare.contains(text), "{text}");
    }
    assert!(!bare.contains("way of a fit"));
    let fit = |title: &str, divergence: &str| {
        json!({"title": title, "divergence": divergence, "q": gaussian(3.0, 1.0), "others": [gaussian(-3.0, 1.0)],
               "path": [[1.0, 1.5], [2.0, 1.2], [3.0, 1.0]], "paths": [[[0.0, 2.0], [-3.0, 1.0]]]})
    };
    let fits = json!([
        fit("forward & <KL>", "forward-kl"),
        fit("reverse KL", "reverse-kl")
    ]);
    let whole = svg(&mut page, json!({"q": gaussian(3.0, 1.0), "fits": fits}));
    for text in [
        "way of a fit",
        "where other runs ended",
        "reverse KL",
        "forward &amp; &lt;KL&gt;",
        "best optimum",
    ] {
        assert!(whole.contains(text), "{text}");
    }
    assert!(
        whole.len() > bare.len() + 2000,
        "{} {}",
        whole.len(),
        bare.len()
    );
    // What cannot be drawn is refused, as a state is.
    let many: Vec<Value> = (0..13).map(|_| fit("a", "js")).collect();
    for shown in [
        json!({"fits": many}),
        json!({"q": gaussian(0.0, -1.0)}),
        json!({"fits": [{"title": "a"}]}),
    ] {
        let figure = json!({"type": "figure", "id": 4, "state": page.state, "shown": shown, "format": "svg"});
        assert_eq!(page.ask(&figure)["type"], "error", "{shown}");
    }
}

#[test]
fn what_cannot_be_explored_is_refused() {
    for name in ["iris", "heavy-tails", "five-dimensions"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("configs/{name}.toml"));
        assert!(Opening::read(&path).is_err(), "{name}");
    }
    assert!(Opening::read(Path::new("no such file")).is_err());
}

#[test]
fn a_link_opens_in_any_klfit() {
    let first = Running::new(Opening::default());
    let mut state = first.page().state;
    state["q"] = gaussian(-1.25, 0.75);
    state["target"]["means"] = json!([[-2.0], [2.5]]);
    let part = BASE64URL_NOPAD.encode(state.to_string().as_bytes());
    for link in [
        format!("{}#{part}", first.url),
        format!("#{part}"),
        part.clone(),
    ] {
        let server = Running::new(Opening::read(Path::new(&link)).unwrap());
        assert_eq!(server.page().state, state, "{link}");
        assert!(server.url.ends_with('/'), "{}", server.url);
    }
    // A lesson's link is one too; the page itself knows what to show.
    let lesson = Running::new(Opening::read(Path::new("http://127.0.0.1:1/2/#lesson-3")).unwrap());
    assert!(lesson.url.ends_with("/#lesson-3"), "{}", lesson.url);
    let mut old = state;
    old["version"] = json!(1);
    let old = BASE64URL_NOPAD.encode(old.to_string().as_bytes());
    for (link, what, help) in [
        (
            format!("{}#", first.url),
            "nothing follows the #",
            "whole address",
        ),
        (
            format!("#{}", &part[..part.len() / 2]),
            "the link is not whole",
            "whole address",
        ),
        (
            format!("#{part}x"),
            "the link is not whole",
            "whole address",
        ),
        (
            "#lesson-99".to_owned(),
            "the link is not whole",
            "whole address",
        ),
        (
            old,
            "the link is of version 1, not 2",
            "take a link from a page of this klfit",
        ),
    ] {
        let error = Opening::read(Path::new(&link)).unwrap_err();
        assert!(error.to_string().contains(what), "{link}: {error}");
        let said = error.help().unwrap_or_default();
        assert!(said.contains(help), "{link}: {said}");
    }
}

#[test]
fn integrals_up_to_x_end_at_the_values() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    page.state["axes"]["x"] = json!([-60.0, 60.0]);
    let spike = json!({"weights": [0.3, 0.7], "means": [[0.0], [1.0]], "stds": [[0.01], [2.0]], "correlations": [0.0, 0.0]});
    let target = page.state["target"].clone();
    for (p, q) in [
        (&target, gaussian(1.5, 0.6)),
        (&target, gaussian(0.0, 3.2)),
        (&spike, gaussian(0.5, 1.0)),
    ] {
        page.state["target"] = p.clone();
        let ask = |totals: bool| json!({"type": "view", "id": 7, "state": page.state, "q": q, "landscape": "none", "totals": totals});
        let (with, without) = (ask(true), ask(false));
        let view = page.ask(&with);
        let curves = view["densities"]["integrands"].as_array().unwrap();
        for (curve, value) in curves.iter().zip(view["values"].as_array().unwrap()) {
            let totals: Vec<f64> = curve["totals"]
                .as_array()
                .unwrap()
                .iter()
                .map(number)
                .collect();
            let (end, value) = (totals[totals.len() - 1], number(&value["value"]));
            assert!((end - value).abs() < 2e-6 * value, "{end} {value}");
            assert_eq!((totals[0], totals.len()), (0.0, 401));
            // It rises where the integrand is positive, and falls where it is not.
            let values: Vec<f64> = curve["values"]
                .as_array()
                .unwrap()
                .iter()
                .map(number)
                .collect();
            let most = values.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            for i in 1..400 {
                let [before, here, after] = [values[i - 1], values[i], values[i + 1]];
                if before.min(here).min(after) > 0.05 * most {
                    assert!(totals[i + 1] > totals[i], "{i}");
                }
            }
        }
        let view = page.ask(&without);
        assert!(view["densities"]["integrands"][0]["totals"].is_null());
    }
}

#[test]
fn one_path_leads_from_reverse_to_forward() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    let morph = |page: &mut Page, q: Value| {
        let morph = page.ask(&json!({"type": "morph", "id": 5, "state": page.state, "q": q}));
        assert_eq!(
            (&morph["type"], &morph["id"]),
            (&json!("morph"), &json!(5)),
            "{morph}"
        );
        morph
    };
    let of = |stop: &Value| [&stop["q"]["means"][0][0], &stop["q"]["stds"][0][0]].map(number);
    let near = |found: [f64; 2], expected: [f64; 2]| {
        found
            .iter()
            .zip(expected)
            .all(|(a, b)| (a - b).abs() < 1e-4)
    };
    // From a bump the optimum ends on the way, and q jumps to the one that covers both.
    let path = morph(&mut page, Value::Null);
    let stops = path["stops"].as_array().unwrap();
    let (first, last) = (&stops[0], &stops[stops.len() - 1]);
    assert_eq!(
        (number(&first["alpha"]), number(&last["alpha"])),
        (0.0, 1.0)
    );
    assert!(near(of(first), [2.984_306, 1.023_368_6]), "{first}");
    assert!(near(of(last), [0.0, 3.162_277_7]), "{last}");
    assert!(
        (number(&first["value"]) - 0.688_769).abs() < 1e-6,
        "{first}"
    );
    assert!(
        (number(&last["value"]) - 0.461_994_6).abs() < 1e-6,
        "{last}"
    );
    let jumps = path["jumps"].as_array().unwrap();
    assert_eq!(jumps.len(), 1, "{jumps:?}");
    let [left, right] = ["left", "right"].map(|side| number(&jumps[0][side]));
    assert!(
        0.0 < left && left < right && right < 1.0 && right - left < 1e-3,
        "{left} {right}"
    );
    for stop in stops {
        let is_before = number(&stop["alpha"]) <= left;
        assert_eq!(of(stop)[0].abs() > 1.0, is_before, "{stop}");
    }
    // Over both it moves without one, symmetric all the way and wider and wider; each stop is an optimum.
    let path = morph(&mut page, gaussian(0.0, 2.5));
    assert_eq!(path["jumps"], json!([]));
    let stops = path["stops"].as_array().unwrap();
    let stds: Vec<f64> = stops.iter().map(|stop| of(stop)[1]).collect();
    assert!(
        stds.is_sorted() && (stds[0] - 2.743_769_3).abs() < 1e-4,
        "{stds:?}"
    );
    let middle = &stops[stops.len() / 2];
    assert_eq!(number(&middle["alpha"]), 0.5);
    let mut text = page.ask(&json!({"type": "config", "id": 9, "state": page.state}))["toml"]
        .as_str()
        .unwrap()
        .to_owned();
    text = text
        .split("[[fit]]")
        .next()
        .unwrap()
        .replace("1.5", "0.0")
        .replace("0.6", "2.5");
    text += "[[fit]]\ndivergence = \"alpha\"\nalpha = 0.5\n";
    let summary = run_text(&text).summary;
    let best = summary.fits[0].best.as_ref().unwrap();
    let value = best.divergences.estimate(summary.fits[0].divergence).value;
    assert!(
        (number(&middle["value"]) - value).abs() < 1e-7,
        "{middle} {value}"
    );
    // What makes no sense is refused.
    page.state["q"]["stds"] = json!([[0.0]]);
    let refused = page.ask(&json!({"type": "morph", "id": 5, "state": page.state, "q": null}));
    assert_eq!(refused["type"], "error");
}

#[test]
fn draws_push_as_the_first_step_of_a_fit_does() {
    const RATE: f64 = 0.01;
    const DRAWS: usize = 16;
    let server = Running::new(Opening::default());
    let mut page = server.page();
    let (mean, std) = (1.25, 0.8);
    page.state["q"] = gaussian(mean, std);
    page.state["target"]["weights"] = json!([0.3, 0.7]);
    page.state["optimizer"] = json!({"type": "sgd", "learning_rate": RATE, "steps": 10});
    let rules = ["pathwise", "score-function", "sticking-the-landing"];
    let fit = |n: usize, estimator: Value| json!({"id": format!("reverse-kl-n{n}"), "divergence": "reverse-kl", "estimator": estimator});
    let mut fits: Vec<Value> = (rules.iter().enumerate())
        .map(|(n, rule)| {
            fit(
                n,
                json!({"type": "monte-carlo", "gradient": rule, "samples": DRAWS}),
            )
        })
        .collect();
    fits.push(fit(3, json!({"type": "quadrature"})));
    page.state["fits"] = json!(fits);
    page.say(&json!({"type": "run", "id": 1, "state": page.state, "paused": true}));
    page.hear();
    let news = page.ask(&json!({"type": "step"}));
    page.say(&json!({"type": "stop"}));
    page.say(&json!({"type": "draws", "id": 4, "state": page.state, "q": null, "count": DRAWS}));
    let drawn = loop {
        let reply = page.hear();
        if reply["type"] == "draws" {
            break reply;
        }
    };
    assert_eq!(drawn["x"].as_array().unwrap().len(), DRAWS);
    // A step goes down the gradient by μ and by log σ.
    let pushed = |fit: usize| {
        let q = &news["fits"][fit]["q"];
        let [to, wide] = [&q["means"][0][0], &q["stds"][0][0]].map(number);
        [(to - mean) / RATE, (wide / std).ln() / RATE / std]
    };
    let alike = |push: &Value, expected: [f64; 2], what: &str| {
        for (push, expected) in push.as_array().unwrap().iter().map(number).zip(expected) {
            assert!(
                (push - expected).abs() < 1e-6 * expected.abs().max(1.0),
                "{what}: {push} {expected}"
            );
        }
    };
    for (at, rule) in rules.into_iter().enumerate() {
        let one = &drawn["rules"][at];
        assert_eq!(one["gradient"], rule);
        let means = one["means"].as_array().unwrap();
        let counts: Vec<u64> = means
            .iter()
            .map(|mean| mean["draws"].as_u64().unwrap())
            .collect();
        assert_eq!(counts, [2, 4, 8, 16]);
        alike(&means[3]["mean"], pushed(at), rule);
        // The mean is that of the pushes of all draws.
        let pushes = one["pushes"].as_array().unwrap();
        let sum: f64 = pushes.iter().map(|push| number(&push[0])).sum();
        assert!((sum / DRAWS as f64 - number(&means[3]["mean"][0])).abs() < 1e-9);
    }
    alike(&drawn["exact"], pushed(3), "quadrature");
    // Of many draws each rule comes to the same, as near as it says, and by the score function least surely.
    let many = page.ask(
        &json!({"type": "draws", "id": 4, "state": page.state, "q": null, "count": 1024, "set": 7}),
    );
    let mut errors = Vec::new();
    for rule in many["rules"].as_array().unwrap() {
        let last = rule["means"].as_array().unwrap().last().unwrap();
        for i in 0..2 {
            let [mean, error] = ["mean", "error"].map(|what| number(&last[what][i]));
            assert!(
                (mean - number(&many["exact"][i])).abs() < 4.5 * error,
                "{rule}"
            );
        }
        errors.push(number(&last["error"][0]));
    }
    assert!(errors[1] > errors[0], "{errors:?}");
    // At an optimum that is p itself nothing is left to chance by sticking the landing.
    page.state["target"] = gaussian(mean, std);
    let still =
        page.ask(&json!({"type": "draws", "id": 4, "state": page.state, "q": null, "count": 8}));
    let landing = still["rules"][2]["pushes"].as_array().unwrap();
    assert!(
        landing.iter().all(|push| number(&push[0]).abs() < 1e-9),
        "{landing:?}"
    );
    assert!(
        still["rules"][0]["pushes"]
            .as_array()
            .unwrap()
            .iter()
            .any(|push| number(&push[0]).abs() > 0.1)
    );
    for (count, q) in [
        (1, Value::Null),
        (2000, Value::Null),
        (8, gaussian(0.0, -1.0)),
    ] {
        let refused = page
            .ask(&json!({"type": "draws", "id": 4, "state": page.state, "q": q, "count": count}));
        assert_eq!(refused["type"], "error", "{count}");
    }
}

#[test]
fn the_page_that_plays_recordings_is_one_file() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    let player = page.ask(&json!({"type": "player", "id": 3}));
    assert_eq!(
        (&player["type"], &player["id"], &player["name"]),
        (&json!("player"), &json!(3), &json!("explored.html"))
    );
    let html = player["html"].as_str().unwrap();
    assert_eq!(html.matches("/* recording */").count(), 1);
    // Nothing is loaded, from here or elsewhere.
    let is_other = |line: &&str| line.contains("/** @import") || line.contains("www.w3.org");
    for text in [
        "src=\"",
        "stylesheet",
        "http:",
        "https:",
        "WebSocket",
        "import ",
    ] {
        let mut lines = html.lines().filter(|line| !is_other(line));
        assert_eq!(lines.find(|line| line.contains(text)), None);
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn a_page_that_says_too_much_waits() {
    let server = Running::new(Opening::default());
    let mut page = server.page();
    let started = Instant::now();
    const MESSAGES: u32 = 100;
    for _ in 0..MESSAGES {
        page.socket.send(Message::text("?")).unwrap();
    }
    for _ in 0..MESSAGES {
        assert_eq!(page.hear()["type"], "error");
    }
    // No more than 250 a second, but for the first two, which had been waited for; the clock counts
    // in milliseconds.
    assert!(started.elapsed() >= Duration::from_millis(4) * (MESSAGES - 3));
}
