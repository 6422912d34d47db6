//! The log, the seed, labels and sizes.

use super::target::TARGETS;
use super::{FORWARD, LINE, Rule, check_rules};

const REST: &[Rule] = &[
    (
        LINE,
        "[log]\nevery = 0 # !\n",
        FORWARD,
        "log.every",
        "is 0",
        "about 100",
    ),
    (
        LINE,
        "[log]\nmax_rows = 31 # !\n",
        FORWARD,
        "log.max_rows",
        "16 runs have at least 32 rows",
        "at least two rows a run",
    ),
    (
        LINE,
        "[log]\nsamples = 1 # !\n",
        FORWARD,
        "log.samples",
        "is 1, too few",
        "4096",
    ),
    (
        LINE,
        "[log]\nsamples = 1000000000 # !\n",
        FORWARD,
        "log.samples",
        "too large",
        "134 million",
    ),
    (
        LINE,
        "seed = -1 # !\n",
        FORWARD,
        "seed",
        "is -1, expected a whole number",
        "docs/config.md",
    ),
    (
        LINE,
        "",
        "[[fit]] # !\nlabel = \"x\"\n",
        "fit[1].divergence",
        "is missing",
        "divergence = ",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nlabel = \"a: b\"\n[[fit]]\ndivergence = \"js\"\nlabel = \"a, b\" # !\n",
        "fit[2].label",
        "has the folder a-b, as that of another fit",
        "letters or digits",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nlabel = \" a\" # !\n",
        "fit[1].label",
        "is \" a\"",
        "without line breaks",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nlabel = \"figures?\" # !\n",
        "fit[1].label",
        "is \"figures?\"",
        "choose another label",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nlabel = \"Figures\" # !\n",
        "fit[1].label",
        "is \"Figures\"",
        "choose another label",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nlabel = \"a\"\n[[fit]]\ndivergence = \"js\"\nlabel = \"A\" # !\n",
        "fit[2].label",
        "taken by another fit",
        "a label of its own",
    ),
    (
        LINE,
        "restarts = 1000000\n",
        "[[fit]] # !\ndivergence = \"js\"\n",
        "fit[1]",
        "1000000 restarts × 256 points × 2 components",
        "lower the largest",
    ),
    (
        LINE,
        "fit = [] # !\n",
        "",
        "fit",
        "is empty",
        "divergence = ",
    ),
    (LINE, "", "", "fit", "is missing", "[[fit]]"),
];

#[test]
fn targets_logs_labels_and_sizes_that_make_no_sense_are_refused() {
    check_rules(TARGETS);
    check_rules(REST);
}
