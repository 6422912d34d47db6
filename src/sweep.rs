//! Runs every point of a sweep: points that can share a loop do, the others run beside each other.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

use crate::config::{Sweep, SweepPoint};
use crate::error::{Error, Result};
use crate::fit::{Plan, Record};
use crate::run::{Job, Watch, run_together};
use crate::run_folder::{Existing, FitSummary, RunFolder, Summary, SweepFolder};

/// One point that has run.
#[derive(Debug, Clone)]
pub struct Ran<'s> {
    /// Which one.
    pub point: &'s SweepPoint,
    /// What came out.
    pub summary: Summary,
}

/// Runs a sweep into a folder: one run folder for each point, and the table of all.
///
/// `done` is told of each point that has ended, with how many have.
///
/// # Errors
/// If the folder holds something else, or cannot be written; if a device fails or is not there. A
/// run whose numbers break down is not an error: it is reported as failed.
pub fn run<'s>(
    sweep: &'s Sweep,
    path: &Path,
    existing: Existing,
    done: &(dyn Fn(&SweepPoint, usize) + Sync),
) -> Result<Vec<Ran<'s>>> {
    let folder = SweepFolder::create(path, existing)?;
    let folders = (sweep.points.iter())
        .map(|point| RunFolder::create(&path.join(&point.label), &point.experiment, existing))
        .collect::<Result<Vec<_>>>()?;
    let jobs: Vec<Job> = (sweep.points.iter().zip(&folders))
        .map(|(point, folder)| Job {
            experiment: &point.experiment,
            folder,
        })
        .collect();
    let groups = groups(&jobs);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let workers = workers.min(groups.len());
    let queue = Mutex::new(VecDeque::from(groups));
    let ended: Mutex<Vec<(usize, Summary)>> = Mutex::new(Vec::new());
    // Threads of their own, not of the pool that tensors use: one that waits there may be handed
    // another's work.
    let outcomes: Vec<Result<()>> = thread::scope(|scope| {
        let work = || {
            while let Some(group) = queue.lock().ok().and_then(|mut queue| queue.pop_front()) {
                let together: Vec<Job> = group.iter().map(|&point| jobs[point]).collect();
                let numerics = together[0].experiment.numerics()?;
                let summaries = run_together(&together, &numerics, &mut Silent)?;
                let Ok(mut ended) = ended.lock() else { break };
                for (&point, summary) in group.iter().zip(summaries) {
                    ended.push((point, summary));
                    done(&sweep.points[point], ended.len());
                }
            }
            Ok(())
        };
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|thread| {
            thread.join().unwrap_or_else(|_| {
                Err(Error::Numerical {
                    message: "a thread of the sweep broke down".to_owned(),
                    help: "run the points one by one with `klfit run`, to see which".to_owned(),
                })
            })
        });
        joined.collect()
    });
    outcomes.into_iter().collect::<Result<()>>()?;
    let mut ended = ended.into_inner().unwrap_or_default();
    ended.sort_by_key(|(point, _)| *point);
    let ran: Vec<Ran> = (ended.into_iter())
        .map(|(point, summary)| Ran {
            point: &sweep.points[point],
            summary,
        })
        .collect();
    folder.write_table(&ran)?;
    Ok(ran)
}

/// The points that share a loop, each group in order.
fn groups(jobs: &[Job]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (point, job) in jobs.iter().enumerate() {
        match groups
            .iter_mut()
            .find(|group| jobs[group[0]].batches_with(job))
        {
            Some(group) => group.push(point),
            None => groups.push(vec![point]),
        }
    }
    groups
}

struct Silent;

impl Watch for Silent {
    fn begin(&mut self, _: &Plan) {}
    fn record(&mut self, _: &Plan, _: &Record) {}
    fn end(&mut self, _: &FitSummary) {}
}
