//! Reverse KL by the draws of this step and of those before, which count by importance weights.
//!
//! What is asked of the target is what the draws of this step take: log p and its gradient are known at the others (as
//! Arenz, Zhong and Neumann 2020 do). A draw of any of them stands for every component of q, by the share that the
//! component has there of all that was drawn from (the balance heuristic of Veach and Guibas 1995), and moves with it.

use std::cell::RefCell;
use std::collections::VecDeque;

use burn::tensor::{Tensor, activation::softmax};

use super::along::Along;
use super::scores::Drawn;
use super::{Objective, differentiated};
use crate::compute::kernel::{MixtureTensors, standardized};
use crate::compute::snapshot::Snapshot;
use crate::density::Density;
use crate::error::Result;

/// The draws of a step of R runs.
#[derive(Debug, Clone)]
struct Kept {
    step: usize,
    /// θ `[R, P]` of what they were drawn from.
    theta: Tensor<2>,
    /// x `[R, S, D]`.
    points: Tensor<3>,
    /// log p there `[R, S]`, in nats.
    log_p: Tensor<2>,
    /// ∇ log p there `[R, S, D]`.
    scores: Tensor<3>,
}

/// The draws of the last steps.
#[derive(Debug, Default)]
pub(super) struct KeptDraws(RefCell<VecDeque<Kept>>);

impl KeptDraws {
    /// Those of the steps before one, the last so many of them.
    fn before(&self, step: usize, most: usize) -> Vec<Kept> {
        let kept = self.0.borrow();
        let earlier = kept
            .iter()
            .filter(|kept| kept.step < step && kept.step + most >= step);
        earlier.cloned().collect()
    }

    /// Takes in those of a step, and lets go what is no longer of use.
    fn keep(&self, new: Kept, most: usize) {
        let mut kept = self.0.borrow_mut();
        kept.retain(|kept| kept.step < new.step && kept.step + most > new.step);
        kept.push_back(new);
    }
}

impl Objective<'_> {
    /// Reverse KL `[R]` and its gradient `[R, P]` by the draws of a step and of as many before as the estimator says.
    pub(super) fn reusing(
        &self,
        theta: &Tensor<2>,
        along: &Along,
        step: usize,
    ) -> (Tensor<1>, Tensor<2>) {
        let most = self.estimator.reuse;
        let q = self.member(theta.clone());
        let Drawn {
            draws,
            log_p,
            scores,
        } = self.drawn(&q, along, step);
        let new = Kept {
            step,
            theta: theta.clone(),
            points: draws.x,
            log_p,
            scores,
        };
        let mut all = self.kept.before(step, most);
        self.kept.keep(new.clone(), most);
        all.push(new);
        let beta = self.beta(step);
        differentiated(theta, |theta| {
            self.balanced([&self.member(theta), &q], &all, beta)
        })
    }

    /// Reverse KL to p^β `[R]` at q, which is also given without gradients: that in θ is through the points alone, as if
    /// all of them were drawn from each component.
    fn balanced(&self, [q, fixed]: [&MixtureTensors; 2], all: &[Kept], beta: f64) -> Tensor<1> {
        let [runs, k, dim] = q.dims();
        let points = Tensor::cat(all.iter().map(|kept| kept.points.clone()).collect(), 1);
        let log_p = Tensor::cat(all.iter().map(|kept| kept.log_p.clone()).collect(), 1);
        let scores = Tensor::cat(all.iter().map(|kept| kept.scores.clone()).collect(), 1);
        let [_, count, _] = points.dims();
        let (log_q, slopes_of_q) = differentiated(&points, |x| fixed.log_density(x));
        // The density that all of them are drawn from, up to a factor: of each step, as many of every component.
        let drawn_from = all.iter().map(|kept| {
            let mut density = self.member(kept.theta.clone());
            density.log_weights = density.log_weights.zeros_like();
            density.log_density(points.clone()).unsqueeze_dim::<3>(2)
        });
        let drawn_from = Tensor::cat(drawn_from.collect(), 2);
        let top = drawn_from.clone().max_dim(2);
        let log_m: Tensor<2> =
            ((drawn_from - top.clone()).exp().sum_dim(2).log() + top).squeeze_dim(2);
        // log q − β log p and how that changes with the point.
        let values = log_q - log_p.mul_scalar(beta);
        let slopes = slopes_of_q - scores.mul_scalar(beta);
        let z = standardized(points, fixed.means.clone(), fixed.scale.clone());
        let log_shares = z
            .clone()
            .square()
            .sum_dim(3)
            .reshape([runs, k, count])
            .mul_scalar(-0.5)
            - log_m.unsqueeze_dim::<3>(1);
        let shares = softmax(log_shares, 2);
        // A point that does not count may have any value.
        let here = shares.clone().equal_elem(0.0);
        let values = values.unsqueeze_dim::<3>(1).expand([runs, k, count]);
        let values = values.mask_fill(here, 0.0);
        let slopes = slopes.unsqueeze_dim::<4>(1).expand([runs, k, count, dim]);
        let at = q.place(z.autodiff());
        let moved = at.clone() - at.detach();
        let along: Tensor<3> = (moved * slopes.autodiff()).sum_dim(3).squeeze_dim(3);
        let of_components: Tensor<2> = (shares.autodiff() * (values.autodiff() + along))
            .sum_dim(2)
            .squeeze_dim(2);
        (q.log_weights.clone().exp() * of_components)
            .sum_dim(1)
            .squeeze_dim(1)
    }

    /// The draws that later steps use, for a fit to go on from.
    pub(crate) fn draws_snapshot(&self) -> Result<Snapshot> {
        let mut snapshot = Snapshot::default();
        let kept = self.kept.0.borrow();
        for (at, kept) in kept.iter().enumerate() {
            let mut one = Snapshot::default();
            one.put_count("step", kept.step as u64);
            one.put_tensor("theta", &kept.theta)?;
            one.put_tensor("points", &kept.points)?;
            one.put_tensor("log_p", &kept.log_p)?;
            one.put_tensor("scores", &kept.scores)?;
            snapshot.put_all(&at.to_string(), one);
        }
        Ok(snapshot)
    }

    /// Takes up what one like it had drawn for R runs of P parameters.
    ///
    /// # Errors
    /// If it is not of one like it.
    pub(crate) fn restore_draws(&self, snapshot: &Snapshot, theta: [usize; 2]) -> Result<()> {
        let [runs, _] = theta;
        let mut kept = VecDeque::new();
        for at in 0..self.estimator.reuse {
            let one = snapshot.part(&at.to_string());
            if one.is_empty() {
                break;
            }
            let numbers = one.find("log_p").map_or(0, |(_, numbers)| numbers.len());
            let samples = numbers / runs.max(1);
            let points = [runs, samples, self.family.dim()];
            kept.push_back(Kept {
                step: usize::try_from(one.count("step")?).unwrap_or(usize::MAX),
                theta: one.tensor("theta", theta, &self.numerics)?,
                points: one.tensor("points", points, &self.numerics)?,
                log_p: one.tensor("log_p", [runs, samples], &self.numerics)?,
                scores: one.tensor("scores", points, &self.numerics)?,
            });
        }
        self.kept.0.replace(kept);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::DMatrix;

    use super::*;
    use crate::compute::device::Numerics;
    use crate::compute::noise::RunKey;
    use crate::density::family::{Family, FamilyConfig};
    use crate::density::target::Target;
    use crate::divergence::DivergenceKind;
    use crate::estimator::monte_carlo::MonteCarloConfig;
    use crate::estimator::{EstimatorConfig, EstimatorRule, GradientRule};
    use crate::mixture::Mixture;

    fn target() -> Mixture {
        Mixture::from_covariances(
            vec![0.3, 0.7],
            vec![vec![-1.0, 0.5], vec![1.5, -0.5]],
            vec![
                DMatrix::from_row_slice(2, 2, &[1.0, 0.4, 0.4, 0.5]),
                DMatrix::from_row_slice(2, 2, &[0.6, -0.2, -0.2, 1.2]),
            ],
        )
        .unwrap()
    }

    fn estimator(samples: usize, reuse: usize) -> EstimatorConfig {
        EstimatorConfig {
            gradient: GradientRule::StickingTheLanding,
            reuse,
            ..EstimatorRule::MonteCarlo(MonteCarloConfig { samples }).into()
        }
    }

    fn family(components: usize) -> Family {
        let config = FamilyConfig {
            components,
            ..FamilyConfig::default()
        };
        Family::new(config, 2)
    }

    /// Calls `look` with the objective of so many runs.
    fn with_objective<T>(
        (components, runs): (usize, usize),
        estimator: EstimatorConfig,
        look: impl FnOnce(&Objective, &Numerics) -> T,
    ) -> T {
        let numerics = Numerics::cpu();
        let target = Target::new(target(), &numerics);
        let keys = (0..runs as u64).map(|run| RunKey { seed: 5, run });
        let (kind, family) = (DivergenceKind::ReverseKl, family(components));
        let keys = keys.collect();
        look(
            &Objective::new(kind, &family, estimator, &target, &numerics, keys),
            &numerics,
        )
    }

    /// Value and gradient at a step, by what is kept.
    fn reused(objective: &Objective, theta: &Tensor<2>, step: usize) -> [Vec<f64>; 2] {
        let all: Vec<usize> = (0..theta.dims()[0]).collect();
        let theta = Numerics::read(theta.clone()).unwrap();
        let ((value, gradient), _) = objective.metered(&theta, step, &all).unwrap();
        [value, gradient]
    }

    /// The same by the draws of one step.
    fn once(objective: &Objective, theta: &Tensor<2>, step: usize) -> [Vec<f64>; 2] {
        let (value, gradient) = objective.value_and_gradient(theta, step);
        [
            Numerics::read(value).unwrap(),
            Numerics::read(gradient).unwrap(),
        ]
    }

    /// θ of so many runs at members, a bit apart from step to step.
    fn path(components: usize, runs: usize, numerics: &Numerics) -> Vec<Tensor<2>> {
        (0..3)
            .map(|step| {
                let off = 0.3 * f64::from(step);
                let mut weights = vec![0.4 + 0.1 * off, 0.6 - 0.1 * off];
                let mut means = vec![vec![-0.5 - off, 0.0], vec![1.0 + off, 0.3]];
                let mut stds = vec![vec![1.5 - off, 1.0], vec![1.0, 1.3 - off]];
                weights.truncate(components);
                means.truncate(components);
                stds.truncate(components);
                let sum: f64 = weights.iter().sum();
                let weights = weights.iter().map(|weight| weight / sum).collect();
                let q = Mixture::from_stds(weights, means, stds).unwrap();
                let theta = family(components).theta_of(&q).unwrap();
                let parameters = theta.len();
                numerics.tensor(theta.repeat(runs), [runs, parameters])
            })
            .collect()
    }

    /// The draws of a Gaussian's own step alone all count alike: nothing is different then.
    #[test]
    fn a_first_step_of_one_gaussian_is_as_without() {
        let [with, without] = [2, 0].map(|reuse| {
            with_objective((1, 3), estimator(50, reuse), |objective, numerics| {
                let theta = &path(1, 3, numerics)[1];
                let of = if reuse == 0 { once } else { reused };
                of(objective, theta, 7).concat()
            })
        });
        for (with, without) in with.iter().zip(&without) {
            assert!((with - without).abs() < 1e-12, "{with} {without}");
        }
    }

    /// The mean over many runs is the gradient by quadrature, however q came to where it is, and the noise is less than
    /// that of the draws of one step.
    #[test]
    fn it_is_right_on_average_and_less_noisy() {
        let runs = 400;
        let exact = with_objective(
            (2, 1),
            EstimatorRule::Quadrature(Default::default()).into(),
            |objective, numerics| {
                let theta = &path(2, 1, numerics)[2];
                once(objective, theta, 0).concat()
            },
        );
        let noise = [0, 2].map(|reuse| {
            with_objective((2, runs), estimator(300, reuse), |objective, numerics| {
                let path = path(2, runs, numerics);
                let of = if reuse == 0 { once } else { reused };
                let made: Vec<[Vec<f64>; 2]> = (path.iter().enumerate())
                    .map(|(step, theta)| of(objective, theta, step))
                    .collect();
                let [value, gradient] = made.into_iter().last().unwrap();
                let parameters = gradient.len() / runs;
                let mut spread = 0.0;
                for (at, exact) in exact.iter().enumerate() {
                    let found: Vec<f64> = (0..runs)
                        .map(|run| match at {
                            0 => value[run],
                            _ => gradient[run * parameters + at - 1],
                        })
                        .collect();
                    let mean = found.iter().sum::<f64>() / runs as f64;
                    let squares = found.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
                    let variance = squares / (runs as f64 - 1.0);
                    let error = (variance / runs as f64).sqrt();
                    // Shares that sum to 1 are off by about one part in the number of draws.
                    let most = 4.5 * error + 2e-3 * exact.abs().max(0.1);
                    assert!(
                        (mean - exact).abs() < most,
                        "{reuse} {at}: {mean} {exact} ± {error}"
                    );
                    spread += if at > 0 { variance } else { 0.0 };
                }
                spread
            })
        });
        assert!(noise[1] < 0.5 * noise[0], "{noise:?}");
    }

    /// Where q is p there is no gradient, whatever was drawn before.
    #[test]
    fn there_is_none_at_the_optimum() {
        with_objective((2, 2), estimator(40, 3), |objective, numerics| {
            for (step, theta) in path(2, 2, numerics).iter().enumerate() {
                let theta = Numerics::read(theta.clone()).unwrap();
                let (_, evaluations) = objective.metered(&theta, step, &[0, 1]).unwrap();
                assert!(
                    evaluations
                        .iter()
                        .all(|of| of.log_density == 40 && of.gradient == 40)
                );
            }
            let theta = family(2).theta_of(&target()).unwrap();
            let theta = numerics.tensor(theta.repeat(2), [2, family(2).parameters()]);
            let largest = |all: &f64, one: &f64| all.max(one.abs());
            let found = reused(objective, &theta, 3).concat();
            assert!(found.iter().fold(0.0, |all, one| largest(&all, one)) < 1e-12);
        });
    }
}
