//! Searches that go on side by side, so that a program is asked for the points of all of them at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::density::target::Function;

/// The value at a point, and its gradient.
type Told = (f64, Vec<f64>);

/// Some threads, each of which waits with a point until all of them have one.
///
/// A call of a program takes as long for a hundred points as for one.
pub(super) struct Together<'a> {
    function: &'a Function,
    round: Mutex<Round>,
    is_answered: Condvar,
}

struct Round {
    /// Threads that have not ended.
    active: usize,
    /// How many rounds there were.
    number: usize,
    asked: Vec<f64>,
    /// Of the last round.
    answers: Arc<Vec<Told>>,
}

impl<'a> Together<'a> {
    pub fn new(function: &'a Function, threads: usize) -> Self {
        Self {
            function,
            round: Mutex::new(Round {
                active: threads,
                number: 0,
                asked: Vec::new(),
                answers: Arc::default(),
            }),
            is_answered: Condvar::new(),
        }
    }

    /// The answer of the round that is complete with this point.
    pub fn ask(&self, u: &[f64]) -> Told {
        let mut round = self.lock();
        let (place, number) = (round.asked.len() / u.len(), round.number);
        round.asked.extend_from_slice(u);
        if place + 1 == round.active {
            self.answer(&mut round);
        }
        while round.number == number {
            round = (self.is_answered.wait(round)).unwrap_or_else(PoisonError::into_inner);
        }
        // The next round is complete with the next point of this thread: these are still the answers of its own.
        let answers = Arc::clone(&round.answers);
        drop(round);
        answers[place].clone()
    }

    /// A thread has ended: the others do not wait for it.
    pub fn leave(&self) {
        let mut round = self.lock();
        round.active -= 1;
        if !round.asked.is_empty() && round.asked.len() == round.active * self.function.dim() {
            self.answer(&mut round);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Round> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, round: &mut Round) {
        let dim = self.function.dim();
        let asked = std::mem::take(&mut round.asked);
        let (mut values, mut gradient) = (vec![0.0; asked.len() / dim], vec![0.0; asked.len()]);
        (self.function).evaluate(&asked, &mut values, Some(&mut gradient));
        let rows = gradient.chunks_exact(dim).map(<[f64]>::to_vec);
        round.answers = Arc::new(values.into_iter().zip(rows).collect());
        round.number += 1;
        self.is_answered.notify_all();
    }
}

/// Leaves when it is dropped, whatever ended the thread.
pub(super) struct Member<'a>(pub &'a Together<'a>);

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}
