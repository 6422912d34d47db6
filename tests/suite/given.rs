//! Log-densities and tables that the program gives by name.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use klfit::{
    Error, Existing, Experiment, LogDensities, LogDensity, RunFolder, Scales, Summary,
    draw_figures, give_function, give_table, run,
};

use crate::support::assert_close;

/// N points of D coordinates to log p and the gradient, or to an error.
struct By<F>(F);

impl<F: Fn(&[f64], usize) -> Result<LogDensities, Error> + Send + Sync> LogDensity for By<F> {
    fn log_densities(&self, x: &[f64], dim: usize) -> Result<LogDensities, Error> {
        self.0(x, dim)
    }
}

/// −½ Σ ((x_d − d) / (d/2))² for d = 1, 2, …, with its gradient: log Z = Σ log(d/2 √(2π)).
fn gaussian(x: &[f64], dim: usize) -> LogDensities {
    let (mut values, mut gradient) = (Vec::new(), Vec::new());
    for x in x.chunks_exact(dim) {
        let z = |d: usize| (x[d] - (d + 1) as f64) / (0.5 * (d + 1) as f64);
        values.push(-0.5 * (0..dim).map(|d| z(d).powi(2)).sum::<f64>());
        gradient.extend((0..dim).map(|d| -z(d) / (0.5 * (d + 1) as f64)));
    }
    LogDensities {
        values,
        gradient: Some(gradient),
    }
}

fn config(target: &str, fit: &str) -> String {
    format!(
        "name = \"given\"\n[target]\n{target}\n[optimizer]\ntype = \"lbfgs\"\nsteps = 60\n[[fit]]\n{fit}\n"
    )
}

const REVERSE: &str = "divergence = \"reverse-kl\"\nestimator = { type = \"quasi-monte-carlo\", samples = 256, noise = \"fixed\" }\nfamily = { covariance = \"diagonal\" }";

fn experiment(config: &str) -> Result<Experiment, Error> {
    Experiment::parse("given.toml".as_ref(), config, Vec::new())
}

fn ran(config: &str) -> Result<(tempfile::TempDir, Summary), Error> {
    let out = tempfile::tempdir().unwrap();
    let experiment = experiment(config)?;
    let folder = RunFolder::create(&out.path().join("run"), &experiment, Existing::Refuse)?;
    run(&experiment, &experiment.numerics()?, &folder, &mut ())?;
    let summary = folder.summary()?;
    Ok((out, summary))
}

#[test]
fn a_function_is_fitted_with_and_without_its_gradient() {
    let with = give_function("with", Arc::new(By(|x: &[f64], dim| Ok(gaussian(x, dim))))).unwrap();
    let (_, summary) = ran(&config("function = \"with\"\ndim = 3", REVERSE)).unwrap();
    let best = summary.fits[0].best.as_ref().unwrap();
    for d in 0..3 {
        let scale = (d + 1) as f64;
        // As well as 256 points have the moments of q.
        assert_close(best.mixture.means[0][d], scale, 1e-2 * scale, "mean");
        let Scales::Stds(stds) = &best.mixture.scales else {
            panic!("{:?}", best.mixture.scales);
        };
        assert_close(stds[0][d], 0.5 * scale, 4e-3 * scale, "standard deviation");
    }
    let target = serde_json::to_value(&summary.target).unwrap();
    // (2π)^(3/2) · ½ · 1 · 3⁄2.
    let log_z = 1.5 * std::f64::consts::TAU.ln() + 0.75f64.ln();
    let error = target["log_normalizer_error"].as_f64().unwrap();
    assert_close(
        target["log_normalizer"].as_f64().unwrap(),
        log_z,
        4.0 * error,
        "log Z",
    );
    assert!(error < 0.005, "{error}");

    let values = |x: &[f64], dim: usize| {
        Ok(LogDensities {
            gradient: None,
            ..gaussian(x, dim)
        })
    };
    let _without = give_function("without", Arc::new(By(values))).unwrap();
    let target = "function = \"without\"\ndim = 1";
    let refused = experiment(&config(target, "divergence = \"reverse-kl\"")).unwrap_err();
    assert!(
        refused.to_string().contains("the target gives none"),
        "{refused}"
    );
    let (_, summary) = ran(&config(target, "divergence = \"forward-kl\"")).unwrap();
    let best = summary.fits[0].best.as_ref().unwrap();
    assert_close(best.mixture.means[0][0], 1.0, 1e-6, "mean");

    // Taken back, and in use.
    assert!(give_function("with", Arc::new(By(values))).is_err());
    drop(with);
    let refused = experiment(&config("function = \"with\"\ndim = 3", REVERSE)).unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("`target.function` is \"with\", a function of another program"),
        "{said}"
    );
    // Another function of the same name is not taken for the first.
    let shifted = |x: &[f64], dim| {
        let moved: Vec<f64> = x.iter().map(|x| x - 5.0).collect();
        Ok(gaussian(&moved, dim))
    };
    let _with = give_function("with", Arc::new(By(shifted))).unwrap();
    let (_, summary) = ran(&config("function = \"with\"\ndim = 3", REVERSE)).unwrap();
    let best = summary.fits[0].best.as_ref().unwrap();
    assert_close(best.mixture.means[0][0], 6.0, 1e-2, "mean");
}

/// Of points, D, and how many calls there were before.
type Counted = fn(&[f64], usize, usize) -> Result<LogDensities, Error>;

#[test]
fn what_goes_wrong_in_a_function_ends_what_asked() {
    let said = |name: &str, function: Counted| {
        let calls = AtomicUsize::new(0);
        let counted =
            move |x: &[f64], dim: usize| function(x, dim, calls.fetch_add(1, Ordering::Relaxed));
        let _given = give_function(name, Arc::new(By(counted))).unwrap();
        let error = ran(&config(&format!("function = \"{name}\"\ndim = 2"), REVERSE));
        error.unwrap_err().to_string()
    };
    let raised =
        |_: &[f64], _: usize, _: usize| Err(Error::usage("ValueError: no such thing", "mend it"));
    let error = said("raising", raised);
    assert!(
        error.contains("raising: ValueError: no such thing"),
        "{error}"
    );
    let error = said("short", |x, dim, _| {
        Ok(LogDensities {
            values: vec![0.0; x.len() / dim + 1],
            gradient: None,
        })
    });
    assert!(
        error.contains("short answered 2 points of 2 coordinates with 3 numbers"),
        "{error}"
    );
    let error = said("slanted", |x, dim, _| {
        Ok(LogDensities {
            gradient: Some(vec![0.0; dim]),
            ..gaussian(x, dim)
        })
    });
    assert!(
        error.contains("slanted answered 2 points of 2 coordinates with a gradient of 2 numbers"),
        "{error}"
    );
    let error = said("nan", |x, dim, _| {
        Ok(LogDensities {
            values: vec![f64::NAN; x.len() / dim],
            gradient: Some(vec![f64::NAN; x.len()]),
        })
    });
    assert!(error.contains("is not a number at x1 = 0"), "{error}");
    // After its place was found, in the middle of the run.
    let later = |x: &[f64], dim: usize, call: usize| match call {
        0..400 => Ok(gaussian(x, dim)),
        _ => Err(Error::usage("gone", "come back")),
    };
    let error = said("later", later);
    assert!(error.contains("later: gone"), "{error}");
    let changing = |x: &[f64], dim: usize, call: usize| match call {
        0..10 => Ok(gaussian(x, dim)),
        _ => Ok(LogDensities {
            gradient: None,
            ..gaussian(x, dim)
        }),
    };
    let error = said("changing", changing);
    assert!(
        error.contains("changing answered with a gradient at one time"),
        "{error}"
    );
}

#[test]
fn a_table_that_is_given_is_as_that_of_a_file() {
    let rows: Vec<f64> = (0..600)
        .map(|i| f64::from(i * i * 37 % 1009) / 7.0)
        .collect();
    let columns: Vec<String> = ["a", "b", "n"].map(str::to_owned).to_vec();
    let given = give_table("table", columns, rows.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut csv = "a,b,n\n".to_owned();
    for row in rows.chunks_exact(3) {
        csv += &format!("{},{},{}\n", row[0], row[1], row[2]);
    }
    let file = folder.path().join("table.csv");
    fs::write(&file, csv).unwrap();
    let options =
        "columns = [\"b\", \"a\"]\nweights = \"n\"\nweight_kind = \"importance\"\nholdout = 0.2";
    let fit = "divergence = \"forward-kl\"";
    let [(_, of_file), (out, of_table)] = [file, given.path()].map(|path| {
        ran(&config(
            &format!("file = {:?}\n{options}", path.display().to_string()),
            fit,
        ))
        .unwrap()
    });
    assert_eq!(of_file.fits[0].best, of_table.fits[0].best);
    assert_eq!(of_file.target, of_table.target);
    // The run keeps its rows.
    drop(given);
    let folder = RunFolder::open(&out.path().join("run")).unwrap();
    draw_figures(&folder).unwrap();
    let refused = experiment(&config("file = \"given:table\"", fit)).unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("given:table is a table of another program"),
        "{said}"
    );
    assert!(give_table("uneven", vec!["a".to_owned(); 2], vec![0.0; 3]).is_err());
}
