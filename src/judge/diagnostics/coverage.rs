//! Which modes of p have q on them, and how much of p and of q belongs to each.

use nalgebra::{Cholesky, DMatrix, DVector};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{REGION_MASS, log_density};
use crate::compute::noise::{RunKey, Stream};
use crate::density::target::{Elliptical, StudentT, TargetModel};
use crate::mixture::Mixture;

/// A mode is covered where q has at least this share of what p has there.
pub const LEAST_SHARE: f64 = 0.1;
/// A mode that q does not cover is under it all the same where at least this share of the mode lies in the
/// smallest region with [`REGION_MASS`] of q.
const UNDER: f64 = 0.5;
/// Points that shares are told from: half from the components of p, half from those of q.
const POINTS: usize = 10_000;

/// A mode of p, and what q has of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModeOfTarget {
    /// Where it is, D coordinates.
    pub at: Vec<f64>,
    /// The probability under p of what belongs to it, from 0 to 1; none where p has no components.
    pub share: Option<f64>,
    /// The probability under q of the same.
    pub share_of_q: Option<f64>,
    /// How much of it, from 0 to 1, lies in the smallest region with 0.99 of all of q; none where p has no components.
    #[serde(default)]
    pub in_region: Option<f64>,
    /// Whether q covers it.
    pub covered: bool,
    /// The components of q that have more of themselves here than at another mode, counted from 0.
    pub components: Vec<usize>,
}

impl ModeOfTarget {
    /// Whether q lies where it is, covered or not.
    pub fn is_under_q(&self) -> bool {
        self.covered || self.in_region.is_some_and(|share| share >= UNDER)
    }
}

/// The modes of a target, each with what belongs to it.
///
/// A point belongs to the mode whose Gaussian is highest there: the one with the height of p at the mode and
/// with the precision that the components of p have there on average.
pub struct Modes<'p> {
    p: &'p TargetModel,
    bumps: Vec<Bump>,
}

struct Bump {
    at: DVector<f64>,
    /// log p at the mode.
    height: f64,
    /// Lᵀ with L Lᵀ the precision there; none where p has no components.
    factor: Option<DMatrix<f64>>,
}

impl<'p> Modes<'p> {
    /// Those of a target; none where they are not known.
    pub fn of(p: &'p TargetModel) -> Option<Self> {
        let parts = p.elliptical().map(Parts::new);
        let bumps = (p.modes()?.into_iter()).map(|at| Bump {
            height: p.log_density(at.as_slice()).unwrap_or(f64::NAN),
            factor: parts
                .as_ref()
                .and_then(|parts| Cholesky::new(parts.precision(&at)))
                .map(|factor| factor.l().transpose()),
            at,
        });
        Some(Self {
            bumps: bumps.collect(),
            p,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.bumps.len()
    }

    /// What q has of each. The points depend on the seed alone.
    ///
    /// A mode is covered where q has at least [`LEAST_SHARE`] of what p has there, and the mode lies in the
    /// smallest region with [`REGION_MASS`] of what q has there. Without components of p shares are not
    /// known: then the region is that of all of q.
    pub fn covered_by(&self, q: &Mixture, seed: u64) -> Vec<ModeOfTarget> {
        let q = q.occupied();
        let parts = (self.p.elliptical()).filter(|_| self.bumps.iter().all(Bump::is_whole));
        match parts {
            Some(parts) => self.by_shares(&Points::new(parts, self.p, &q, seed), &q),
            None => self.by_region(&q, seed),
        }
    }

    fn by_shares(&self, points: &Points, q: &Mixture) -> Vec<ModeOfTarget> {
        let dim = q.dim();
        let owners: Vec<usize> = (points.x.par_chunks_exact(dim))
            .map(|x| self.owner(&DVector::from_column_slice(x)))
            .collect();
        // How many of its own points each component of q has at each mode.
        let mut own = vec![vec![0_usize; self.bumps.len()]; q.components()];
        for (&owner, &component) in owners.iter().zip(&points.from_q) {
            own[component][owner] += 1;
        }
        let at_most: Vec<Option<usize>> = (own.iter())
            .map(|counts| (0..counts.len()).rev().max_by_key(|&m| counts[m]))
            .collect();
        let (of_p, of_q) = (shares(&points.of_p), shares(&points.of_q));
        let all = points.log_q.iter().copied().zip(of_q.iter().copied());
        let region = edge(all.collect());
        (self.bumps.iter().enumerate())
            .map(|(m, bump)| {
                let here: Vec<usize> = (0..owners.len()).filter(|&i| owners[i] == m).collect();
                let share: f64 = here.iter().map(|&i| of_p[i]).sum();
                let share_of_q: f64 = here.iter().map(|&i| of_q[i]).sum();
                let edge = edge(here.iter().map(|&i| (points.log_q[i], of_q[i])).collect());
                let inside = here.iter().filter(|&&i| points.log_q[i] >= region);
                let inside: f64 = inside.map(|&i| of_p[i]).sum();
                let is_there = q.log_density(bump.at.as_slice()) >= edge;
                ModeOfTarget {
                    at: bump.at.as_slice().to_vec(),
                    share: Some(share),
                    share_of_q: Some(share_of_q),
                    in_region: (share > 0.0).then_some(inside / share),
                    covered: is_there && share_of_q >= LEAST_SHARE * share,
                    components: (0..q.components())
                        .filter(|&j| at_most[j] == Some(m))
                        .collect(),
                }
            })
            .collect()
    }

    fn by_region(&self, q: &Mixture, seed: u64) -> Vec<ModeOfTarget> {
        let key = RunKey { seed, run: 0 };
        let draws = q.sample(POINTS, &mut key.generator(Stream::FamilyDiagnostics, 1));
        let threshold = super::region_threshold(&log_density(q, &draws), REGION_MASS);
        (self.bumps.iter())
            .map(|bump| ModeOfTarget {
                at: bump.at.as_slice().to_vec(),
                share: None,
                share_of_q: None,
                in_region: None,
                covered: q.log_density(bump.at.as_slice()) >= threshold,
                components: Vec::new(),
            })
            .collect()
    }

    /// The mode that a point belongs to.
    fn owner(&self, x: &DVector<f64>) -> usize {
        let heights = self.bumps.iter().map(|bump| bump.height_at(x));
        let best = heights.enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
        best.map_or(0, |(m, _)| m)
    }
}

impl Bump {
    fn is_whole(&self) -> bool {
        self.factor.is_some() && self.height.is_finite()
    }

    fn height_at(&self, x: &DVector<f64>) -> f64 {
        let offset = x - &self.at;
        let squared = (self.factor.as_ref()).map_or(0.0, |factor| (factor * offset).norm_squared());
        self.height - 0.5 * squared
    }
}

/// The components of an elliptical target, each with its weight.
struct Parts<'p> {
    scales: &'p Mixture,
    dof: Option<f64>,
    precisions: Vec<DMatrix<f64>>,
}

impl<'p> Parts<'p> {
    fn new(Elliptical { scales, dof }: Elliptical<'p>) -> Self {
        let precisions = (scales.scale_trils().iter())
            .map(|factor| Cholesky::pack_dirty(factor.clone()).inverse());
        Self {
            scales,
            dof,
            precisions: precisions.collect(),
        }
    }

    /// −∇∇ᵀ log fₖ at x but for the slope of it, on average over the components k that a point there is
    /// from: of a Gaussian Σₖ⁻¹, of a Student-t distribution (ν + D) / (ν + |Lₖ⁻¹(x − μₖ)|²) of that.
    fn precision(&self, x: &DVector<f64>) -> DMatrix<f64> {
        let dim = x.len();
        let logs: Vec<(f64, f64)> = (0..self.scales.components())
            .map(|k| {
                let weight = self.scales.weights()[k].ln();
                let offset = x - &self.scales.means()[k];
                let squared = (&self.precisions[k] * &offset).dot(&offset);
                let normal = self.scales.component_log_density(k, x.as_slice());
                match self.dof {
                    None => (weight + normal, 1.0),
                    Some(dof) => {
                        let power = 0.5 * (dof + dim as f64);
                        let tail = power * (squared / dof).ln_1p();
                        let pull = (dof + dim as f64) / (dof + squared);
                        (weight + normal + 0.5 * squared - tail, pull)
                    }
                }
            })
            .collect();
        let most = logs
            .iter()
            .fold(f64::NEG_INFINITY, |most, (log, _)| most.max(*log));
        let total: f64 = logs.iter().map(|(log, _)| (log - most).exp()).sum();
        let zero = DMatrix::zeros(dim, dim);
        (logs.iter().zip(&self.precisions)).fold(zero, |sum, ((log, pull), precision)| {
            sum + precision * ((log - most).exp() / total * pull)
        })
    }
}

/// Points from every component of p and of q, as many from each of one of them, so that a component of
/// little weight has as many as the others; each counts by its density over that of all points.
struct Points {
    /// `[N, D]`; the first are those from q.
    x: Vec<f64>,
    /// The component of q that each of those is from.
    from_q: Vec<usize>,
    log_q: Vec<f64>,
    /// log p − log s and log q − log s, where s is the density of the points.
    of_p: Vec<f64>,
    of_q: Vec<f64>,
}

impl Points {
    fn new(parts: Elliptical, p: &TargetModel, q: &Mixture, seed: u64) -> Self {
        let key = RunKey { seed, run: 0 };
        let (mut x, mut from_q) = (Vec::new(), Vec::new());
        let each = (POINTS / 2).div_ceil(q.components());
        let mut generator = key.generator(Stream::FamilyDiagnostics, 1);
        for j in 0..q.components() {
            x.extend(q.component(j).sample(each, &mut generator));
            from_q.extend(vec![j; each]);
        }
        let flat_q = q.evenly_weighted();
        let scales = parts.scales.occupied();
        let each = (POINTS / 2).div_ceil(scales.components());
        let mut generator = key.generator(Stream::TargetDiagnostics, 1);
        for k in 0..scales.components() {
            let component = target(scales.component(k), parts.dof);
            x.extend(component.sample(each, &mut generator));
        }
        let flat_p = target(scales.evenly_weighted(), parts.dof);
        let dim = q.dim();
        let share_of_q = from_q.len() as f64 * dim as f64 / x.len() as f64;
        let logs: Vec<[f64; 3]> = (x.par_chunks_exact(dim))
            .map(|x| {
                let of = |p: &TargetModel| p.log_density(x).unwrap_or(f64::NAN);
                let (log_p, log_q) = (of(p), q.log_density(x));
                let from_q = share_of_q.ln() + flat_q.log_density(x);
                let from_p = (1.0 - share_of_q).ln() + of(&flat_p);
                let most = from_q.max(from_p);
                let log_s = most + ((from_q - most).exp() + (from_p - most).exp()).ln();
                [log_q, log_p - log_s, log_q - log_s]
            })
            .collect();
        Self {
            log_q: logs.iter().map(|logs| logs[0]).collect(),
            of_p: logs.iter().map(|logs| logs[1]).collect(),
            of_q: logs.iter().map(|logs| logs[2]).collect(),
            x,
            from_q,
        }
    }
}

/// Components that are Gaussians or Student-t distributions.
fn target(scales: Mixture, dof: Option<f64>) -> TargetModel {
    let of_t = dof.and_then(|dof| StudentT::new(scales.clone(), dof));
    of_t.map_or_else(|| scales.into(), TargetModel::from)
}

/// Logarithms of ratios as shares of their sum.
fn shares(logs: &[f64]) -> Vec<f64> {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ratios = logs.iter().map(|log| (log - most).exp());
    let total: f64 = ratios.clone().sum();
    ratios.map(|ratio| ratio / total).collect()
}

/// log q at the edge of the smallest region with [`REGION_MASS`] of the shares, of log q with a share each;
/// infinite where there are none.
fn edge(mut here: Vec<(f64, f64)>) -> f64 {
    here.sort_by(|a, b| b.0.total_cmp(&a.0));
    let total: f64 = here.iter().map(|(_, share)| share).sum();
    let mut inside = 0.0;
    (here.into_iter())
        .find(|(_, share)| {
            inside += share;
            *share > 0.0 && inside >= REGION_MASS * total
        })
        .map_or(f64::INFINITY, |(log_q, _)| log_q)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(weights: &[f64], means: &[f64], stds: &[f64]) -> Mixture {
        let column = |values: &[f64]| values.iter().map(|x| vec![*x]).collect();
        Mixture::from_stds(weights.to_vec(), column(means), column(stds)).unwrap()
    }

    fn covered(p: &Mixture, q: &Mixture) -> Vec<ModeOfTarget> {
        let p = TargetModel::from(p);
        let mut modes = Modes::of(&p).unwrap().covered_by(q, 3);
        modes.sort_by(|a, b| a.at[0].total_cmp(&b.at[0]));
        modes
    }

    fn flags(modes: &[ModeOfTarget]) -> Vec<bool> {
        modes.iter().map(|mode| mode.covered).collect()
    }

    #[test]
    fn of_two_bumps_one_gaussian_covers_one_both_or_none() {
        let p = line(&[0.3, 0.7], &[-3.0, 3.0], &[1.0, 1.0]);
        let by = |mean: f64, std: f64| covered(&p, &line(&[1.0], &[mean], &[std]));
        let left = by(-3.0, 1.0);
        assert_eq!(flags(&left), [true, false]);
        assert!((left[0].share.unwrap() - 0.3).abs() < 0.01, "{left:?}");
        assert!((left[1].share.unwrap() - 0.7).abs() < 0.01);
        assert_eq!(left[0].components, [0]);
        assert_eq!(flags(&by(3.0, 1.0)), [false, true]);
        // Its moments: that of forward KL.
        assert_eq!(flags(&by(1.2, (1.0 + 9.0 * 0.84f64).sqrt())), [true, true]);
        // Between them, and far away.
        assert_eq!(flags(&by(0.0, 0.5)), [false, false]);
        assert_eq!(flags(&by(40.0, 1.0)), [false, false]);
    }

    #[test]
    fn a_bump_of_a_millionth_is_covered_by_a_millionth() {
        let p = line(&[1.0 - 1e-6, 1e-6], &[-6.0, 6.0], &[1.0, 1.0]);
        let same = covered(&p, &p);
        assert_eq!(flags(&same), [true, true]);
        let share = same[1].share.unwrap();
        assert!((share / 1e-6 - 1.0).abs() < 0.05, "{share}");
        assert!((same[1].share_of_q.unwrap() / share - 1.0).abs() < 1e-9);
        // With a twentieth of that it is not, nor without.
        let few = line(&[1.0 - 5e-8, 5e-8], &[-6.0, 6.0], &[1.0, 1.0]);
        assert_eq!(flags(&covered(&p, &few)), [true, false]);
        assert_eq!(
            flags(&covered(&p, &line(&[1.0], &[-6.0], &[1.0]))),
            [true, false]
        );
        // A q that has the small one alone misses nearly all.
        let other = covered(&p, &line(&[1.0], &[6.0], &[1.0]));
        assert_eq!(flags(&other), [false, true]);
        assert!(other[0].share.unwrap() > 0.999_99);
    }

    #[test]
    fn a_mode_with_too_little_of_q_may_still_be_under_it() {
        // A narrow bump in the flank of a broad one, which alone is fitted.
        let p = line(&[0.5, 0.5], &[0.0, 5.0], &[2.0, 0.1]);
        let modes = covered(&p, &line(&[1.0], &[0.0], &[2.1]));
        assert_eq!(flags(&modes), [true, false]);
        assert!(
            modes[1].is_under_q() && modes[1].in_region > Some(0.9),
            "{modes:?}"
        );
        let away = covered(&p, &line(&[1.0], &[0.0], &[1.5]));
        assert!(!away[1].is_under_q(), "{away:?}");
    }

    /// The tail of a Gaussian has more than the bump: Φ(−4.6) is 2e-6.
    #[test]
    fn a_share_is_told_from_a_tail_that_no_draw_reaches() {
        let p = line(&[1.0 - 1e-6, 1e-6], &[-3.5, 3.5], &[1.0, 1.0]);
        let modes = covered(&p, &line(&[1.0], &[-3.5], &[1.2]));
        // As many as lie beyond where both bumps are as high, 7 x = ln(10⁶).
        let z = (1e6f64.ln() / 7.0 + 3.5) / 1.2;
        let beyond = 0.5 * statrs::function::erf::erfc(z / 2f64.sqrt());
        let found = modes[1].share_of_q.unwrap();
        assert!((found / beyond - 1.0).abs() < 0.2, "{found} {beyond}");
    }

    #[test]
    fn on_a_ring_each_bump_is_told_by_itself() {
        let angle = |k: usize| std::f64::consts::TAU * k as f64 / 8.0;
        let at = |k: usize| vec![4.0 * angle(k).cos(), 4.0 * angle(k).sin()];
        let of = |places: &[usize], std: f64| {
            let n = places.len();
            let means = places.iter().map(|&k| at(k)).collect();
            Mixture::from_stds(vec![1.0 / n as f64; n], means, vec![vec![std; 2]; n]).unwrap()
        };
        let all: Vec<usize> = (0..8).collect();
        let p = of(&all, 0.3);
        let model = TargetModel::from(&p);
        let modes = Modes::of(&model).unwrap();
        let count = |q: &Mixture| {
            let covered = modes.covered_by(q, 1);
            assert!(
                covered
                    .iter()
                    .all(|mode| (mode.share.unwrap() - 0.125).abs() < 0.01)
            );
            covered.iter().filter(|mode| mode.covered).count()
        };
        assert_eq!(count(&p), 8);
        assert_eq!(count(&of(&[2], 0.3)), 1);
        assert_eq!(count(&of(&[1, 3, 6], 0.3)), 3);
        // One that covers the ring, by its moments, and one in its middle.
        let middle =
            |std: f64| Mixture::from_stds(vec![1.0], vec![vec![0.0; 2]], vec![vec![std; 2]]);
        assert_eq!(count(&middle((8.0f64 + 0.09).sqrt()).unwrap()), 8);
        assert_eq!(count(&middle(0.3).unwrap()), 0);
    }

    #[test]
    fn bumps_that_are_one_have_one_mode_with_all_of_p() {
        let p = line(&[0.5, 0.5], &[-0.9, 0.9], &[1.0, 1.0]);
        let modes = covered(&p, &line(&[1.0], &[0.0], &[1.3]));
        assert_eq!(flags(&modes), [true]);
        assert!((modes[0].share.unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(flags(&covered(&p, &line(&[1.0], &[9.0], &[0.5]))), [false]);
    }

    #[test]
    fn a_wide_component_without_a_mode_belongs_to_those_it_lies_under() {
        let p = line(&[0.25, 0.5, 0.25], &[-2.5, 0.0, 2.5], &[1.0, 8.0, 1.0]);
        let modes = covered(&p, &line(&[1.0], &[2.5], &[1.0]));
        assert_eq!(flags(&modes), [false, true]);
        for mode in &modes {
            assert!((mode.share.unwrap() - 0.5).abs() < 0.03, "{modes:?}");
        }
    }

    #[test]
    fn components_of_q_are_told_by_the_modes_they_are_at() {
        let p = line(&[0.5, 0.5], &[-3.0, 3.0], &[1.0, 1.0]);
        let q = line(&[0.2, 0.5, 0.3], &[-3.5, 3.0, -2.5], &[1.0, 1.0, 1.0]);
        let modes = covered(&p, &q);
        assert_eq!(flags(&modes), [true, true]);
        assert_eq!(
            (&*modes[0].components, &*modes[1].components),
            (&[0, 2][..], &[1][..])
        );
    }

    #[test]
    fn heavy_tails_and_many_dimensions_have_modes_too() {
        let scales = line(&[0.4, 0.6], &[-8.0, 8.0], &[1.0, 1.0]);
        let p = TargetModel::from(StudentT::new(scales, 3.0).unwrap());
        let mut modes = Modes::of(&p)
            .unwrap()
            .covered_by(&line(&[1.0], &[8.0], &[1.2]), 0);
        modes.sort_by(|a, b| a.at[0].total_cmp(&b.at[0]));
        assert_eq!(flags(&modes), [false, true]);
        assert!((modes[0].share.unwrap() - 0.4).abs() < 0.01, "{modes:?}");
        // Half as wide as it should be in every one of 40 dimensions is the wrong shape at the right place.
        let means = vec![vec![0.0; 40], vec![4.0; 40]];
        let p = Mixture::from_stds(vec![0.3, 0.7], means.clone(), vec![vec![1.0; 40]; 2]).unwrap();
        let q = Mixture::from_stds(vec![0.3, 0.7], means, vec![vec![0.5; 40]; 2]).unwrap();
        assert_eq!(flags(&covered(&p, &q)), [true, true]);
        assert_eq!(flags(&covered(&p, &q.component(1))), [false, true]);
    }
}
