//! Runs the points of a sweep, or of a part of it: those that can share a loop do, the others run beside each other.

use std::any::Any;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use crate::compute::device::Backend;
use crate::config::{Experiment, Part, Sweep, SweepPoint};
use crate::error::Result;
use crate::jobs::run::{Job, RunObserver, in_common, run_batch};
use crate::record::Summary;
use crate::run_folder::{Existing, Found, SweepFolder, SweptPoint};

/// Points that are open at once: each holds its folder, its lock and its trajectories, and systems give a
/// process as few as 1024 files.
const MOST_OPEN: usize = 192;
/// Points that share a loop: more would not make it faster.
const MOST_SHARED: usize = 64;

/// What came of a sweep, or of a part of one.
#[derive(Debug, Clone)]
pub struct Swept<'s> {
    /// The points that have run, in order.
    pub ran: Vec<SweptPoint<'s>>,
    /// Those that broke down, with the reason.
    pub broken: Vec<(&'s SweepPoint, String)>,
    /// Those of a part that another process is at.
    pub elsewhere: Vec<&'s SweepPoint>,
    /// Whether it was asked to stop before its end.
    pub interrupted: bool,
}

/// Someone who follows a sweep.
pub trait SweepObserver: Sync {
    /// A point has ended, and this many have by now.
    fn done(&self, _point: &SweepPoint, _ended: usize) {}
    /// Whether the sweep is to stop, so that it can be resumed later.
    fn wants_to_stop(&self) -> bool {
        false
    }
}

/// Nobody, who lets it run.
impl SweepObserver for () {}

/// Runs a sweep into a folder: one run folder for each point, and the table of all.
///
/// A point that breaks down is reported, and the others run. One that is over in a folder that goes
/// on is taken as it is. Of a [part](crate::config::Part) no table is made, and each point of it is run by one of
/// the processes that have it at the same time, which all go on in the folder; what is there is replaced only where
/// that is asked for, point by point.
///
/// # Errors
/// If the folder holds something else, or cannot be written; if another process has it alone.
pub fn run<'s>(
    sweep: &'s Sweep,
    path: &Path,
    existing: Existing,
    observer: &dyn SweepObserver,
) -> Result<Swept<'s>> {
    run_sharing(sweep, path, existing, observer, shares_loops)
}

/// As [`run`], with who says whether a point shares loops with others.
fn run_sharing<'s>(
    sweep: &'s Sweep,
    path: &Path,
    existing: Existing,
    observer: &dyn SweepObserver,
    shares: fn(&Experiment) -> bool,
) -> Result<Swept<'s>> {
    let (folder, existing) = match (&sweep.part, existing) {
        (None, _) => (
            SweepFolder::create(path, &sweep.labels, existing)?,
            existing,
        ),
        (Some(_), Existing::Replace) => (SweepFolder::join(path, &sweep.labels)?, existing),
        (Some(_), _) => (SweepFolder::join(path, &sweep.labels)?, Existing::Resume),
    };
    let (mut ended, mut open) = (Vec::new(), Vec::new());
    for (at, point) in sweep.points.iter().enumerate() {
        let mut experiment = Cow::Borrowed(&point.experiment);
        // What is there already is looked at before anything runs.
        if folder.has_point(point) {
            let Some(begun) = folder.begin_point(point, existing)? else {
                ended.push((at, elsewhere(sweep, &folder, point)?));
                continue;
            };
            if let Some(summary) = begun.finished(&point.experiment)? {
                ended.push((at, Ended::Was(Box::new(summary))));
                continue;
            }
            experiment = begun.continued(&point.experiment)?;
        }
        open.push(Open { at, experiment });
    }
    // As many as RAYON_NUM_THREADS says, where it does.
    let workers = rayon::current_num_threads();
    let groups = groups(open, MOST_OPEN / workers, shares);
    let workers = workers.min(groups.len());
    let queue = Mutex::new(VecDeque::from(groups));
    let ended = Mutex::new(ended);
    // Threads of their own, not of the pool that tensors use: one that waits there may be handed
    // another's work.
    thread::scope(|scope| {
        let work = || {
            while !observer.wants_to_stop()
                && let Some(group) = queue.lock().ok().and_then(|mut queue| queue.pop_front())
            {
                for (point, outcome) in run_group(sweep, &folder, &group, observer) {
                    if let Ended::BrokeDown(reason) = &outcome {
                        folder.write_failure(&sweep.points[point], reason);
                    }
                    let Ok(mut ended) = ended.lock() else { return };
                    let ran_here = matches!(outcome, Ended::Ran(_) | Ended::BrokeDown(_));
                    ended.push((point, outcome));
                    if ran_here {
                        observer.done(&sweep.points[point], ended.len());
                    }
                }
            }
        };
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut ended = ended.into_inner().unwrap_or_default();
    ended.sort_by_key(|(point, _)| *point);
    let mut swept = Swept {
        ran: Vec::new(),
        broken: Vec::new(),
        elsewhere: Vec::new(),
        interrupted: ended.len() < sweep.points.len(),
    };
    for (point, outcome) in ended {
        let point = &sweep.points[point];
        match outcome {
            Ended::Ran(summary) | Ended::Was(summary) => {
                swept.interrupted |= summary.interrupted;
                let summary = *summary;
                swept.ran.push(SweptPoint { point, summary });
            }
            Ended::BrokeDown(reason) => swept.broken.push((point, reason)),
            Ended::Elsewhere => swept.elsewhere.push(point),
        }
    }
    // Where every point broke down there is nothing to put in the place of what there was.
    if sweep.part.is_none() && !swept.interrupted && !swept.ran.is_empty() {
        folder.write_table(&swept.ran)?;
    }
    Ok(swept)
}

/// What is there of a sweep whose points were run apart.
#[derive(Debug, Clone)]
pub struct Gathered<'s> {
    /// The points that have ended, in order.
    pub ran: Vec<SweptPoint<'s>>,
    /// Those that broke down, with the reason.
    pub broken: Vec<(&'s SweepPoint, String)>,
    /// Those that have begun: they are at work, or were cut off.
    pub begun: Vec<&'s SweepPoint>,
    /// Those that have not.
    pub missing: Vec<&'s SweepPoint>,
}

impl Gathered<'_> {
    /// The points that have not ended.
    pub fn left(&self) -> Part {
        let broken = self.broken.iter().map(|(point, _)| *point);
        let left = broken
            .chain(self.begun.iter().copied())
            .chain(self.missing.iter().copied());
        let mut numbers: Vec<usize> = left.map(|point| point.number).collect();
        numbers.sort_unstable();
        Part::of_points(numbers)
    }
}

/// Makes the table of a sweep from those of its points that have ended, in whatever process they ran.
///
/// # Errors
/// If the folder holds no sweep, or the table cannot be written; if another process has the folder alone. A point
/// that cannot be read is one that broke down.
pub fn gather<'s>(sweep: &'s Sweep, path: &Path) -> Result<Gathered<'s>> {
    let folder = SweepFolder::gather(path)?;
    let mut gathered = Gathered {
        ran: Vec::new(),
        broken: Vec::new(),
        begun: Vec::new(),
        missing: Vec::new(),
    };
    for point in &sweep.points {
        match folder.found(point) {
            Ok(Found::Finished(summary)) => gathered.ran.push(SweptPoint {
                point,
                summary: *summary,
            }),
            Ok(Found::Failure(reason)) => gathered.broken.push((point, reason)),
            Ok(Found::Begun) => gathered.begun.push(point),
            Ok(Found::Nothing) => gathered.missing.push(point),
            Err(error) => gathered.broken.push((point, error.to_string())),
        }
    }
    if !gathered.ran.is_empty() {
        folder.write_table(&gathered.ran)?;
    }
    Ok(gathered)
}

/// How a point ended.
enum Ended {
    Ran(Box<Summary>),
    /// It had, before anything of it was run here.
    Was(Box<Summary>),
    BrokeDown(String),
    /// Another process is at it.
    Elsewhere,
}

/// That another process is at a point, which is nothing to be told of a sweep that is run as a whole.
fn elsewhere(sweep: &Sweep, folder: &SweepFolder, point: &SweepPoint) -> Result<Ended> {
    match sweep.part {
        Some(_) => Ok(Ended::Elsewhere),
        None => Err(folder.is_taken(point)),
    }
}

/// A point that is not finished, with its experiment as it goes on.
struct Open<'s> {
    at: usize,
    experiment: Cow<'s, Experiment>,
}

/// Runs points that share a loop; if it breaks down, each by itself, so that one alone is lost.
fn run_group(
    sweep: &Sweep,
    folder: &SweepFolder,
    group: &[Open],
    observer: &dyn SweepObserver,
) -> Vec<(usize, Ended)> {
    let run = || run_together(sweep, folder, group, observer);
    // Nothing of a run is used again after it broke down but its folder, which is always whole.
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let reason = match outcome {
        Ok(Ok(ended)) => return ended,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("it broke down: {}", words_of(&*panic)),
    };
    match group {
        [one] => vec![(one.at, Ended::BrokeDown(reason))],
        _ => (group.chunks(1))
            .flat_map(|alone| run_group(sweep, folder, alone, observer))
            .collect(),
    }
}

/// Runs points in one loop, but for those that another process is at or has ended since they were looked at.
fn run_together(
    sweep: &Sweep,
    folder: &SweepFolder,
    group: &[Open],
    observer: &dyn SweepObserver,
) -> Result<Vec<(usize, Ended)>> {
    let (mut ended, mut taken) = (Vec::new(), Vec::new());
    for open in group {
        let point = &sweep.points[open.at];
        match folder.begin_point(point, Existing::Resume)? {
            None => ended.push((open.at, elsewhere(sweep, folder, point)?)),
            Some(begun) => match begun.finished(&open.experiment)? {
                Some(summary) => ended.push((open.at, Ended::Was(Box::new(summary)))),
                None => {
                    let experiment = begun.continued(&open.experiment)?;
                    taken.push((open.at, experiment, begun));
                }
            },
        }
    }
    let jobs: Vec<Job> = (taken.iter())
        .map(|(_, experiment, folder)| Job { experiment, folder })
        .collect();
    if let Some(first) = jobs.first() {
        let numerics = first.experiment.numerics()?;
        let summaries = run_batch(&jobs, &numerics, &mut StopOnly(observer))?;
        let ran = summaries.into_iter().map(|one| Ended::Ran(Box::new(one)));
        ended.extend(taken.iter().map(|(at, ..)| *at).zip(ran));
    }
    Ok(ended)
}

/// What a panic says.
fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    text.or(owned).unwrap_or("no reason is known")
}

/// The open points that share a loop, each group in order, of up to so many points.
fn groups(
    open: Vec<Open<'_>>,
    most: usize,
    shares_loops: fn(&Experiment) -> bool,
) -> Vec<Vec<Open<'_>>> {
    let most = most.clamp(1, MOST_SHARED);
    let mut groups: Vec<Vec<Open>> = Vec::new();
    // Those with all but the rows of the target in common that have room.
    let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
    for one in open {
        if !shares_loops(&one.experiment) {
            groups.push(vec![one]);
            continue;
        }
        let alike = alike.entry(in_common(&one.experiment)).or_default();
        let shares = |group: &usize| groups[*group][0].experiment.target == one.experiment.target;
        match alike.iter().position(shares) {
            Some(place) => {
                let group = alike[place];
                groups[group].push(one);
                if groups[group].len() == most {
                    alike.swap_remove(place);
                }
            }
            None => {
                if most > 1 {
                    alike.push(groups.len());
                }
                groups.push(vec![one]);
            }
        }
    }
    groups
}

/// Whether points share loops: on a GPU, where a launch is dear. On a CPU a point has a loop of its own, and the bits
/// that it has alone, whichever others run: sums are cut by how many runs a loop has.
fn shares_loops(experiment: &Experiment) -> bool {
    let backend = experiment.config.device.backend;
    matches!(backend, Backend::Wgpu | Backend::Cuda)
}

/// Observes a run only to stop it.
struct StopOnly<'f>(&'f dyn SweepObserver);

impl RunObserver for StopOnly<'_> {
    fn wants_to_stop(&self) -> bool {
        self.0.wants_to_stop()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Four points, of which two and two can share a loop.
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
[estimator]
type = "monte-carlo"
[[fit]]
divergence = "reverse-kl"
[sweep.grid]
"optimizer.learning_rate" = [0.02, 0.05]
"estimator.samples" = [16, 32]
"#;

    /// Stops the sweep after so many steps of its loops.
    struct Steps(AtomicUsize);

    impl SweepObserver for Steps {
        fn wants_to_stop(&self) -> bool {
            let one_less = |left: usize| left.checked_sub(1);
            let order = Ordering::SeqCst;
            self.0.fetch_update(order, order, one_less).is_err()
        }
    }

    fn shared<'s>(sweep: &'s Sweep, path: &Path, steps: usize) -> Swept<'s> {
        let steps = Steps(steps.into());
        run_sharing(sweep, path, Existing::Resume, &steps, |_| true).unwrap()
    }

    /// The trajectories of the points without their clock.
    fn trajectories(sweep: &Sweep, path: &Path) -> BTreeMap<String, Vec<String>> {
        let of_point = |point: &SweepPoint| {
            let text = path.join(&point.label).join("reverse-kl/trajectory.csv");
            let text = fs::read_to_string(text).unwrap();
            let line = |line: &str| {
                let mut cells: Vec<&str> = line.split(',').collect();
                cells.remove(2);
                cells.join(",")
            };
            (point.label.clone(), text.lines().map(line).collect())
        };
        sweep.points.iter().map(of_point).collect()
    }

    #[test]
    fn points_that_share_loops_go_on_and_one_that_breaks_down_is_alone() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let sweep = Sweep::parse(Path::new("sweep.toml"), SWEEP, &[], None);
        let sweep = sweep.unwrap().unwrap();
        let open = |point: &'_ SweepPoint| Open {
            at: point.number - 1,
            experiment: Cow::Owned(point.experiment.clone()),
        };
        let sizes = |shares| {
            let groups = groups(sweep.points.iter().map(open).collect(), 64, shares);
            groups.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(sizes(|_| true), [2, 2]);
        assert_eq!(sizes(shares_loops), [1; 4]);
        let whole = shared(&sweep, &at("whole"), usize::MAX);
        assert_eq!((whole.ran.len(), whole.interrupted), (4, false));
        let whole = trajectories(&sweep, &at("whole"));
        assert!(shared(&sweep, &at("parts"), 45).interrupted);
        shared(&sweep, &at("parts"), 10);
        let rest = shared(&sweep, &at("parts"), usize::MAX);
        assert_eq!((rest.ran.len(), rest.interrupted), (4, false));
        assert_eq!(trajectories(&sweep, &at("parts")), whole);
        // Alone they are the same, here to the bit.
        run(&sweep, &at("alone"), Existing::Refuse, &()).unwrap();
        assert_eq!(trajectories(&sweep, &at("alone")), whole);
        // Of two that share a loop one cannot run.
        let spoilt = &sweep.points[2];
        shared(&sweep, &at("broken"), 0);
        fs::create_dir(at("broken").join(&spoilt.label)).unwrap();
        fs::write(
            at("broken").join(&spoilt.label).join("reverse-kl"),
            "in the way",
        )
        .unwrap();
        let swept = shared(&sweep, &at("broken"), usize::MAX);
        assert_eq!((swept.ran.len(), swept.broken.len()), (3, 1));
        assert_eq!(swept.broken[0].0.label, spoilt.label);
        assert!(
            swept.broken[0].1.contains("reverse-kl"),
            "{}",
            swept.broken[0].1
        );
    }
}
