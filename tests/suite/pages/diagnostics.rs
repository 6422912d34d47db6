//! The numbers of `docs/diagnostics.md`.

use klfit::internals::{LEAST_SHARE, REGION_MASS, diagnose};
use klfit::results::{Psis, Reading};
use klfit::{Mixture, TargetModel};

use super::page::{Page, constant};
use crate::support::gaussian;

fn page() -> Page {
    Page::open("docs/diagnostics.md")
}

#[test]
fn fits_are_judged_by_so_many_draws() {
    let page = page();
    let found = diagnose(&gaussian(0.0, 1.0).into(), &gaussian(0.5, 1.0), 0);
    let draws = found.psis.unwrap().draws as f64;
    page.says(
        "at the end, by {} draws of q and, where p is a density, {} of p",
        &[draws; 2],
    );
    page.says("k̂ of S = {} draws |", &[draws]);
    page.says("k̂ of 1 in the limit: {} draws do not reach", &[draws]);
    let percent = 100.0 * REGION_MASS;
    page.says("## Mass in the {} % region", &[percent]);
    page.says(
        "The smallest region with {} % of q, where log q is above the {} % quantile",
        &[percent, 100.0 - percent],
    );
    page.says("| 0 to 1 | near {} |", &[REGION_MASS]);
    page.says("| mass in the {} % region |", &[percent]);
    page.says("of p lies in its {} % region, the table", &[percent]);
    Page::open("docs/report.md").says("`mass` (of p in q's {} % region)", &[percent]);
}

#[test]
fn modes_are_covered_by_so_much() {
    let page = page();
    page.says("share is at least a {} of that of p, and", &[LEAST_SHARE]);
    page.says(
        "smallest region with {} % of what q has there. The second",
        &[100.0 * REGION_MASS],
    );
    let points = constant("src/judge/diagnostics/coverage.rs", "POINTS");
    page.says("Shares are told from {} points, half", &points);
    page.says(
        "if it lies in the smallest region with {} % of all of q",
        &[100.0 * REGION_MASS],
    );
    let source = "src/report/coverage.rs";
    page.says(
        "places are given in up to {} dimensions, of up to {} modes.",
        &["MOST_DIMS", "MOST_PLACES"].map(|name| constant(source, name)[0]),
    );
    // The bumps of the example have half of p each.
    page.says("and misses {} % of p*: reverse KL; the 50 %", &[50.0]);
}

#[test]
fn readings_change_at_these_shapes() {
    let page = page();
    let found = diagnose(&gaussian(0.0, 1.0).into(), &gaussian(0.5, 1.0), 0)
        .psis
        .unwrap();
    let least = found.threshold();
    page.says("below min(1 − 1/log₁₀ S, {}) = {} | q can", &[least; 2]);
    page.says("| −∞ to ∞ | below {} |", &[least]);
    page.says("k̂ below {} does not say that", &[least]);
    page.says("Compare it only where k̂ is below {}.", &[least]);
    let most = page.numbers("| up to {} | weighted draws")[0].value;
    page.says("| above {} | draws of q cannot", &[most]);
    let reading = |k_hat: f64| Psis { k_hat, ..found }.reading();
    assert_eq!(reading(least - 1e-9), Reading::Reliable);
    assert_eq!(
        [reading(least + 1e-9), reading(most - 1e-9)],
        [Reading::Biased; 2]
    );
    assert_eq!(reading(most + 1e-9), Reading::Untrustworthy);
}

#[test]
fn words_of_coverage_change_at_these_shares() {
    let page = page();
    let rest = 100.0 - 100.0 * constant("src/report/coverage.rs", "NEARLY_ALL")[0];
    page.says(
        "is not covered is less than {} % of p",
        &[(1e6 * rest).round() / 1e6],
    );
    let region = 100.0 * REGION_MASS;
    page.says(
        "lies in the smallest region with {} % of q, and q has",
        &[region],
    );
    page.says("the smallest one with {} % of q, whether it is", &[region]);
}

/// What the page says of the bimodal example stands in the block of the first page, which is run again.
#[test]
fn the_bimodal_example() {
    let (page, readme) = (page(), Page::open("README.md"));
    let of = |sentence: &str| -> Vec<f64> {
        readme
            .numbers(sentence)
            .iter()
            .map(|number| number.value)
            .collect()
    };
    let reverse = of(
        "reverse-kl: k̂ {}, draws of q cannot stand for p, {} of {} draws effective; {} % of p in q's",
    );
    let forward =
        of("forward-kl: k̂ {}, q can stand for p, {} of {} draws effective; {} % of p in q's");
    page.says(
        "on one bump, has {} of {}, and forward KL {} over both. Its k̂ of {} gives",
        &[reverse[1], reverse[2], forward[1], reverse[0]],
    );
    page.says(
        "it is {} for reverse KL and {} for forward KL. It needs",
        &[reverse[3] / 100.0, forward[3] / 100.0],
    );
    let place = of("one of two modes of p, the one at x = {}, and misses {} % of p");
    page.says(
        "one of two modes of p, the one at x = {}, and misses {} % of p*: reverse KL; the {} % are",
        &[place[0], place[1], place[1]],
    );
}

#[test]
fn modes_are_looked_for_up_to_this_size() {
    let most = page().numbers("of large mixtures (K³·D² above {})")[0];
    let modes = |dim: usize| {
        let components = 5usize;
        let work = (components.pow(3) * dim * dim) as f64;
        let means = (0..components).map(|k| vec![k as f64; dim]).collect();
        let mixture = Mixture::from_stds(
            vec![0.2; components],
            means,
            vec![vec![1.0; dim]; components],
        );
        (work, TargetModel::from(mixture.unwrap()).modes().is_some())
    };
    for dim in [178, 180] {
        let (work, looked_for) = modes(dim);
        assert_eq!(looked_for, work <= most.value, "{dim}");
    }
}
