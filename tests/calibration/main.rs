//! Whether klfit's numbers lie within their own errors, told by a judge that shares none of its
//! rules.
//!
//! `cargo test --test calibration` judges a few hundred pairs and a few runs;
//! `cargo test --release --test calibration -- --ignored --nocapture` judges 20,000 pairs, or those
//! of `KLFIT_CALIBRATION_PAIRS` (`500`, or `1200..1300`), and runs with every spike, and prints the
//! counts.

mod brackets;
mod data;
mod integrands;
mod judge;
mod line;
mod logged;
mod pairs;
mod plane;
mod rules;
mod scan;
mod truth;

use std::ops::Range;

use judge::{Judgement, judge_pairs};
use klfit::DivergenceKind;
use logged::{Target, judge_logs};
use pairs::Pair;

/// Pairs of the short version.
const FEW: Range<u64> = 0..200;
/// Pairs of the long version.
const MANY: u64 = 20_000;
/// How many times as wide as the spike the slab is.
const RATIOS: [f64; 4] = [10.0, 1e2, 1e3, 1e4];

#[test]
fn two_hundred_pairs_keep_their_promises() {
    check_pairs(FEW);
}

#[test]
fn the_pairs_of_mpmath_keep_their_promises() {
    let pairs = data::pairs();
    check(
        &judge_pairs(pairs.len(), |i| pairs[i].clone()),
        pairs.len() as f64,
    );
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
    check_pairs(range.expect("KLFIT_CALIBRATION_PAIRS is a number, or two with .. between"));
}

#[test]
fn what_runs_log_is_so() {
    check(&judge_logs(&[1e3], false), 40.0);
}

#[test]
#[ignore = "48 runs take minutes"]
fn what_runs_with_every_spike_log_is_so() {
    check(&judge_logs(&RATIOS, true), 160.0);
}

#[test]
fn restarts_end_where_a_dense_scan_finds_optima() {
    check_optima(&[1, 2], &[1e2], &[DivergenceKind::ReverseKl]);
}

#[test]
#[ignore = "twelve dense scans take minutes"]
fn restarts_end_where_dense_scans_of_every_spike_find_optima() {
    use DivergenceKind::{ForwardKl, Js, ReverseKl};
    check_optima(&[1, 2], &RATIOS, &[ForwardKl, ReverseKl, Js]);
}

#[test]
#[ignore = "brackets of 60 pairs take a minute"]
fn brackets_are_narrow_above_one_dimension() {
    for (dim, most) in [(2, 0.03), (3, 0.5), (5, 1.0)] {
        let [median, largest, seconds] = brackets::widths(dim, 20);
        println!("{dim}-D: median width {median:.1e}, largest {largest:.1e}, in {seconds:.2} s");
        assert!(median < most, "{dim}-D: {median:e}");
    }
}

#[track_caller]
fn check_pairs(numbers: Range<u64>) {
    let count = (numbers.end - numbers.start) as usize;
    let judgement = judge_pairs(count, |i| Pair::new(numbers.start + i as u64));
    // A method answers for two in ten pairs at least.
    check(&judgement, 0.2 * count as f64);
}

#[track_caller]
fn check(judgement: &Judgement, samples: f64) {
    println!("{judgement}");
    let complaints = judgement.complaints(samples);
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[track_caller]
fn check_optima(dims: &[usize], ratios: &[f64], kinds: &[DivergenceKind]) {
    let mut complaints = Vec::new();
    for &ratio in ratios {
        for &kind in kinds {
            let expected = scan::optima(&Target::new(1, ratio), kind);
            for &dim in dims {
                let target = Target::new(dim, ratio);
                let at_rest = scan::compare(&target, kind, &expected, &mut complaints);
                println!(
                    "{dim}-D, ratio {ratio}, {}: {at_rest} of {} restarts at rest, {} optima",
                    kind.name(),
                    scan::RESTARTS,
                    expected.len()
                );
                if 2 * at_rest < scan::RESTARTS {
                    complaints.push(format!(
                        "{dim}-D, ratio {ratio}: only {at_rest} came to rest"
                    ));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
