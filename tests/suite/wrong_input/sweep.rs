//! Sweeps.

use std::fs;

use klfit::Sweep;

use super::{FORWARD, LINE, REVERSE, config_error};

/// A sweep in a file that ends with it.
fn swept(sweep: &str) -> klfit::Result<Option<Sweep>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sweep.toml");
    let text = format!("name = \"sweep\"\n{LINE}[optimizer]\nsteps = 5\n{FORWARD}{REVERSE}{sweep}");
    fs::write(&path, text).unwrap();
    Sweep::load(&path, &[])
}

#[test]
fn sweeps_that_make_no_sense_are_refused() {
    let numbers = |n: usize| {
        (1..=n)
            .map(|i| i.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let many = format!(
        "[sweep.grid] # !\nseed = [{}]\noptimizer.steps = [{}]\n",
        numbers(101),
        numbers(100)
    );
    for (sweep, key, message, help) in [
        (
            "[sweep] # !\n",
            "sweep",
            "needs a grid or a list",
            "[sweep.grid]",
        ),
        (
            "[sweep] # !\ngrid = { seed = [1] }\nlist = [{ seed = 1 }]\n",
            "sweep",
            "both a grid and a list",
            "or",
        ),
        (
            "[sweep]\ngrids = { seed = [1] } # !\n",
            "sweep.grids",
            "not a key klfit knows",
            "[sweep.grid]",
        ),
        (
            "[sweep]\ngrid = 5 # !\n",
            "sweep.grid",
            "not a section",
            "[sweep.grid]",
        ),
        (
            "[sweep]\nlist = 5 # !\n",
            "sweep.list",
            "not a list",
            "[[sweep.list]]",
        ),
        (
            "[sweep]\nlist = [{ seed = 1 }, 5] # !\n",
            "sweep.list[2]",
            "is 5, not a section",
            "[[sweep.list]]",
        ),
        (
            "[sweep]\nlist = [] # !\n",
            "sweep.list",
            "sets nothing",
            "[[sweep.list]]",
        ),
        (
            "[sweep]\nlist = [{}] # !\n",
            "sweep.list",
            "sets nothing",
            "[[sweep.list]]",
        ),
        (
            "[sweep.grid] # !\n",
            "sweep.grid",
            "sets nothing",
            "[sweep.grid]",
        ),
        (
            "[sweep.grid]\nseed = [1]\noptimizer.steps = [] # !\n",
            "sweep.grid.optimizer.steps",
            "is empty",
            "a list of values",
        ),
        (
            "[sweep.grid]\noptimizer.steps = 5 # !\n",
            "sweep.grid.optimizer.steps",
            "is 5, not a list",
            "a list of values",
        ),
        (
            "[sweep.grid]\n\"fit[2].optimizer.steps\" = 5 # !\n",
            "sweep.grid.fit[2].optimizer.steps",
            "is 5, not a list",
            "a list of values",
        ),
        (
            &many,
            "sweep.grid",
            "more than 10000 points",
            "leave values out",
        ),
        // A point that cannot run: the setting, its line and the whole point.
        (
            "[sweep.grid]\nseed = [3, 4]\noptimizer.learning_rate = [0.1, -1.0] # !\n",
            "optimizer.learning_rate",
            "is -1; it must be positive and finite (at the point of the sweep seed = 3, \
             optimizer.learning_rate = -1.0)",
            "0.05 is the default",
        ),
        (
            "[sweep.grid]\n\"fit[2].optimizer.steps\" = [3, 0] # !\n",
            "fit[2].optimizer.steps",
            "(at the point of the sweep fit[2].optimizer.steps = 0)",
            "1000",
        ),
        (
            "[[sweep.list]]\nseed = 1\n[[sweep.list]]\noptimizer.stepps = 3 # !\n",
            "optimizer.stepps",
            "(at the point of the sweep optimizer.stepps = 3)",
            "did you mean `steps`?",
        ),
        (
            "[[sweep.list]]\nseed = 1\n[[sweep.list]]\nnonsense = 3 # !\n",
            "nonsense",
            "not a key klfit knows",
            "one of",
        ),
    ] {
        let (error, found, remedy) = match swept(sweep) {
            Ok(_) => panic!("taken: {sweep}"),
            Err(error) => config_error(error),
        };
        let line = 10
            + sweep
                .lines()
                .position(|line| line.ends_with("# !"))
                .unwrap()
            + 2;
        assert_eq!(found, key, "{error}\n{sweep}");
        assert_eq!(error.location.line(), Some(line), "{error}\n{sweep}");
        assert_eq!(error.location.from, None, "{error}");
        assert!(error.message.contains(message), "{error}\n{sweep}");
        assert!(remedy.contains(help), "{remedy}\n{sweep}");
    }
    // The mistake may show in a key the sweep does not set; the point is told all the same.
    let text = "[sweep.grid]\nseed = [1]\ntarget.dof = [3.0, 1.5]\n";
    let (error, key, _) = config_error(swept(text).unwrap_err());
    assert_eq!(
        (key.as_str(), error.location.line()),
        ("fit[1].divergence", Some(9))
    );
    let point = "(at the point of the sweep seed = 1, target.dof = 1.5)";
    assert!(error.message.ends_with(point), "{error}");
}
