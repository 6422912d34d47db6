//! Densities on the host, and divergences between them with their errors.

use super::effort::PanelEffort;
use super::integrand::{Expected, LogDensityFn, PanelIntegrand};
use super::integrate::{Integral, integrate, shift};
use super::pair::DensityPair;
use super::shape::Shape;
use crate::compute::device::Numerics;
use crate::compute::kernel::cpu::Prepared;
use crate::compute::kernel::prepared;
use crate::density::target::{Elliptical, TargetModel};
use crate::divergence::{Attempt, Divergence, DivergenceKind, Estimate, EstimateMethod};
use crate::error::Result;
use crate::mixture::Mixture;

/// A density in one or two dimensions, ready to be evaluated at many points.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub shape: Shape,
    density: HostDensity,
}

#[derive(Debug, Clone)]
enum HostDensity {
    Mixture(Prepared<f64>),
    Other(TargetModel),
}

/// Of so many nodes on a line, and in the plane, panels end at each.
const MOST_BREAKS: [usize; 2] = [4096, 1024];

impl Host {
    /// `None` without components that panels can be laid around, and above two dimensions.
    pub fn new(model: &TargetModel) -> Option<Self> {
        if let Some(mixture) = model.as_mixture() {
            return Self::from_mixture(mixture);
        }
        let shape = Shape::new(model.shape()?)?;
        Some(Self {
            shape: match model.elliptical() {
                Some(_) => shape,
                None => {
                    let rounding = model.as_unnormalized().map(|of| of.located().rounding);
                    (shape.roughly().with_breaks(breaks(model)))
                        .rounded_by(rounding.unwrap_or_default())
                }
            },
            density: HostDensity::Other(model.clone()),
        })
    }

    /// `None` above two dimensions.
    pub fn from_mixture(mixture: &Mixture) -> Option<Self> {
        Some(Self {
            shape: Shape::new(mixture.into())?,
            density: HostDensity::Mixture(prepared(mixture)?),
        })
    }

    /// Whether it is known to have corners along its axes.
    pub fn has_breaks(&self) -> bool {
        self.shape.has_breaks()
    }

    /// Writes the log-density at N points, `[N, D]`, in nats.
    pub fn log_density(&self, x: &[f64], logs: &mut [f64]) {
        if logs.is_empty() {
            return;
        }
        match &self.density {
            HostDensity::Mixture(prepared) => {
                if prepared.log_density(x, logs).is_err() {
                    logs.fill(f64::NAN);
                }
            }
            HostDensity::Other(model) => model.log_densities(x, logs),
        }
    }
}

/// Where a density has corners along each axis: a grid has them at its nodes, unless those are as many as the points
/// of panels would be.
fn breaks(model: &TargetModel) -> [Vec<f64>; 2] {
    let grid = model
        .as_unnormalized()
        .and_then(|of| of.function().as_grid());
    match grid.map(|grid| (grid, grid.axes())) {
        Some((grid, [axis])) if axis.nodes <= MOST_BREAKS[0] => {
            [grid.nodes(0).collect(), Vec::new()]
        }
        Some((grid, [one, other])) if one.nodes * other.nodes <= MOST_BREAKS[1] => {
            [0, 1].map(|axis| grid.nodes(axis).collect())
        }
        _ => Default::default(),
    }
}

/// The divergences between two densities, with their errors, in nats; `None` if that would take too many
/// points.
///
/// # Errors
/// If the device failed.
pub(crate) fn divergences(
    p: &Host,
    q: &Host,
    kinds: &[DivergenceKind],
    effort: PanelEffort,
) -> Result<Option<Vec<Attempt>>> {
    let along = |pair: Option<DensityPair>| match pair {
        Some(pair) => along_one_way(p, q, kinds, effort, &pair),
        None => Ok(None),
    };
    let Some(mut attempts) = along(DensityPair::new(&p.shape, &q.shape, kinds, effort.length))?
    else {
        return Ok(None);
    };
    if effort.both_ways
        && let Some(turned) = along(DensityPair::turned(
            &p.shape,
            &q.shape,
            kinds,
            effort.length,
        ))?
    {
        for (attempt, turned) in attempts.iter_mut().zip(turned) {
            *attempt = attempt.reconciled(turned);
        }
    }
    Ok(Some(attempts))
}

/// ∫ p f dx of some functions f with their errors, p by its logarithm, from panels around components that lie
/// where p does; `None` if that would take too many points. `rounding`: how far that moves the logarithm, in nats.
pub(crate) fn expectations(
    shape: Elliptical,
    log_density: LogDensityFn,
    rounding: f64,
    all: &[Expected],
    effort: PanelEffort,
) -> Option<Vec<Integral>> {
    let shape = Shape::new(shape)?.roughly().rounded_by(rounding);
    let logs = [log_density, &|_: &[f64], logs: &mut [f64]| logs.fill(0.0)];
    let integrands: Vec<PanelIntegrand> = (all.iter())
        .map(|one| PanelIntegrand::Expectation(*one))
        .collect();
    let along = |pair: DensityPair| integrate(&pair, logs, &integrands, effort);
    let mut found = along(DensityPair::new(&shape, &shape, &[], effort.length)?)?;
    if effort.both_ways
        && let Some(turned) =
            DensityPair::turned(&shape, &shape, &[], effort.length).and_then(along)
    {
        for (one, other) in found.iter_mut().zip(turned) {
            let apart = (one.value - other.value).abs();
            if other.error < one.error {
                *one = other;
            }
            one.error = one.error.max(apart);
        }
    }
    Some(found)
}

/// Points `[S, D]` with weights `[S]` for expectations under p, from its logarithm up to a constant and
/// components that lie where it does; `None` if they would be too many.
pub(crate) fn points(
    shape: Elliptical,
    log_density: LogDensityFn,
    rounding: f64,
    effort: PanelEffort,
) -> Option<[Vec<f64>; 2]> {
    let shape = Shape::new(shape)?.roughly().rounded_by(rounding);
    let pair = DensityPair::new(&shape, &shape, &[], effort.length)?;
    let [x, mut weights] = super::integrate::points(&pair, log_density, effort)?;
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    Some([x, weights])
}

/// The same by the lines of one direction.
fn along_one_way(
    p: &Host,
    q: &Host,
    kinds: &[DivergenceKind],
    effort: PanelEffort,
    pair: &DensityPair,
) -> Result<Option<Vec<Attempt>>> {
    let built: Vec<Box<dyn Divergence>> = kinds.iter().map(|kind| kind.build()).collect();
    let logs: [LogDensityFn; 2] = [&|x, logs| p.log_density(x, logs), &|x, logs| {
        q.log_density(x, logs)
    }];
    let mut integrands: Vec<PanelIntegrand> = (built.iter().zip(kinds))
        .map(|(divergence, kind)| PanelIntegrand::Divergence {
            divergence: &**divergence,
            power: kind.power(),
        })
        .collect();
    // Of kinds of one order the power is the same.
    let mut powers: Vec<(f64, f64)> = Vec::new();
    for order in kinds.iter().filter_map(|kind| kind.order()) {
        if powers.iter().all(|(other, _)| *other != order) {
            let shift = shift(pair, logs, order);
            powers.push((order, shift));
            integrands.push(PanelIntegrand::Power { order, shift });
        }
    }
    let Some(integrals) = integrate(pair, logs, &integrands, effort) else {
        return Ok(None);
    };
    let (sums, of_powers) = integrals.split_at(kinds.len());
    let mut attempts = (built.iter().zip(sums))
        .map(|(divergence, integral)| attempt(&**divergence, *integral))
        .collect::<Result<Vec<Attempt>>>()?;
    for ((attempt, kind), divergence) in attempts.iter_mut().zip(kinds).zip(&built) {
        *attempt = attempt.certainly(&**divergence);
        let of_order = |order: f64| powers.iter().position(|(other, _)| *other == order);
        let power = kind.order().and_then(of_order);
        let by_power = power.and_then(|at| from_power(*kind, powers[at].1, of_powers[at]));
        match by_power {
            Some((log, by_power)) if log.abs() > DivergenceKind::FAR => *attempt = by_power,
            Some((_, by_power)) => *attempt = attempt.more_certain(by_power),
            None => {}
        }
    }
    Ok(Some(attempts))
}

/// A divergence from the integral of a power, e^shift times that, and the logarithm of that.
fn from_power(kind: DivergenceKind, shift: f64, integral: Integral) -> Option<(f64, Attempt)> {
    let Integral {
        value,
        error,
        floor,
    } = integral;
    let log = shift + value.ln();
    let power = kind.power()?;
    let at = |log: f64| power.at_log(log);
    // The logarithm is rounded as a number of its size.
    let around = |error: f64| {
        let off = error / value + f64::EPSILON * (2.0 + log.abs());
        0.5 * (at(log + off) - at(log - off)).abs()
    };
    let estimate = Estimate {
        value: at(log),
        error: around(error),
        method: EstimateMethod::Quadrature,
    };
    let attempt = Attempt {
        estimate,
        floor: around(floor),
    };
    log.is_finite().then_some((log, attempt))
}

/// The outer function of a divergence at an integral; it carries the errors along its slope.
fn attempt(divergence: &dyn Divergence, integral: Integral) -> Result<Attempt> {
    let Integral {
        value,
        error,
        floor,
    } = integral;
    let at = [
        value,
        value + error,
        value - error,
        value + floor,
        value - floor,
    ];
    let outer = divergence.outer(Numerics::cpu().tensor(at.to_vec(), [at.len()]));
    let outer = Numerics::read(outer)?;
    let half = |places: [usize; 2]| 0.5 * (outer[places[0]] - outer[places[1]]).abs();
    Ok(Attempt {
        estimate: Estimate {
            value: outer[0],
            error: half([1, 2]),
            method: EstimateMethod::Quadrature,
        },
        floor: half([3, 4]),
    })
}
