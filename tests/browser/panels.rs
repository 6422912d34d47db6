//! What the page shows besides: readings and integrals, the path from reverse to forward, draws.

use crate::page::{named, number};
use crate::webdriver::{END, HOME, LEFT, RIGHT, SHIFT, wait};
use crate::{Stage, TWO_BUMPS};

#[test]
#[ignore = "needs chromium and chromedriver"]
fn integrals_and_readings_say_where_the_nats_come_from() {
    let stage = Stage::new(TWO_BUMPS);
    let (page, browser) = (stage.page(), &stage.browser);
    let rows = || page.text("probe-rows");
    let hidden = "return document.querySelector('[data-test=probe-rows]').hidden;";
    assert_eq!(browser.script(hidden, &[]), true);
    // By the keyboard: from the middle to where p and q are known. q is N(1, 1.5²), p half of N(3, 1) and of N(−3, 1).
    browser.script("document.querySelector('[data-test=probe]').focus();", &[]);
    let text = rows();
    assert!(text.starts_with("x0p0.00443q0.213log p/q−3.87"), "{text}");
    browser.press(&[RIGHT; 2], &[SHIFT]);
    let at =
        "return Number(document.querySelector('[data-test=probe]').getAttribute('aria-valuenow'));";
    let there = browser.script(at, &[]).as_f64().unwrap();
    assert!(there > 0.5, "{there}");
    assert!(rows().starts_with(&format!("x{there}")), "{}", rows());
    // Under the pointer.
    let [left, top, width, height] = page.place("#density-plot");
    browser.hover([left + 0.75 * width, top + 0.25 * height]);
    wait("a reading under the pointer", || match rows() {
        text if text.starts_with(&format!("x{there}")) => Err(text),
        text => Ok(text),
    });
    // The integrals in the place of the integrands end at the values.
    let colors =
        "const canvas = document.querySelector('#density-plot canvas'); return canvas.toDataURL();";
    let before = browser.script(colors, &[]);
    page.click("totals");
    let pressed =
        "return document.querySelector('[data-test=totals]').getAttribute('aria-pressed');";
    assert_eq!(browser.script(pressed, &[]), "true");
    wait("another picture", || match browser.script(colors, &[]) {
        now if now == before => Err("it is the same".to_owned()),
        now => Ok(now),
    });
    page.expect_calculated_values();
    page.click("totals");
    wait("the picture of before", || {
        match browser.script(colors, &[]) {
            now if now == before => Ok(()),
            _ => Err("it is another".to_owned()),
        }
    });
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn one_slider_goes_from_reverse_to_forward() {
    let stage = Stage::new(TWO_BUMPS);
    let (page, browser) = (stage.page(), &stage.browser);
    page.fill("q-mean", "2.5");
    browser.click("#alpha summary");
    wait("the path", || match page.is_enabled("alpha-place") {
        true => Ok(()),
        false => Err(page.text("alpha-note")),
    });
    let note = page.text("alpha-note");
    assert!(
        note.starts_with("At α ≈ 0.") && note.ends_with("q jumps to another."),
        "{note}"
    );
    let shown = "return document.querySelector('[data-test=shown-q]').value;";
    // Each end is the optimum of its KL, and everything shows it.
    for (key, said, [mean, std], [name, value]) in [
        (
            HOME,
            "α = 0",
            [2.984_306, 1.023_369],
            ["reverse-kl", "0.688769"],
        ),
        (END, "α = 1", [0.0, 3.162_278], ["forward-kl", "0.461995"]),
    ] {
        browser.type_into(&named("alpha-place"), &RIGHT.to_string());
        browser.type_into(&named("alpha-place"), &key.to_string());
        page.wait_for_text("alpha-said", said);
        assert_eq!(browser.script(shown, &[]), "alpha");
        page.wait_for_text(&format!("value-{name}"), value);
        let q = page.q();
        assert!(
            (q[0] - mean).abs() < 1e-5 && (q[1] - std).abs() < 1e-5,
            "{q:?}"
        );
    }
    browser.type_into(&named("alpha-place"), &LEFT.to_string());
    page.wait_for_text("alpha-said", "α = 0.98");
    // Whose q it is can be chosen, and what is dragged is one's own, with a path of its own.
    page.choose("shown-q", "own");
    page.wait_for_field("q-mean", 2.5);
    page.fill("q-mean", "0");
    page.wait_for_text("alpha-note", "The optimum moves without a jump.");
    browser.type_into(&named("alpha-place"), &HOME.to_string());
    page.wait_for_text("value-reverse-kl", "0.840621");
    browser.click("#alpha summary");
    page.wait_for_field("q-mean", 0.0);
    page.expect_calculated_values();
    assert_eq!(browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn draws_show_their_pushes() {
    let stage = Stage::new(TWO_BUMPS);
    let (page, browser) = (stage.page(), &stage.browser);
    browser.click("#draws summary");
    let cell = |rule: &str, of: usize| {
        let text = page.text(&format!("draws-{rule}-{of}"));
        let (mean, error) = text.split_once(" ± ").unwrap_or((&text, "0"));
        [number(mean), number(error)].map(|found| found.unwrap_or(f64::NAN))
    };
    wait("draws", || match page.text("draws-exact-0") {
        text if text == "nothing" => Err(page.text("draws-note")),
        text => Ok(text),
    });
    let [exact, _] = cell("exact", 0);
    let few = cell("score-function", 0);
    // More draws are surer, and near to what quadrature gives.
    browser.type_into(&named("draws-count"), &END.to_string());
    wait("surer means", || match cell("score-function", 0) {
        [_, error] if error < 0.5 * few[1] => Ok(()),
        other => Err(format!("{other:?} after {few:?}")),
    });
    for rule in ["pathwise", "score-function", "sticking-the-landing"] {
        let [mean, error] = cell(rule, 0);
        assert!(
            (mean - exact).abs() < 5.0 * error + 0.01 * exact.abs(),
            "{rule}: {mean} {error} {exact}"
        );
    }
    // Others are others.
    let before = cell("pathwise", 0);
    page.note_texts();
    page.click("draws-again");
    for title in ["pathwise", "score function", "sticking the landing"] {
        wait(title, || page.has_drawn(title));
    }
    wait("other draws", || match cell("pathwise", 0) {
        now if now == before => Err(format!("{now:?}")),
        _ => Ok(()),
    });
    let colors = "return ['draws-plot', 'draws-errors'].map((id) => {
        const canvas = document.getElementById(id);
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return new Set(new Uint32Array(data.buffer)).size;
    });";
    let counts = browser.script(colors, &[]);
    assert!(
        counts
            .as_array()
            .unwrap()
            .iter()
            .all(|count| count.as_u64() > Some(20)),
        "{counts}"
    );
    // Of more than one component there are none, and it says so.
    page.fill("q-components", "2");
    wait("a word", || match page.text("draws-note") {
        text if text.contains("one Gaussian on a line") => Ok(()),
        text => Err(text),
    });
    assert_eq!(browser.console(), [""; 0]);
}
