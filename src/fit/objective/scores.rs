//! The scores of p at the points of q that a loss is averaged over, from the one evaluation of p that the loss takes.

use burn::tensor::Tensor;

use super::along::{Along, NoiseKind, PointsRequest};
use super::{Objective, PointRule};
use crate::density::Density;
use crate::divergence::{AnnealedReverseKl, Divergence, Sampled, Side};
use crate::estimator::GradientRule;
use crate::fit::evaluations::Evaluations;
use crate::optimizer::Scores;

impl Objective<'_> {
    /// As [`Objective::metered`], with the scores of p, or of p^β where that is annealed; `None` for them where the loss
    /// is not averaged over points of q alone.
    pub fn metered_with_scores(
        &self,
        theta: &Tensor<2>,
        step: usize,
    ) -> ((Tensor<1>, Tensor<2>, Option<Scores>), Vec<Evaluations>) {
        let [runs, _] = theta.dims();
        (self.meter).counting(runs, || match (&self.rules[..], self.divergence.sides()) {
            ([PointRule::Along(along)], [Side::Family]) => {
                let (loss, gradient, scores) = self.scored(theta, along, step);
                (loss, gradient, Some(scores))
            }
            _ => {
                let (loss, gradient) = self.value_and_gradient(theta, step);
                (loss, gradient, None)
            }
        })
    }

    fn scored(
        &self,
        theta: &Tensor<2>,
        along: &Along,
        step: usize,
    ) -> (Tensor<1>, Tensor<2>, Scores) {
        let [runs, _] = theta.dims();
        let tracked = theta.clone().autodiff().require_grad();
        let q = self.member(tracked.clone());
        let beta = self.beta(step);
        let annealed = AnnealedReverseKl { beta };
        let divergence: &dyn Divergence = match beta < 1.0 {
            true => &annealed,
            false => &*self.divergence,
        };
        let draws = self.draws(
            Side::Family,
            PointsRequest {
                along,
                q: &q,
                keys: &self.keys,
                noise: NoiseKind::Step(step),
                chunk: 0,
                divergence,
            },
        );
        let points = draws.x.clone().inner();
        let [_, samples, _] = points.dims();
        self.meter.set_members(0..runs);
        self.meter.count(|_| Evaluations::of(samples, true));
        let at = points.clone().autodiff().require_grad();
        let log_p = self.target.log_density(at.clone());
        let slopes = log_p.clone().sum().backward();
        let scores = at.grad(&slopes).map(Tensor::without_autodiff);
        let scores = scores.unwrap_or_else(|| points.zeros_like());
        // As a function of points that move with θ, log p has this value and this gradient.
        let moved = draws.x.clone() - points.clone().autodiff();
        let log_p = log_p.inner().autodiff()
            + (moved * scores.clone().autodiff())
                .sum_dim(2)
                .squeeze_dim::<2>(2);
        let weights = draws.weights.clone().inner();
        let sampled = match self.estimator.gradient {
            GradientRule::Pathwise => Sampled::with_log_p(draws, log_p, &q),
            GradientRule::StickingTheLanding => {
                Sampled::with_log_p(draws, log_p, &q.clone().detached())
            }
            GradientRule::ScoreFunction => {
                Sampled::with_log_p(draws.detached(), log_p.detach(), &q).by_score()
            }
        };
        let loss = divergence.outer(sampled.mean(divergence, Side::Family));
        let gradients = loss.clone().sum().backward();
        let gradient = tracked.grad(&gradients).map(Tensor::without_autodiff);
        let gradient = gradient.unwrap_or_else(|| theta.zeros_like());
        let scores = Scores {
            points,
            scores: scores.mul_scalar(beta),
            weights,
        };
        (loss.inner(), gradient, scores)
    }
}
