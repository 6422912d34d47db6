//! Divergences that a config names, and what they need of the target.

use klfit::{DivergenceKind, DivergenceName};

use super::{CAUCHY, HEAVY, IRIS, LINE, Rule, check_rules, parsed, refuses};

const DIVERGENCES: &[Rule] = &[
    (
        LINE,
        "",
        "[[fit]] # !\ndivergence = \"alpha\"\n",
        "fit[1].alpha",
        "is missing",
        "alpha = 0.5",
    ),
    (
        LINE,
        "",
        "[[fit]] # !\ndivergence = \"renyi\"\n",
        "fit[1].alpha",
        "is missing",
        "alpha = 0.5",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nalpha = 0.5 # !\n",
        "fit[1].alpha",
        "is 0.5, and Jensen",
        "remove it",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"alpha\"\nalpha = 1 # !\n",
        "fit[1].alpha",
        "is 1",
        "\"forward-kl\"",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"renyi\"\nalpha = 1.0 # !\n",
        "fit[1].alpha",
        "is 1",
        "\"forward-kl\"",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"alpha\"\nalpha = 0 # !\n",
        "fit[1].alpha",
        "is 0",
        "\"reverse-kl\"",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"renyi\"\nalpha = 0 # !\n",
        "fit[1].alpha",
        "is 0",
        "above 0",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"renyi\"\nalpha = -2 # !\n",
        "fit[1].alpha",
        "is -2",
        "above 0",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"alpha\"\nalpha = inf # !\n",
        "fit[1].alpha",
        "is inf",
        "alpha = 0.5",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"alpha\"\nalpha = nan # !\n",
        "fit[1].alpha",
        "is NaN",
        "alpha = 0.5",
    ),
    (
        CAUCHY,
        "",
        "[[fit]]\ndivergence = \"forward-kl\" # !\n",
        "fit[1].divergence",
        "infinite for every q: the target has no variance",
        "reverse-kl",
    ),
    (
        CAUCHY,
        "",
        "[[fit]]\ndivergence = \"jeffreys\" # !\n",
        "fit[1].divergence",
        "infinite",
        "reverse-kl",
    ),
    (
        HEAVY,
        "",
        "[[fit]]\ndivergence = \"chi2\" # !\n",
        "fit[1].divergence",
        "its tails are heavier",
        "js",
    ),
    (
        HEAVY,
        "",
        "[[fit]]\nalpha = 1.5\ndivergence = \"alpha\" # !\n",
        "fit[1].divergence",
        "its tails are heavier",
        "squared-hellinger",
    ),
    (
        HEAVY,
        "",
        "[[fit]]\nalpha = 2\ndivergence = \"renyi\" # !\n",
        "fit[1].divergence",
        "its tails are heavier",
        "squared-hellinger",
    ),
];

#[test]
fn divergences_that_make_no_sense_are_refused() {
    check_rules(DIVERGENCES);
}

/// The divergences as a config names them, with an order where they take one.
pub const NAMED: [(&str, Option<f64>); 11] = [
    ("forward-kl", None),
    ("reverse-kl", None),
    ("jeffreys", None),
    ("js", None),
    ("alpha", Some(0.5)),
    ("alpha", Some(1.5)),
    ("renyi", Some(0.5)),
    ("renyi", Some(1.5)),
    ("chi2", None),
    ("squared-hellinger", None),
    ("total-variation", None),
];

#[test]
fn the_list_of_divergences_here_is_whole() {
    let mut kinds: Vec<DivergenceKind> = (NAMED.iter())
        .map(|(name, alpha)| {
            let name: DivergenceName =
                serde::Deserialize::deserialize(toml::Value::from(*name)).unwrap();
            name.with_order(*alpha).unwrap()
        })
        .collect();
    // One is of another order, and two have no name in a config.
    kinds.push(DivergenceKind::from_name("alpha--0.5").unwrap());
    kinds.extend([DivergenceKind::CrossEntropy, DivergenceKind::BinnedKl]);
    kinds.sort();
    let mut all = DivergenceKind::all();
    all.sort();
    assert_eq!(kinds, all);
}

#[test]
fn only_forward_kl_does_without_the_density_of_the_target() {
    for (name, alpha) in NAMED {
        let alpha = alpha.map_or(String::new(), |alpha| format!("alpha = {alpha}\n"));
        let text = format!("name = \"rows\"\n{IRIS}[[fit]]\n{alpha}divergence = \"{name}\" # !\n");
        if name == "forward-kl" {
            let experiment = parsed(&text).unwrap();
            assert_eq!(experiment.plans[0].divergence, DivergenceKind::CrossEntropy);
        } else {
            refuses(
                &text,
                "fit[1].divergence",
                "needs the density of the target",
                "forward-kl",
            );
        }
    }
}
