//! Runs by several ranks, each with rows of its own, which are threads here.

use std::fs;
use std::path::Path;

use super::*;
use crate::ranks::{self, threads};
use crate::run_folder::Existing;

/// Rows of two clusters in three columns, in parts that are not of one length.
fn write_parts(folder: &Path) {
    let mut state = 5u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    for (part, rows) in [400usize, 37, 900, 251, 512].into_iter().enumerate() {
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, 3), }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(118u16.to_le_bytes());
        bytes.extend(format!("{header:<117}\n").bytes());
        for row in 0..rows {
            let side = if uniform() < 0.4 { -2.0 } else { 2.0 };
            for d in 0..3 {
                let x = side + uniform() + uniform() + uniform() + 0.1 * f64::from(d);
                let is_missing = d == 1 && row % 41 == 3;
                bytes.extend(if is_missing { f64::NAN } else { x }.to_le_bytes());
            }
        }
        fs::write(folder.join(format!("part-{part}.npy")), bytes).unwrap();
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
fn what_ails_a_part_is_told_on_every_rank() {
    let folder = tempfile::tempdir().unwrap();
    write_parts(folder.path());
    let refused = |keys: &str| {
        let text = config(keys, FITS[0]);
        let told = threads::run(4, |connected| {
            ranks::among(connected, || {
                let path = folder.path().join("rows.toml");
                Experiment::parse(&path, &text, Vec::new())
                    .unwrap_err()
                    .to_string()
            })
        });
        assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
        told[0].clone()
    };
    let whole = Experiment::parse(
        &folder.path().join("rows.toml"),
        &config("", FITS[0]).replace("'drop'", "'refuse'"),
        Vec::new(),
    );
    let whole = whole.unwrap_err().to_string();
    assert!(whole.contains("row 4 of part-0.npy, column x2"), "{whole}");
    assert!(whole.contains("as in 53 of 2100 rows"), "{whole}");
    let text = config("", FITS[0]).replace("'drop'", "'refuse'");
    let told = threads::run(3, |connected| {
        ranks::among(connected, || {
            let path = folder.path().join("rows.toml");
            Experiment::parse(&path, &text, Vec::new())
                .unwrap_err()
                .to_string()
        })
    });
    assert_eq!(told, vec![whole; 3]);

    assert!(refused("columns = ['x4']").contains("x4"));
    let third = folder.path().join("part-2.npy");
    let mut bytes = fs::read(&third).unwrap();
    bytes.truncate(bytes.len() - 8);
    fs::write(&third, bytes).unwrap();
    assert!(refused("").contains("part-2.npy"));
    fs::remove_file(third).unwrap();
    fs::remove_file(folder.path().join("part-0.npy")).unwrap();
    assert!(refused("").contains("there are 3 files for 4 ranks"));
}
