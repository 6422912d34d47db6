//! When to give integrals up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// How far some integrals in the plane may be off: a rule that is seen to do no better is left.
#[derive(Debug)]
pub(crate) struct Limit {
    most: f64,
    /// The errors of all parts so far, of each integral; none of those that have no limit.
    errors: Mutex<Vec<Option<f64>>>,
    is_passed: AtomicBool,
}

impl Limit {
    /// `limited`: which of the integrals must not be off by more.
    pub fn new(most: f64, limited: impl IntoIterator<Item = bool>) -> Self {
        let errors = limited.into_iter().map(|limited| limited.then_some(0.0));
        Self {
            most,
            errors: Mutex::new(errors.collect()),
            is_passed: AtomicBool::new(false),
        }
    }

    /// Adds the errors of a part of each integral.
    pub(super) fn add(&self, errors: impl Iterator<Item = f64>) {
        // What is counted is whole at all times.
        let mut all = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        for (sum, error) in all.iter_mut().zip(errors) {
            if let Some(sum) = sum {
                *sum += error;
                if *sum > self.most {
                    self.is_passed.store(true, Ordering::Relaxed);
                }
            }
        }
    }

    /// Whether an integral is off by more.
    pub fn is_passed(&self) -> bool {
        self.is_passed.load(Ordering::Relaxed)
    }
}
