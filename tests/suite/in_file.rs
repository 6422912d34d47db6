//! Rows that stay in their file: all that comes out is as of the same rows in memory.

use std::fs;
use std::path::Path;

use klfit::{Existing, Experiment, FitSummary, RunFolder, RunSummary, Samples};

use crate::command_line::klfit;
use crate::rows::npy;
use crate::support::{assert_close, run};

/// A pass over more rows of a file with eight columns than this goes in chunks.
const CHUNK: usize = 32_768;

/// Rows of two clusters in eight columns, in 32 bits; of each row that a number divides the second is missing.
fn table(rows: usize, missing: usize) -> Vec<u8> {
    let mut state = 9u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32
    };
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 8), }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(118u16.to_le_bytes());
    bytes.extend(format!("{header:<117}\n").bytes());
    for row in 0..rows {
        let side = if uniform() < 0.4 { -2.0 } else { 2.0 };
        for d in 0..8 {
            let x = side + uniform() + uniform() + uniform() + 0.1 * d as f32;
            let gap = d == 1 && missing > 0 && row % missing == 0;
            bytes.extend(if gap { f32::NAN } else { x }.to_le_bytes());
        }
    }
    bytes
}

fn folder(content: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("rows.npy"), content).unwrap();
    folder
}

fn parse(folder: &Path, target: &str, fit: &str) -> klfit::Result<Experiment> {
    let text = format!(
        "name = \"rows\"\nseed = 4\n[target]\nfile = 'rows.npy'\n{target}\n[family]\ncomponents = 2\n\
         [log]\nevery = 2\n[[fit]]\nlabel = 'fit'\ndivergence = 'forward-kl'\n{fit}\n"
    );
    Experiment::parse(&folder.join("rows.toml"), &text, Vec::new())
}

/// The same with its rows in memory, and in their file.
fn both(folder: &Path, target: &str, fit: &str) -> [Experiment; 2] {
    [true, false].map(|is| parse(folder, &format!("{target}\nin_memory = {is}"), fit).unwrap())
}

fn rows(experiment: &Experiment) -> &Samples {
    experiment.target.as_samples().unwrap()
}

fn refused(folder: &Path, target: &str) -> (String, String) {
    let error = parse(folder, target, "optimizer.steps = 2").unwrap_err();
    (error.to_string(), error.help().unwrap_or_default())
}

/// The means and scales of every run of a fit.
fn ends(fit: &FitSummary) -> Vec<f64> {
    let of_run = |run: &RunSummary| {
        let weights = run.mixture.weights.clone();
        weights.into_iter().chain(run.mixture.means.concat())
    };
    fit.best.iter().flat_map(of_run).collect()
}

#[test]
fn full_passes_over_chunks_give_what_one_pass_in_memory_gives() {
    let folder = folder(&table(4 * CHUNK + 20_011, 7));
    let keys = "columns = ['x5', 'x2', 'x1']\nmissing = 'drop'\nholdout = 0.1";
    let fit =
        "init.type = 'random'\nrestarts = 2\noptimizer.steps = 4\noptimizer.learning_rate = 0.1";
    let experiments = both(folder.path(), keys, fit);
    let [all, in_file] = experiments.each_ref().map(rows);
    assert_eq!((in_file.len(), in_file.names()), (all.len(), all.names()));
    assert!(all.points().len() > in_file.points().len());
    assert_eq!(in_file.points().len(), 100_000);
    assert_eq!(
        (in_file.mean(), in_file.covariance()),
        (all.mean(), all.covariance())
    );
    assert_eq!(in_file.range(2), all.range(2));
    let held = |rows: &Samples| {
        (
            rows.held_out().unwrap().len(),
            rows.held_out().unwrap().mean(),
        )
    };
    assert_eq!(held(in_file), held(all));
    let told = |experiment: &Experiment, what: &str| {
        experiment.notes.iter().any(|note| note.contains(what))
    };
    for experiment in &experiments {
        assert!(
            told(
                experiment,
                "21584 rows of 151083 with a missing value are left out"
            ),
            "{:?}",
            experiment.notes
        );
    }
    assert!(
        told(&experiments[1], "stay in the file"),
        "{:?}",
        experiments[1].notes
    );
    assert!(!told(&experiments[0], "stay in the file"));

    let runs = experiments.each_ref().map(run);
    let fits = runs.each_ref().map(|run| &run.summary.fits[0]);
    let [one, other] = fits.map(ends);
    assert_eq!(one.len(), 8);
    for (found, expected) in other.iter().zip(&one) {
        assert_close(*found, *expected, 1e-12, "an end");
    }
    let judged = fits.map(|fit| {
        let best = fit.best.as_ref().unwrap();
        let own = best.divergences.iter().next().unwrap().1;
        let held_out = best.divergences.held_out().unwrap();
        [own.value, own.error, held_out.value, held_out.error]
    });
    for (found, expected) in judged[1].iter().zip(judged[0]) {
        assert!(expected > 0.0);
        assert_close(*found, expected, 1e-12, "a cross-entropy");
    }
    // A copy is kept of what was in memory alone.
    let has_copy = |at: usize, name: &str| runs[at].folder.path().join(name).exists();
    assert!(has_copy(0, "target.csv") && has_copy(0, "holdout.csv"));
    assert!(!has_copy(1, "target.csv") && !has_copy(1, "holdout.csv"));
    klfit::draw_figures(&runs[1].folder).unwrap();
}

#[test]
fn random_batches_are_the_same_to_the_bit() {
    let folder = folder(&table(5000, 3));
    let keys = "missing = 'drop'";
    let fit = "estimator = { type = 'monte-carlo', samples = 64 }\noptimizer.steps = 9\nrestarts = 2\n\
               init.type = 'k-means'";
    let experiments = both(folder.path(), keys, fit);
    let [all, in_file] = experiments.each_ref().map(rows);
    assert_eq!(in_file.rows(), all.rows());
    let draws = |experiment: &Experiment| {
        let mut generator = <rand_chacha::ChaCha8Rng as rand::SeedableRng>::seed_from_u64(1);
        experiment.target.sample(200, &mut generator)
    };
    assert_eq!(draws(&experiments[0]), draws(&experiments[1]));
    let runs = experiments.each_ref().map(run);
    // All columns but the seconds.
    let rows = |at: usize| -> Vec<Vec<String>> {
        let path = runs[at].folder.path().join("fit/trajectory.csv");
        let cells = |line: &str| {
            let cells = line.split(',').map(str::to_owned).enumerate();
            cells
                .filter(|(i, _)| *i != 2)
                .map(|(_, cell)| cell)
                .collect()
        };
        fs::read_to_string(path)
            .unwrap()
            .lines()
            .map(cells)
            .collect()
    };
    assert_eq!(rows(0).len(), 13);
    assert!(rows(0) == rows(1));
}

#[test]
fn a_run_is_resumed_from_the_file_unless_that_is_another() {
    let content = table(400, 0);
    let folder = folder(&content);
    let experiment = |steps: u32| {
        let fit = format!("optimizer.steps = {steps}");
        parse(folder.path(), "in_memory = false\nholdout = 0.2", &fit).unwrap()
    };
    let out = folder.path().join("out");
    let go = |experiment: &Experiment, existing| {
        let folder = RunFolder::create(&out, experiment, existing)?;
        klfit::run(
            experiment,
            &experiment.numerics().unwrap(),
            &folder,
            &mut (),
        )
    };
    go(&experiment(4), Existing::Refuse).unwrap();
    // The folder names the file wherever it is read from.
    let config = fs::read_to_string(out.join("config.toml")).unwrap();
    let path = folder.path().join("rows.npy");
    assert!(
        config.contains(&format!("file = \"{}\"", path.display())),
        "{config}"
    );
    assert!(config.contains("in_memory = false"), "{config}");
    let resumed = go(&experiment(8), Existing::Resume).unwrap();
    let straight = run(&experiment(8)).summary;
    assert_eq!(ends(&resumed.fits[0]), ends(&straight.fits[0]));
    let finished = RunFolder::open(&out).unwrap().experiment().unwrap();
    assert_eq!(rows(&finished), rows(&experiment(8)));
    // One number of 3200 differs.
    let mut other = content;
    let at = other.len() - 9;
    other[at] ^= 1;
    fs::write(&path, other).unwrap();
    let error = go(&experiment(8), Existing::Resume)
        .unwrap_err()
        .to_string();
    assert!(error.contains("begun with other rows"), "{error}");
}

#[test]
fn a_file_that_changes_while_it_is_read_ends_the_run_with_an_error() {
    let content = table(400, 0);
    let folder = folder(&content);
    let path = folder.path().join("rows.npy");
    let batches = "estimator = { type = 'monte-carlo', samples = 8 }";
    for fit in ["", batches] {
        fs::write(&path, &content).unwrap();
        let fit = format!("{fit}\noptimizer.steps = 4\ninit.type = 'moment-match'");
        let experiment = parse(folder.path(), "in_memory = false", &fit).unwrap();
        rows(&experiment).mean();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(content.len() as u64 / 2).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&folder.path().join("out"), &experiment, Existing::Refuse);
        let numerics = experiment.numerics().unwrap();
        let error = klfit::run(&experiment, &numerics, &folder.unwrap(), &mut ()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("rows.npy was changed while it was read"),
            "{error}"
        );
    }
}

#[test]
fn what_is_refused_in_memory_is_refused_in_the_file_in_the_same_words() {
    let spoilt = |at: usize, value: f32| {
        let mut content = table(40, 0);
        content[128 + 4 * at..][..4].copy_from_slice(&value.to_le_bytes());
        content
    };
    let constant = npy(&[1.0, 2.0, 1.0, 3.0, 1.0, 4.0], 2);
    for (content, what) in [
        (
            spoilt(83, f32::INFINITY),
            "row 11, column x4: inf is not finite",
        ),
        (
            table(40, 6),
            "row 1, column x2: a value is missing, as in 7 of 40 rows",
        ),
        (spoilt(0, f32::NAN), "row 1, column x1: a value is missing"),
        (constant, "column x1: every row has the value 1"),
        (npy(&[1.0, 2.0], 2), "there are too few points: 1"),
        (
            table(40, 0)[..900].to_vec(),
            "the file is cut short or damaged: 772 bytes do not hold",
        ),
        (b"nothing".to_vec(), "the file is not an array of NumPy"),
    ] {
        let folder = folder(&content);
        let found = refused(folder.path(), "in_memory = false");
        assert!(found.0.contains(what), "{}", found.0);
        let in_memory = refused(folder.path(), "in_memory = true");
        let without = |text: &str| text.replace(&folder.path().display().to_string(), "");
        assert_eq!(without(&found.0), without(&in_memory.0));
        assert_eq!(found.1, in_memory.1);
    }
    // Where each row has a gap, none is left.
    let nothing = folder(&table(40, 1));
    for is in [true, false] {
        let keys = format!("in_memory = {is}\nmissing = 'drop'");
        let found = refused(nothing.path(), &keys).0;
        assert!(found.contains("there are too few points: 0"), "{found}");
    }
    let counting: Vec<f64> = (0..12)
        .flat_map(|i| [f64::from(i), f64::from(i * i % 5)])
        .collect();
    let folder = folder(&npy(&counting, 2));
    for experiment in both(folder.path(), "", "optimizer.steps = 2") {
        let note = &experiment.notes[0];
        assert!(note.contains("column x1 counts the rows from 0"), "{note}");
    }
}

#[test]
fn what_must_be_read_whole_does_not_stay_in_its_file() {
    let content = table(40, 0);
    let folder = folder(&content);
    fs::write(folder.path().join("rows.csv"), "a,b\n1,2\n3,1\n2,2\n").unwrap();
    let major = String::from_utf8_lossy(&content[..128]).len();
    assert!(major >= 128);
    let mut columns = content.clone();
    let at = content
        .windows(5)
        .position(|part| part == b"False")
        .unwrap();
    columns.splice(at..at + 6, *b"True, ");
    fs::write(folder.path().join("columns.npy"), columns).unwrap();
    for (target, why) in [
        (
            "in_memory = false\nweights = 'x8'\nweight_kind = 'importance'",
            "its rows have weights",
        ),
        ("in_memory = false\nfile = 'rows.csv'", "it is no .npy"),
        (
            "in_memory = false\nfile = 'columns.npy'",
            "it has one column after the other",
        ),
    ] {
        let text =
            format!("[target]\nfile = 'rows.npy'\n{target}\n[[fit]]\ndivergence = 'forward-kl'\n");
        let text = match target.contains("file") {
            true => text.replacen("file = 'rows.npy'\n", "", 1),
            false => text,
        };
        let error =
            Experiment::parse(&folder.path().join("a.toml"), &text, Vec::new()).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(&format!("cannot stay in the file: {why}")),
            "{message}"
        );
        assert!(error.help().unwrap().starts_with("remove `in_memory`"));
    }
    // A calculator needs them in memory.
    let config = folder.path().join("a.toml");
    fs::write(&config, "file = 'rows.npy'\nin_memory = false\n").unwrap();
    let config = config.display().to_string();
    let output = klfit(&["divergence", &config, &config]).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && told.contains("its rows stay in their file"),
        "{told}"
    );
}

#[test]
fn a_large_file_is_left_where_it_is() {
    let header = |rows: usize| {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, 64), }}");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend(118u16.to_le_bytes());
        bytes.extend(format!("{header:<117}\n").bytes());
        bytes.resize(128 + 64 * rows, 0);
        for (at, byte) in (0u32..).zip(&mut bytes[128..]) {
            *byte = (at.wrapping_mul(2_654_435_761) >> 24) as u8;
        }
        bytes
    };
    // 2²⁵ numbers are the most in memory.
    for (rows, stays) in [(1 << 19, false), ((1 << 19) + 1, true)] {
        let folder = folder(&header(rows));
        let fit = "family.covariance = 'diagonal'\ninit.type = 'moment-match'\nestimator = { type = 'monte-carlo', samples = 8 }\noptimizer.steps = 1";
        let experiment = parse(folder.path(), "columns = ['x1', 'x64']", fit).unwrap();
        let found = experiment.target.as_samples().unwrap();
        assert_eq!(found.len(), rows);
        assert_eq!(found.points().len() < rows, stays);
    }
}
