//! A browser without a window, driven over the WebDriver protocol.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// The name under which the protocol sends a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// Keys that are no characters, as the protocol writes them.
pub const NO_KEY: char = '\u{E000}';
pub const TAB: char = '\u{E004}';
pub const ENTER: char = '\u{E007}';
pub const SHIFT: char = '\u{E008}';
pub const CONTROL: char = '\u{E009}';
pub const ESCAPE: char = '\u{E00C}';
pub const END: char = '\u{E010}';
pub const HOME: char = '\u{E011}';
pub const LEFT: char = '\u{E012}';
pub const RIGHT: char = '\u{E014}';

/// Asks again and again until there is an answer; an error says what was seen instead.
pub fn wait<T>(what: &str, mut ask: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(seen) => assert!(Instant::now() < deadline, "{what}: {seen}"),
        }
        thread::sleep(POLL);
    }
}

/// One of these programs, wherever it is installed.
fn installed(names: &[&str]) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let files =
        env::split_paths(&path).flat_map(|folder| names.iter().map(move |n| folder.join(n)));
    let found = files.into_iter().find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!(
            "{} is not on the PATH: these tests need the Debian packages chromium and chromium-driver",
            names[0]
        )
    })
}

/// A browser with a profile of its own; it ends when this is dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    process: u64,
    folder: TempDir,
    /// Kept open: the driver may have more to say.
    output: BufReader<ChildStdout>,
}

impl Browser {
    pub fn open() -> Self {
        let chromium = installed(&["chromium", "chromium-browser", "google-chrome"]);
        let mut driver = Command::new(installed(&["chromedriver"]))
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(driver.stdout.take().unwrap());
        let mut browser = Self {
            driver,
            port: 0,
            session: String::new(),
            process: 0,
            folder: tempfile::tempdir().unwrap(),
            output,
        };
        browser.port = (browser.output.by_ref().lines().map_while(Result::ok))
            .find_map(|line| {
                let port = line.split("successfully on port ").nth(1)?;
                port.trim_end_matches('.').parse().ok()
            })
            .expect("chromedriver says which port it listens on");
        let profile = browser.folder.path().join("profile");
        let options = json!({
            "binary": chromium,
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                "--window-size=1280,1000", format!("--user-data-dir={}", profile.display()),
            ],
            "prefs": {"download.default_directory": browser.downloads()},
        });
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let session = browser.exchange("POST", "/session", &wanted).unwrap();
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        browser.process = session["capabilities"]["goog:processID"].as_u64().unwrap();
        browser
    }

    /// Where saved files go.
    pub fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// Ends the browser without giving it a chance to say goodbye to anybody.
    pub fn kill(&self) {
        send_signal("KILL", self.process);
    }

    /// What the driver answers to a command of this session.
    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.exchange(method, &format!("/session/{}{path}", self.session), body)
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let text = if method == "POST" {
            body.to_string()
        } else {
            String::new()
        };
        let answer = http(self.port, method, path, &text).map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        match value["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", value["message"])),
            None => Ok(value),
        }
    }

    pub fn get(&self, path: &str) -> Value {
        let answer = self.command("GET", path, &Value::Null);
        answer.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.command("POST", path, body);
        answer.unwrap_or_else(|error| panic!("POST {path} {body}: {error}"))
    }

    /// A command of the developer tools.
    pub fn tools(&self, command: &str, parameters: &Value) {
        let body = json!({"cmd": command, "params": parameters});
        self.post("/goog/cdp/execute", &body);
    }

    /// What a function body returns in the page.
    pub fn script(&self, body: &str, arguments: &[Value]) -> Value {
        self.post("/execute/sync", &json!({"script": body, "args": arguments}))
    }

    /// Waits until there is an element that a CSS selector names.
    pub fn wait_for(&self, css: &str) {
        wait(css, || self.find(css).map(|_| ()));
    }

    /// The first element that a CSS selector names, if there is one.
    fn find(&self, css: &str) -> Result<String, String> {
        let body = json!({"using": "css selector", "value": css});
        let found = self.command("POST", "/element", &body)?;
        Ok(found[ELEMENT].as_str().unwrap().to_owned())
    }

    /// Does something to an element once it is there; again, where another took its place between the two.
    fn act(&self, css: &str, what: &str, body: &Value) {
        let done = wait(css, || {
            let element = self.find(css)?;
            match self.command("POST", &format!("/element/{element}/{what}"), body) {
                Err(error) if error.starts_with("stale element reference") => Err(error),
                done => Ok(done),
            }
        });
        done.unwrap_or_else(|error| panic!("{what} {css} {body}: {error}"));
    }

    pub fn click(&self, css: &str) {
        self.act(css, "click", &json!({}));
    }

    /// Types into an element; a key such as CONTROL is held down up to NO_KEY.
    pub fn type_into(&self, css: &str, keys: &str) {
        self.act(css, "value", &json!({"text": keys}));
    }

    /// Presses keys one after the other, wherever the focus is; `held` are down all the while.
    pub fn press(&self, keys: &[char], held: &[char]) {
        let action = |kind: &str, key: &char| json!({"type": kind, "value": key});
        let mut actions: Vec<Value> = held.iter().map(|key| action("keyDown", key)).collect();
        for key in keys {
            actions.extend([action("keyDown", key), action("keyUp", key)]);
        }
        actions.extend(held.iter().map(|key| action("keyUp", key)));
        let source = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.post("/actions", &json!({"actions": [source]}));
    }

    /// Presses the mouse at the first of these places, goes through the others, each in so many
    /// milliseconds, and lets go.
    pub fn drag(&self, places: &[[f64; 2]], milliseconds: u64) {
        let to = |[x, y]: [f64; 2], duration: u64| {
            json!({"type": "pointerMove", "duration": duration, "origin": "viewport",
                   "x": x.round(), "y": y.round()})
        };
        let mut actions = vec![
            to(places[0], 0),
            json!({"type": "pointerDown", "button": 0}),
        ];
        actions.extend(places[1..].iter().map(|&place| to(place, milliseconds)));
        actions.push(json!({"type": "pointerUp", "button": 0}));
        let source = json!({"type": "pointer", "id": "mouse", "actions": actions});
        self.post("/actions", &json!({"actions": [source]}));
    }

    /// Moves the mouse to a place, with no button down.
    pub fn hover(&self, [x, y]: [f64; 2]) {
        let to = json!({"type": "pointerMove", "duration": 0, "origin": "viewport",
                        "x": x.round(), "y": y.round()});
        let source = json!({"type": "pointer", "id": "mouse", "actions": [to]});
        self.post("/actions", &json!({"actions": [source]}));
    }

    /// Opens a tab and goes to it.
    pub fn new_tab(&self) -> String {
        let tab = self.post("/window/new", &json!({"type": "tab"}));
        let tab = tab["handle"].as_str().unwrap().to_owned();
        self.go_to_tab(&tab);
        tab
    }

    pub fn go_to_tab(&self, tab: &str) {
        self.post("/window", &json!({"handle": tab}));
    }

    pub fn close_tab(&self) {
        let closed = self.command("DELETE", "/window", &Value::Null);
        closed.unwrap_or_else(|error| panic!("closing a tab: {error}"));
    }

    /// What the page wrote to its console, its errors among it.
    pub fn console(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({"type": "browser"}));
        let entries = log.as_array().unwrap().iter();
        entries
            .map(|entry| format!("{}: {}", entry["level"], entry["message"]))
            .collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let is_closed = self.command("DELETE", "", &Value::Null).is_ok();
        if !is_closed && self.process != 0 {
            self.kill();
        }
        _ = self.driver.kill();
        _ = self.driver.wait();
    }
}

/// Sends a signal to a process.
pub fn send_signal(name: &str, process: impl ToString) {
    let arguments = [format!("-{name}"), process.to_string()];
    let status = Command::new("kill")
        .args(arguments)
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok(), "kill cannot be run");
}

/// One request to a server on this machine, and the body of its answer.
fn http(port: u16, method: &str, path: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(2 * PATIENCE))?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
