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
