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
#[path = "../suite/pages/page.rs"]
#[allow(dead_code, reason = "shared with the tests of the pages")]
mod page;
mod pairs;
mod plane;
mod rules;
mod scan;
mod truth;

use std::ops::Range;
use std::sync::LazyLock;

use judge::{Judgement, Tally, judge_pairs};
use klfit::DivergenceKind;
use logged::{Target, judge_logs};
use page::Page;
use pairs::Pair;

/// Pairs of the short version.
const FEW: Range<u64> = 0..200;
/// Pairs of the long version.
const MANY: u64 = 20_000;
/// How many times as wide as the spike the slab is.
const RATIOS: [f64; 4] = [10.0, 1e2, 1e3, 1e4];

/// Pairs at random, and those of mpmath, judged once for all tests.
static RANDOM: LazyLock<Judgement> = LazyLock::new(|| judge_range(FEW));
static KNOWN: LazyLock<Judgement> = LazyLock::new(|| {
    let pairs = data::pairs();
    judge_pairs(pairs.len(), |i| pairs[i].clone())
});

#[test]
fn two_hundred_pairs_keep_their_promises() {
    check_pairs(&RANDOM, FEW);
}

#[test]
fn the_pairs_of_mpmath_keep_their_promises() {
    check(&KNOWN, data::pairs().len() as f64);
}

/// What the page says of both.
#[test]
fn so_many_numbers_are_judged() {
    let page = Page::open("docs/method.md");
    let pairs = [data::pairs().len() as f64, (FEW.end - FEW.start) as f64];
    let mut all = together(&RANDOM, |_, _| true);
    all.merge(&together(&KNOWN, |_, _| true));
    assert_eq!((all.misses, all.broken), (0, 0));
    let numbers = |dim| {
        let of =
            |judgement| together(judgement, |of, method| (of, method) == (dim, "auto")).numbers;
        (of(&RANDOM) + of(&KNOWN)) as f64
    };
    page.says(
        "prints the counts: {} pairs whose truth mpmath made, and {} random ones in one to three dimensions with \
         widths to 1 : 10⁵, weights down to 1e-6 and up to 10 components. Of {} deterministic numbers that the \
         calculator chose on a line and {} in the plane none",
        &[pairs[0], pairs[1], numbers(1), numbers(2)],
    );
}

/// The tallies of some dimensions and methods as one.
fn together(judgement: &Judgement, counts: impl Fn(usize, &str) -> bool) -> Tally {
    let mut all = Tally::default();
    for ((dim, method), tally) in judgement.by_method() {
        if counts(dim, method) {
            all.merge(&tally);
        }
    }
    all
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
    let range = range.expect("KLFIT_CALIBRATION_PAIRS is a number, or two with .. between");
    let judgement = judge_range(range.clone());
    check_pairs(&judgement, range.clone());
    if range == (0..MANY) {
        the_page_tells_of(&judgement);
    }
}

fn the_page_tells_of(judgement: &Judgement) {
    let page = Page::open("docs/method.md");
    page.says("judges {} pairs, in", &[MANY as f64]);
    let numbers = |method: &str| together(judgement, |_, of| of == method);
    let (chosen, by_quadrature) = (numbers("auto"), numbers("quadrature"));
    assert_eq!(chosen.misses + by_quadrature.misses, 0);
    page.says(
        "Of {} deterministic numbers that the calculator chose none was off by more than its ±, nor of {} by \
         `quadrature` as asked for; none of {} brackets",
        &[chosen.numbers, by_quadrature.numbers, chosen.brackets].map(|count| count as f64),
    );
    let of_samples = judgement.by_method().into_values();
    let shares: Vec<f64> = (of_samples.filter(|tally| tally.samples > 0))
        .map(|tally| 100.0 * tally.covered as f64 / tally.samples as f64)
        .collect();
    let least = shares.iter().copied().fold(100.0, f64::min);
    let most = shares.iter().copied().fold(0.0, f64::max);
    let samples = together(judgement, |_, _| true).samples as f64;
    page.rounds(
        "the truth; 95 % intervals of samples held {} to {} % of {} truths, by method",
        &[least, most, samples],
    );
}

#[test]
fn what_runs_log_is_so() {
    let judgement = judge_logs(&[1e3], false);
    check(&judgement, 40.0);
    let logged = together(&judgement, |_, method| method == "logged");
    assert_eq!(logged.misses, 0);
    Page::open("docs/method.md").says(
        "Nor was any of the {} divergences that runs with a spike",
        &[logged.numbers as f64],
    );
}

#[test]
#[ignore = "48 runs take minutes"]
fn what_runs_with_every_spike_log_is_so() {
    let judgement = judge_logs(&RATIOS, true);
    check(&judgement, 160.0);
    let logged = together(&judgement, |_, method| method == "logged");
    assert_eq!(logged.misses, 0);
    let runs = RATIOS.len() * logged::RUNS;
    let restarts = RATIOS.len() * 2 * 3 * scan::RESTARTS;
    Page::open("docs/method.md").says(
        "two dimensions, {} runs logged {} divergences, none of them off, and of {} restarts by forward KL, \
         reverse KL and Jensen–Shannon all",
        &[runs as f64, logged.numbers as f64, restarts as f64],
    );
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
fn brackets_are_narrow_above_one_dimension() {
    let medians = [(2, 0.03), (3, 0.5), (5, 1.0)].map(|(dim, most)| {
        let [median, largest, seconds] = brackets::widths(dim, 20);
        println!("{dim}-D: median width {median:.1e}, largest {largest:.1e}, in {seconds:.2} s");
        assert!(median < most, "{dim}-D: {median:e}");
        100.0 * median
    });
    Page::open("docs/calculator.md").rounds(
        "the bracket of KL(p‖q) is {} % of the number wide at the median in two dimensions, {} % in three and \
         {} % in five.",
        &medians,
    );
}

fn judge_range(numbers: Range<u64>) -> Judgement {
    let count = (numbers.end - numbers.start) as usize;
    judge_pairs(count, |i| Pair::new(numbers.start + i as u64))
}

#[track_caller]
fn check_pairs(judgement: &Judgement, numbers: Range<u64>) {
    // A method answers for two in ten pairs at least.
    check(judgement, 0.2 * (numbers.end - numbers.start) as f64);
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
