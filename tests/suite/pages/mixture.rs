//! The numbers of `docs/mixture.md`.

use super::page::{Page, constant};

#[test]
fn limits() {
    let page = Page::open("docs/mixture.md");
    let tail = constant("src/cli/mixture/condition.rs", "TAIL");
    page.says("has less than {} of its mass beyond", &tail);
    let modes = constant("src/cli/mixture/show.rs", "WITH_MODES");
    page.says("K³ max(D, {})² of at most {};", &[4.0, modes[0]]);
    // `exports` runs it in each program.
    page.says(
        "lose as many digits as that is, {} of {} at {}.",
        &[5.0, 16.0, 1e5],
    );
}
