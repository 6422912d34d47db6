//! The constant that an unnormalised density lacks, and where its mass is.

mod adapt;
mod ascent;
mod tails;

use nalgebra::{DMatrix, DVector};

use crate::compute::noise::{RunKey, Stream};
use crate::density::target::{Elliptical, Located, PointsOf, StudentT, Tails, Unnormalized};
use crate::divergence::{Estimate, EstimateMethod};
use crate::error::Refusal;
use crate::formula::Formula;
use crate::judge::diagnostics::psis;
use crate::panels::{self, Expected, LegendreOrder, PanelEffort};
use adapt::{Effort, Weighted};

/// Up to this dimension the constant is an integral over panels.
const PANELS_DIM: usize = 2;
/// Components of the proposal, and of what panels are laid around, at most, and the share of its draws that must
/// count, where more do not come to that.
const PROPOSAL: (usize, f64) = (24, 0.9);
const SHAPE: (usize, f64) = (10, 0.4);
/// Draws of the proposal that the constant, or a check of it, is the mean of.
const DRAWS: usize = 1 << 17;
/// ν of a proposal for a density whose tails are no powers.
const LIGHT: f64 = 5.0;
/// Above this k̂ the mean of ratios is not known from draws (Vehtari et al. 2024).
pub(crate) const HEAVY: f64 = 0.7;
/// Above this k̂ ratios have no variance.
const NOT_AROUND: f64 = 0.5;
/// An error as good as none.
const FINE: f64 = 1e-10;
/// The share of draws where a formula may be no number.
const MOST_UNKNOWN: f64 = 0.02;
/// Panels that leave more than this share of the constant open are no answer.
const ROUGH: f64 = 1e-4;

/// Why a formula is no density, or is not known to be one.
type Refused = Refusal;

/// Finds where a formula has its mass, and the logarithm of its integral with an error.
///
/// The same formula gives the same numbers every time.
///
/// # Errors
/// If it is NaN or +∞ somewhere near the origin or where its mass is, −∞ wherever it is looked for, does not
/// fall off, or falls too slowly to have an integral.
pub fn locate(formula: Formula) -> Result<Unnormalized, Refusal> {
    let problem = Problem { formula: &formula };
    let dim = problem.dim();
    let mut generator = RunKey { seed: 0, run: 0 }.generator(Stream::Normalizer, 0);
    let peaks = ascent::peaks(problem, &mut generator)?;
    let adapted = |dof: f64, (components, share): (usize, f64), generator: &mut _| {
        let effort = Effort {
            components,
            draws: (4096 * dim).clamp(8192, 32768),
            rounds: 40,
            share,
        };
        adapt::adapt(problem, &peaks, dof, effort, generator).ok_or_else(|| {
            Refusal::new(
                "log_density",
                "has its mass where numbers do not tell places apart",
                "shift and scale the coordinates, so that they are about 1",
            )
        })
    };
    let mut proposal = adapted(LIGHT, PROPOSAL, &mut generator)?;
    let tails = tails::tails(problem, &proposal, &mut generator)?;
    if let Tails::Power { dof } = tails
        && dof < LIGHT
    {
        proposal = adapted(dof, PROPOSAL, &mut generator)?;
    }
    // Panels need no more than to know where it is and how wide.
    let shape = match dim {
        1 | 2 => adapted(proposal.dof(), SHAPE, &mut generator)?,
        _ => proposal.clone(),
    };
    let draws = Weighted::draw(problem, &proposal, DRAWS, &mut generator);
    if let Some(i) = draws.log_f.iter().position(|log| *log == f64::INFINITY) {
        let x = DVector::from_column_slice(&draws.x[i * dim..(i + 1) * dim]);
        return Err(problem.infinite(&x));
    }
    // Far out, where a formula overflows, it counts as 0; where p is, it must be a number.
    let unknown = draws.log_f.iter().filter(|log| log.is_nan()).count();
    if unknown as f64 > MOST_UNKNOWN * DRAWS as f64
        && let Some(i) = draws.log_f.iter().position(|log| log.is_nan())
    {
        let x = DVector::from_column_slice(&draws.x[i * dim..(i + 1) * dim]);
        return Err(problem.not_a_number(&x));
    }
    let sampled = Sampled::new(dim, &draws);
    let coarse = match dim {
        1 | 2 => by_panels(problem, &shape, tails, &sampled),
        _ => None,
    };
    let (shape, exact) = match coarse {
        Some((moments, dof)) => finer(problem, (shape, moments, dof), &proposal, &sampled),
        None => (shape, None),
    };
    let (moments, shape_dof) = match &exact {
        Some((moments, dof)) => (moments, *dof),
        None => (&sampled.moments, shape_dofs(&shape, tails)[0]),
    };
    let points = match &exact {
        Some((moments, dof)) => points(problem, &shape, *dof, moments.log_normalizer.value),
        None => None,
    };
    let has_moments = !matches!(tails, Tails::Power { dof } if dof <= 2.0);
    let located = Located {
        log_normalizer: moments.log_normalizer.value,
        log_normalizer_error: moments.log_normalizer.error,
        k_hat: sampled.k_hat,
        mean: moments.mean.clone(),
        covariance: moments.covariance.clone(),
        has_exact_moments: exact.is_some() && has_moments,
        proposal,
        points,
        shape: shape.scales().clone(),
        shape_dof,
        tails,
        modes: modes(problem, &peaks),
    };
    Ok(Unnormalized::new(formula, located))
}

/// The peaks that are modes: where it does not rise any more, by a width.
fn modes(problem: Problem, peaks: &[ascent::Peak]) -> Option<Vec<DVector<f64>>> {
    const MOST: usize = 24;
    let top = (peaks.iter().map(|peak| peak.height)).fold(f64::NEG_INFINITY, f64::max);
    let modes: Vec<DVector<f64>> = (peaks.iter())
        .filter(|peak| peak.height > top - 30.0)
        .filter(|peak| {
            let (_, slope) = problem.with_gradient(&peak.at);
            (peak.factor.transpose() * slope).norm() < 1e-2
        })
        .map(|peak| peak.at.clone())
        .collect();
    // As many as that are a ridge.
    (modes.len() <= MOST).then_some(modes)
}

/// The integral, and the first two moments.
#[derive(Debug, Clone)]
struct Moments {
    log_normalizer: Estimate,
    mean: DVector<f64>,
    covariance: DMatrix<f64>,
}

/// From draws of the proposal.
struct Sampled {
    moments: Moments,
    k_hat: f64,
    /// One standard error of the constant, as a share of it, as far as the draws that were drawn tell.
    spread: f64,
}

impl Sampled {
    fn new(dim: usize, draws: &Weighted) -> Self {
        let ratios = draws.log_ratios();
        let n = ratios.len() as f64;
        let top = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mean = ratios.iter().map(|ratio| (ratio - top).exp()).sum::<f64>() / n;
        let squares: f64 = (ratios.iter())
            .map(|ratio| ((ratio - top).exp() / mean - 1.0).powi(2))
            .sum();
        // Of ratios that differ little the largest ones may look like a tail: N draws of a Pareto distribution of
        // shape k go up to N^k.
        let reach = -mean.ln() / n.ln();
        let k_hat = psis(&ratios).k_hat.min(reach);
        let spread = (squares / n / (n - 1.0)).sqrt();
        let log_normalizer = Estimate {
            value: top + mean.ln(),
            // Where the largest ratios are too heavy the spread of those that were drawn tells nothing.
            error: match k_hat {
                k_hat if k_hat > HEAVY || k_hat.is_nan() => f64::INFINITY,
                _ => spread,
            },
            method: EstimateMethod::MonteCarlo,
        };
        let weights = adapt::weights(&ratios);
        let points = || draws.x.chunks_exact(dim).zip(&weights);
        let mut centre = DVector::zeros(dim);
        for (x, weight) in points() {
            centre.axpy(*weight, &DVector::from_column_slice(x), 1.0);
        }
        let mut covariance = DMatrix::zeros(dim, dim);
        for (x, weight) in points() {
            let off = DVector::from_column_slice(x) - &centre;
            covariance.ger(*weight, &off, &off, 1.0);
        }
        Self {
            moments: Moments {
                log_normalizer,
                mean: centre,
                covariance,
            },
            k_hat,
            spread,
        }
    }
}

/// ν of the components that panels are laid around, the lightest first: the heavier, the farther they go.
fn shape_dofs(proposal: &StudentT, tails: Tails) -> Vec<f64> {
    match tails {
        Tails::None | Tails::Gaussian => vec![f64::INFINITY, 20.0, LIGHT],
        Tails::Exponential => vec![LIGHT, 2.0],
        Tails::Power { .. } => vec![proposal.dof(), 0.5 * proposal.dof()],
    }
}

/// By panels around the components of the proposal, in one dimension or two, with the ν they are laid with;
/// `None` where they do not tell.
///
/// What lies beyond their ends is seen by panels that go farther. Draws look elsewhere than panels: what those
/// differ by more than by chance is the error too.
fn by_panels(
    problem: Problem,
    proposal: &StudentT,
    tails: Tails,
    sampled: &Sampled,
) -> Option<(Moments, f64)> {
    let mut best: Option<(Moments, f64)> = None;
    let mut nearer: Option<(Moments, f64)> = None;
    for dof in shape_dofs(proposal, tails) {
        let Some(mut farther) = panels_to(problem, proposal, dof, sampled) else {
            continue;
        };
        // Of the farthest there is nothing to tell what is beyond but how much that of those before was.
        if let Some((mut near, dof)) = nearer.take() {
            let apart = near.log_normalizer.value - farther.log_normalizer.value;
            near.log_normalizer.error = near.log_normalizer.error.max(apart.abs());
            farther.log_normalizer.error = farther.log_normalizer.error.max(apart.abs());
            let error = near.log_normalizer.error;
            if best
                .as_ref()
                .is_none_or(|(best, _)| error < best.log_normalizer.error)
            {
                best = Some((near, dof));
            }
            if error <= FINE {
                return best;
            }
        }
        nearer = Some((farther, dof));
    }
    let error = |found: &(Moments, f64)| found.0.log_normalizer.error;
    match (best, nearer) {
        (Some(best), Some(last)) if error(&last) < error(&best) => Some(last),
        (best, last) => best.or(last),
    }
}

/// The components and moments that are found by panels around some, unless those around the more of the proposal
/// differ: a narrow ridge that has no component of its own lies between the points of all panels. They differ by
/// the error.
fn finer(
    problem: Problem,
    (shape, mut moments, dof): (StudentT, Moments, f64),
    proposal: &StudentT,
    sampled: &Sampled,
) -> (StudentT, Option<(Moments, f64)>) {
    if problem.dim() == 1 {
        return (shape, Some((moments, dof)));
    }
    let Some(mut finer) = panels_to(problem, proposal, dof, sampled) else {
        return (shape, Some((moments, dof)));
    };
    // What the finer ones still pass by may be as much.
    let apart = 2.0 * (finer.log_normalizer.value - moments.log_normalizer.value).abs();
    let (own, others) = (
        &mut moments.log_normalizer.error,
        &mut finer.log_normalizer.error,
    );
    *others = own.max(*others).max(apart);
    if apart <= own.max(FINE) {
        *own = own.max(apart);
        return (shape, Some((moments, dof)));
    }
    (proposal.clone(), Some((finer, dof)))
}

/// Points for expectations under p, good enough for a gradient.
fn points(problem: Problem, shape: &StudentT, dof: f64, log_normalizer: f64) -> Option<PointsOf> {
    const EFFORT: PanelEffort = PanelEffort {
        order: LegendreOrder::Sixteen,
        cut: 1,
        tolerance: 1e-9,
        rounds: 8,
        points: 1 << 22,
        both_ways: false,
    };
    let shape = Elliptical {
        scales: shape.scales(),
        dof: dof.is_finite().then_some(dof),
    };
    let log_density = |x: &[f64], logs: &mut [f64]| {
        problem.formula.evaluate(x, logs, None);
        logs.iter_mut()
            .for_each(|log| *log = known(*log) - log_normalizer);
    };
    let [x, weights] = panels::points(shape, &log_density, EFFORT)?;
    Some(PointsOf { x, weights })
}

/// By panels around components with so many degrees of freedom.
fn panels_to(
    problem: Problem,
    proposal: &StudentT,
    dof: f64,
    sampled: &Sampled,
) -> Option<Moments> {
    const EFFORT: [PanelEffort; PANELS_DIM] = [
        PanelEffort {
            order: LegendreOrder::Sixteen,
            cut: 1,
            tolerance: 1e-13,
            rounds: 50,
            points: 1 << 20,
            both_ways: true,
        },
        PanelEffort {
            order: LegendreOrder::Sixteen,
            cut: 1,
            tolerance: 1e-11,
            rounds: 10,
            points: 1 << 24,
            both_ways: true,
        },
    ];
    let dim = problem.dim();
    let shift = sampled.moments.log_normalizer.value;
    let (centre, spread) = (&sampled.moments.mean, &sampled.moments.covariance);
    let widths: Vec<f64> = (0..dim).map(|i| spread[(i, i)].sqrt()).collect();
    let z = |x: &[f64], i: usize| (x[i] - centre[i]) / widths[i];
    let one = |_: &[f64]| 1.0;
    let first: Vec<_> = (0..dim).map(|i| move |x: &[f64]| z(x, i)).collect();
    let second: Vec<_> = (0..dim)
        .flat_map(|i| (0..=i).map(move |j| (i, j)))
        .map(|(i, j)| move |x: &[f64]| z(x, i) * z(x, j))
        .collect();
    let mut all: Vec<Expected> = vec![&one];
    all.extend(first.iter().map(|f| f as Expected));
    all.extend(second.iter().map(|f| f as Expected));
    let log_density = |x: &[f64], logs: &mut [f64]| {
        problem.formula.evaluate(x, logs, None);
        logs.iter_mut().for_each(|log| *log = known(*log) - shift);
    };
    let shape = Elliptical {
        scales: proposal.scales(),
        dof: dof.is_finite().then_some(dof),
    };
    let found = panels::expectations(shape, &log_density, &all, EFFORT[dim - 1])?;

    let total = found[0];
    let is_good = total.value > 0.0 && total.error <= ROUGH * total.value;
    if !is_good {
        return None;
    }
    let own = total.error / total.value;
    let log = shift + total.value.ln();
    // Either can only miss mass, and draws whose ratios are too heavy do.
    let missing = shift - log;
    let is_told = missing > 0.0 || sampled.k_hat < HEAVY;
    let is_chance = missing.abs() <= 5.0 * sampled.spread;
    let mut error = own;
    if is_told && !is_chance {
        error = error.max(missing.abs());
    }
    // Where the proposal does not lie around all of p panels around it may pass by what is narrower.
    if sampled.k_hat > NOT_AROUND {
        error = error.max(sampled.spread);
    }
    let share = |i: usize| found[i].value / total.value;
    let mean = DVector::from_fn(dim, |i, _| share(1 + i));
    let mut covariance = DMatrix::zeros(dim, dim);
    let mut place = 1 + dim;
    for i in 0..dim {
        for j in 0..=i {
            let value = (share(place) - mean[i] * mean[j]) * widths[i] * widths[j];
            covariance[(i, j)] = value;
            covariance[(j, i)] = value;
            place += 1;
        }
    }
    Some(Moments {
        log_normalizer: Estimate {
            value: log,
            error: error + 4.0 * f64::EPSILON * (1.0 + log.abs()),
            method: EstimateMethod::Quadrature,
        },
        mean: DVector::from_fn(dim, |i, _| centre[i] + widths[i] * mean[i]),
        covariance,
    })
}

/// −∞ for what is not a number.
fn known(log: f64) -> f64 {
    if log.is_nan() { f64::NEG_INFINITY } else { log }
}

/// A formula, asked at single points.
#[derive(Clone, Copy)]
struct Problem<'a> {
    formula: &'a Formula,
}

impl Problem<'_> {
    fn dim(self) -> usize {
        self.formula.dim()
    }

    fn value(self, u: &DVector<f64>) -> f64 {
        let mut value = [0.0];
        self.formula.evaluate(u.as_slice(), &mut value, None);
        value[0]
    }

    fn with_gradient(self, u: &DVector<f64>) -> (f64, DVector<f64>) {
        let (mut value, mut gradient) = ([0.0], DVector::zeros(u.len()));
        let slots = gradient.as_mut_slice();
        self.formula.evaluate(u.as_slice(), &mut value, Some(slots));
        (value[0], gradient)
    }

    fn place(self, u: &DVector<f64>) -> String {
        self.formula.place(u.as_slice())
    }

    fn refused(self, message: String, help: &str) -> Refused {
        Refusal::new("log_density", message, help)
    }

    fn infinite(self, u: &DVector<f64>) -> Refused {
        let message = format!("is +inf at {}", self.place(u));
        self.refused(
            message,
            "a log-density is below inf everywhere; check divisions and logarithms at this place",
        )
    }

    fn not_a_number(self, u: &DVector<f64>) -> Refused {
        let message = format!("is not a number at {}", self.place(u));
        self.refused(
            message,
            "say where a coordinate lives, as in support = { x1 = \"positive\" }, or write \
             if(condition, log-density, -inf)",
        )
    }

    fn nowhere(self, u: &DVector<f64>, count: usize) -> Refused {
        let message = format!(
            "is -inf or not a number at {} and at all {} other points that were tried",
            self.place(u),
            count - 1
        );
        self.refused(
            message,
            "the density is 0 there: shift and scale the coordinates, so that its mass is around 0 and \
             about as wide as 1",
        )
    }

    fn rising(self, u: &DVector<f64>) -> Refused {
        let message = format!(
            "cannot be normalised: it rises all the way to {}",
            self.place(u)
        );
        self.refused(
            message,
            "a density falls off in every direction: check its signs",
        )
    }

    fn flat(self, u: &DVector<f64>, axis: &DVector<f64>) -> Refused {
        let far = u + axis * 1e12;
        let message = format!(
            "cannot be normalised: from {} to {} it does not fall",
            self.place(u),
            self.place(&far)
        );
        self.refused(
            message,
            "a density falls off in every direction: check that every coordinate is in it, and its signs",
        )
    }

    fn without_integral(self, u: &DVector<f64>, power: f64) -> Refused {
        let message = format!(
            "cannot be normalised: around {} the density falls only like |x|^-{power:.3}, so that its \
             integral grows with the range",
            self.place(u),
        );
        self.refused(
            message,
            "it must fall faster than |x|^-1 in one dimension and than |x|^-D in D of them",
        )
    }
}

#[cfg(test)]
mod tests;
