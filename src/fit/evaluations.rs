//! How often the target was evaluated for a fit: what users of a costly density pay for.

use std::cell::RefCell;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Points at which a target was evaluated for the loss and its gradient; what is logged of a fit is none of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluations {
    /// Points where log p was asked for.
    pub log_density: u64,
    /// Those of them where its gradient was asked for as well.
    pub gradient: u64,
}

impl Evaluations {
    /// At so many points, with the gradient or without.
    pub(crate) fn of(points: usize, with_gradient: bool) -> Self {
        Self {
            log_density: points as u64,
            gradient: if with_gradient { points as u64 } else { 0 },
        }
    }
}

impl AddAssign for Evaluations {
    fn add_assign(&mut self, more: Self) {
        self.log_density += more.log_density;
        self.gradient += more.gradient;
    }
}

/// Counts the evaluations of each of R runs, while it is asked to.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// Those since they were last taken, of each run; none while nothing is counted.
    runs: RefCell<Option<Vec<Evaluations>>>,
    /// Which runs the points are of that are taken now.
    members: RefCell<Vec<usize>>,
}

impl Meter {
    /// Counts for these runs what `made` takes.
    pub fn counting<T>(&self, runs: usize, made: impl FnOnce() -> T) -> (T, Vec<Evaluations>) {
        self.runs.replace(Some(vec![Evaluations::default(); runs]));
        let made = made();
        (made, self.runs.take().unwrap_or_default())
    }

    /// Says which runs the next points are of.
    pub fn set_members(&self, members: impl IntoIterator<Item = usize>) {
        self.members.borrow_mut().clear();
        self.members.borrow_mut().extend(members);
    }

    /// Whether anything is counted.
    pub fn is_on(&self) -> bool {
        self.runs.borrow().is_some()
    }

    /// Counts what each of those runs takes, in their order.
    pub fn count(&self, of_member: impl Fn(usize) -> Evaluations) {
        if let Some(runs) = self.runs.borrow_mut().as_mut() {
            for (at, &run) in self.members.borrow().iter().enumerate() {
                runs[run] += of_member(at);
            }
        }
    }
}
