//! Whether klfit's numbers lie within their own errors, told by a judge that shares none of its
//! rules.
//!
//! `cargo test --test calibration` judges a few hundred pairs;
//! `cargo test --release --test calibration -- --ignored --nocapture` judges 20,000, or those of
//! `KLFIT_CALIBRATION_PAIRS` (`500`, or `1200..1300`), and prints the count.

mod data;
mod judge;
mod pairs;
mod rules;
mod truth;

use std::ops::Range;

use judge::judge_pairs;

/// Pairs of the short version.
const FEW: Range<u64> = 0..300;
/// Pairs of the long version.
const MANY: u64 = 20_000;

#[test]
fn a_few_hundred_pairs_keep_their_promises() {
    check(FEW);
}

#[test]
#[ignore = "20,000 pairs take an hour"]
fn many_pairs_keep_their_promises() {
    let asked = std::env::var("KLFIT_CALIBRATION_PAIRS").unwrap_or_default();
    let number = |text: &str| text.parse::<u64>().ok();
    let range = match asked.split_once("..") {
        Some((from, to)) => number(from).zip(number(to)).map(|(from, to)| from..to),
        None => Some(0..number(&asked).unwrap_or(MANY)),
    };
    check(range.expect("KLFIT_CALIBRATION_PAIRS is a number, or two with .. between"));
}

#[track_caller]
fn check(pairs: Range<u64>) {
    let judgement = judge_pairs(pairs.clone());
    println!("{judgement}");
    // A method answers for two in ten pairs at least.
    let complaints = judgement.complaints(0.2 * (pairs.end - pairs.start) as f64);
    assert!(complaints.is_empty(), "{}\n{judgement}", complaints.join("\n"));
}
