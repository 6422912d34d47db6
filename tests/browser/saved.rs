//! What leaves the page and is looked at elsewhere: links in another klfit, and saved pages without any.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::page::{Numbers, Page, Server, named};
use crate::webdriver::{HOME, wait};
use crate::{Stage, TWO_BUMPS, short};

/// Gives pictures one size, wherever they are, so that those of two pages can be compared.
const ONE_SIZE: &str = "
    for (const [css, width, height] of [
        ['#density-plot', 720, 320], ['.map .plot', 360, 300], ['#convergence', 340, 158]]) {
      for (const place of document.querySelectorAll(css)) {
        place.style.width = `${width}px`;
        const canvases = place.matches('canvas') ? [place] : place.querySelectorAll('canvas');
        for (const canvas of canvases) canvas.style.minHeight = canvas.style.maxHeight = `${height}px`;
      }
    }
    window.dispatchEvent(new Event('resize'));";

/// Small copies of pictures, as numbers from 0 to 255, on white.
const SMALL: &str = "
    return [...document.querySelectorAll(arguments[0])].map((canvas) => {
      const small = document.createElement('canvas');
      [small.width, small.height] = [48, 24];
      const context = small.getContext('2d');
      context.fillStyle = 'white';
      context.fillRect(0, 0, 48, 24);
      // The mean of what each point stands for, in which a line a pixel off is no other picture.
      context.imageSmoothingQuality = 'high';
      context.drawImage(canvas, 0, 0, 48, 24);
      return [...context.getImageData(0, 0, 48, 24).data];
    });";

/// Pictures that are no farther apart are alike.
const ALIKE: f64 = 0.12;

/// The pictures of a page: densities, the grounds of the landscapes, and the fits against their steps.
fn pictures(page: &Page) -> Vec<Vec<f64>> {
    page.browser.script(ONE_SIZE, &[]);
    let css = "#density-plot canvas, .map canvas[role=img], #convergence";
    let seen = || -> Vec<Vec<f64>> {
        let pictures = page.browser.script(SMALL, &[json!(css)]);
        serde_json::from_value(pictures).unwrap()
    };
    // They are drawn anew in the next frames.
    let mut last = seen();
    wait("pictures at rest", || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        let now = seen();
        let rests = now == last;
        last.clone_from(&now);
        if rests {
            Ok(now)
        } else {
            Err("they change".to_owned())
        }
    })
}

/// How far two pictures are apart, as a share of what is on the first: of as much as it differs from white.
fn apart(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let drawn: f64 = a.iter().map(|a| 255.0 - a).sum();
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).sum::<f64>() / drawn
}

/// Checks that two pictures look alike.
fn expect_alike(a: &[f64], b: &[f64], what: usize) {
    let apart = apart(a, b);
    assert!(apart < ALIKE, "picture {what}: {apart}");
    // And that there is something to see.
    let least = a.iter().copied().fold(255.0, f64::min);
    assert!(least < 200.0, "picture {what} is empty");
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_link_opens_in_another_klfit() {
    let mut stage = Stage::new(TWO_BUMPS);
    let (link, numbers, values) = {
        let page = stage.page();
        page.fill("p0-mean", "-2.25");
        page.fill("q-mean", "2.5");
        page.fill("q-std", "0.8");
        page.click("copy-link");
        page.wait_for_text("message", "Link copied.");
        page.expect_calculated_values();
        let link = stage.browser.script("return location.href;", &[]);
        (
            link.as_str().unwrap().to_owned(),
            Numbers::of(&page),
            page.values(),
        )
    };
    // The server that made it is gone.
    assert!(stage.server.interrupt().success());
    let part = link.split_once('#').unwrap().1;
    for given in [link.as_str(), part] {
        let other = Server::start(Some(Path::new(given)));
        let page = Page::open(&stage.browser, &other.url);
        assert_eq!(Numbers::of(&page), numbers);
        assert_eq!(page.values(), values);
        page.expect_calculated_values();
    }
    let lesson = Server::start(Some(Path::new("http://127.0.0.1:1/#lesson-2")));
    let page = Page::open(&stage.browser, &lesson.url);
    assert!(
        page.text("lesson").starts_with("2 / "),
        "{}",
        page.text("lesson")
    );
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn a_saved_page_plays_without_a_server() {
    let mut stage = Stage::new(&short(120));
    let saved = stage.browser.downloads().join("explored.html");
    let (pictures_then, values_then, start) = {
        let page = stage.page();
        page.fill("q-mean", "2.5");
        page.expect_calculated_values();
        let start = page.values();
        page.click("run");
        page.wait_for_text("status", "Done");
        page.choose("shown-q", "reverse-kl");
        wait("the values of the fit", || match page.values() {
            now if now == start => Err(format!("they are {now:?}")),
            _ => Ok(()),
        });
        wait("an answer to every view", || {
            let count = "return notes.sent.length - notes.heard.length;";
            match page.browser.script(count, &[]) {
                open if open == 0 => Ok(()),
                open => Err(format!("{open} are under way")),
            }
        });
        page.click("save-page");
        wait("a saved page", || match saved.exists() {
            true => Ok(()),
            false => Err(page.text("message")),
        });
        let values = page.values();
        (pictures(&page), values, start)
    };
    assert!(stage.server.interrupt().success());
    let browser = &stage.browser;
    browser.console();
    browser.tools("Network.enable", &json!({}));
    let cut =
        json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0});
    browser.tools("Network.emulateNetworkConditions", &cut);
    browser.post(
        "/url",
        &json!({"url": format!("file://{}", saved.display())}),
    );
    let page = Page { browser };
    assert_eq!(page.values(), values_then);
    // It looks like the page did.
    let pictures_now = pictures(&page);
    assert_eq!((pictures_now.len(), pictures_then.len()), (4, 4));
    for (what, (now, then)) in pictures_now.iter().zip(&pictures_then).enumerate() {
        expect_alike(now, then, what);
    }
    // At the first step the fits are where q was.
    assert_eq!(page.text("replay-step"), "step 120 of 120");
    browser.type_into(&named("scrubber"), &HOME.to_string());
    page.wait_for_text("replay-step", "step 0 of 120");
    assert_eq!(page.values(), start);
    // Which is another picture by far.
    let then = apart(&pictures(&page)[0], &pictures_now[0]);
    assert!(then > 2.0 * ALIKE, "{then}");
    // It plays back to the end.
    page.click("play");
    page.wait_for_text("replay-step", "step 120 of 120");
    assert_eq!(page.values(), values_then);
    page.choose("shown-q", "own");
    wait("the values of q", || match page.values() {
        values if values == start => Ok(()),
        values => Err(format!("{values:?}")),
    });
    // What would need a server is not there, and nothing was asked for.
    let rest = "return [document.querySelectorAll('.handle, #run, #save-config, [data-test=q-mean]').length,
        performance.getEntriesByType('resource').filter((entry) => !entry.name.startsWith('data:')).length];";
    assert_eq!(browser.script(rest, &[]), json!([0, 0]));
    assert_eq!(browser.console(), [""; 0]);
}

/// What a button saves.
fn saved(stage: &Stage, page: &Page, button: &str, name: &str) -> Vec<u8> {
    let path = stage.browser.downloads().join(name);
    _ = fs::remove_file(&path);
    page.click(button);
    wait(name, || match fs::read(&path) {
        Ok(bytes) if bytes.is_empty() => Err("it is empty".to_owned()),
        read => read.map_err(|error| format!("{error}; {}", page.text("message"))),
    })
}

#[test]
#[ignore = "needs chromium and chromedriver"]
fn figures_are_of_what_is_on_screen() {
    let stage = Stage::new(&short(60));
    let page = stage.page();
    let svg = || String::from_utf8(saved(&stage, &page, "save-svg", "explored.svg")).unwrap();
    let before = svg();
    page.fill("restarts", "12");
    page.click("run");
    page.wait_for_text("status", "Done");
    page.choose("shown-q", "reverse-kl");
    let after = svg();
    for text in ["Densities", "Integrands", "target p", "best optimum"] {
        assert!(before.contains(text) && after.contains(text), "{text}");
    }
    for text in ["way of a fit", "forward KL", "reverse KL"] {
        assert!(!before.contains(text) && after.contains(text), "{text}");
    }
    assert!(saved(&stage, &page, "save-png", "explored.png").len() > 50_000);
    assert_eq!(stage.browser.console(), [""; 0]);
}
