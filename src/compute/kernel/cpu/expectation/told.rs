//! What a function says of points.

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
    /// Of so many points from one on; nothing where it has said nothing.
    pub fn part(self, first: usize, count: usize) -> Self {
        let all = self.log_p.len();
        let dim = self.gradient.len().checked_div(all).unwrap_or(0);
        let here = first.min(all)..(first + count).min(all);
        Self {
            log_p: &self.log_p[here.clone()],
            gradient: &self.gradient[here.start * dim..here.end * dim],
        }
    }
}

/// A function of points in D dimensions, about how many of them at a time it is asked about, and what makes them.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub function: PointFunction<'a>,
    pub at_once: usize,
    /// Makes points `[M, D]`, from one of all on.
    pub make: &'a (dyn Fn(usize, &mut [f64]) + Sync),
    pub dim: usize,
    pub wants_gradient: bool,
}

impl Asked<'_> {
    /// How many numbers it says of a point.
    pub fn width(&self) -> usize {
        1 + if self.wants_gradient { self.dim } else { 0 }
    }

    /// Asks about points `[M, D]`; what is said goes to memory with [that many](Self::width) numbers for each.
    pub fn ask(&self, x: &[f64], memory: &mut [f64]) {
        let (log_p, gradient) = memory.split_at_mut(x.len() / self.dim);
        (self.function)(x, log_p, self.wants_gradient.then_some(gradient));
    }

    /// What was said of M points.
    pub fn told<'m>(&self, points: usize, memory: &'m [f64]) -> Told<'m> {
        let (log_p, gradient) = memory.split_at(points);
        Told { log_p, gradient }
    }
}
