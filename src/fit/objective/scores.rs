//! The scores of p at the points of q that a loss is averaged over, from the one evaluation of p that the loss takes.

use burn::tensor::Tensor;

use super::along::{Along, Members, NoiseKind, PointsRequest};
use super::on_host::Slopes;
use super::{Objective, PointRule, differentiated};
use crate::compute::device::Numerics;
use crate::compute::kernel::MixtureTensors;
use crate::density::{Density, Draws};
use crate::divergence::{AnnealedReverseKl, Divergence, Sampled, Side};
use crate::error::Result;
use crate::estimator::GradientRule;
use crate::fit::evaluations::Evaluations;
use crate::optimizer::Scores;

impl Objective<'_> {
    /// As [`Objective::metered`], with the scores of p, or of p^β where that is annealed; `None` for them where the loss
    /// is not averaged over points of q alone.
    ///
    /// # Errors
    /// If the device failed.
    pub fn metered_with_scores(
        &self,
        theta: &[f64],
        step: usize,
    ) -> Result<(Slopes, Option<Scores>, Vec<Evaluations>)> {
        let theta = self.numerics.tensor(theta.to_vec(), self.shape());
        let ((loss, gradient, scores), evaluations) =
            (self.meter).counting(self.keys.len(), || {
                match (&self.rules[..], self.divergence.sides()) {
                    ([PointRule::Along(along)], [Side::Family]) => self.scored(&theta, along, step),
                    _ => {
                        let (loss, gradient) = self.value_and_gradient(&theta, step);
                        (loss, gradient, None)
                    }
                }
            });
        let made = (Numerics::read(loss)?, Numerics::read(gradient)?);
        Ok((made, scores, evaluations))
    }

    fn scored(
        &self,
        theta: &Tensor<2>,
        along: &Along,
        step: usize,
    ) -> (Tensor<1>, Tensor<2>, Option<Scores>) {
        let beta = self.beta(step);
        let annealed = AnnealedReverseKl { beta };
        let divergence: &dyn Divergence = match beta < 1.0 {
            true => &annealed,
            false => &*self.divergence,
        };
        let mut at_points = None;
        let (loss, gradient) = differentiated(theta, |theta| {
            let q = self.member(theta);
            let Drawn {
                draws,
                log_p,
                scores,
            } = self.drawn(&q, along, step);
            at_points = Some(Scores {
                points: draws.x.clone().inner(),
                scores: scores.clone().mul_scalar(beta),
                weights: draws.weights.clone().inner(),
            });
            // As a function of points that move with θ, log p has this value and this gradient.
            let moved = draws.x.clone() - draws.x.clone().detach();
            let along: Tensor<2> = (moved * scores.autodiff()).sum_dim(2).squeeze_dim(2);
            let log_p = log_p.autodiff() + along;
            let sampled = match self.estimator.gradient {
                GradientRule::Pathwise => Sampled::with_log_p(draws, log_p, &q),
                GradientRule::StickingTheLanding => {
                    Sampled::with_log_p(draws, log_p, &q.clone().detached())
                }
                GradientRule::ScoreFunction => {
                    Sampled::with_log_p(draws.detached(), log_p.detach(), &q).by_score()
                }
            };
            divergence.outer(sampled.mean(divergence, Side::Family))
        });
        (loss, gradient, at_points)
    }

    /// The draws of q at a step, with all that can be asked of the target there: it is asked once.
    pub(super) fn drawn(&self, q: &MixtureTensors, along: &Along, step: usize) -> Drawn {
        let request = PointsRequest {
            along,
            q: Members::Made(q),
            keys: &self.keys,
            noise: NoiseKind::Step(step),
            chunk: 0,
            divergence: &*self.divergence,
        };
        let draws = self.draws(Side::Family, request);
        let [runs, samples, _] = draws.x.dims();
        self.meter.set_members(0..runs);
        self.meter.count(|_| Evaluations::of(samples, true));
        let points = draws.x.clone().inner();
        let (log_p, scores) = differentiated(&points, |x| self.target.log_density(x));
        Drawn {
            draws,
            log_p,
            scores,
        }
    }
}

/// Draws of q, and the target there.
pub(super) struct Drawn {
    pub draws: Draws,
    /// log p `[R, S]` in nats, not tracked for gradients.
    pub log_p: Tensor<2>,
    /// ∇ log p `[R, S, D]`, neither.
    pub scores: Tensor<3>,
}
