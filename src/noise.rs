//! Counter-based randomness: the noise of (seed, stream, run, step) is made without its past.
//!
//! Each key is the key of a ChaCha8 generator of its own, so that a run's noise depends neither on
//! the other runs, nor on the number of threads, nor on what was drawn before.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use rayon::prelude::*;

/// What a piece of noise is for; two streams never share a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Random starts.
    Init,
    /// Training draws under p.
    TargetDraws,
    /// Training draws under q.
    FamilyDraws,
    /// Draws under p for the logged divergences.
    TargetEvaluation,
    /// Draws under q for the logged divergences.
    FamilyEvaluation,
}

/// Which noise: the experiment's seed, what it is for, and the step it is used at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoiseKey {
    /// The experiment's seed.
    pub seed: u64,
    /// What the noise is for.
    pub stream: Stream,
    /// The step it is used at.
    pub step: u64,
}

impl NoiseKey {
    /// The generator of one run.
    pub fn generator(&self, run: usize) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        let words = [self.seed, self.stream as u64, run as u64, self.step];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }

    /// Standard normal numbers: `per_run` for each run, run after run.
    pub fn normals(&self, runs: usize, per_run: usize) -> Vec<f64> {
        let mut numbers = vec![0.0; runs * per_run];
        numbers
            .par_chunks_mut(per_run.max(1))
            .enumerate()
            .for_each(|(run, numbers)| {
                let mut generator = self.generator(run);
                numbers.fill_with(|| StandardNormal.sample(&mut generator));
            });
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: NoiseKey = NoiseKey {
        seed: 7,
        stream: Stream::FamilyDraws,
        step: 3,
    };

    #[test]
    fn a_run_does_not_depend_on_how_many_there_are() {
        assert_eq!(KEY.normals(5, 10)[20..30], KEY.normals(3, 10)[20..30]);
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let first = |key: NoiseKey| key.normals(1, 1)[0];
        let others = [
            NoiseKey { seed: 8, ..KEY },
            NoiseKey { step: 4, ..KEY },
            NoiseKey {
                stream: Stream::TargetDraws,
                ..KEY
            },
        ];
        for other in others {
            assert_ne!(first(KEY), first(other));
        }
        assert_ne!(KEY.normals(2, 1)[0], KEY.normals(2, 1)[1]);
    }

    #[test]
    fn normals_have_the_moments_of_a_standard_normal() {
        let numbers = KEY.normals(4, 250_000);
        let n = numbers.len() as f64;
        let moment = |k: i32| numbers.iter().map(|x| x.powi(k)).sum::<f64>() / n;
        // Five standard errors of each sample moment of 10⁶ standard normals.
        assert!(moment(1).abs() < 5.0 * 1e-3);
        assert!((moment(2) - 1.0).abs() < 5.0 * 2f64.sqrt() * 1e-3);
        assert!((moment(4) - 3.0).abs() < 5.0 * 96f64.sqrt() * 1e-3);
    }
}
