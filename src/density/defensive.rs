//! Points that count by weights for a density that cannot be drawn from.

use burn::tensor::{Tensor, activation};

use super::{Density, Draws, DrawsError, ErrorRule, Nodes};
use crate::compute::kernel::MixtureTensors;

/// A density p that is drawn by points of m = ½g + ½q: the proposal g lies where p does, with tails that are no
/// lighter, and q is what is fitted to p. No ratio p/m is above 2p/g, and where q is near p none is above 2 (the
/// defensive mixture of Hesterberg 1995; both parts have points of their own, as in Owen and Zhou 2000).
#[derive(Debug)]
pub struct Defensive<'a> {
    density: &'a dyn Density,
    proposal: &'a dyn Density,
    q: MixtureTensors,
}

impl<'a> Defensive<'a> {
    /// p by points of its proposal and of q; no gradient flows through them.
    pub fn new(density: &'a dyn Density, proposal: &'a dyn Density, q: &MixtureTensors) -> Self {
        Self {
            density,
            proposal,
            q: q.clone().detached(),
        }
    }

    /// The points of one part: half of the strata, from one on.
    fn part(&self, part: &dyn Density, nodes: &Nodes, from: usize) -> Draws {
        let [runs, strata, m, _] = nodes.z.dims();
        let [_, _, dim] = self.q.dims();
        let (half, own, d) = (strata / 2, part.strata(), part.standard_dim(dim));
        let z = nodes
            .z
            .clone()
            .slice([0..runs, from..from + half, 0..m, 0..d]);
        let more = half / own;
        part.place(Nodes {
            z: z.reshape([runs, own, more * m, d]),
            weights: (nodes.weights.clone())
                .repeat_dim(0, more)
                .div_scalar(more as f64),
            error: nodes.error.clone(),
        })
    }
}

impl Density for Defensive<'_> {
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        self.density.log_density(x)
    }

    fn strata(&self) -> usize {
        // As many points of the proposal as of q.
        2 * self.q.strata()
    }

    fn standard_dim(&self, dim: usize) -> usize {
        (self.proposal.standard_dim(dim)).max(self.q.standard_dim())
    }

    /// Of random points; any others are those of p itself.
    fn place(&self, nodes: Nodes) -> Draws {
        let ErrorRule::Random { group } = nodes.error else {
            return self.density.place(nodes);
        };
        let of_proposal = self.part(self.proposal, &nodes, 0);
        let of_q = self.part(&self.q, &nodes, self.q.strata());
        let runs = of_proposal.x.dims()[0].max(of_q.x.dims()[0]);
        let (mut x, mut shares) = (Vec::new(), Vec::new());
        for draws in [of_proposal, of_q] {
            let [_, points, d] = draws.x.dims();
            x.push(draws.x.without_autodiff().expand([runs, points, d]));
            shares.push(draws.weights.without_autodiff().expand([runs, points]));
        }
        let (x, shares) = (Tensor::cat(x, 1), Tensor::cat(shares, 1));
        let [log_g, log_q] = [self.proposal, &self.q as &dyn Density]
            .map(|part| part.log_density(x.clone()).without_autodiff());
        let larger = log_g.clone().max_pair(log_q.clone());
        let part = |log: Tensor<2>| (log - larger.clone()).exp();
        let log_m = (part(log_g) + part(log_q)).log() + larger;
        let log_p = self.density.log_density(x.clone());
        counted(x, shares, log_p, log_m, group)
    }
}

/// log p `[R, S]`, and 0 where a point has no weight: nothing times −∞ is no number.
pub(super) fn where_it_counts(log_p: Tensor<2>, weights: &Tensor<2>) -> Tensor<2> {
    log_p.mask_fill(weights.clone().equal_elem(0.0), 0.0)
}

/// Points `[R, S, D]` of m, each with its share of them `[R, S]`, as points of p: they count by p / m, and their
/// weights sum to 1. Both logarithms `[R, S]` may lack a constant.
pub(super) fn counted(
    x: Tensor<3>,
    shares: Tensor<2>,
    log_p: Tensor<2>,
    log_m: Tensor<2>,
    group: usize,
) -> Draws {
    // Far out p may be no number: nothing is there.
    let nothing = log_p.clone().is_nan();
    let ratio = (log_p.clone() - log_m).mask_fill(nothing, f64::NEG_INFINITY);
    let weights = activation::softmax(shares.log() + ratio, 1);
    Draws {
        log_p: Some(where_it_counts(log_p, &weights)),
        error: DrawsError::Weighted { group },
        weights,
        x,
    }
}
