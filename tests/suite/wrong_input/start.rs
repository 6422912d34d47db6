//! Where fits start.

use super::{FORWARD, LINE, PLANE, Rule, check_rules};

const STARTS: &[Rule] = &[
    (
        LINE,
        "[init]\nfit = \"wide\" # !\n",
        FORWARD,
        "init.fit",
        "which is no fit before this one",
        "the first",
    ),
    (
        PLANE,
        "[init] # !\nmean = [0.0]\nstd = [1.0]\n",
        FORWARD,
        "init",
        "it has 1 coordinate and the target 2",
        "[family]",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\n[init] # !\nmean = [0.0]\nstd = [1.0]\n",
        FORWARD,
        "init",
        "it has 1 component and the family 2",
        "[family]",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\nweights = [0.25, 0.75]\n[init] # !\nweights = [0.5, 0.5]\n\
         means = [[0.0], [1.0]]\nstds = [[1.0], [1.0]]\n",
        FORWARD,
        "init",
        "its weights are [0.5, 0.5] and the family's [0.25, 0.75]",
        "agree",
    ),
    (
        LINE,
        "[family]\ncomponents = 2\n[init] # !\nweights = [1.0, 0.0]\nmeans = [[0.0], [1.0]]\n\
         stds = [[1.0], [1.0]]\n",
        FORWARD,
        "init",
        "component 2 has weight 0",
        "agree",
    ),
    (
        LINE,
        "[family]\nmin_std = 0.5\n[init] # !\nmean = [0.0]\nstd = [0.4]\n",
        FORWARD,
        "init",
        "above min_std = 0.5",
        "agree",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"isotropic\"\n[init] # !\nmean = [0.0, 0.0]\nstd = [1.0, 2.0]\n",
        FORWARD,
        "init",
        "component 1 is not isotropic",
        "agree",
    ),
    (
        PLANE,
        "[family]\ncovariance = \"diagonal\"\n[init] # !\nmean = [0.0, 0.0]\n\
         covariance = [[1.0, 0.5], [0.5, 1.0]]\n",
        FORWARD,
        "init",
        "component 1 is not diagonal",
        "agree",
    ),
    (
        LINE,
        "[init]\nmean = [0.0]\nstd = [1.0]\n",
        "[[fit]]\ndivergence = \"js\"\ninit = { mean = [0.0] } # !\n",
        "fit[1].init.std",
        "is missing",
        "say how wide",
    ),
    (
        LINE,
        "[init]\ntype = \"laplace\"\nclimbs = 0 # !\n",
        FORWARD,
        "init.climbs",
        "is 0",
        "200",
    ),
    (
        LINE,
        "[init]\ntype = \"laplace\"\nclimb_std = -1.0 # !\n",
        FORWARD,
        "init.climb_std",
        "must be positive",
        "distance",
    ),
    (
        LINE,
        "[init]\ntype = \"pathfinder\"\nclimbs = 0 # !\n",
        FORWARD,
        "init.climbs",
        "is 0",
        "10",
    ),
    (
        LINE,
        "[init]\ntype = \"pathfinder\"\nclimb_std = inf # !\n",
        FORWARD,
        "init.climb_std",
        "must be positive",
        "distance",
    ),
    (
        LINE,
        "[init]\ntype = \"pathfinder\"\ndraws = 1 # !\n",
        FORWARD,
        "init.draws",
        "from 2 to",
        "25",
    ),
    (
        LINE,
        "[init]\ntype = \"k-means\"\nmean = [0.0] # !\n",
        FORWARD,
        "init.mean",
        "not a key of type = \"k-means\"",
        "",
    ),
    (
        LINE,
        "[init]\ntype = \"kmeans\" # !\n",
        FORWARD,
        "init.type",
        "\"kmeans\"",
        "did you mean `k-means`?",
    ),
    (
        LINE,
        "restarts = 0 # !\n",
        FORWARD,
        "restarts",
        "is 0",
        "64",
    ),
    (
        LINE,
        "",
        "[[fit]]\ndivergence = \"js\"\nrestarts = 0 # !\n",
        "fit[1].restarts",
        "is 0",
        "64",
    ),
    (
        LINE,
        "[init]\nfile = \"absent.json\" # !\n",
        FORWARD,
        "init.file",
        "cannot read",
        "folder of the config",
    ),
    (
        LINE,
        "[init]\nfile = \"numpy\" # !\n",
        FORWARD,
        "init.file",
        "not the folder of a run",
        "klfit run",
    ),
];

#[test]
fn starts_that_make_no_sense_are_refused() {
    check_rules(STARTS);
}
