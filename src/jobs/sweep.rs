//! Runs every point of a sweep: points that can share a loop do, the others run beside each other.

use std::any::Any;
use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use crate::config::{Experiment, Sweep, SweepPoint};
use crate::error::Result;
use crate::jobs::run::{Job, RunObserver, in_common, run_batch};
use crate::record::Summary;
use crate::run_folder::{Existing, SweepFolder, SweptPoint};

/// Points that are open at once: each holds its folder, its lock and its trajectories, and systems give a
/// process as few as 1024 files.
const MOST_OPEN: usize = 192;
/// Points that share a loop: more would not make it faster.
const MOST_SHARED: usize = 64;

/// What came of a sweep.
#[derive(Debug, Clone)]
pub struct Swept<'s> {
    /// The points that have run, in order.
    pub ran: Vec<SweptPoint<'s>>,
    /// Those that broke down, with the reason.
    pub broken: Vec<(&'s SweepPoint, String)>,
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
/// on is taken as it is.
///
/// # Errors
/// If the folder holds something else, or cannot be written.
pub fn run<'s>(
    sweep: &'s Sweep,
    path: &Path,
    existing: Existing,
    observer: &dyn SweepObserver,
) -> Result<Swept<'s>> {
    let folder = SweepFolder::create(path, &sweep.points, existing)?;
    let (mut ended, mut open) = (Vec::new(), Vec::new());
    for (at, point) in sweep.points.iter().enumerate() {
        let mut experiment = Cow::Borrowed(&point.experiment);
        // What is there already is looked at before anything runs.
        if folder.has_point(point) {
            let begun = folder.begin_point(point, existing)?;
            if let Some(summary) = begun.finished(&point.experiment)? {
                ended.push((at, Ok(summary)));
                continue;
            }
            experiment = begun.continued(&point.experiment)?;
        }
        open.push(Open { at, experiment });
    }
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let groups = groups(open, MOST_OPEN / workers);
    let workers = workers.min(groups.len());
    let queue = Mutex::new(VecDeque::from(groups));
    let ended: Mutex<Vec<(usize, Result<Summary, String>)>> = Mutex::new(ended);
    // Threads of their own, not of the pool that tensors use: one that waits there may be handed
    // another's work.
    thread::scope(|scope| {
        let work = || {
            while !observer.wants_to_stop()
                && let Some(group) = queue.lock().ok().and_then(|mut queue| queue.pop_front())
            {
                for (point, outcome) in run_group(&sweep.points, &folder, &group, observer) {
                    let Ok(mut ended) = ended.lock() else { return };
                    ended.push((point, outcome));
                    observer.done(&sweep.points[point], ended.len());
                }
            }
        };
        for _ in 0..workers {
            scope.spawn(work);
        }
    });
    let mut ended = ended.into_inner().unwrap_or_default();
    ended.sort_by_key(|(point, _)| *point);
    let interrupted = ended.len() < sweep.points.len()
        || (ended.iter()).any(|(_, outcome)| outcome.as_ref().is_ok_and(|one| one.interrupted));
    let mut swept = Swept {
        ran: Vec::new(),
        broken: Vec::new(),
        interrupted,
    };
    for (point, outcome) in ended {
        let point = &sweep.points[point];
        match outcome {
            Ok(summary) => swept.ran.push(SweptPoint { point, summary }),
            Err(reason) => swept.broken.push((point, reason)),
        }
    }
    // Where every point broke down there is nothing to put in the place of what there was.
    if !swept.interrupted && !swept.ran.is_empty() {
        folder.write_table(&swept.ran)?;
    }
    Ok(swept)
}

/// A point that is not finished, with its experiment as it goes on.
struct Open<'s> {
    at: usize,
    experiment: Cow<'s, Experiment>,
}

/// Runs points that share a loop; if it breaks down, each by itself, so that one alone is lost.
fn run_group(
    points: &[SweepPoint],
    folder: &SweepFolder,
    group: &[Open],
    observer: &dyn SweepObserver,
) -> Vec<(usize, Result<Summary, String>)> {
    let run = || -> Result<Vec<Summary>> {
        let folders = (group.iter())
            .map(|open| folder.begin_point(&points[open.at], Existing::Resume))
            .collect::<Result<Vec<_>>>()?;
        let jobs: Vec<Job> = (group.iter().zip(&folders))
            .map(|(open, folder)| Job {
                experiment: &open.experiment,
                folder,
            })
            .collect();
        let numerics = jobs[0].experiment.numerics()?;
        run_batch(&jobs, &numerics, &mut StopOnly(observer))
    };
    // Nothing of a run is used again after it broke down but its folder, which is always whole.
    let outcome = catch_unwind(AssertUnwindSafe(run));
    let reason = match outcome {
        Ok(Ok(summaries)) => {
            let points = group.iter().map(|open| open.at);
            return points.zip(summaries.into_iter().map(Ok)).collect();
        }
        Ok(Err(error)) => error.to_string(),
        Err(panic) => format!("it broke down: {}", words_of(&*panic)),
    };
    match group {
        [one] => vec![(one.at, Err(reason))],
        _ => (group.chunks(1))
            .flat_map(|alone| run_group(points, folder, alone, observer))
            .collect(),
    }
}

/// What a panic says.
fn words_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    text.or(owned).unwrap_or("no reason is known")
}

/// The open points that share a loop, each group in order, of up to so many points.
fn groups(open: Vec<Open<'_>>, most: usize) -> Vec<Vec<Open<'_>>> {
    let most = most.clamp(1, MOST_SHARED);
    let mut groups: Vec<Vec<Open>> = Vec::new();
    // Those with all but the rows of the target in common that have room.
    let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
    for one in open {
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

/// Observes a run only to stop it.
struct StopOnly<'f>(&'f dyn SweepObserver);

impl RunObserver for StopOnly<'_> {
    fn wants_to_stop(&self) -> bool {
        self.0.wants_to_stop()
    }
}
