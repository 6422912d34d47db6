//! What a function says of points, asked about some of them at a time.

use super::super::schedule::cut;
use super::PointFunction;

/// What a function says of N points.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told<'a> {
    /// log p, `[N]`.
    pub log_p: &'a [f64],
    /// Its gradient `[N, D]`, where it is asked for.
    pub gradient: &'a [f64],
}

impl Told<'_> {
    /// What it says of the first so many points, and of the rest; nothing where it has said nothing.
    fn split(self, count: usize) -> [Self; 2] {
        let dim = self
            .gradient
            .len()
            .checked_div(self.log_p.len())
            .unwrap_or(0);
        let at = count.min(self.log_p.len());
        let (log_p, other_log_p) = self.log_p.split_at(at);
        let (gradient, other_gradient) = self.gradient.split_at(at * dim);
        [
            Self { log_p, gradient },
            Self {
                log_p: other_log_p,
                gradient: other_gradient,
            },
        ]
    }

    /// Of so many points from one on.
    pub fn part(self, first: usize, count: usize) -> Self {
        let [_, rest] = self.split(first);
        let [part, _] = rest.split(count);
        part
    }
}

/// A function, and about how many points at a time it is asked.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub function: PointFunction<'a>,
    pub at_once: usize,
}

/// Points that a function has yet to be asked about, and where its answers go.
pub struct Asking<'a> {
    pub asked: Asked<'a>,
    pub dim: usize,
    /// `[N, D]`.
    pub x: &'a [f64],
    /// `[N]`.
    pub log_p: &'a mut [f64],
    /// `[N, D]`, or empty where it is not asked for.
    pub gradient: &'a mut [f64],
}

impl<'a> Asking<'a> {
    /// Tasks, each with what the function says of its points, which come one after another; `len` says how many a task
    /// has. The function is asked when the first task of a portion is taken.
    pub fn about<I>(
        mut self,
        tasks: Vec<I>,
        len: impl Fn(&I) -> usize,
    ) -> impl Iterator<Item = (I, Told<'a>)> {
        let lens: Vec<usize> = tasks.iter().map(len).collect();
        let mut told = Told::default();
        tasks.into_iter().enumerate().map(move |(i, task)| {
            if told.log_p.is_empty() {
                told = self.ask(portion(&lens[i..], self.asked.at_once));
            }
            let [here, rest] = told.split(lens[i]);
            told = rest;
            (task, here)
        })
    }

    fn ask(&mut self, count: usize) -> Told<'a> {
        let (x, rest) = self.x.split_at(count * self.dim);
        self.x = rest;
        let log_p = cut(&mut self.log_p, count);
        let asks_gradient = !self.gradient.is_empty();
        let slopes = if asks_gradient { x.len() } else { 0 };
        let gradient = cut(&mut self.gradient, slopes);
        (self.asked.function)(x, log_p, asks_gradient.then_some(&mut *gradient));
        Told { log_p, gradient }
    }
}

/// The points of the first task, and of those after it that go into a portion.
fn portion(lens: &[usize], at_once: usize) -> usize {
    let mut sum = 0;
    for &len in lens {
        if sum > 0 && sum + len > at_once {
            break;
        }
        sum += len;
    }
    sum
}
