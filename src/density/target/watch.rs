//! Where a function was no number, while someone wants to know.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// No more points than this are kept.
const MOST: usize = 4096;

/// Looks on while a function is evaluated, if it is asked to.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Option<Vec<Lost>>>>);

/// A point where log f, or its gradient, is not finite.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost {
    /// The point, `[D]`.
    pub u: Vec<f64>,
    /// log f there.
    pub value: f64,
}

/// As it is compared.
impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Watch")
    }
}

/// What was seen is no part of what a density is.
impl PartialEq for Watch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Watch {
    /// What is seen while something is done.
    pub fn during<T>(&self, act: impl FnOnce() -> T) -> (T, Vec<Lost>) {
        *self.lock() = Some(Vec::new());
        let made = act();
        let seen = self.lock().take();
        (made, seen.unwrap_or_default())
    }

    /// Whether anyone wants to know.
    pub fn is_on(&self) -> bool {
        self.lock().is_some()
    }

    /// Looks at the values at N points `[N, D]`, and at the gradient `[N, D]`.
    pub fn look(&self, u: &[f64], values: &[f64], gradient: Option<&[f64]>) {
        let mut seen = self.lock();
        let Some(seen) = &mut *seen else {
            return;
        };
        let dim = u.len() / values.len().max(1);
        for (n, (u, &value)) in u.chunks_exact(dim.max(1)).zip(values).enumerate() {
            let slope = gradient.map_or(&[][..], |gradient| &gradient[n * dim..(n + 1) * dim]);
            let is_lost = !value.is_finite() || slope.iter().any(|slope| !slope.is_finite());
            if is_lost && seen.len() < MOST {
                let u = u.to_vec();
                seen.push(Lost { u, value });
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Vec<Lost>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_seen_while_it_is_asked_for() {
        let watch = Watch::default();
        let look = || {
            let gradient = [0.0, 1.0, 0.0, 0.0, f64::NAN, 0.0];
            watch.look(
                &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
                &[0.5, f64::NEG_INFINITY, 0.1],
                Some(&gradient),
            );
        };
        look();
        assert!(!watch.is_on());
        let (_, seen) = watch.during(look);
        let lost = |u: [f64; 2], value| Lost {
            u: u.to_vec(),
            value,
        };
        assert_eq!(
            seen,
            [lost([3.0, 4.0], f64::NEG_INFINITY), lost([5.0, 6.0], 0.1)]
        );
        let (_, seen) = watch.clone().during(|| ());
        assert!(seen.is_empty() && !watch.is_on());
    }
}
