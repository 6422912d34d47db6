//! Running averages that first-order rules keep, in the arithmetic of burn's own rules.

use crate::compute::snapshot::Snapshot;
use crate::error::Result;

/// Numbers of a rule, as many as θ of all runs has; none before the first step.
#[derive(Debug, Clone, Default)]
pub(super) struct Average(Vec<f64>);

impl Average {
    /// Keeps `decay` of what it was and takes in the rest of what is new.
    pub fn take_in(&mut self, decay: f32, new: impl ExactSizeIterator<Item = f64>) {
        // burn's rules have their settings in 32 bits.
        let (kept, taken) = (f64::from(decay), f64::from(1.0 - decay));
        self.roll(kept, new.map(|new| new * taken));
    }

    /// Keeps a share of what it was beside what is new.
    pub fn roll(&mut self, kept: f64, new: impl ExactSizeIterator<Item = f64>) {
        if self.0.is_empty() {
            self.0.extend(new);
            return;
        }
        for (own, new) in self.0.iter_mut().zip(new) {
            *own = *own * kept + new;
        }
    }

    pub fn numbers(&self) -> &[f64] {
        &self.0
    }

    /// Takes it down, if it has begun.
    pub fn put(&self, name: &str, shape: [usize; 2], snapshot: &mut Snapshot) {
        if !self.0.is_empty() {
            snapshot.put(name, &shape, self.0.clone());
        }
    }

    /// What was put under a name, if anything was.
    pub fn found(name: &str, shape: [usize; 2], snapshot: &Snapshot) -> Result<Self> {
        match snapshot.find(name) {
            Some(_) => Ok(Self(snapshot.array(name, &shape)?.to_vec())),
            None => Ok(Self::default()),
        }
    }
}
