//! How the page looks and moves: mixtures and swarms, numbers in fields, screens, frames, and what axe finds.

use std::fs;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::page::{Page, named};
use crate::webdriver::{CONTROL, NO_KEY, TAB};
use crate::{Stage, TWO_BUMPS, short};

/// The axe-core that is asked for.
const AXE: &str = "axe-core@4.14.1";

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_swarm_of_a_mixture_ends_in_the_colours_of_its_optima() {
    let stage = Stage::new(&short(300));
    let page = stage.page();
    page.fill("q-components", "2");
    page.fill("restarts", "16");
    page.fill("q1-mean", "-1.5");
    assert_eq!(page.field("q-weight"), 0.5);
    page.hurry();
    page.run_to_the_end();
    // Ends are flat dots, and only those of the first basin are in this colour.
    let dots = "const canvas = document.querySelector('[data-test=landscape-reverse-kl] canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let i = 0; i < data.length; i += 4)
          if (data[i] === 119 && data[i + 1] === 170 && data[i + 2] === 221 && data[i + 3] === 255) count += 1;
        return count;";
    let first = page.script(dots).as_u64().unwrap();
    assert!(first > 100, "{first}");
    assert_eq!(page.text("words-forward-kl"), "covers both bumps");
    // What is shown has two components; what is typed makes it one's own.
    page.choose("shown-q", "forward-kl");
    let mean = page.field("q-mean").abs();
    assert!((mean - 3.0).abs() < 0.1, "{mean}");
    page.fill("q-components", "1");
    page.fill("restarts", "1");
    // The fields show all digits of what they stand for.
    page.fill("q-mean", "1");
    page.fill("q-std", "2");
    page.expect_calculated_values();
    assert_eq!(stage.browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn fits_are_told_apart_by_their_estimators() {
    let stage = Stage::new(&short(60));
    let page = stage.page();
    for _ in 0..3 {
        page.choose("add-fit", "reverse-kl");
    }
    page.choose("estimator-reverse-kl-n2", "monte-carlo/score-function");
    page.fill("samples-reverse-kl-n2", "16");
    page.run_to_the_end();
    let looks = page.script(
        "return [...document.querySelectorAll('#legend line')].map((line) =>
            line.getAttribute('stroke') + line.getAttribute('stroke-dasharray'));",
    );
    let looks = looks.as_array().unwrap();
    assert_eq!(looks.len(), 7);
    let mut apart: Vec<&str> = looks.iter().map(|look| look.as_str().unwrap()).collect();
    apart.sort_unstable();
    apart.dedup();
    assert_eq!(apart.len(), 7, "{looks:?}");
    let options = page.script(
        "return [...document.querySelectorAll('#shown-q option')].map((it) => it.textContent);",
    );
    assert!(
        options.to_string().contains("reverse KL, score function"),
        "{options}"
    );
    assert_eq!(stage.browser.console(), [""; 0]);
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn no_field_clips_its_text_nor_loses_an_exponent() {
    let stage = Stage::new(TWO_BUMPS);
    let (page, browser) = (stage.page(), &stage.browser);
    for (typed, shown) in [
        ("-4.01054321e-12", "-4.01e-12"),
        ("0,25", "0.25"),
        ("-123456.789", "-123457"),
        ("1e-5", "1e-5"),
    ] {
        browser.type_into(&named("q-mean"), &format!("{CONTROL}a{NO_KEY}{typed}{TAB}"));
        page.wait_until(&format!(
            "document.getElementById('q-mean').value === '{shown}'"
        ));
    }
    browser.type_into(
        &named("q-mean"),
        &format!("{CONTROL}a{NO_KEY}-4.01054321e-12{TAB}"),
    );
    browser.type_into(
        &named("axis-x-from"),
        &format!("{CONTROL}a{NO_KEY}-1234.56{TAB}"),
    );
    let clipped = "return [...document.querySelectorAll('input.number')]
        .filter((it) => it.offsetParent !== null && it.scrollWidth > it.clientWidth)
        .map((it) => `${it.id} ${it.value}`);";
    assert_eq!(page.script(clipped), json!([]));
    // What is no number is marked, and stays, until it is.
    browser.type_into(&named("q-mean"), &format!("{CONTROL}a{NO_KEY}two{TAB}"));
    let field = "const it = document.getElementById('q-mean');
        return [it.value, it.getAttribute('aria-invalid')];";
    assert_eq!(page.script(field), json!(["two", "true"]));
    page.fill("q-mean", "2");
    assert_eq!(page.script(field), json!(["2", "false"]));
    page.expect_calculated_values();
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn axes_do_not_jump_while_something_is_dragged() {
    let stage = Stage::new(TWO_BUMPS);
    let (page, browser) = (stage.page(), &stage.browser);
    let watch = "window.seen = [];
        const it = document.querySelector('[data-test=handle-p0-mean]');
        new MutationObserver(() => seen.push(new DOMMatrix(it.style.transform).f))
            .observe(it, { attributes: true, attributeFilter: ['style'] });";
    page.script(watch);
    let [x, y] = page.middle(&named("handle-q-std-right"));
    // Narrower, so that q grows high, and wide again.
    let places: Vec<_> = (0..40)
        .map(|i| {
            [
                x - 40.0 * (f64::from(i) * std::f64::consts::PI / 39.0).sin(),
                y,
            ]
        })
        .collect();
    browser.drag(&places, 20);
    let seen = page.script("return seen;");
    let heights: Vec<f64> = (seen.as_array().unwrap().iter())
        .map(|height| height.as_f64().unwrap())
        .collect();
    // The peak of p sinks as the axis grows, and does not rise again on the way.
    assert!(heights.len() > 3, "{heights:?}");
    assert!(
        heights.windows(2).all(|pair| pair[1] >= pair[0] - 0.01),
        "{heights:?}"
    );
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_wide_screen_shows_everything_at_once() {
    let stage = Stage::plain();
    let (page, browser) = (stage.page(), &stage.browser);
    let screen = json!({"width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": false});
    browser.tools("Emulation.setDeviceMetricsOverride", &screen);
    page.hurry();
    page.run_to_the_end();
    let script = "return ['.values', '#density-plot', '[data-test=landscape-forward-kl]',
        '[data-test=landscape-reverse-kl]', '#fit-values'].map((css) => {
            const { top, bottom, right } = document.querySelector(css).getBoundingClientRect();
            return top >= 0 && bottom <= innerHeight && right <= innerWidth;
        }).concat([document.documentElement.scrollHeight <= innerHeight]);";
    assert_eq!(
        page.script(script),
        json!([true, true, true, true, true, true])
    );
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn what_is_dragged_moves_smoothly() {
    let stage = Stage::plain();
    let (page, browser) = (stage.page(), &stage.browser);
    // Far below what it is on a machine that does nothing else, which docs/explore.md does not promise either.
    for (dim, least) in [(1, 25.0), (2, 15.0)] {
        browser.click(&format!("label[for=dim-{dim}]"));
        page.wait_until(&format!("document.body.dataset.dim === '{dim}'"));
        page.expect_finite_values();
        let [x, y] = page.middle(&named("handle-p1-mean"));
        // Frames, and those in which the values were others.
        page.script(
            "window.stamps = [];
             window.told = new Set();
             new MutationObserver(() => told.add(stamps.length)).observe(
                 document.querySelector('.values'), { subtree: true, childList: true, characterData: true });
             (function frame(time) { stamps.push(time); window.frame = requestAnimationFrame(frame); })(performance.now());",
        );
        let places: Vec<_> = (0..100)
            .map(|i| [x + 60.0 * (f64::from(i) / 12.0).sin(), y])
            .collect();
        browser.drag(&places, 20);
        let seen = page.script(
            "cancelAnimationFrame(frame);
             const gaps = stamps.slice(1).map((stamp, i) => stamp - stamps[i]);
             return [1e3 * gaps.length / (stamps.at(-1) - stamps[0]), Math.max(...gaps), told.size];",
        );
        let [rate, gap, told] = [0, 1, 2].map(|i| seen[i].as_f64().unwrap());
        eprintln!(
            "{dim}-D: {rate:.1} frames a second, {gap:.0} ms between two at most, other values in {told} of them, of 100 moves"
        );
        assert!(rate > least, "{dim}: {rate} frames a second");
        assert!(
            told > 10.0,
            "{dim}: other values in {told} frames of 100 moves"
        );
    }
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_fit_in_the_plane_takes_seconds() {
    let stage = Stage::plain();
    let page = stage.page();
    page.browser.click("label[for=dim-2]");
    page.expect_finite_values();
    page.fill("steps", "500");
    page.hurry();
    let began = Instant::now();
    page.run_to_the_end();
    let took = began.elapsed().as_secs_f64();
    eprintln!("500 steps in the plane: {took:.1} s");
    assert_eq!(page.text("status-step"), "step 500 of 500");
    // Far above what it is on a machine that does nothing else.
    assert!(took < 40.0, "{took} s");
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn who_prefers_less_motion_sees_fewer_pictures() {
    let stage = Stage::plain();
    let (page, browser) = (stage.page(), &stage.browser);
    let watch = "window.seen = 0;
        new MutationObserver(() => { seen += 1; })
            .observe(document.getElementById('status-step'), { childList: true, characterData: true, subtree: true });";
    page.script(watch);
    page.run_to_the_end();
    let film = page.script("return seen;").as_u64().unwrap();
    let feature = json!({"name": "prefers-reduced-motion", "value": "reduce"});
    browser.tools(
        "Emulation.setEmulatedMedia",
        &json!({"features": [feature]}),
    );
    page.script("seen = 0;");
    page.run_to_the_end();
    let calm = page.script("return seen;").as_u64().unwrap();
    assert!(
        (2..20).contains(&calm) && film > 2 * calm,
        "{film} and {calm}"
    );
}

#[test]
#[ignore = "needs chromium, chromedriver and npm"]
fn axe_finds_nothing() {
    let stage = Stage::plain();
    let (page, browser) = (stage.page(), &stage.browser);
    let folder = stage.folder.path();
    let installed = Command::new("npm")
        .args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"])
        .args([folder.as_os_str(), AXE.as_ref()])
        .status();
    let Ok(axe) = fs::read_to_string(folder.join("node_modules/axe-core/axe.min.js")) else {
        eprintln!("skipped: axe_finds_nothing ({AXE} cannot be had from npm: {installed:?})");
        return;
    };
    for scheme in ["light", "dark"] {
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        browser.tools(
            "Emulation.setEmulatedMedia",
            &json!({"features": [feature]}),
        );
        for (width, height) in [(1400, 900), (390, 844)] {
            let screen = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500});
            browser.tools("Emulation.setDeviceMetricsOverride", &screen);
            browser.click("label[for=dim-1]");
            page.script("location.hash = '';");
            page.script("location.hash = 'lesson-2';");
            page.hurry();
            page.click("predict-one");
            page.wait_for_text("status", "Done");
            expect_no_violation(&page, &axe, &format!("{scheme}, {width} pixels, 1-D"));
            browser.click("label[for=dim-2]");
            page.expect_finite_values();
            expect_no_violation(&page, &axe, &format!("{scheme}, {width} pixels, 2-D"));
        }
    }
}

fn expect_no_violation(page: &Page, axe: &str, case: &str) {
    let script = format!(
        "{axe};
         return axe.run(document, {{ resultTypes: ['violations'] }}).then(({{ violations }}) =>
             violations.map(({{ id, nodes }}) => [id, nodes.map((node) => node.html)]));"
    );
    let violations: Value = page.script(&script);
    assert_eq!(violations, json!([]), "{case}");
}
