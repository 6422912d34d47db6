//! How a call is cut into tasks, and how threads work them off.
//!
//! The cut depends on the sizes only, never on the threads, so that every sum is made in the same
//! order on any number of them.

use std::ops::Range;
use std::sync::{Mutex, PoisonError, mpsc};

/// Work below this many nanoseconds is done by the caller alone: to wake a thread takes about as
/// long.
const SERIAL_BELOW: f64 = 30_000.0;
/// A task should take about this many nanoseconds: long compared with the cost of handing it out, short
/// enough for two threads to finish at about the same time.
const TASK: f64 = 10_000.0;
/// The most tasks of a call.
const MOST_TASKS: usize = 64;

/// Runs and samples that one task handles. One of the two is whole unless the other is single.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub runs: Range<usize>,
    pub samples: Range<usize>,
}

impl Stretch {
    /// How many log-densities it has.
    pub fn len(&self) -> usize {
        self.runs.len() * self.samples.len()
    }
}

/// The sizes that decide the cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    pub runs: usize,
    pub samples: usize,
    /// Tasks start at multiples of this many samples.
    pub block: usize,
    /// About how long one sample of one run takes, in nanoseconds.
    pub nanoseconds: f64,
    /// The most pieces to cut the samples of one run into.
    pub most_pieces: usize,
    /// Whether a task must see to all runs of its samples.
    pub all_runs: bool,
}

impl Work {
    /// About how long all of it takes, in nanoseconds.
    pub fn total(&self) -> f64 {
        self.runs as f64 * self.samples as f64 * self.nanoseconds
    }

    /// The tasks, in the order of runs, then samples.
    pub fn stretches(&self) -> Vec<Stretch> {
        if self.runs == 0 || self.samples == 0 {
            return Vec::new();
        }
        let tasks = ((self.total() / TASK) as usize).clamp(1, MOST_TASKS);
        let (runs_at_once, pieces) = if self.all_runs {
            (self.runs, tasks)
        } else if tasks <= self.runs {
            (self.runs.div_ceil(tasks), 1)
        } else {
            (1, tasks.div_ceil(self.runs))
        };
        let pieces = pieces.min(self.most_pieces).max(1);
        let samples_at_once = if pieces == 1 {
            self.samples
        } else {
            self.samples.div_ceil(pieces).next_multiple_of(self.block)
        };
        let mut stretches = Vec::new();
        for first_run in (0..self.runs).step_by(runs_at_once) {
            let runs = first_run..(first_run + runs_at_once).min(self.runs);
            for first in (0..self.samples).step_by(samples_at_once) {
                stretches.push(Stretch {
                    runs: runs.clone(),
                    samples: first..(first + samples_at_once).min(self.samples),
                });
            }
        }
        stretches
    }
}

/// Runs `task` on each of `tasks`, on several threads if that is worth it.
pub(crate) fn run<I: Send>(nanoseconds: f64, tasks: Vec<I>, task: impl Fn(I) + Sync) {
    let threads = if nanoseconds < SERIAL_BELOW {
        1
    } else {
        rayon::current_num_threads().min(tasks.len())
    };
    if threads <= 1 {
        return tasks.into_iter().for_each(task);
    }
    let queue = Mutex::new(tasks.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        while let Some(next) = next() {
            task(next);
        }
    };
    rayon::in_place_scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|_| work());
        }
        work();
    });
}

/// The same for tasks that take the caller a while to make, one after another: other threads work off those that are
/// made, one thread fewer than there are, so that none is in the way of the caller.
pub(crate) fn run_as_made<I: Send>(
    nanoseconds: f64,
    tasks: impl Iterator<Item = I>,
    task: impl Fn(I) + Sync,
) {
    let helpers = match nanoseconds < SERIAL_BELOW {
        true => 0,
        false => rayon::current_num_threads().saturating_sub(1),
    };
    if helpers == 0 {
        return tasks.for_each(task);
    }
    let (made, ready) = mpsc::channel();
    let ready = Mutex::new(ready);
    let next = || ready.lock().unwrap_or_else(PoisonError::into_inner).recv();
    let work = || {
        while let Ok(next) = next() {
            task(next);
        }
    };
    rayon::in_place_scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(|_| work());
        }
        for task in tasks {
            // Whoever takes it lives as long as this.
            _ = made.send(task);
        }
        drop(made);
        // What is left, if the others are slower, or have other things to do.
        work();
    });
}

/// Cuts `len` elements off the front.
pub(crate) fn cut<'a, T>(rest: &mut &'a mut [T], len: usize) -> &'a mut [T] {
    let (head, tail) = std::mem::take(rest).split_at_mut(len);
    *rest = tail;
    head
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn tasks_are_done_while_others_are_made() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build();
        let (tell, told) = mpsc::channel();
        let last = pool.unwrap().install(move || {
            // The next is made once the one before is done, which is by another thread then.
            let tasks = (0..100).inspect(|&task| {
                if task > 0 {
                    let limit = Duration::from_secs(30);
                    assert_eq!(told.recv_timeout(limit), Ok(task - 1));
                }
            });
            run_as_made(2.0 * SERIAL_BELOW, tasks, |task| tell.send(task).unwrap());
            told.try_recv()
        });
        assert_eq!(last, Ok(99));
    }

    #[test]
    fn stretches_cover_every_sample_of_every_run_once() {
        for runs in [1, 2, 3, 7, 100] {
            for samples in [1, 63, 64, 1000, 4097] {
                for nanoseconds in [0.1, 10.0, 1e4] {
                    for (most_pieces, all_runs) in [(64, false), (3, false), (64, true)] {
                        let work = Work {
                            runs,
                            samples,
                            block: 64,
                            nanoseconds,
                            most_pieces,
                            all_runs,
                        };
                        let mut seen = vec![0; runs * samples];
                        for stretch in work.stretches() {
                            assert!(
                                stretch.runs.len() == 1
                                    || stretch.samples == (0..samples)
                                    || all_runs
                            );
                            for run in stretch.runs {
                                for sample in stretch.samples.clone() {
                                    seen[run * samples + sample] += 1;
                                }
                            }
                        }
                        assert!(seen.iter().all(|&count| count == 1));
                    }
                }
            }
        }
    }
}
