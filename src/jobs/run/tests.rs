//! Runs by several ranks, each with rows of its own, which are threads here.

use std::fs;
use std::path::Path;

use super::*;
use crate::compute::noise::{RunKey, Stream};
use crate::files::npy;
use crate::ranks::{self, threads};
use crate::run_folder::Existing;

/// Rows of two clusters in three columns, in parts that are not of one length; some miss a number.
fn write_parts(folder: &Path) {
    let means = vec![vec![-2.0, -1.9, -1.8], vec![2.0, 2.1, 2.2]];
    let clusters = Mixture::from_stds(vec![0.4, 0.6], means, vec![vec![0.9; 3]; 2]).unwrap();
    let mut generator = RunKey { seed: 5, run: 0 }.generator(Stream::Sketch, 0);
    for (part, rows) in [400, 37, 900, 251, 512].into_iter().enumerate() {
        let mut numbers = clusters.sample(rows, &mut generator);
        for row in (3..rows).step_by(41) {
            numbers[3 * row + 1] = f64::NAN;
        }
        let path = folder.join(format!("part-{part}.npy"));
        fs::write(path, npy::encoded(&[rows, 3], &numbers)).unwrap();
    }
}

/// Keys of the target beside its files, one for each of the fits.
const KEYS: [&str; 6] = [
    "holdout = 0.1",
    "holdout = 'part-?.npy'",
    "holdout = 'part-1.npy'",
    "columns = ['x3', 'x1']",
    "",
    "",
];
const FITS: [&str; 6] = [
    "optimizer = { type = 'adam', learning_rate = 0.05, steps = 60 }",
    "optimizer = { type = 'lbfgs', steps = 25 }",
    "optimizer = { type = 'em', steps = 8 }",
    "optimizer = { type = 'natural-gradient', steps = 20 }\ninit = { type = 'k-means' }",
    "optimizer = { type = 'adam', steps = 20 }\nfamily = { components = 2, covariance = 'diagonal' }\nrestarts = 3",
    "optimizer = { type = 'adam', steps = 20 }\nestimator = { type = 'monte-carlo', samples = 64 }",
];

fn config(keys: &str, fit: &str) -> String {
    format!(
        "name = 'rows'\nseed = 4\n[target]\nfile = 'part-*.npy'\nmissing = 'drop'\n{keys}\n[family]\ncomponents = 2\n\
         [log]\nevery = 5\n[[fit]]\nlabel = 'fit'\ndivergence = 'forward-kl'\n{fit}\n"
    )
}

/// What comes of it, and what was logged.
fn run_in(folder: &Path, out: &Path, text: &str) -> (Summary, String) {
    let experiment = Experiment::parse(&folder.join("rows.toml"), text, Vec::new()).unwrap();
    let run_folder = RunFolder::create(out, &experiment, Existing::Refuse).unwrap();
    let numerics = experiment.numerics().unwrap();
    let summary = run(&experiment, &numerics, &run_folder, &mut ()).unwrap();
    let digest = experiment.digest().unwrap();
    (summary, digest)
}

fn numbers(summary: &Summary) -> Vec<f64> {
    let best = summary.fits[0].best.as_ref().unwrap();
    let estimate = best
        .divergences
        .estimate(crate::divergence::DivergenceKind::CrossEntropy);
    let criteria = best.criteria.as_ref().unwrap();
    let mixture = &best.mixture;
    let held_out = best
        .divergences
        .held_out()
        .map(|held_out| [held_out.value, held_out.error]);
    (mixture.weights.iter().copied())
        .chain(mixture.means.concat())
        .chain([estimate.value, estimate.error, criteria.bic, criteria.icl])
        .chain(held_out.into_iter().flatten())
        .collect()
}

#[test]
fn ranks_with_parts_of_the_rows_fit_as_one_process_with_all_of_them() {
    let temporary = tempfile::tempdir().unwrap();
    // Brackets are no pattern.
    let folder = &temporary.path().join("[rows]");
    fs::create_dir(folder).unwrap();
    write_parts(folder);
    for (place, (keys, fit)) in KEYS.into_iter().zip(FITS).enumerate() {
        let text = config(keys, fit);
        let at = |name: &str| folder.join(format!("{name}-{place}"));
        let (alone, digest) = run_in(folder, &at("alone"), &text);
        for size in [1, 2, 4] {
            let shared = threads::run(size, |connected| {
                let out = at(&format!("of-{size}-rank-{}", connected.rank()));
                ranks::among(connected, || run_in(folder, &out, &text))
            });
            for (summary, of_rank) in &shared {
                assert_eq!(*of_rank, digest);
                for (found, whole) in numbers(summary).into_iter().zip(numbers(&alone)) {
                    let apart = (found - whole).abs() / whole.abs().max(1.0);
                    assert!(apart < 1e-9, "{fit}, {size} ranks: {found} {whole}");
                }
                assert_eq!(numbers(summary), numbers(&shared[0].0));
            }
        }
    }
}

#[test]
fn who_does_the_work_is_no_part_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    write_parts(folder.path());
    let digest = |text: &str| {
        let path = folder.path().join("rows.toml");
        let experiment = Experiment::parse(&path, text, Vec::new()).unwrap();
        experiment.digest().unwrap()
    };
    let text = config("", FITS[0]);
    assert_eq!(digest(&text), digest(&format!("{text}[distributed]\n")));
    assert_ne!(digest(&text), digest(&text.replace("0.05", "0.06")));
}

#[test]
fn ranks_that_have_come_apart_end_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    write_parts(folder.path());
    // By all rows, and by rows that are drawn.
    for fit in [FITS[0], FITS[5]] {
        let told = threads::run(2, |connected| {
            let rank = connected.rank();
            let text = config("", fit).replace("seed = 4", &format!("seed = {rank}"));
            let out = tempfile::tempdir().unwrap();
            ranks::among(connected, || {
                let path = folder.path().join("rows.toml");
                let experiment = Experiment::parse(&path, &text, Vec::new()).unwrap();
                let out = RunFolder::create(out.path(), &experiment, Existing::Refuse).unwrap();
                let numerics = experiment.numerics().unwrap();
                run(&experiment, &numerics, &out, &mut ())
                    .unwrap_err()
                    .to_string()
            })
        });
        let expected = "the ranks have come to different parameters".to_owned();
        assert_eq!(told, vec![expected; 2], "{fit}");
    }
}

#[test]
fn what_ails_a_part_is_told_on_every_rank() {
    let folder = tempfile::tempdir().unwrap();
    write_parts(folder.path());
    let parse = |text: &str| {
        let path = folder.path().join("rows.toml");
        let found = Experiment::parse(&path, text, Vec::new());
        found.unwrap_err().to_string()
    };
    let refused = |text: &str, ranks: usize| {
        let told = threads::run(ranks, |connected| {
            crate::ranks::among(connected, || parse(text))
        });
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        told[0].clone()
    };
    let text = config("", FITS[0]).replace("'drop'", "'refuse'");
    let whole = parse(&text);
    assert!(whole.contains("row 4 of part-0.npy, column x2"), "{whole}");
    assert!(whole.contains("as in 53 of 2100 rows"), "{whole}");
    assert_eq!(refused(&text, 3), whole);

    assert!(refused(&config("columns = ['x4']", FITS[0]), 4).contains("x4"));
    let text = config("", FITS[0]);
    let third = folder.path().join("part-2.npy");
    let mut bytes = fs::read(&third).unwrap();
    bytes.truncate(bytes.len() - 8);
    fs::write(&third, bytes).unwrap();
    assert!(refused(&text, 4).contains("part-2.npy"));
    fs::remove_file(third).unwrap();
    fs::remove_file(folder.path().join("part-0.npy")).unwrap();
    assert!(refused(&text, 4).contains("there are 3 files for 4 ranks"));
}
