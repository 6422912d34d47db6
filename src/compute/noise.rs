//! Counter-based randomness: the noise of (seed, stream, run, step) is made without its past.
//!
//! Normal numbers are a function of their key and their place ([`cpu::normals`](crate::compute::kernel::cpu));
//! for the rest, each key is that of a ChaCha8 generator of its own. So a run's noise depends neither
//! on the other runs, nor on the number of threads, nor on what was drawn before.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::compute::kernel::cpu::{self, Width};

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
    /// Draws under p for the variance of a gradient.
    TargetProbes,
    /// Draws under q for the variance of a gradient.
    FamilyProbes,
    /// Draws of p for the verdict on a fit.
    TargetDiagnostics,
    /// Draws of q for the verdict on a fit.
    FamilyDiagnostics,
    /// Draws that look for the constant of a density.
    Normalizer,
    /// The choice of rows that are held out.
    Holdout,
    /// The choice of rows that stand for all of a file.
    Sketch,
    /// Draws that look for components a fit lacks.
    Adapt,
    /// Draws that somebody asked for.
    Sample,
}

/// Whose noise: the seed of an experiment, and a run of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunKey {
    /// The experiment's seed.
    pub seed: u64,
    /// The run, counted from 0.
    pub run: u64,
}

impl RunKey {
    /// The key of this run's normal numbers for one purpose.
    fn key(self, stream: Stream) -> u64 {
        cpu::derive_key(cpu::derive_key(self.seed, stream as u64), self.run)
    }

    /// The generator of this run's noise for one purpose at one step.
    pub fn generator(self, stream: Stream, step: u64) -> ChaCha8Rng {
        let mut key = [0u8; 32];
        let words = [self.seed, stream as u64, self.run, step];
        for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }
}

/// Which noise: of which runs, what it is for, and the step it is used at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise<'a> {
    /// One for each run; or a single one, for noise that all runs share.
    pub runs: &'a [RunKey],
    /// What the noise is for.
    pub stream: Stream,
    /// The step it is used at.
    pub step: u64,
}

impl Noise<'_> {
    /// Random words: `per_run` for each run, run after run.
    pub fn words(&self, per_run: usize) -> Vec<u32> {
        (self.runs.iter())
            .flat_map(|run| {
                let mut generator = run.generator(self.stream, self.step);
                (0..per_run).map(move |_| generator.next_u32())
            })
            .collect()
    }

    /// Standard normal numbers: `per_run` for each run, run after run.
    pub fn normals(&self, per_run: usize) -> Vec<f64> {
        let mut numbers = vec![0.0; self.runs.len() * per_run];
        if numbers.len() <= PIECE {
            // Waking other threads would take longer.
            self.fill(0, per_run, &mut numbers);
        } else {
            // A number is made from its place alone, so it does not matter by whom.
            (numbers.par_chunks_mut(PIECE).enumerate())
                .for_each(|(piece, numbers)| self.fill(piece * PIECE, per_run, numbers));
        }
        numbers
    }

    /// The keys of the normal numbers of each run, whose stream is the step.
    pub(crate) fn keys(&self) -> Vec<u64> {
        self.runs.iter().map(|run| run.key(self.stream)).collect()
    }

    /// Fills the normal numbers from the place `at` on.
    fn fill(&self, mut at: usize, per_run: usize, mut numbers: &mut [f64]) {
        while !numbers.is_empty() {
            let (run, first) = (at / per_run, at % per_run);
            let (here, others) = numbers.split_at_mut(numbers.len().min(per_run - first));
            let key = self.runs[run].key(self.stream);
            cpu::normals(Width::Widest, key, self.step, first as u64, here);
            at += here.len();
            numbers = others;
        }
    }
}

/// Normal numbers that are made at once.
const PIECE: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::*;

    fn normals(runs: &[RunKey], stream: Stream, step: u64, per_run: usize) -> Vec<f64> {
        Noise { runs, stream, step }.normals(per_run)
    }

    fn runs(seed: u64, count: u64) -> Vec<RunKey> {
        (0..count).map(|run| RunKey { seed, run }).collect()
    }

    #[test]
    fn a_run_does_not_depend_on_how_many_there_are() {
        let of = |count| normals(&runs(7, count), Stream::FamilyDraws, 3, 10);
        assert_eq!(of(5)[20..30], of(3)[20..30]);
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let first = |seed, stream, step| normals(&runs(seed, 1), stream, step, 1)[0];
        let one = first(7, Stream::FamilyDraws, 3);
        assert_ne!(one, first(8, Stream::FamilyDraws, 3));
        assert_ne!(one, first(7, Stream::TargetDraws, 3));
        assert_ne!(one, first(7, Stream::FamilyDraws, 4));
        let two = normals(&runs(7, 2), Stream::FamilyDraws, 3, 1);
        assert_ne!(two[0], two[1]);
    }

    #[test]
    fn normals_have_the_moments_of_a_standard_normal() {
        let numbers = normals(&runs(7, 4), Stream::FamilyDraws, 3, 250_000);
        let n = numbers.len() as f64;
        let moment = |k: i32| numbers.iter().map(|x| x.powi(k)).sum::<f64>() / n;
        // Five standard errors of each sample moment of 10⁶ standard normals.
        assert!(moment(1).abs() < 5.0 * 1e-3);
        assert!((moment(2) - 1.0).abs() < 5.0 * 2f64.sqrt() * 1e-3);
        assert!((moment(4) - 3.0).abs() < 5.0 * 96f64.sqrt() * 1e-3);
    }
}
