//! Fits on the page: run, saved and gone through again.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::page::{Numbers, Page, named, number, run, six_digits};
use crate::webdriver::{END, HOME, LEFT, RIGHT, wait};
use crate::{Stage, TWO_BUMPS, short, write};

/// The one optimum of the forward KL: its mean, its standard deviation and its value.
const FORWARD: [f64; 3] = [0.0, 3.162_277_7, 0.461_994_61];
/// The optima of the reverse KL: on a bump, and over both.
const ON_A_BUMP: [f64; 3] = [2.984_306_0, 1.023_368_6, 0.688_769_00];
const OVER_BOTH: [f64; 3] = [0.0, 2.743_769_3, 0.840_621_43];

/// Shows a fit, and checks that it ended at an optimum.
fn expect_end(page: &Page, fit: &str, [mean, std, value]: [f64; 3]) {
    page.choose("shown-q", fit);
    page.expect_value(fit, value);
    let q = page.q();
    assert!(
        (q[0] - mean).abs() < 1e-5 && (q[1] - std).abs() < 1e-5,
        "{q:?}"
    );
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn fits_run_pause_step_and_reset() {
    let stage = Stage::new(TWO_BUMPS);
    let page = stage.page();
    assert!(!page.is_enabled("pause") && !page.is_enabled("reset"));
    page.click("run");
    page.wait_for_text("status", "Running");
    page.click("pause");
    page.wait_for_text("status", "Paused");
    page.wait_for_text("pause", "Resume");
    // It stays where it is, but for what is asked.
    let step = page.step();
    assert!(step < 600);
    for taken in 1..=3 {
        page.click("step");
        page.wait_for_text("status-step", &format!("step {} of 600", step + taken));
        assert_eq!(page.text("status"), "Paused");
    }
    page.click("pause");
    page.wait_for_text("status", "Done");
    page.wait_for_text("status-step", "step 600 of 600");
    assert!(!page.is_enabled("pause"));
    expect_end(&page, "forward-kl", FORWARD);
    expect_end(&page, "reverse-kl", OVER_BOTH);

    page.click("reset");
    page.wait_for_text("status", "Ready");
    page.wait_for_text("status-step", "");
    assert!(!page.is_enabled("pause") && !page.is_enabled("reset"));
    assert_eq!(page.q(), [1.0, 1.5]);
    page.expect_calculated_values();
    // The first step of Adam moves the mean and the logarithm of the width by the learning rate.
    page.click("step");
    page.wait_for_text("status-step", "step 1 of 600");
    page.wait_for_text("status", "Paused");
    page.choose("shown-q", "forward-kl");
    page.wait_for_field("q-mean", 0.95);
    page.wait_for_field("q-std", six_digits(1.5 * 0.05f64.exp()));
    page.click("reset");
    page.wait_for_text("status", "Ready");

    // From a start on one bump the reverse KL stays there, and the forward KL does not.
    page.fill("q-mean", "2.5");
    page.click("run");
    page.wait_for_text("status", "Done");
    page.wait_for_text("status-step", "step 600 of 600");
    expect_end(&page, "reverse-kl", ON_A_BUMP);
    expect_end(&page, "forward-kl", FORWARD);
    page.choose("shown-q", "own");
    page.wait_for_field("q-mean", 2.5);
    page.expect_calculated_values();
    assert_eq!(stage.browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn what_is_saved_is_what_was_seen() {
    let stage = Stage::new(&short(200));
    let (page, browser) = (stage.page(), &stage.browser);
    for (name, value) in [
        ("p0-mean", "-2.25"),
        ("p1-std", "0.8"),
        ("q-mean", "2.5"),
        ("q-std", "1.25"),
    ] {
        page.fill(name, value);
    }
    page.click("run");
    page.wait_for_text("status", "Done");
    let saved = |button: &str, name: &str| -> Vec<u8> {
        page.click(button);
        let path = browser.downloads().join(name);
        wait(name, || match fs::read(&path) {
            Ok(bytes) if bytes.is_empty() => Err("it is empty".to_owned()),
            read => read.map_err(|error| error.to_string()),
        })
    };

    // The config, run by the program, ends at the same numbers.
    let config = saved("save-config", "explored.toml");
    let config = write(
        stage.folder.path(),
        "again.toml",
        &String::from_utf8(config).unwrap(),
    );
    let summary = run(&config, &stage.folder.path().join("again"));
    let fits = summary["fits"].as_array().unwrap();
    assert_eq!(fits.len(), 2);
    for (fit, name) in fits.iter().zip(["forward-kl", "reverse-kl"]) {
        let best = &fit["best"];
        assert_eq!(
            (&fit["divergence"], &best["steps"]),
            (&json!(name), &json!(200))
        );
        page.choose("shown-q", name);
        let mixture = &best["mixture"];
        page.wait_for_field(
            "q-mean",
            six_digits(mixture["means"][0][0].as_f64().unwrap()),
        );
        page.wait_for_field("q-std", six_digits(mixture["stds"][0][0].as_f64().unwrap()));
        page.expect_value(name, best["divergences"][name]["value"].as_f64().unwrap());
    }
    page.choose("shown-q", "own");
    page.wait_for_field("q-mean", 2.5);

    // The figures are whole.
    let svg = String::from_utf8(saved("save-svg", "explored.svg")).unwrap();
    assert!(
        svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
        "{svg:.80}"
    );
    assert!(svg.contains("KL(p‖q)") && svg.contains("KL(q‖p)"));
    let png = saved("save-png", "explored.png");
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{:?}", &png[..8]);
    assert!(
        png.ends_with(b"IEND\xAE\x42\x60\x82") && png.len() > 10_000,
        "{}",
        png.len()
    );

    // The link brings the page back in another tab.
    let (numbers, values) = (Numbers::of(&page), page.values());
    page.click("copy-link");
    page.wait_for_text("message", "Link copied.");
    let permission = json!({"permissions": ["clipboardReadWrite"]});
    browser.tools("Browser.grantPermissions", &permission);
    let link = browser.script("return navigator.clipboard.readText();", &[]);
    let link = link.as_str().unwrap();
    assert!(
        link.starts_with(&format!("{}#", stage.server.url)),
        "{link}"
    );
    browser.new_tab();
    let again = Page::open(browser, link);
    assert_eq!(Numbers::of(&again), numbers);
    assert_eq!(again.field("steps"), 200.0);
    assert_eq!(again.values(), values);
    again.expect_calculated_values();
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_finished_run_is_gone_through_step_by_step() {
    let random = TWO_BUMPS.replace(
        "[init]\nweights = [1.0]\nmeans = [[1.0]]\nstds = [[1.5]]\n",
        "",
    );
    let random = format!(
        "restarts = 5\n{}",
        random.replace("steps = 600", "steps = 60")
    );
    let mut summary = Value::Null;
    let stage = Stage::with(|folder| {
        let run_folder = folder.join("run");
        summary = run(&write(folder, "random.toml", &random), &run_folder);
        run_folder
    });
    let page = stage.page();
    let fits = summary["fits"].as_array().unwrap();
    assert_eq!(fits.len(), 2);
    for (i, fit) in fits.iter().enumerate() {
        let label = fit["label"].as_str().unwrap();
        let path = stage
            .folder
            .path()
            .join(format!("run/{label}/trajectory.csv"));
        let divergence = fit["divergence"].as_str().unwrap();
        let rows = trajectory(&path, fit["best"]["run"].as_f64().unwrap(), divergence);
        let last = rows.len() - 1;
        assert!(last >= 4 && rows[last][0] == 60.0, "{rows:?}");
        page.choose("shown-q", &format!("run-{i}"));
        for (key, times, at) in [
            (HOME, 0, 0),
            (RIGHT, last / 2, last / 2),
            (END, 0, last),
            (LEFT, 1, last - 1),
        ] {
            let keys: String = match times {
                0 => key.into(),
                times => std::iter::repeat_n(key, times).collect(),
            };
            stage.browser.type_into(&named("scrubber"), &keys);
            let [step, mean, std, value] = rows[at];
            page.wait_for_text("replay-step", &format!("step {step} of 60"));
            page.wait_for_field("q-mean", six_digits(mean));
            page.wait_for_field("q-std", six_digits(std));
            page.expect_value(divergence, value);
        }
    }
    assert_eq!(stage.browser.console(), [""; 0]);
}

/// The steps of one run of a fit: step, mean, standard deviation and divergence.
fn trajectory(path: &Path, run: f64, divergence: &str) -> Vec<[f64; 4]> {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let value = divergence.replace('-', "_");
    let places = ["run", "step", "mean", "std", &value]
        .map(|name| header.iter().position(|&column| column == name).unwrap());
    lines
        .map(|line| places.map(|place| number(line[place]).unwrap()))
        .filter(|row| row[0] == run)
        .map(|[_, rest @ ..]| rest)
        .collect()
}
