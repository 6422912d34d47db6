//! What the points are drawn from: every component of p and of q, each a stratum with draws of its
//! own, however rare, the whole of one without components, and bridges.
//!
//! All points count for both sides, under the density m = Σ a_c f_c of all strata (the balance
//! heuristic of Veach and Guibas 1995; Owen and Zhou 2000). Within a side a_c follows the weights, so
//! that m is λ p + (1 − λ) q but for the bridges and costs nothing beyond p and q. How many draws a
//! stratum gets is another matter: they average to its own mean, which counts a_c.

use super::bridges::bridges;
use crate::compute::kernel::cpu::Prepared;
use crate::compute::kernel::prepared;
use crate::density::target::{Elliptical, TargetModel};
use crate::divergence::{DivergenceKind, Side};

/// The portion of p in m where a divergence averages under p alone; the other side must be met, but
/// adds less to the error.
const PORTION: f64 = 0.75;

/// A part of m.
#[derive(Debug)]
pub(super) struct Stratum<'a> {
    /// a_c, its portion of m.
    pub portion: f64,
    /// What it is.
    pub part: StratumDensity<'a>,
}

/// What is drawn from.
#[derive(Debug)]
pub(super) enum StratumDensity<'a> {
    Component(EllipticalComponent),
    Whole(&'a TargetModel),
}

/// A Gaussian, or a Student-t distribution.
#[derive(Debug)]
pub(super) struct EllipticalComponent {
    /// μ.
    pub mean: Vec<f64>,
    /// L, row after row.
    pub factor: Vec<f64>,
    /// Of a Student-t distribution, ν.
    pub dof: Option<f64>,
}

/// m and what it is made of.
#[derive(Debug)]
pub(super) struct Strata<'a> {
    pub strata: Vec<Stratum<'a>>,
    /// The portions of p, of q and of the bridges in m.
    pub portions: [f64; 3],
    /// The density of the bridges, if there are any.
    pub bridges: Option<Prepared<f64>>,
}

impl<'a> Strata<'a> {
    pub fn new(kinds: &[DivergenceKind], p: &'a TargetModel, q: &'a TargetModel) -> Self {
        let bridges = bridges(kinds, p, q);
        let bridges = bridges.and_then(|(portion, bridges)| {
            let prepared = prepared(&bridges)?;
            Some((portion, bridges, prepared))
        });
        let of_bridges = bridges.as_ref().map_or(0.0, |(portion, ..)| *portion);
        let of_p = portion_of_p(kinds);
        let portions = [of_p, 1.0 - of_p].map(|portion| portion * (1.0 - of_bridges));
        let mut strata = Vec::new();
        for (model, portion) in [(p, portions[0]), (q, portions[1])] {
            match model.elliptical() {
                Some(of) => strata.extend(components(of, portion)),
                None => strata.push(Stratum {
                    portion,
                    part: StratumDensity::Whole(model),
                }),
            }
        }
        if let Some((portion, bridges, _)) = &bridges {
            strata.extend(components(bridges.into(), *portion));
        }
        Self {
            strata,
            portions: [portions[0], portions[1], of_bridges],
            bridges: bridges.map(|(.., prepared)| prepared),
        }
    }

    /// How many draws a stratum has by its portion where the side with the most has `size`.
    pub fn draws(&self, stratum: &Stratum, size: f64) -> f64 {
        let [p, q, _] = self.portions;
        stratum.portion * size / p.max(q)
    }
}

fn components<'a>(of: Elliptical, portion: f64) -> impl Iterator<Item = Stratum<'a>> {
    let Elliptical { scales, dof } = of;
    (0..scales.components())
        .filter(|&k| scales.weights()[k] > 0.0)
        .map(move |k| Stratum {
            portion: portion * scales.weights()[k],
            part: StratumDensity::Component(EllipticalComponent {
                mean: scales.means()[k].as_slice().to_vec(),
                factor: scales.scale_trils()[k].transpose().as_slice().to_vec(),
                dof,
            }),
        })
}

/// λ: a half, but for divergences that all average under the same side.
fn portion_of_p(kinds: &[DivergenceKind]) -> f64 {
    let all = |side: Side| kinds.iter().all(|kind| *kind.build().sides() == [side]);
    match (all(Side::Target), all(Side::Family)) {
        (true, false) => PORTION,
        (false, true) => 1.0 - PORTION,
        _ => 0.5,
    }
}

impl EllipticalComponent {
    /// x = μ + s L z.
    pub fn place(&self, stretch: f64, z: &[f64], x: &mut [f64]) {
        let dim = x.len();
        for (i, x) in x.iter_mut().enumerate() {
            let row = &self.factor[i * dim..=i * dim + i];
            let along: f64 = row.iter().zip(z).map(|(l, z)| l * z).sum();
            *x = self.mean[i] + stretch * along;
        }
    }
}
