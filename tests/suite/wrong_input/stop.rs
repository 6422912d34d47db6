//! When a fit stops.

use super::{FORWARD, LINE, Rule, check_rules};

const STOPS: &[Rule] = &[
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\n[stop]\ngradient_norm = 1e-6 # !\n",
        FORWARD,
        "stop.gradient_norm",
        "random objective",
        "precision = 0.01",
    ),
    (
        LINE,
        "[estimator]\ntype = \"quasi-monte-carlo\"\n[stop]\nloss_change = 1e-6 # !\n",
        FORWARD,
        "stop.loss_change",
        "random objective",
        "noise = \"fixed\"",
    ),
    (
        LINE,
        "[stop]\nprecision = 0.01 # !\n",
        FORWARD,
        "stop.precision",
        "this one is deterministic",
        "gradient_norm = 1e-6",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\nnoise = \"fixed\"\n[stop]\nprecision = 0.01 # !\n",
        FORWARD,
        "stop.precision",
        "this one is deterministic",
        "loss_change = 1e-9",
    ),
    (
        LINE,
        "[stop]\nwindow = 20 # !\n",
        FORWARD,
        "stop.window",
        "is 20, and no tolerance",
        "loss_change",
    ),
    (
        LINE,
        "[stop]\ngradient_norm = 1e-6\nwindow = 20 # !\n",
        FORWARD,
        "stop.window",
        "is 20, and no tolerance",
        "loss_change",
    ),
    (
        LINE,
        "[stop]\nloss_change = 1e-6\nwindow = 0 # !\n",
        FORWARD,
        "stop.window",
        "from 1 to 8000",
        "loss_change",
    ),
    (
        LINE,
        "[estimator]\ntype = \"monte-carlo\"\n[stop]\nprecision = 0.01\nwindow = 39 # !\n",
        FORWARD,
        "stop.window",
        "from 40 to 8000",
        "precision",
    ),
    (
        LINE,
        "[stop]\ngradient_norm = 0.0 # !\n",
        FORWARD,
        "stop.gradient_norm",
        "must be positive",
        "1e-6",
    ),
    (
        LINE,
        "[stop]\nloss_change = inf # !\n",
        FORWARD,
        "stop.loss_change",
        "is inf",
        "1e-6",
    ),
    (
        LINE,
        "[stop]\nprecision = -1 # !\n",
        FORWARD,
        "stop.precision",
        "is -1",
        "0.01",
    ),
];

#[test]
fn tolerances_that_make_no_sense_are_refused() {
    check_rules(STOPS);
}
