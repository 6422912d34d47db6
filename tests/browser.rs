//! `klfit explore` as a person meets it: the program, and its page in a browser.
//!
//! `cargo test --test browser -- --ignored` runs these with chromium and chromedriver.

#[path = "browser/fits.rs"]
mod fits;
#[path = "browser/looks.rs"]
mod looks;
#[path = "browser/page.rs"]
mod page;
#[path = "browser/panels.rs"]
mod panels;
#[path = "browser/saved.rs"]
mod saved;
#[path = "browser/teach.rs"]
mod teach;
#[path = "browser/webdriver.rs"]
mod webdriver;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;

use page::{Numbers, Page, Server, is_rounded, named};
use webdriver::{Browser, CONTROL, ENTER, ESCAPE, LEFT, NO_KEY, RIGHT, SHIFT, TAB, wait};

/// Two bumps that one Gaussian cannot be, and a start.
const TWO_BUMPS: &str = r#"
name = "two-bumps"

[target]
weights = [0.5, 0.5]
means = [[-3.0], [3.0]]
stds = [[1.0], [1.0]]

[init]
weights = [1.0]
means = [[1.0]]
stds = [[1.5]]

[optimizer]
type = "adam"
learning_rate = 0.05
steps = 600

[[fit]]
divergence = "forward-kl"

[[fit]]
divergence = "reverse-kl"
"#;

/// One test at a time: a browser takes all the machine.
static TURN: Mutex<()> = Mutex::new(());

/// A browser, a server and a folder for files, which all end with the test.
struct Stage {
    browser: Browser,
    server: Server,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Stage {
    /// The page for a config.
    fn new(config: &str) -> Self {
        Self::with(|folder| write(folder, "two-bumps.toml", config))
    }

    /// The page for what `prepare` leaves in a folder.
    fn with(prepare: impl FnOnce(&Path) -> PathBuf) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let path = prepare(folder.path());
        Self {
            browser: Browser::open(),
            server: Server::start(Some(&path)),
            folder,
            _turn: turn,
        }
    }

    /// The page as it is without a config.
    fn plain() -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            browser: Browser::open(),
            server: Server::start(None),
            folder: tempfile::tempdir().unwrap(),
            _turn: turn,
        }
    }

    fn page(&self) -> Page<'_> {
        Page::open(&self.browser, &self.server.url)
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

fn short(steps: usize) -> String {
    TWO_BUMPS.replace("steps = 600", &format!("steps = {steps}"))
}

fn strings(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap()).collect()
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_page_loads_alone_and_says_what_is_what() {
    let stage = Stage::new(TWO_BUMPS);
    let (page, browser) = (stage.page(), &stage.browser);
    assert_eq!(browser.get("/title"), "klfit explore");
    for text in [
        "Target p",
        "Approximation q",
        "forward KL",
        "reverse KL",
        "KL(p‖q)",
        "KL(q‖p)",
    ] {
        let is_there = "return document.body.innerText.includes(arguments[0]);";
        assert_eq!(browser.script(is_there, &[json!(text)]), true, "{text}");
    }
    assert_eq!(
        Numbers::of(&page),
        Numbers {
            weights: vec![0.5, 0.5],
            means: vec![-3.0, 3.0],
            stds: vec![1.0, 1.0],
            q: [1.0, 1.5],
        }
    );
    page.expect_calculated_values();
    // Whatever can be operated has a name for who cannot see it.
    let visible = "return [...document.querySelectorAll('button, input, select, [role=slider]')]
        .filter((it) => it.offsetParent !== null && it.checkVisibility());";
    let visible = browser.script(visible, &[]);
    let elements = visible.as_array().unwrap();
    assert!(elements.len() > 40, "{}", elements.len());
    for element in elements {
        let reference = element.as_object().unwrap().values().next().unwrap();
        let label = browser.get(&format!(
            "/element/{}/computedlabel",
            reference.as_str().unwrap()
        ));
        let html = "return arguments[0].outerHTML;";
        let html = || browser.script(html, std::slice::from_ref(element));
        assert!(!label.as_str().unwrap().is_empty(), "{}", html());
    }
    // Every picture has something on it.
    let colors = "const shown = [...document.querySelectorAll('canvas')].filter((it) => it.checkVisibility());
      return shown.map((canvas) => {
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
    });";
    wait("drawn canvases", || {
        let colors = browser.script(colors, &[]);
        let counts: Vec<_> = colors
            .as_array()
            .unwrap()
            .iter()
            .map(Value::as_u64)
            .collect();
        let are_drawn = counts.len() == 4 && counts.iter().all(|&count| count > Some(10));
        if are_drawn {
            Ok(())
        } else {
            Err(colors.to_string())
        }
    });
    let loaded = "return performance.getEntriesByType('resource').map((entry) => entry.name);";
    let loaded = browser.script(loaded, &[]);
    let sockets = browser.script("return notes.sockets;", &[]);
    let (loaded, sockets) = (strings(&loaded), strings(&sockets));
    assert!(loaded.len() > 5, "{loaded:?}");
    let own = |name: &&str| name.starts_with(&stage.server.url) || name.starts_with("data:");
    assert!(loaded.iter().all(own), "{loaded:?}");
    let socket = format!("{}socket", stage.server.url.replace("http", "ws"));
    assert_eq!(sockets, [socket]);
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn numbers_follow_what_is_typed_and_dragged() {
    let stage = Stage::new(TWO_BUMPS);
    let (page, browser) = (stage.page(), &stage.browser);
    page.fill("q-mean", "0");
    page.fill("q-std", "3.1622777");
    page.expect_value("forward-kl", 0.461_994_61);
    page.expect_calculated_values();
    page.wait_for_text("value-forward-kl", "0.461995");
    // A number that cannot be changes nothing, is marked, and stays until it is mended.
    browser.type_into(&named("q-std"), &format!("{CONTROL}a{NO_KEY}-1{TAB}"));
    let field = "const it = document.querySelector(arguments[0]);
        return [it.value, it.getAttribute('aria-invalid'), it.title];";
    let seen = browser.script(field, &[json!(named("q-std"))]);
    assert_eq!(
        seen,
        json!([
            "-1",
            "true",
            "This is below 0.01: Escape brings back 3.16228."
        ])
    );
    page.wait_for_text("value-forward-kl", "0.461995");
    browser.type_into(&named("q-std"), &ESCAPE.to_string());
    page.wait_for_field("q-std", 3.16228);

    // From here on the fields show all digits of what they stand for.
    page.fill("q-std", "3.2");
    let drag = |css: &str, by: [f64; 2]| {
        let [x, y] = page.middle(css);
        browser.drag(
            &[[x, y], [x + by[0] / 2.0, y + by[1]], [x + by[0], y + by[1]]],
            40,
        );
    };
    // Handles of q: each changes its own number.
    drag(&named("handle-q-mean"), [120.0, 0.0]);
    let q = page.q();
    assert!(q[0] > 1.0 && q[1] == 3.2, "{q:?}");
    page.expect_calculated_values();
    drag(&named("handle-q-std-right"), [-60.0, 0.0]);
    let narrower = page.q();
    assert!(
        narrower[0] == q[0] && narrower[1] < q[1] - 0.5,
        "{narrower:?}"
    );
    page.expect_calculated_values();
    // A component of the target, to the side and down.
    drag(&named("handle-p0-mean"), [40.0, 30.0]);
    let numbers = Numbers::of(&page);
    assert!(
        numbers.means[0] > -2.5 && numbers.weights[0] < 0.45,
        "{numbers:?}"
    );
    assert!(
        (numbers.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9,
        "{numbers:?}"
    );
    page.expect_calculated_values();
    // A slider, and a press on a landscape.
    let [left, top, width, height] = page.place("#q-std-slider");
    let at = |part: f64| [left + part * width, top + height / 2.0];
    browser.drag(&[at(0.3), at(0.5), at(0.75)], 40);
    let wider = page.q();
    assert!(
        wider[0] == q[0] && wider[1] > narrower[1] + 1.0,
        "{wider:?}"
    );
    page.expect_calculated_values();
    let [x, y] = page.middle(&format!("{} canvas", named("landscape-reverse-kl")));
    browser.drag(&[[x - 50.0, y - 20.0], [x - 60.0, y - 30.0]], 40);
    let pressed = page.q();
    assert!(pressed[0] < 0.0 && pressed[1] != wider[1], "{pressed:?}");
    page.expect_calculated_values();
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_drag_is_followed_to_its_end() {
    let stage = Stage::new(TWO_BUMPS);
    let (page, browser) = (stage.page(), &stage.browser);
    let watch = "window.drawn = [];
        const cell = document.querySelector(arguments[0]);
        new MutationObserver(() => drawn.push(cell.textContent))
            .observe(cell, { childList: true, characterData: true, subtree: true });";
    browser.script(watch, &[json!(named("value-forward-kl"))]);
    // The components of the target, six apart, say how long a unit is.
    let [a, b] = ["p0", "p1"].map(|of| page.middle(&named(&format!("handle-{of}-mean"))));
    let unit = (b[0] - a[0]) / 6.0;
    // To and fro, and to where it has not been before; then with answers so late that the first is
    // under way until the end.
    for (delay, drift, least) in [(0, -2.0, 5), (2000, 3.0, 2)] {
        browser.script(
            "notes.delay = arguments[0]; drawn.length = 0;",
            &[json!(delay)],
        );
        let (mean, [x, y]) = (page.field("q-mean"), page.middle(&named("handle-q-mean")));
        let way = |i: f64| (x + 140.0 * (i / 6.0).sin() + drift * i).round();
        let places: Vec<_> = (0..=40).map(|i| [way(f64::from(i)), y]).collect();
        browser.drag(&places, 25);
        // Numbers are rounded to hundredths, and so are the places of handles.
        let moved = (places[40][0] - places[0][0]) / unit;
        let [end, _] = page.middle(&named("handle-q-mean"));
        assert!((end - x - moved * unit).abs() < 0.006 * unit, "{end}");
        let at = page.field("q-mean");
        assert!(
            (at - mean - moved).abs() < 0.006,
            "{at} is not {mean} + {moved}"
        );
        page.expect_calculated_values();
        expect_nothing_stale(&page);
        // It was followed on the way, and what was drawn last is what is there.
        let drawn = browser.script("return drawn;", &[]);
        let mut drawn = strings(&drawn);
        assert_eq!(drawn[drawn.len() - 1], page.values()[0]);
        drawn.sort_unstable();
        drawn.dedup();
        assert!(drawn.len() >= least, "{drawn:?}");
    }
}

/// Checks that nothing is under way, and that what is shown was answered to the last question, which
/// was about the q that is shown.
fn expect_nothing_stale(page: &Page) {
    let [sent, heard] = wait("an answer to every view", || {
        let notes = page
            .browser
            .script("return [notes.sent, notes.heard];", &[]);
        let [sent, heard] = [0, 1].map(|list| notes[list].as_array().unwrap().clone());
        if sent.len() == heard.len() {
            Ok([sent, heard])
        } else {
            Err(format!("{} of {}", heard.len(), sent.len()))
        }
    });
    let (asked, answered) = (&sent[sent.len() - 1], &heard[heard.len() - 1]);
    assert_eq!(asked["id"], answered["id"]);
    let q = &asked["q"];
    let [mean, std] = page.q();
    assert_eq!(
        [&q["means"][0][0], &q["stds"][0][0]],
        [&json!(mean), &json!(std)]
    );
    let values = answered["values"].as_array().unwrap();
    for (value, text) in values.iter().zip(page.values()) {
        assert!(
            is_rounded(&text, value["value"].as_f64().unwrap()),
            "{text} {value}"
        );
    }
    let is_alone = heard.iter().all(|view| view["underWay"] == 1);
    assert!(is_alone, "more than one view was under way");
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_keyboard_is_enough() {
    let stage = Stage::new(&short(60));
    let (page, browser) = (stage.page(), &stage.browser);
    let go_to = |name: &str| {
        for _ in 0..100 {
            browser.press(&[TAB], &[]);
            let focused = "const it = document.activeElement; return it.dataset.test ?? it.id;";
            if browser.script(focused, &[]) == name {
                return;
            }
        }
        panic!("{name} is not reached with the tab key");
    };
    go_to("run");
    browser.press(&[ENTER], &[]);
    page.wait_for_text("status", "Done");
    page.wait_for_text("status-step", "step 60 of 60");
    go_to("reset");
    browser.press(&[' '], &[]);
    page.wait_for_text("status", "Ready");
    // A handle: a tenth for each press, ten times that with shift.
    go_to("handle-q-mean");
    browser.press(&[RIGHT, RIGHT], &[]);
    page.wait_for_field("q-mean", 1.2);
    browser.press(&[LEFT], &[SHIFT]);
    page.wait_for_field("q-mean", 0.2);
    page.expect_calculated_values();
    // Sliders go to another number with every press.
    for (name, key) in [
        ("q-std", RIGHT),
        ("p0-mean", LEFT),
        ("learning-rate", RIGHT),
        ("steps", LEFT),
    ] {
        go_to(&format!("{name}-slider"));
        for _ in 0..3 {
            let before = page.field(name);
            browser.press(&[key], &[]);
            wait(&format!("the slider of {name} moves"), || {
                match page.field(name) {
                    after if after != before && (after > before) == (key == RIGHT) => Ok(()),
                    after => Err(format!("from {before} to {after}")),
                }
            });
        }
    }
    page.expect_calculated_values();
    page.fill("steps", "60");
    go_to("q-std");
    browser.press(&['2', '.', '5', ENTER], &[]);
    page.wait_for_field("q-std", 2.5);
    page.expect_calculated_values();
    // Round to the buttons again: step and run with the space bar.
    go_to("step");
    browser.press(&[' '], &[]);
    page.wait_for_text("status-step", "step 1 of 60");
    go_to("run");
    browser.press(&[' '], &[]);
    page.wait_for_text("status", "Done");
    page.wait_for_text("status-step", "step 60 of 60");
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_small_screen_holds_it_in_light_and_dark() {
    let stage = Stage::new(&short(60));
    let browser = &stage.browser;
    let screen = json!({"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true});
    browser.tools("Emulation.setDeviceMetricsOverride", &screen);
    for (scheme, is_dark) in [("light", false), ("dark", true)] {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        browser.tools(
            "Emulation.setEmulatedMedia",
            &json!({"features": [feature]}),
        );
        let page = stage.page();
        expect_no_overflow(&page, scheme);
        let ground = "return getComputedStyle(document.body).backgroundColor;";
        let ground = browser.script(ground, &[]);
        let red = ground.as_str().unwrap().split(['(', ',']).nth(1).unwrap();
        let red: u8 = red.parse().unwrap();
        let is_as_said = if is_dark { red < 64 } else { red > 192 };
        assert!(is_as_said, "{scheme}: {ground}");
        page.choose("add-fit", "js");
        page.click("run");
        page.wait_for_text("status", "Done");
        page.fill("q-std", "0.2");
        page.expect_calculated_values();
        expect_no_overflow(&page, scheme);
        browser.click("label[for=dim-2]");
        wait("a plane", || match page.text("q-mean1") {
            text if text == "nothing" => Err(text),
            _ => Ok(()),
        });
        expect_no_overflow(&page, scheme);
        assert_eq!(browser.console(), [""; 0]);
    }
}

fn expect_no_overflow(page: &Page, case: &str) {
    let script = "const wide = [...document.querySelectorAll('body *')].filter((it) =>
            !it.closest('.hidden') && it.getBoundingClientRect().right > 360.5);
        return [document.documentElement.scrollWidth, innerWidth, wide.map((it) => it.outerHTML.slice(0, 80))];";
    let seen = page.browser.script(script, &[]);
    assert!(
        seen[0].as_u64() <= Some(360) && seen[1] == 360,
        "{case}: {seen}"
    );
    assert_eq!(seen[2], json!([]), "{case}");
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn many_pages_come_and_go_and_ctrl_c_ends_the_server() {
    let mut stage = Stage::new(TWO_BUMPS);
    let (browser, url) = (&stage.browser, stage.server.url.clone());
    let tab = || {
        let tab = browser.new_tab();
        Page::open(browser, &url).expect_calculated_values();
        tab
    };
    let mut tabs: Vec<String> = (0..9).map(|_| tab()).collect();
    let other = Browser::open();
    Page::open(&other, &url).click("run");
    // All ten at once, each with a q of its own.
    for (i, tab) in tabs.iter().enumerate() {
        browser.go_to_tab(tab);
        let page = Page { browser };
        page.fill("q-mean", &i.to_string());
        page.expect_calculated_values();
    }
    other.kill();
    for tab in tabs.drain(3..) {
        browser.go_to_tab(&tab);
        browser.close_tab();
    }
    // Their seats are free again: with these more have been taken than there are.
    browser.go_to_tab(&tabs[0]);
    tabs.extend((0..8).map(|_| tab()));
    browser.go_to_tab(&tabs[1]);
    let page = Page { browser };
    page.fill("q-mean", "-2.5");
    page.expect_calculated_values();
    page.click("run");
    page.wait_for_text("status", "Running");
    let status = stage.server.interrupt();
    assert_eq!(status.code(), Some(0), "{status}");
    let banner = "return document.getElementById('banner').hidden;";
    wait("the page says that the server has stopped", || {
        match browser.script(banner, &[]) == false {
            true => Ok(()),
            false => Err("it says nothing".to_owned()),
        }
    });
    page.wait_for_text("status", "Stopped");
}
