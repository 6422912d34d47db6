//! What the page teaches: its first minute, its lessons, its targets to begin with, its words.

use serde_json::Value;

use crate::Stage;
use crate::page::{Page, named};
use crate::webdriver::{CONTROL, ESCAPE, SHIFT, TAB, wait};

/// What is true of reverse KL where it sits on a bump of the first target.
const ON_A_BUMP: f64 = 0.688_769_00;

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_first_run_shows_what_tells_the_two_directions_apart() {
    let stage = Stage::plain();
    let page = stage.page();
    page.run_to_the_end();
    // The values are those of what ran, without a choice.
    assert_eq!(
        page.script("return document.getElementById('shown-q').value;"),
        "reverse-kl"
    );
    page.expect_value("reverse-kl", ON_A_BUMP);
    assert_eq!(page.text("words"), "q sits on one bump");
    assert_eq!(page.text("words-forward-kl"), "covers both bumps");
    assert_eq!(page.text("words-reverse-kl"), "sits on one bump");
    assert_eq!(page.text("fit-forward-kl-forward-kl"), "0.462");
    assert_eq!(page.text("fit-reverse-kl-forward-kl"), "7.86");
    assert_eq!(stage.browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn every_lesson_compares_a_prediction_with_what_happened() {
    let stage = Stage::plain();
    let page = stage.page();
    page.click("lesson-begin");
    // What comes true, and words of why.
    let lessons = [
        ("both", "both", "q has to cover everything"),
        ("both", "one", "keeps to one bump"),
        ("one", "both", "worse than 0.689 on one"),
        ("1", "3", "One on each bump and a worse one over both"),
        ("one", "both", "one optimum is left"),
        ("reverse", "forward", "lets the tails go"),
        ("forward", "alike", "every divergence is 0 there"),
        ("reverse-kl", "reverse-kl-n3", "it comes to rest"),
    ];
    for (at, (predicted, happens, because)) in lessons.into_iter().enumerate() {
        let number = at + 1;
        page.wait_until(&format!("location.hash === '#lesson-{number}'"));
        page.wait_for_text("status", "Ready");
        page.hurry();
        let [said, was] = [predicted, happens].map(|id| page.text(&format!("predict-{id}")));
        page.click(&format!("predict-{predicted}"));
        page.wait_for_text("status", "Done");
        let verdict = wait("a verdict", || match page.text("verdict") {
            text if text == "nothing" => Err(text),
            text => Ok(text),
        });
        let expected = match predicted == happens {
            true => format!("You said: {said}. So it was."),
            false => format!("You said: {said}. It was: {was}."),
        };
        assert!(verdict.starts_with(&expected), "{number}: {verdict}");
        assert!(verdict.contains(because), "{number}: {verdict}");
        if number < lessons.len() {
            page.click("lesson-next");
        }
    }
    assert_eq!(page.text("lesson-next"), "nothing");
    // Each is a link.
    stage.browser.new_tab();
    let again = Page::open(&stage.browser, &format!("{}#lesson-6", stage.server.url));
    assert!(again.text("lesson").contains("Heavy tails"));
    assert_eq!(
        again.script("return document.querySelectorAll('#components .component').length;"),
        7
    );
    // With another target there is none.
    again.click("preset-far");
    again.wait_until("document.querySelector('[data-test=lesson-begin]')");
    assert_eq!(stage.browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_lesson_keeps_the_answer_back_until_a_fit_has_ended() {
    let stage = Stage::plain();
    let page = stage.page();
    page.note_texts();
    let optimum = "0.689";
    // Everything is drawn anew.
    page.browser.click("#theme");
    wait("optima", || page.has_drawn(optimum));
    page.script("location.hash = 'lesson-2';");
    page.wait_for_text("status", "Ready");
    page.expect_finite_values();
    page.script("texts.length = 0;");
    page.browser.click("#theme");
    wait("nothing", || page.has_drawn("Shown once you have chosen."));
    assert!(page.has_drawn(optimum).is_err());
    let is_hidden =
        "return document.querySelector('[data-test=error-reverse-kl]').offsetParent === null;";
    assert_eq!(page.script(is_hidden), true);
    assert!(!page.is_enabled("run"));
    page.hurry();
    page.click("predict-both");
    page.wait_for_text("status", "Done");
    wait("optima", || page.has_drawn(optimum));
    // That of the next lesson.
    assert!(page.has_drawn("0.841").is_err());
    // What is shown then is the q of the fields, and not that of the fit.
    page.click("lesson-close");
    page.expect_calculated_values();
    page.script("location.hash = 'lesson-8';");
    page.wait_for_text("status", "Ready");
    page.click("predict-reverse-kl");
    page.wait_for_text("status", "Done");
    page.click("lesson-finish");
    page.wait_until("document.querySelector('[data-test=lesson-begin]')");
    page.wait_until("document.querySelectorAll('.fit').length === 2");
    page.expect_calculated_values();
    assert_eq!(stage.browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn every_target_to_begin_with_can_be_fitted() {
    let stage = Stage::plain();
    let (page, browser) = (stage.page(), &stage.browser);
    let names = |page: &Page| -> Vec<String> {
        let names = page.script(
            "return [...document.querySelectorAll('.preset')].map((it) => it.dataset.test);",
        );
        let names = names.as_array().unwrap().iter();
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    };
    let finite = |name: &str, page: &Page| {
        wait(&format!("values of {name}"), || {
            match page.text(&format!("value-{name}")) {
                text if text.contains(|c: char| c.is_ascii_digit()) => Ok(()),
                text => Err(text),
            }
        });
    };
    for (dim, count) in [(1, 7), (2, 9)] {
        browser.click(&format!("label[for=dim-{dim}]"));
        page.wait_until(&format!(
            "document.querySelectorAll('.preset').length === {count}"
        ));
        for name in names(&page) {
            page.click(&name);
            page.fill("steps", "12");
            page.run_to_the_end();
            finite("forward-kl", &page);
            finite("reverse-kl", &page);
            assert_eq!(page.text("message"), "", "{dim}: {name}");
        }
    }
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn words_explain_themselves_on_hover_and_focus() {
    let stage = Stage::plain();
    let (page, browser) = (stage.page(), &stage.browser);
    let shown = "return document.getElementById('tooltip').hidden ? null : document.getElementById('tooltip').textContent;";
    assert_eq!(page.script(shown), Value::Null);
    browser.click("#landscapes-title .term");
    let text = page.script(shown);
    assert!(
        text.as_str()
            .unwrap()
            .starts_with("A divergence over two parameters"),
        "{text}"
    );
    browser.press(&[ESCAPE], &[]);
    assert_eq!(page.script(shown), Value::Null);
    // With the tab key, without a mouse.
    page.script("document.getElementById('theme').focus();");
    wait("a word with the focus", || {
        browser.press(&[TAB], &[]);
        match page.script(shown) {
            Value::Null => Err("none".to_owned()),
            text => Ok(text),
        }
    });
    let term = "return document.activeElement.dataset.term;";
    assert!(page.script(term).is_string());
    // Every word has a meaning.
    let meanings =
        "return Promise.all([...document.querySelectorAll('[data-term]')].map(async (it) => {
        const { GLOSSARY } = await import(new URL('model/glossary.js', location.href));
        return GLOSSARY[it.dataset.term] !== undefined;
    }));";
    let meanings = page.script(meanings);
    assert!(
        meanings
            .as_array()
            .unwrap()
            .iter()
            .all(|known| *known == true),
        "{meanings}"
    );
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn what_was_done_is_taken_back_and_done_again() {
    let stage = Stage::plain();
    let (page, browser) = (stage.page(), &stage.browser);
    assert!(!page.is_enabled("undo") && !page.is_enabled("redo"));
    page.fill("q-mean", "2.5");
    page.fill("p0-std", "1.5");
    let [x, y] = page.middle(&named("handle-q-mean"));
    // A drag is one change, however many places it went through.
    browser.drag(&[[x, y], [x - 40.0, y], [x - 80.0, y], [x - 120.0, y]], 20);
    assert!(page.field("q-mean") < 2.0);
    page.script("document.activeElement.blur();");
    browser.press(&['z'], &[CONTROL]);
    page.wait_for_field("q-mean", 2.5);
    browser.press(&['z'], &[CONTROL]);
    page.wait_for_field("p0-std", 1.0);
    page.expect_calculated_values();
    browser.press(&['z'], &[CONTROL, SHIFT]);
    page.wait_for_field("p0-std", 1.5);
    page.click("undo");
    page.wait_for_field("p0-std", 1.0);
    page.click("undo");
    page.wait_for_field("q-mean", 1.5);
    assert!(!page.is_enabled("undo"));
    page.click("redo");
    page.wait_for_field("q-mean", 2.5);
    page.expect_calculated_values();
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn the_space_bar_runs_and_pauses_and_the_speed_is_chosen() {
    let stage = Stage::plain();
    let (page, browser) = (stage.page(), &stage.browser);
    let slow = "const it = document.getElementById('speed');
        it.value = -1; it.dispatchEvent(new Event('input')); document.activeElement.blur();";
    page.script(slow);
    browser.press(&[' '], &[]);
    page.wait_for_text("status", "Running");
    browser.press(&[' '], &[]);
    page.wait_for_text("status", "Paused");
    let step = page.step();
    assert!(step < 300, "{step}");
    browser.press(&[' '], &[]);
    page.wait_for_text("status", "Running");
    page.hurry();
    page.wait_for_text("status", "Done");
    // Faster than it takes at leisure, which is three seconds at least.
    let started = std::time::Instant::now();
    page.run_to_the_end();
    assert!(
        started.elapsed().as_secs_f64() < 3.0,
        "{:?}",
        started.elapsed()
    );
    page.wait_for_text("status-step", "step 500 of 500");
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_link_of_before_is_told_politely() {
    let stage = Stage::plain();
    // {"version":1}
    let old = format!("{}#eyJ2ZXJzaW9uIjoxfQ", stage.server.url);
    let page = Page::open(&stage.browser, &old);
    assert!(
        page.text("message")
            .starts_with("This link was made by an earlier klfit")
    );
    let cut = format!("{}#eyJ2ZXJzaW9u", stage.server.url);
    stage.browser.new_tab();
    let page = Page::open(&stage.browser, &cut);
    assert!(page.text("message").starts_with("This link is not whole"));
    assert_eq!(page.q(), [1.5, 0.6]);
}
