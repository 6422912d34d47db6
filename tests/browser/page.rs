//! The page as a person sees it, and the program that serves it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::{Value, json};

use crate::webdriver::{Browser, CONTROL, NO_KEY, send_signal, wait};

/// Runs the program, and gives what it printed.
pub fn klfit<S: AsRef<OsStr>>(arguments: &[S]) -> String {
    let output = (Command::new(env!("CARGO_BIN_EXE_klfit")).args(arguments))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let error_report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error_report}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a config into a folder, and gives the summary.
pub fn run(config: &Path, folder: &Path) -> Value {
    let [config, folder] = [config, folder].map(Path::as_os_str);
    klfit(&["run".as_ref(), config, "--out".as_ref(), folder]);
    let summary = fs::read_to_string(Path::new(folder).join("summary.json")).unwrap();
    serde_json::from_str(&summary).unwrap()
}

/// `klfit explore` on a free port; it ends when this is dropped.
pub struct Server {
    process: Child,
    pub url: String,
    /// Kept open, as a terminal would be.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// For a config or the folder of a run; for nothing, as a person begins.
    pub fn start(path: Option<&Path>) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_klfit"))
            .args(["explore", "--no-open", "--quiet"])
            .args(path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut url = String::new();
        let read = output.read_line(&mut url);
        let server = Self {
            process,
            url: url.trim_end().to_owned(),
            _output: output,
        };
        assert!(
            read.is_ok() && server.url.starts_with("http://127.0.0.1:"),
            "{url:?}"
        );
        server
    }

    /// Presses Ctrl-C, and waits for the end.
    pub fn interrupt(&mut self) -> ExitStatus {
        send_signal("INT", self.process.id());
        wait("the server ends after Ctrl-C", || {
            self.process.try_wait().unwrap().ok_or("it runs".to_owned())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Takes notes of what goes over the page's connections, and lets answers wait for `notes.delay` ms.
const NOTES: &str = "
    window.notes = { sockets: [], sent: [], heard: [], delay: 0 };
    window.WebSocket = class extends WebSocket {
      constructor(url) {
        super(url);
        notes.sockets.push(String(url));
        super.addEventListener('message', ({ data }) => {
          const { type, id, values } = JSON.parse(data);
          if (type === 'view') notes.heard.push({ id, values, underWay: notes.sent.length - notes.heard.length });
        });
      }
      addEventListener(type, listener) {
        const late = (event) => notes.delay > 0 ? setTimeout(listener, notes.delay, event) : listener(event);
        super.addEventListener(type, type === 'message' ? late : listener);
      }
      send(text) {
        const { type, id, state } = JSON.parse(text);
        if (type === 'view') notes.sent.push({ id, q: state.q });
        super.send(text);
      }
    };";

/// What the page calls a thing.
pub fn named(name: &str) -> String {
    format!("[data-test=\"{name}\"]")
}

/// The tab of a browser that shows the page.
pub struct Page<'a> {
    pub browser: &'a Browser,
}

impl<'a> Page<'a> {
    /// Loads a page and waits until it shows numbers.
    pub fn open(browser: &'a Browser, url: &str) -> Self {
        let notes = json!({"source": NOTES});
        browser.tools("Page.addScriptToEvaluateOnNewDocument", &notes);
        browser.post("/url", &json!({"url": url}));
        let page = Self { browser };
        page.wait_for_text("status", "Ready");
        page.values();
        page
    }

    fn ask(&self, name: &str, expression: &str) -> Value {
        let script =
            format!("const it = document.querySelector(arguments[0]); return {expression};");
        self.browser.script(&script, &[json!(named(name))])
    }

    pub fn text(&self, name: &str) -> String {
        let text = self.ask(name, "it ? it.textContent : null");
        text.as_str().unwrap_or("nothing").to_owned()
    }

    pub fn wait_for_text(&self, name: &str, wanted: &str) {
        wait(&format!("{name} should be {wanted:?}"), || {
            match self.text(name) {
                text if text == wanted => Ok(()),
                text => Err(format!("it is {text:?}")),
            }
        });
    }

    /// The number in a field.
    pub fn field(&self, name: &str) -> f64 {
        let number = self.ask(name, "Number(it.value)");
        number
            .as_f64()
            .unwrap_or_else(|| panic!("{name} has no number"))
    }

    pub fn wait_for_field(&self, name: &str, wanted: f64) {
        wait(&format!("{name} should be {wanted}"), || {
            match self.field(name) {
                number if number == wanted => Ok(()),
                number => Err(format!("it is {number}")),
            }
        });
    }

    pub fn is_enabled(&self, name: &str) -> bool {
        self.ask(name, "!it.disabled").as_bool().unwrap()
    }

    /// What a function body returns in the page.
    pub fn script(&self, body: &str) -> Value {
        self.browser.script(body, &[])
    }

    /// Waits until an expression holds in the page.
    pub fn wait_until(&self, expression: &str) {
        wait(expression, || {
            match self.script(&format!("return Boolean({expression});")) == true {
                true => Ok(()),
                false => Err("it does not".to_owned()),
            }
        });
    }

    /// As fast as it goes.
    pub fn hurry(&self) {
        self.script(
            "const it = document.getElementById('speed');
             it.value = it.max;
             it.dispatchEvent(new Event('input'));",
        );
    }

    /// Notes what is written on canvases from here on, with where it begins.
    pub fn note_texts(&self) {
        self.script(
            "window.texts = [];
             const own = CanvasRenderingContext2D.prototype.fillText;
             CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
                 const { width } = this.measureText(text);
                 const part = { left: 0, center: 0.5, right: 1 }[this.textAlign] ?? 0;
                 texts.push([text, x - part * width]);
                 own.call(this, text, x, y);
             };",
        );
    }

    /// Whether a text has been written since, and whether all of it is on the canvas, to the left.
    pub fn has_drawn(&self, text: &str) -> Result<(), String> {
        let list = self.script("return texts;");
        let mut list = list.as_array().unwrap().iter();
        let found = list.rfind(|one| one[0] == text);
        match found.map(|one| one[1].as_f64().unwrap()) {
            Some(left) if left >= 0.0 => Ok(()),
            Some(left) => Err(format!("{text} begins at {left}")),
            None => Err(format!("{text} is not written")),
        }
    }

    pub fn run_to_the_end(&self) {
        // What it says of the fits before is not of these.
        self.script("document.getElementById('status').textContent = '';");
        self.click("run");
        self.wait_for_text("status", "Done");
    }

    pub fn click(&self, name: &str) {
        self.browser.click(&named(name));
    }

    pub fn choose(&self, name: &str, option: &str) {
        self.browser
            .click(&format!("{} option[value=\"{option}\"]", named(name)));
    }

    /// Replaces the number in a field by another.
    pub fn fill(&self, name: &str, number: &str) {
        self.browser
            .type_into(&named(name), &format!("{CONTROL}a{NO_KEY}{number}"));
        self.wait_for_field(name, number.parse().unwrap());
    }

    /// The mean and the standard deviation of the q that is shown.
    pub fn q(&self) -> [f64; 2] {
        ["q-mean", "q-std"].map(|name| self.field(name))
    }

    /// Left, top, width and height in the window of an element, after scrolling to it.
    pub fn place(&self, css: &str) -> [f64; 4] {
        let script = "const it = document.querySelector(arguments[0]);
            it.scrollIntoView({ block: 'center' });
            const { left, top, width, height } = it.getBoundingClientRect();
            return [left, top, width, height];";
        self.browser.wait_for(css);
        let place = self.browser.script(script, &[json!(css)]);
        [0, 1, 2, 3].map(|i| place[i].as_f64().unwrap())
    }

    pub fn middle(&self, css: &str) -> [f64; 2] {
        let [left, top, width, height] = self.place(css);
        [left + width / 2.0, top + height / 2.0]
    }

    /// The steps taken, as the words beside the buttons have them.
    pub fn step(&self) -> usize {
        let text = self.text("status-step");
        let number = text
            .strip_prefix("step ")
            .and_then(|rest| rest.split(' ').next());
        number
            .and_then(|n| n.parse().ok())
            .unwrap_or_else(|| panic!("no step in {text:?}"))
    }

    /// Both KLs, as they are written.
    pub fn values(&self) -> [String; 2] {
        ["value-forward-kl", "value-reverse-kl"].map(|name| {
            wait(name, || match self.text(name) {
                text if text.contains('.') => Ok(text),
                text => Err(text),
            })
        })
    }

    /// Waits until both KLs have numbers.
    pub fn expect_finite_values(&self) {
        _ = self.values();
    }

    /// Waits until the values and their brackets are those of the calculator for the densities
    /// whose numbers are shown.
    pub fn expect_calculated_values(&self) {
        let expected = Numbers::of(self).divergences();
        let divergences = ["forward-kl", "reverse-kl"];
        for (name, expected) in divergences.into_iter().zip(expected) {
            self.expect_value(name, expected);
        }
    }

    /// Waits until a value is this number rounded, and its bracket holds it.
    pub fn expect_value(&self, divergence: &str, expected: f64) {
        wait(&format!("{divergence} should be {expected}"), || {
            let text = self.text(&format!("value-{divergence}"));
            let bracket = self.text(&format!("bracket-{divergence}"));
            let bounds = bracket.trim_matches(['[', ']']).split_once(", ");
            let is_within = bounds.is_some_and(|(low, high)| {
                number(low).is_some_and(|low| low <= expected)
                    && number(high).is_some_and(|high| expected <= high)
            });
            match is_rounded(&text, expected) && is_within {
                true => Ok(()),
                false => Err(format!("it is {text}, within {bracket}")),
            }
        });
    }
}

/// The densities whose numbers are in the fields.
#[derive(Debug, PartialEq)]
pub struct Numbers {
    pub weights: Vec<f64>,
    pub means: Vec<f64>,
    pub stds: Vec<f64>,
    pub q: [f64; 2],
}

impl Numbers {
    pub fn of(page: &Page) -> Self {
        let of = |what: &str| [0, 1].map(|k| page.field(&format!("p{k}-{what}"))).to_vec();
        Self {
            weights: of("weight"),
            means: of("mean"),
            stds: of("std"),
            q: page.q(),
        }
    }

    /// Both KLs, by the calculator of the command line.
    pub fn divergences(&self) -> [f64; 2] {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, weights: &[f64], means: &[f64], stds: &[f64]| -> PathBuf {
            let rows = |numbers: &[f64]| numbers.iter().map(|&x| vec![x]).collect::<Vec<_>>();
            let (means, stds) = (rows(means), rows(stds));
            let text = format!("weights = {weights:?}\nmeans = {means:?}\nstds = {stds:?}\n");
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let p = write("p.toml", &self.weights, &self.means, &self.stds);
        let q = write("q.toml", &[1.0], &self.q[..1], &self.q[1..]);
        let answer = klfit(&[
            "divergence".as_ref(),
            p.as_os_str(),
            q.as_os_str(),
            "--json".as_ref(),
        ]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        [(0, "forward-kl"), (1, "reverse-kl")].map(|(i, name)| {
            assert_eq!(answer["answers"][i]["divergence"], name);
            answer["answers"][i]["value"].as_f64().unwrap()
        })
    }
}

/// A number as the page writes it.
pub fn number(text: &str) -> Option<f64> {
    text.replace('−', "-").parse().ok()
}

/// Whether a text is a number rounded to its decimals, of at least six digits.
pub fn is_rounded(text: &str, exact: f64) -> bool {
    let decimals = text.split('.').nth(1).map_or(0, str::len);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let half = 0.5 * 10f64.powi(-(decimals as i32));
    digits >= 6 && number(text).is_some_and(|shown| (shown - exact).abs() <= 1.0001 * half)
}

/// A number with the six digits that a field shows of it.
pub fn six_digits(x: f64) -> f64 {
    format!("{x:.5e}").parse().unwrap()
}
