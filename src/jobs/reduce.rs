//! A mixture with fewer components, and how far it is from the one it stands for.

use nalgebra::DMatrix;

use crate::calculator::{Answer, Operand, Question};
use crate::density::family::{Covariance, Family, FamilyConfig};
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::estimator::quadrature::{Quadrature, QuadratureConfig};
use crate::estimator::quasi_monte_carlo::QuasiMonteCarloConfig;
use crate::estimator::{EstimatorConfig, EstimatorRule, NoiseRule};
use crate::fit::init::Start;
use crate::jobs::likelihood::Likelihood;
use crate::mixture::Mixture;

/// Steps of expectation–maximisation at most.
const STEPS: usize = 300;
/// Points of each component of the mixture that is reduced, where they are not panels …
const POINTS: usize = 1024;
/// … and of all of them at most.
const MOST_POINTS: usize = 1 << 16;

/// What reducing a mixture gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Reduction {
    /// The mixture with fewer components.
    pub mixture: Mixture,
    /// KL(full‖reduced) in nats.
    pub kl: Answer,
    /// The same after merging alone, where more was done.
    pub merged: Option<Answer>,
}

/// Reduces mixtures.
///
/// ```
/// use klfit::{ExportFormat, Mixture, Reducer, export};
///
/// let q = Mixture::from_stds(vec![0.25, 0.25, 0.5], vec![vec![0.0], vec![0.5], vec![4.0]], vec![vec![1.0]; 3])?;
/// let smaller = Reducer::default().reduce(&q, 2)?;
/// assert!(smaller.kl.value < 1e-4);
/// let program = export(&smaller.mixture, &[], ExportFormat::Stan, None)?;
/// assert!(program.contains("mixture_lpdf"));
/// # Ok::<(), klfit::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reducer {
    /// How each KL is found; which divergences it asks for does not matter.
    pub question: Question,
    /// Whether what is merged goes down on forward KL from there.
    pub refine: bool,
}

impl Default for Reducer {
    fn default() -> Self {
        Self {
            question: Question::default(),
            refine: true,
        }
    }
}

impl Reducer {
    /// A mixture with so many components at most: two after two are merged as [`Mixture::reduce`] does, and from
    /// there expectation–maximisation goes down on KL(full‖reduced). What is nearer of both is taken.
    ///
    /// # Errors
    /// If `components` is 0 or the device failed.
    pub fn reduce(&self, full: &Mixture, components: usize) -> Result<Reduction> {
        self.go_down(full, full.reduce(components)?, Vec::new())
    }

    /// It with every number of components, from its own down to 1; `told` is given each as it is there.
    ///
    /// Each is also gone down to from where the one with a component more ended, and where it is farther than the one
    /// with a component less, from that with a component split: as far as [`Reducer::reduce`] goes or nearer.
    ///
    /// # Errors
    /// As [`Reducer::reduce`].
    pub fn curve(
        &self,
        full: &Mixture,
        mut told: impl FnMut(&Reduction),
    ) -> Result<Vec<Reduction>> {
        let full = &full.occupied();
        let mut merged = full.reduce(full.components())?;
        let mut curve: Vec<Reduction> = Vec::new();
        loop {
            let components = merged.components();
            let before = curve.last().map(|one| one.mixture.reduce(components));
            let starts = before.transpose()?.into_iter().collect();
            let reduction = self.go_down(full, merged.clone(), starts)?;
            told(&reduction);
            curve.push(reduction);
            if components <= 1 {
                break;
            }
            // The pairs that are merged first do not depend on how many are in the end.
            merged = merged.reduce(components - 1)?;
        }
        if self.refine {
            self.go_up(full, &mut curve)?;
        }
        Ok(curve)
    }

    /// Mends those that are farther than one with a component less.
    fn go_up(&self, full: &Mixture, curve: &mut [Reduction]) -> Result<()> {
        for place in (1..curve.len()).rev() {
            let [more, fewer] = &mut curve[place - 1..=place] else {
                continue;
            };
            if more.kl.value <= fewer.kl.value {
                continue;
            }
            let Some(refined) = refined(full, vec![split(full, &fewer.mixture)?])? else {
                continue;
            };
            let kl = self.kl(full, &refined)?;
            if kl.value < more.kl.value {
                more.mixture = refined;
                more.kl = kl;
            }
        }
        Ok(())
    }

    fn go_down(
        &self,
        full: &Mixture,
        merged: Mixture,
        mut starts: Vec<Mixture>,
    ) -> Result<Reduction> {
        let kl = self.kl(full, &merged)?;
        // One Gaussian with the moments of p is the nearest there is, and nothing is nearer than p itself.
        let is_nearest = [1, full.occupied().components()].contains(&merged.components());
        let refined = match self.refine && !is_nearest {
            true => {
                starts.push(merged.clone());
                refined(full, starts)?
            }
            false => None,
        };
        let Some(refined) = refined else {
            return Ok(Reduction {
                mixture: merged,
                kl,
                merged: None,
            });
        };
        let refined_kl = self.kl(full, &refined)?;
        // What is not a number is not less.
        Ok(match refined_kl.value < kl.value {
            true => Reduction {
                mixture: refined,
                kl: refined_kl,
                merged: Some(kl),
            },
            false => Reduction {
                mixture: merged,
                merged: Some(kl.clone()),
                kl,
            },
        })
    }

    fn kl(&self, full: &Mixture, reduced: &Mixture) -> Result<Answer> {
        let question = Question {
            divergences: vec![DivergenceKind::ForwardKl.into()],
            ..self.question.clone()
        };
        let p = Operand::new("the mixture", full.clone());
        let q = Operand::new("the reduced mixture", reduced.clone());
        let mut answers = question.ask(&p, &q, &|_| {})?;
        answers.pop().ok_or_else(|| {
            Error::numerical("KL of the reduced mixture was not found", "report this")
        })
    }
}

/// A reduced mixture with a component more: in place of the one that merging its share of the full one into cost the
/// most are two of that share.
fn split(full: &Mixture, reduced: &Mixture) -> Result<Mixture> {
    let mut shares: Vec<Vec<usize>> = vec![Vec::new(); reduced.components()];
    for k in 0..full.components() {
        let (_, at_mean) = reduced.log_density_with_shares(full.means()[k].as_slice());
        let most = (at_mean.iter().enumerate()).max_by(|a, b| a.1.total_cmp(b.1));
        shares[most.map_or(0, |(component, _)| component)].push(k);
    }
    let log_det = |q: &Mixture, k: usize| -> f64 {
        let diagonal = q.scale_trils()[k].diagonal();
        diagonal.iter().map(|entry| entry.ln()).sum()
    };
    let cost = |component: usize| -> f64 {
        let narrower =
            |k: &usize| full.weights()[*k] * (log_det(reduced, component) - log_det(full, *k));
        match shares[component].len() {
            0 | 1 => f64::NEG_INFINITY,
            _ => shares[component].iter().map(narrower).sum(),
        }
    };
    let all = 0..reduced.components();
    let Some(worst) = all.max_by(|a, b| cost(*a).total_cmp(&cost(*b))) else {
        return Ok(reduced.clone());
    };
    if shares[worst].len() < 2 {
        return Ok(reduced.clone());
    }
    let two = full.some(&shares[worst]).reduce(2)?;
    Ok(reduced.with_in_place_of(worst, two))
}

/// The best of where expectation–maximisation goes from some starts, in units of the standard deviations of all; `None`
/// where all break down.
fn refined(full: &Mixture, starts: Vec<Mixture>) -> Result<Option<Mixture>> {
    let (mean, stds) = (full.mean(), full.covariance().diagonal().map(f64::sqrt));
    let scaled = |mixture: &Mixture| {
        let shift = -mean.component_div(&stds);
        let scale = DMatrix::from_diagonal(&stds.map(f64::recip));
        mixture.transform(&scale, shift.as_slice())
    };
    let starts: Vec<Mixture> = starts.iter().flat_map(scaled).collect();
    let Ok(target) = scaled(full) else {
        return Ok(None);
    };
    if starts.is_empty() {
        return Ok(None);
    }
    let Some(found) = descended(&target, starts)? else {
        return Ok(None);
    };
    let back = found.transform(&DMatrix::from_diagonal(&stds), mean.as_slice());
    Ok(back.ok())
}

fn descended(target: &Mixture, starts: Vec<Mixture>) -> Result<Option<Mixture>> {
    let config = FamilyConfig {
        components: starts[0].components(),
        covariance: Covariance::Full,
        ..FamilyConfig::default()
    };
    let likelihood = Likelihood {
        divergence: DivergenceKind::ForwardKl,
        family: Family::new(config, target.dim()),
        start: Start::Each(starts),
        estimator: estimator(target),
        steps: STEPS,
        near: None,
    };
    let best = likelihood.best("reduced", target.into(), 0, &mut |_| {})?;
    Ok(best.map(|best| best.mixture))
}

/// Panels where there are any; points of every component, the same at every step, otherwise.
fn estimator(target: &Mixture) -> EstimatorConfig {
    if target.dim() <= Quadrature::MAX_DIM {
        return EstimatorRule::from(QuadratureConfig::default()).into();
    }
    let samples = POINTS.saturating_mul(target.components()).min(MOST_POINTS);
    EstimatorConfig {
        noise: Some(NoiseRule::Fixed),
        ..EstimatorRule::from(QuasiMonteCarloConfig { samples }).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_line() -> Mixture {
        Mixture::from_stds(
            vec![0.3, 0.2, 0.35, 0.149999, 1e-6],
            vec![vec![-2.0], vec![-0.5], vec![1.0], vec![2.0], vec![0.2505]],
            vec![vec![0.5], vec![1.0], vec![0.3], vec![1.5], vec![1e-5]],
        )
        .unwrap()
    }

    /// At the least KL each component has the mass, the mean and the variance of its share of p, by a sum over a grid.
    #[test]
    fn what_is_refined_is_at_rest() {
        let p = on_a_line();
        for components in [2, 3] {
            let q = Reducer::default().reduce(&p, components).unwrap().mixture;
            let step = 1e-3;
            let mut moments = vec![[0.0; 3]; components];
            for i in -12_000..=12_000 {
                let x = [f64::from(i) * step];
                let (_, shares) = q.log_density_with_shares(&x);
                for (sums, share) in moments.iter_mut().zip(shares) {
                    let mass = step * p.log_density(&x).exp() * share;
                    (0..3).for_each(|power| sums[power] += mass * x[0].powi(power as i32));
                }
            }
            for (k, [mass, first, second]) in moments.into_iter().enumerate() {
                let (mean, std) = (q.means()[k][0], q.component_stds(k)[0]);
                // The spike of 1e-6 falls between the points of the grid.
                assert!((mass - q.weights()[k]).abs() < 1e-5, "{components} {k}");
                assert!((first / mass - mean).abs() < 1e-5, "{components} {k}");
                let variance = second / mass - (first / mass).powi(2);
                assert!((variance - std * std).abs() < 1e-5, "{components} {k}");
            }
        }
    }

    /// Coordinates that are independent and normal change nothing: a reduction by draws is that by panels.
    #[test]
    fn in_space_it_is_as_far_as_on_the_line() {
        let line = on_a_line();
        let space = {
            let wider = |k: usize| vec![line.component_stds(k)[0], 1.0, 2.0];
            let moved = |k: usize| vec![line.means()[k][0], 0.0, -1.0];
            let all = 0..line.components();
            Mixture::from_stds(
                line.weights().to_vec(),
                all.clone().map(moved).collect(),
                all.map(wider).collect(),
            )
            .unwrap()
        };
        let reducer = Reducer {
            question: Question {
                samples: Some(200_000),
                ..Question::default()
            },
            ..Reducer::default()
        };
        let [on_line, in_space] = [&line, &space].map(|p| reducer.reduce(p, 2).unwrap().kl);
        let apart = (on_line.value - in_space.value).abs();
        let error = in_space.error.unwrap();
        assert!(
            apart < 4.0 * error + 0.002 * on_line.value,
            "{} {} ± {error}",
            on_line.value,
            in_space.value
        );
    }

    /// Nothing is nearer than refining says, and each step of the curve is that of one reduction.
    #[test]
    fn the_curve_is_made_of_reductions() {
        let p = on_a_line();
        let reducer = Reducer::default();
        let mut told = Vec::new();
        let curve = reducer
            .curve(&p, |one| told.push(one.mixture.components()))
            .unwrap();
        assert_eq!(told, [5, 4, 3, 2, 1]);
        assert!(curve[0].kl.value.abs() < 1e-12 && curve[0].merged.is_none());
        for one in &curve[1..] {
            let alone = reducer.reduce(&p, one.mixture.components()).unwrap();
            assert!((alone.kl.value - one.kl.value).abs() < 1e-10);
            if let Some(merged) = &one.merged {
                assert!(one.kl.value <= merged.value);
            }
        }
        // One Gaussian with the moments of p is the nearest.
        let last = &curve[4].mixture;
        assert!((last.mean() - p.mean()).norm() < 1e-13);
        assert!(curve[4].merged.is_none());
        let plain = Reducer {
            refine: false,
            ..Reducer::default()
        };
        assert_eq!(plain.reduce(&p, 2).unwrap().mixture, p.reduce(2).unwrap());
        assert!(reducer.reduce(&p, 0).is_err());
    }
}
