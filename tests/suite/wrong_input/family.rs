//! The family.

use super::{FORWARD, LINE, PLANE, Rule, check_rules};

const FAMILIES: &[Rule] = &[
    (
        LINE,
        "[family]\ncomponents = 0 # !\n",
        FORWARD,
        "family.components",
        "is 0",
        "1 component",
    ),
    (
        PLANE,
        "[family]\nrank = 1 # !\n",
        FORWARD,
        "family.rank",
        "a full covariance has none",
        "\"low-rank\"",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"low-rank\"\nrank = 3 # !\n",
        FORWARD,
        "family.rank",
        "is 3, and there are 2 dimensions",
        "from 1",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"low-rank\"\nrank = 0 # !\n",
        FORWARD,
        "family.rank",
        "is 0, and there are 2 dimensions",
        "from 1",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [1.0] # !\n",
        FORWARD,
        "family.weights",
        "has 1 entries, and there are 2 components",
        "one weight for each",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [0.5, 0.4] # !\n",
        FORWARD,
        "family.weights",
        "sums to 0.9",
        "sum to 1",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [1.5, -0.5] # !\n",
        FORWARD,
        "family.weights",
        "[1.5, -0.5]",
        "positive",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [1.0, 0.0] # !\n",
        FORWARD,
        "family.weights",
        "[1.0, 0.0]",
        "positive",
    ),
    (
        LINE,
        "[family]\nmin_std = -0.1 # !\n",
        FORWARD,
        "family.min_std",
        "is -0.1",
        "or 0",
    ),
    (
        LINE,
        "[family]\nmin_std = inf # !\n",
        FORWARD,
        "family.min_std",
        "is inf",
        "or 0",
    ),
    (
        PLANE,
        "[family]\nmin_std = 0.5 # !\n",
        FORWARD,
        "family.min_std",
        "standard deviation of 0.5",
        "lower it",
    ),
    (
        LINE,
        "[family]\ncovariance = \"diag\" # !\n",
        FORWARD,
        "family.covariance",
        "\"diag\"",
        "did you mean `diagonal`?",
    ),
];

#[test]
fn families_that_make_no_sense_are_refused() {
    check_rules(FAMILIES);
}
