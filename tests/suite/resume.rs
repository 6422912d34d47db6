//! Nothing is lost: an interrupted run ends where the uninterrupted one does, byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use klfit::internals::Checkpoint;
use klfit::{Existing, Experiment, Override, RunFolder, Summary, Sweep, SweepObserver};

use crate::support::StopAfter;

pub fn parse(text: &str, overrides: &[(&str, &str)]) -> Experiment {
    let overrides = (overrides.iter())
        .map(|(key, value)| Override::parse(&format!("{key}={value}")).unwrap())
        .collect();
    Experiment::parse(Path::new("test.toml"), text, overrides).unwrap()
}

/// Runs an experiment for so many steps more, all fits together, in a folder.
pub fn run_for(steps: usize, experiment: &Experiment, path: &Path) -> klfit::Result<Summary> {
    let numerics = experiment.numerics()?;
    let folder = RunFolder::create(path, experiment, Existing::Resume)?;
    let mut watch = StopAfter::steps(steps);
    klfit::run(experiment, &numerics, &folder, &mut watch)
}

const FOREVER: usize = usize::MAX;

/// Everything a run leaves, by the names of its files, without wall-clock times and checkpoints.
pub fn left(path: &Path) -> Vec<(PathBuf, String)> {
    let mut all = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap().path();
            let name = entry.file_name().unwrap().to_str().unwrap().to_owned();
            if entry.is_dir() {
                folders.push(entry);
            } else if !name.starts_with("checkpoint") && name != ".lock" && name != "manifest" {
                let text = fs::read_to_string(&entry).unwrap();
                let inside = entry.strip_prefix(path).unwrap().to_owned();
                all.push((inside, without_clock(&name, &text)));
            }
        }
    }
    all.sort();
    all
}

/// Whether a line of a summary tells what no other run has.
fn is_of_this_run(line: &str) -> bool {
    ["\"seconds\"", "\"id\""]
        .iter()
        .any(|key| line.trim_start().starts_with(key))
}

pub fn without_clock(name: &str, text: &str) -> String {
    let kept = |line: &str| match name {
        "summary.json" if is_of_this_run(line) => String::new(),
        "trajectory.csv" => {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells.remove(2);
            cells.join(",")
        }
        _ => line.to_owned(),
    };
    text.lines().map(|line| kept(line) + "\n").collect()
}

/// Runs an experiment at once, and in pieces of such numbers of steps, and compares what they leave.
pub fn compare(experiment: &Experiment, pieces: &[usize]) {
    let folder = tempfile::tempdir().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let summary = run_for(FOREVER, experiment, &whole).unwrap();
    assert!(!summary.interrupted);
    for &steps in pieces {
        let summary = run_for(steps, experiment, &parts).unwrap();
        assert!(summary.interrupted, "{steps} steps are not all");
        assert_eq!(RunFolder::open(&parts).unwrap().summary().unwrap(), summary);
    }
    run_for(FOREVER, experiment, &parts).unwrap();
    let (whole, parts) = (left(&whole), left(&parts));
    assert_eq!(whole.len(), parts.len());
    for (whole, parts) in whole.iter().zip(&parts) {
        assert!(
            whole == parts,
            "{}\n{}\n{}",
            whole.0.display(),
            whole.1,
            parts.1
        );
    }
}

const LINE: &str = r#"
name = "line"
restarts = 3
[target]
weights = [0.4, 0.6]
means = [[-2.0], [1.5]]
stds = [[1.0], [0.7]]
[optimizer]
steps = 40
[checkpoint]
every = 6
[log]
every = 7
[[fit]]
divergence = "reverse-kl"
"#;

const PLANE: &str = r#"
name = "plane"
seed = 5
restarts = 2
[target]
weights = [0.5, 0.5]
means = [[-1.0, 0.0], [1.0, 0.5]]
stds = [[1.0, 0.6], [0.7, 1.0]]
[family]
components = 2
[optimizer]
steps = 23
[checkpoint]
every = 4
[[fit]]
divergence = "forward-kl"
[[fit]]
divergence = "reverse-kl"
"#;

#[test]
fn every_optimizer_goes_on_to_the_bit() {
    for optimizer in [
        "{ type = 'adam' }",
        "{ type = 'adamw', weight_decay = 0.01, schedule = 'cosine', warmup = 5 }",
        "{ type = 'sgd' }",
        "{ type = 'sgd', momentum = 0.9, nesterov = true, clip = 0.5 }",
        "{ type = 'rmsprop' }",
        "{ type = 'rmsprop', momentum = 0.8, centered = true }",
        "{ type = 'natural-gradient' }",
        "{ type = 'vips', max_kl = 0.01 }",
        "{ type = 'batch-and-match' }",
        "{ type = 'lbfgs', history = 4 }",
        "{ type = 'em' }",
        "{ type = 'em', squarem = false }",
    ] {
        let optimizer = optimizer.replace('}', ", steps = 40 }");
        let stop = ("stop.gradient_norm", "1e-300");
        let mut overrides = vec![("optimizer", &optimizer[..]), stop];
        if optimizer.contains("'em'") {
            // It raises a likelihood, and one Gaussian takes a single step of it.
            overrides.extend([
                ("fit[1].divergence", "forward-kl"),
                ("family.components", "2"),
            ]);
        }
        if optimizer.contains("'batch-and-match'") {
            // Its loss is random, and no gradient ends it.
            overrides.pop();
            overrides.push(("estimator", "{ type = 'monte-carlo', samples = 8 }"));
        }
        let experiment = parse(LINE, &overrides);
        // These need no more than a dozen.
        compare(&experiment, &[0, 4, 1, 2]);
        if !["lbfgs", "em"]
            .iter()
            .any(|name| optimizer.contains(&format!("'{name}'")))
        {
            compare(&experiment, &[17, 20]);
        }
    }
}

#[test]
fn every_estimator_goes_on_to_the_bit() {
    for estimator in [
        "{ type = 'quadrature' }",
        "{ type = 'gauss-hermite' }",
        "{ type = 'monte-carlo', samples = 32 }",
        "{ type = 'monte-carlo', samples = 32, gradient = 'score-function' }",
        "{ type = 'monte-carlo', samples = 32, noise = 'fixed' }",
        "{ type = 'quasi-monte-carlo', samples = 32 }",
    ] {
        let experiment = parse(PLANE, &[("fit[2].estimator", estimator)]);
        compare(&experiment, &[11, 17]);
    }
    let rows = tempfile::tempdir().unwrap();
    fs::write(rows.path().join("rows.csv"), "x\n1\n2.5\n-0.5\n0.25\n").unwrap();
    let text = format!(
        "name = \"rows\"\nrestarts = 2\n[target]\nfile = '{}'\n[optimizer]\nsteps = 12\n\
         [[fit]]\ndivergence = \"forward-kl\"\n",
        rows.path().join("rows.csv").display()
    );
    compare(&parse(&text, &[]), &[5]);
}

#[test]
fn stopping_rules_remember_what_they_saw() {
    for (stop, estimator) in [
        (
            "{ loss_change = 1e-5, window = 12 }",
            "{ type = 'quadrature' }",
        ),
        ("{ gradient_norm = 1e-3 }", "{ type = 'quadrature' }"),
        (
            "{ precision = 0.05, window = 60 }",
            "{ type = 'monte-carlo', samples = 64 }",
        ),
    ] {
        let overrides = [
            ("stop", stop),
            ("estimator", estimator),
            ("optimizer.steps", "700"),
            ("checkpoint.every", "50"),
        ];
        compare(&parse(LINE, &overrides), &[20, 31]);
    }
}

#[test]
fn the_best_iterate_is_remembered() {
    // Steps so long that runs swing about the optimum: of some the last is not the best.
    for (stop, estimator) in [
        ("{}", "{ type = 'quadrature' }"),
        (
            "{ precision = 1e-4, window = 40 }",
            "{ type = 'monte-carlo', samples = 8 }",
        ),
    ] {
        let overrides = [
            ("optimizer.learning_rate", "3.0"),
            ("optimizer.steps", "60"),
            ("estimator", estimator),
            ("stop", stop),
        ];
        let experiment = parse(LINE, &overrides);
        compare(&experiment, &[20, 31]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        // Where it was interrupted the best until then is told.
        for steps in [33, FOREVER] {
            let summary = run_for(steps, &experiment, &path).unwrap();
            let optima = summary.fits[0].optima.iter();
            let earlier: Vec<usize> = (optima.filter_map(|one| one.best_iterate))
                .map(|best| best.step)
                .collect();
            // Of iterates to be averaged only the start is kept.
            match stop {
                "{}" => assert!(earlier.iter().any(|&step| step > 0), "{steps} {earlier:?}"),
                _ => assert!(earlier.iter().all(|&step| step == 0), "{steps} {earlier:?}"),
            }
        }
    }
}

#[test]
fn thirty_two_bits_go_on_to_the_bit() {
    let overrides = [
        ("device.precision", "f32"),
        ("estimator.type", "monte-carlo"),
    ];
    compare(&parse(LINE, &overrides), &[13]);
}

/// A run of [`LINE`] that was interrupted after a few checkpoints.
fn interrupted(path: &Path) -> Experiment {
    let experiment = parse(LINE, &[]);
    run_for(27, &experiment, path).unwrap();
    experiment
}

/// What a run of [`LINE`] leaves.
fn whole() -> Vec<(PathBuf, String)> {
    let folder = tempfile::tempdir().unwrap();
    run_for(FOREVER, &parse(LINE, &[]), &folder.path().join("run")).unwrap();
    left(&folder.path().join("run"))
}

#[test]
fn a_spoilt_checkpoint_gives_way_to_the_one_before_it() {
    let whole = whole();
    type Spoil = fn(&mut Vec<u8>);
    let spoil: [Spoil; 5] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.clear(),
        |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
        },
        |bytes| bytes[16] = b'9',
        |bytes| bytes.extend(b"more"),
    ];
    for spoil in spoil {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run");
        let experiment = interrupted(&path);
        let checkpoint = path.join("reverse-kl/checkpoint");
        let mut bytes = fs::read(&checkpoint).unwrap();
        spoil(&mut bytes);
        fs::write(&checkpoint, &bytes).unwrap();
        run_for(FOREVER, &experiment, &path).unwrap();
        assert!(left(&path) == whole);
    }
}

#[test]
fn what_cannot_be_gone_on_from_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let experiment = interrupted(&path);
    let newest = path.join("reverse-kl/checkpoint");
    let good = fs::read(&newest).unwrap();
    let refused = |newest_bytes: &[u8], words: &str| {
        for file in ["checkpoint", "checkpoint.previous"] {
            fs::write(path.join("reverse-kl").join(file), newest_bytes).unwrap();
        }
        let error = run_for(FOREVER, &experiment, &path).unwrap_err();
        let (text, help) = (error.to_string(), error.help().unwrap());
        assert!(text.contains(words), "{text}");
        assert!(help.contains("--force"), "{help}");
    };
    refused(&good[..good.len() - 1], "cut off");
    refused(b"PK\x03\x04", "cut off");
    refused(b"something else\n", "no checkpoint");
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    refused(&flipped, "checksum");
    let other = String::from_utf8(good.clone()).unwrap();
    refused(
        other.replacen("checkpoint 5", "checkpoint 6", 1).as_bytes(),
        "format 6",
    );
    // That of another experiment, whole in itself.
    let elsewhere = folder.path().join("other");
    run_for(8, &parse(LINE, &[("seed", "3")]), &elsewhere).unwrap();
    let other = fs::read(elsewhere.join("reverse-kl/checkpoint")).unwrap();
    refused(&other, "another run");
    // A trajectory that lacks rows which were logged.
    fs::write(&newest, &good).unwrap();
    fs::remove_file(path.join("reverse-kl/checkpoint.previous")).unwrap();
    let trajectory = path.join("reverse-kl/trajectory.csv");
    let text = fs::read_to_string(&trajectory).unwrap();
    fs::write(&trajectory, &text[..text.len() / 2]).unwrap();
    let error = run_for(FOREVER, &experiment, &path).unwrap_err();
    assert!(error.to_string().contains("trajectory"), "{error}");
}

#[test]
fn every_checkpoint_that_is_cut_anywhere_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    interrupted(&path);
    let good = fs::read(path.join("reverse-kl/checkpoint")).unwrap();
    assert!(Checkpoint::parse(&good).is_ok());
    for length in (0..good.len()).step_by(37) {
        assert!(Checkpoint::parse(&good[..length]).is_err(), "{length}");
    }
    for place in (0..good.len()).step_by(29) {
        let mut flipped = good.clone();
        flipped[place] ^= 1 << (place % 8);
        // One of the words of the first line may mean the same, as a space that is now another.
        let same = Checkpoint::parse(&flipped).ok() == Checkpoint::parse(&good).ok();
        assert!(Checkpoint::parse(&flipped).is_err() || same, "{place}");
    }
}

#[test]
fn a_torn_line_is_cut_and_rows_beyond_the_checkpoint_stay() {
    let whole = whole();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let experiment = interrupted(&path);
    // As if it had been killed: the checkpoint of an earlier step, rows after it, half a row.
    let fit = path.join("reverse-kl");
    fs::rename(fit.join("checkpoint.previous"), fit.join("checkpoint")).unwrap();
    let trajectory = fit.join("trajectory.csv");
    let before = fs::read_to_string(&trajectory).unwrap();
    fs::write(&trajectory, format!("{before}28,1,0.1")).unwrap();
    run_for(1, &experiment, &path).unwrap();
    // Not a byte of what was logged has changed, its wall-clock times included.
    assert_eq!(fs::read_to_string(&trajectory).unwrap(), before);
    run_for(FOREVER, &experiment, &path).unwrap();
    assert!(
        fs::read_to_string(&trajectory)
            .unwrap()
            .starts_with(&before)
    );
    assert!(left(&path) == whole);
    // Without any checkpoint too.
    let path = folder.path().join("none");
    interrupted(&path);
    fs::remove_file(path.join("reverse-kl/checkpoint")).unwrap();
    fs::remove_file(path.join("reverse-kl/checkpoint.previous")).unwrap();
    run_for(FOREVER, &experiment, &path).unwrap();
    assert!(left(&path) == whole);
}

#[test]
fn a_run_may_be_made_longer_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (short, long) = (folder.path().join("short"), folder.path().join("long"));
    let begun = parse(LINE, &[]);
    let longer = parse(LINE, &[("optimizer.steps", "90")]);
    run_for(FOREVER, &longer, &long).unwrap();
    // From its end, and from its middle.
    for steps in [FOREVER, 27] {
        let short = short.with_extension(steps.to_string());
        run_for(steps, &begun, &short).unwrap();
        let experiment = longer.clone().continuing(&begun).unwrap();
        run_for(FOREVER, &experiment, &short).unwrap();
        assert!(left(&short) == left(&long), "{steps}");
    }
    for (change, words) in [
        (("optimizer.steps", "20"), "cannot end after 20"),
        (
            ("optimizer.learning_rate", "0.01"),
            "`fit[1].optimizer.learning_rate`",
        ),
        (("seed", "1"), "`seed`"),
        (("restarts", "4"), "restarts"),
        (("target.means", "[[-2.0], [1.0]]"), "`target.means[2][1]`"),
        (("log.every", "9"), "`log.every`"),
    ] {
        let other = parse(LINE, &[change]);
        let error = other.clone().continuing(&begun).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        let path = short.with_extension(FOREVER.to_string());
        assert!(RunFolder::create(&path, &other, Existing::Resume).is_err());
    }
    let schedule = ("optimizer.schedule", "linear");
    let scheduled = parse(LINE, &[schedule]);
    let longer = parse(LINE, &[schedule, ("optimizer.steps", "90")]);
    let error = longer.continuing(&scheduled).unwrap_err().to_string();
    assert!(error.contains("schedule"), "{error}");
    assert!(scheduled.clone().continuing(&scheduled).is_ok());
}

#[test]
fn a_finished_run_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let experiment = parse(LINE, &[]);
    let first = run_for(FOREVER, &experiment, &path).unwrap();
    let summary = fs::read(path.join("summary.json")).unwrap();
    assert_eq!(run_for(0, &experiment, &path).unwrap(), first);
    assert_eq!(fs::read(path.join("summary.json")).unwrap(), summary);
}

#[test]
fn a_folder_belongs_to_one_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let experiment = parse(LINE, &[]);
    let first = RunFolder::create(&path, &experiment, Existing::Refuse).unwrap();
    for existing in [Existing::Refuse, Existing::Replace, Existing::Resume] {
        let error = RunFolder::create(&path, &experiment, existing).unwrap_err();
        assert!(error.to_string().contains("another klfit"), "{error}");
    }
    drop(first);
    RunFolder::create(&path, &experiment, Existing::Resume).unwrap();
}

const SWEEP: &str = r#"
name = "swept"
restarts = 2
[target]
weights = [0.4, 0.6]
means = [[-2.0], [1.5]]
stds = [[1.0], [0.7]]
[optimizer]
steps = 30
[checkpoint]
every = 5
[[fit]]
divergence = "reverse-kl"
[sweep.grid]
"optimizer.learning_rate" = [0.02, 0.05]
"estimator.samples" = [16, 32]
[estimator]
type = "monte-carlo"
"#;

struct Following<'f> {
    left: std::sync::atomic::AtomicUsize,
    first: &'f (dyn Fn() + Sync),
}

impl SweepObserver for Following<'_> {
    fn wants_to_stop(&self) -> bool {
        (self.first)();
        let one_less = |left: usize| left.checked_sub(1);
        let order = std::sync::atomic::Ordering::SeqCst;
        self.left.fetch_update(order, order, one_less).is_err()
    }
}

fn following(left: usize, first: &(dyn Fn() + Sync)) -> Following<'_> {
    let left = left.into();
    Following { left, first }
}

#[test]
fn a_sweep_goes_on_and_a_point_that_breaks_down_is_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("sweep.toml");
    fs::write(&config, SWEEP).unwrap();
    let sweep = Sweep::load(&config, &[]).unwrap().unwrap();
    let (whole, parts) = (folder.path().join("whole"), folder.path().join("parts"));
    let all = klfit::sweep(
        &sweep,
        &whole,
        Existing::Refuse,
        &following(FOREVER, &|| ()),
    )
    .unwrap();
    assert_eq!(
        (all.ran.len(), all.broken.len(), all.interrupted),
        (4, 0, false)
    );
    let first = klfit::sweep(&sweep, &parts, Existing::Refuse, &following(45, &|| ())).unwrap();
    assert!(first.interrupted);
    klfit::sweep(&sweep, &parts, Existing::Resume, &following(20, &|| ())).unwrap();
    let rest = klfit::sweep(
        &sweep,
        &parts,
        Existing::Resume,
        &following(FOREVER, &|| ()),
    )
    .unwrap();
    assert!(!rest.interrupted && rest.ran.len() == 4);
    let (whole, parts) = (left(&whole), left(&parts));
    for (whole, parts) in whole.iter().zip(&parts) {
        // The table of the sweep has times in its last column.
        assert!(
            whole == parts || whole.0.ends_with("sweep.csv"),
            "{}",
            whole.0.display()
        );
    }
    assert_eq!(whole.len(), parts.len());
    // A file where the folder of a fit is to be: that point cannot run, those beside it can.
    let broken = folder.path().join("broken");
    let spoilt = broken.join(&sweep.points[2].label).join("reverse-kl");
    let sabotage = || {
        if !spoilt.exists() {
            fs::create_dir_all(spoilt.parent().unwrap()).unwrap();
            fs::write(&spoilt, "in the way").unwrap();
        }
    };
    let swept = klfit::sweep(
        &sweep,
        &broken,
        Existing::Refuse,
        &following(FOREVER, &sabotage),
    );
    let swept = swept.unwrap();
    assert_eq!((swept.ran.len(), swept.broken.len()), (3, 1));
    assert_eq!(swept.broken[0].0.label, sweep.points[2].label);
    assert!(
        swept.broken[0].1.contains("reverse-kl"),
        "{}",
        swept.broken[0].1
    );
    assert!(!swept.interrupted);
}
