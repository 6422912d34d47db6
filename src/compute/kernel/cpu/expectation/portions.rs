//! Points that a function is asked about some at a time, while other threads make the next and work off the answers.

use std::sync::{Arc, Mutex, PoisonError};

use super::slots::{Held, Slots};
use super::told::{Asked, Told};

/// The points of some tasks, which come one after another.
#[derive(Debug, Clone, Copy)]
pub struct Portion {
    first: usize,
    count: usize,
}

impl Portion {
    /// All points of tasks with so many each: of as many tasks together as a question may have points.
    pub fn all(lens: impl Iterator<Item = usize>, at_once: usize) -> Vec<Self> {
        let mut portions: Vec<Self> = Vec::new();
        let mut next = 0;
        for len in lens {
            match portions.last_mut() {
                Some(last) if last.count + len <= at_once => last.count += len,
                _ => portions.push(Self {
                    first: next,
                    count: len,
                }),
            }
            next += len;
        }
        portions
    }

    /// The numbers it takes to ask about these: room for the points of all, and for what is said of them, since nothing
    /// says how soon others are done with that.
    pub fn memory(portions: &[Self], asked: &Asked<'_>) -> usize {
        let most = Self::most(portions);
        portions.len() * most * (asked.dim + asked.width())
    }

    fn most(portions: &[Self]) -> usize {
        portions
            .iter()
            .map(|portion| portion.count)
            .max()
            .unwrap_or(0)
    }
}

/// A portion whose points are made by whoever comes first.
pub struct Pending<'s, 'a> {
    portion: Portion,
    points: Mutex<Points<'s, 'a>>,
}

enum Points<'s, 'a> {
    Open,
    Made(Held<'s, 'a>),
    /// The function has them.
    Taken,
}

/// What the function said of a portion, until the last of its tasks is done.
pub struct Answer<'s, 'a> {
    points: usize,
    memory: Held<'s, 'a>,
}

/// What threads do while the function answers.
pub enum Job<'p, 's, 'a, I> {
    /// The points of the next portion are made.
    Make(&'p Pending<'s, 'a>),
    /// A task, from the point of an answer on where its own begin.
    Do(Arc<Answer<'s, 'a>>, usize, I),
}

/// Asks about all portions, one after another.
pub struct Asking<'q, 'a> {
    asked: Asked<'q>,
    points: Slots<'a>,
    answers: Slots<'a>,
}

impl<'q, 'a> Asking<'q, 'a> {
    /// With [enough](Portion::memory) memory.
    pub fn new(asked: Asked<'q>, portions: &[Portion], memory: &'a mut [f64]) -> Self {
        let most = Portion::most(portions);
        let (points, answers) = memory.split_at_mut(portions.len() * most * asked.dim);
        Self {
            asked,
            points: Slots::new(points, most * asked.dim),
            answers: Slots::new(answers, most * asked.width()),
        }
    }

    /// The portions as they wait.
    pub fn pending(&self, portions: &[Portion]) -> Vec<Pending<'_, 'a>> {
        let pending = |&portion| Pending {
            portion,
            points: Mutex::new(Points::Open),
        };
        portions.iter().map(pending).collect()
    }

    /// Makes the points of a portion, unless that is done.
    pub fn make<'s>(&'s self, pending: &Pending<'s, 'a>) {
        let mut points = pending
            .points
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if matches!(*points, Points::Open) {
            *points = Points::Made(self.made(pending.portion));
        }
    }

    fn made(&self, portion: Portion) -> Held<'_, 'a> {
        let mut points = self.points.lend(portion.count * self.asked.dim);
        (self.asked.make)(portion.first, &mut points);
        points
    }

    fn ask<'s>(&'s self, pending: &Pending<'s, 'a>) -> Answer<'s, 'a> {
        let found = {
            let mut points = pending
                .points
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *points, Points::Taken)
        };
        let points = match found {
            Points::Made(points) => points,
            Points::Open | Points::Taken => self.made(pending.portion),
        };
        let count = pending.portion.count;
        let mut memory = self.answers.lend(count * self.asked.width());
        self.asked.ask(&points, &mut memory);
        Answer {
            points: count,
            memory,
        }
    }

    /// What was said of so many points of an answer from one on.
    pub fn told<'m>(&self, answer: &'m Answer<'_, '_>, first: usize, count: usize) -> Told<'m> {
        (self.asked.told(answer.points, &answer.memory)).part(first, count)
    }

    /// The function is asked about a portion when the first of its tasks is taken; `len` says how many points a task has.
    /// Before that the portion after it is there to be made.
    pub fn jobs<'p, 's, I>(
        &'s self,
        portions: &'p [Pending<'s, 'a>],
        tasks: Vec<I>,
        len: impl Fn(&I) -> usize,
    ) -> impl Iterator<Item = Job<'p, 's, 'a, I>> {
        let mut tasks = tasks.into_iter();
        let (mut now, mut later) = (portions.iter(), portions.iter().skip(1));
        let mut next = later.next();
        let mut answer: Option<Arc<Answer>> = None;
        let mut first = 0;
        std::iter::from_fn(move || {
            let is_over = |answer: &Arc<Answer>| first == answer.points;
            if answer.as_ref().is_none_or(is_over) && tasks.len() > 0 {
                if let Some(next) = next.take() {
                    return Some(Job::Make(next));
                }
                next = later.next();
                // Its memory is the next one's, if others are done with it.
                drop(answer.take());
                (answer, first) = (Some(Arc::new(self.ask(now.next()?))), 0);
            }
            let job = Job::Do(Arc::clone(answer.as_ref()?), first, tasks.next()?);
            if let Job::Do(_, _, task) = &job {
                first += len(task);
            }
            Some(job)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn every_point_is_asked_about_once_and_answers_go_to_their_tasks() {
        let questions = AtomicUsize::new(0);
        let function = |x: &[f64], logs: &mut [f64], slopes: Option<&mut [f64]>| {
            questions.fetch_add(1, Ordering::Relaxed);
            for (log, x) in logs.iter_mut().zip(x.chunks_exact(2)) {
                *log = x[0] + x[1];
            }
            slopes.unwrap().copy_from_slice(x);
        };
        let asked = Asked {
            function: &function,
            at_once: 5,
            make: &|first, x| {
                for (n, x) in x.chunks_exact_mut(2).enumerate() {
                    x.copy_from_slice(&[(first + n) as f64, 0.5]);
                }
            },
            dim: 2,
            wants_gradient: true,
        };
        // One is longer than a question is to be.
        let lens = vec![2, 3, 4, 7, 1, 1];
        let portions = Portion::all(lens.iter().copied(), asked.at_once);
        assert_eq!(
            portions
                .iter()
                .map(|portion| portion.count)
                .collect::<Vec<_>>(),
            [5, 4, 7, 2]
        );
        let mut memory = vec![f64::NAN; Portion::memory(&portions, &asked)];
        let asking = Asking::new(asked, &portions, &mut memory);
        let pending = asking.pending(&portions);
        let (mut next, mut made) = (0.0, 0);
        for job in asking.jobs(&pending, lens, |&len| len) {
            match job {
                Job::Make(portion) => {
                    // Ahead of the question about it; those that are not made here are made by whoever asks.
                    made += 1;
                    if made % 2 == 1 {
                        asking.make(portion);
                    }
                }
                Job::Do(answer, first, len) => {
                    let told = asking.told(&answer, first, len);
                    for (log, slope) in told.log_p.iter().zip(told.gradient.chunks_exact(2)) {
                        assert_eq!((*log, slope), (next + 0.5, &[next, 0.5][..]));
                        next += 1.0;
                    }
                }
            }
        }
        assert_eq!(
            (next, made, questions.load(Ordering::Relaxed)),
            (18.0, 3, 4)
        );
    }
}
