//! Members of a family on the host: from θ to what the kernel takes, and gradients in that back to θ.

use super::{Covariance, Family};
use crate::compute::kernel::cpu::{self, Expectation, Expected, Gradients, Scale, Wanted};
use crate::compute::kernel::{Engine, Formula, written};
use crate::mixture::Mixture;

/// R members, with what leads back to θ.
#[derive(Debug)]
pub(crate) struct HostMembers<'f> {
    family: &'f Family,
    runs: usize,
    /// `[R, K]`, or `[1, K]` where they are not learned.
    log_weights: Vec<f64>,
    /// `[R, K, D]`.
    means: Vec<f64>,
    /// `[R, K, D, D]`, `[R, K, D]` or `[R, K, D, 1 + r]`.
    scale: Vec<f64>,
    /// The derivatives of the standard deviations by their θ, `[R, K, logs]`.
    slopes: Vec<f64>,
    /// Where the numbers of a scale come from.
    places: Vec<Option<usize>>,
}

impl Family {
    /// The R members of θ, R × P numbers; `None` where a low-rank covariance is written out as a full one, whose factor
    /// is no simple function of θ.
    pub(crate) fn on_host(&self, theta: &[f64]) -> Option<HostMembers<'_>> {
        if self.scale.is_written_out() {
            return None;
        }
        let (k, dim, logs) = (self.components, self.dim(), self.scale.logs());
        let [mean, _] = self.places(0);
        let [_, last] = self.places(k - 1);
        let runs = theta.len() / last.end;
        let places = self.scale.sources();
        let mut members = HostMembers {
            family: self,
            runs,
            log_weights: Vec::with_capacity(runs * k),
            means: Vec::with_capacity(runs * k * dim),
            scale: Vec::with_capacity(runs * k * places.len()),
            slopes: Vec::with_capacity(runs * k * logs),
            places,
        };
        let mut numbers = vec![0.0; self.scale.len()];
        for theta in theta.chunks_exact(last.end) {
            if self.logits() > 0 {
                members.log_weights.extend(log_softmax(&theta[..k]));
            }
            members.means.extend(&theta[mean.start..][..k * dim]);
            for component in 0..k {
                let [_, scales] = self.places(component);
                numbers.copy_from_slice(&theta[scales]);
                for log in &mut numbers[..logs] {
                    let slope = log.exp();
                    members.slopes.push(slope);
                    *log = slope + self.scale.floor;
                }
                let placed =
                    (members.places.iter()).map(|place| place.map_or(0.0, |at| numbers[at]));
                members.scale.extend(placed);
            }
        }
        if self.logits() == 0 {
            members.log_weights = match &self.weights {
                Some(weights) => weights.iter().map(|weight| weight.ln()).collect(),
                None => vec![0.0],
            };
        }
        Some(members)
    }
}

impl HostMembers<'_> {
    /// R.
    pub fn runs(&self) -> usize {
        self.runs
    }

    /// D.
    pub fn dim(&self) -> usize {
        self.family.dim()
    }

    /// As the kernel takes them.
    fn mixture(&self) -> cpu::Mixture<'_, f64> {
        let scale = &self.scale;
        cpu::Mixture {
            components: self.family.components,
            dim: self.family.dim(),
            log_weights: &self.log_weights,
            means: &self.means,
            scale: match self.family.covariance() {
                Covariance::Diagonal | Covariance::Isotropic => Scale::Diagonal(scale),
                Covariance::Full => Scale::Tril(scale),
                Covariance::LowRank => Scale::LowRank {
                    values: scale,
                    rank: self.family.scale.rank,
                },
            },
        }
    }

    /// Written out; `None` for a run whose numbers are no density, or of low rank.
    pub fn written(&self) -> Vec<Option<Mixture>> {
        let (k, dim) = (self.family.components, self.family.dim());
        let (means, scale) = (k * dim, k * self.places.len());
        (0..self.runs)
            .map(|run| {
                let log_weights = &self.log_weights[run * k % self.log_weights.len()..][..k];
                let means = &self.means[run * means..][..means];
                let scale = &self.scale[run * scale..][..scale];
                match self.family.covariance() {
                    Covariance::LowRank => None,
                    _ => written([log_weights, means, scale], dim).ok(),
                }
            })
            .collect()
    }

    /// μ and σ of a member that is one Gaussian on a line.
    pub fn on_line(&self, run: usize) -> Option<[f64; 2]> {
        let is_one = self.family.dim() == 1 && self.family.components == 1;
        (is_one && self.places.len() == 1).then(|| [self.means[run], self.scale[run]])
    }

    /// How many standard normal numbers make a sample of a component.
    pub fn standard_dim(&self) -> usize {
        self.mixture().scale.standard_dim(self.family.dim())
    }

    /// What is averaged, with the gradients that lead to θ; `None` if its shapes are not those of the members, or
    /// [the engine](Engine::expectation) does not give it.
    pub fn expectation(
        &self,
        engine: &Engine,
        what: Expectation,
        formula: Option<&dyn Fn() -> Formula>,
    ) -> Option<Expected> {
        engine.expectation(&self.mixture(), what, self.wanted(), formula)
    }

    /// Which gradients lead to θ.
    fn wanted(&self) -> Wanted {
        Wanted {
            x: false,
            log_weights: self.family.logits() > 0,
            ..Wanted::ALL
        }
    }

    /// The gradient by θ, R × P numbers, from those by what the kernel takes.
    pub fn pull_back(&self, gradients: &Gradients<f64>) -> Vec<f64> {
        let family = self.family;
        let (k, dim, logs) = (family.components, family.dim(), family.scale.logs());
        let (scales, entries) = (family.scale.len(), self.places.len());
        let mut theta = Vec::with_capacity(self.runs * family.parameters());
        for run in 0..self.runs {
            if family.logits() > 0 {
                let own = run * k..(run + 1) * k;
                let by_weights = &gradients.log_weights[own.clone()];
                let total: f64 = by_weights.iter().sum();
                let logs = self.log_weights[own].iter().zip(by_weights);
                theta.extend(logs.map(|(log, gradient)| gradient - log.exp() * total));
            }
            theta.extend(&gradients.means[run * k * dim..][..k * dim]);
            for component in run * k..(run + 1) * k {
                let first = theta.len();
                theta.resize(first + scales, 0.0);
                let by_theta = &mut theta[first..];
                let by_scale = &gradients.scale[component * entries..][..entries];
                for (place, gradient) in self.places.iter().zip(by_scale) {
                    if let Some(place) = place {
                        by_theta[*place] += gradient;
                    }
                }
                let slopes = &self.slopes[component * logs..][..logs];
                for (gradient, slope) in by_theta.iter_mut().zip(slopes) {
                    *gradient *= slope;
                }
            }
        }
        theta
    }
}

/// The logarithms of the softmax of some logits.
fn log_softmax(logits: &[f64]) -> impl Iterator<Item = f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|logit| (logit - most).exp()).sum();
    let log = sum.ln();
    logits.iter().map(move |logit| logit - most - log)
}
