//! Densities that are known up to a constant, by a function.

use std::fmt;
use std::sync::{Arc, OnceLock};

use burn::tensor::Tensor;
use nalgebra::{DMatrix, DVector};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::distribution::{Distribution, Elliptical, Tails};
use super::located::{CoordinateOfX, Located, Panels};
use super::proposal::Proposal;
use super::watch::{Lost, Watch};
use super::{Function, Samples};
use crate::compute::device::Numerics;
use crate::compute::kernel::is_on_host;
use crate::compute::noise::{RunKey, Stream};
use crate::coordinates::Coordinates;
use crate::density::{
    Density, Draws, DrawsError, Embedded, ErrorRule, Nodes, counted, where_it_counts,
};
use crate::error::Refusal;
use crate::mixture::{Mixture, NaturalParameters};
use crate::text;

/// Draws for each one that is asked for: those that count stand for it.
const POOL: usize = 8;
/// Rows that stand for a density of some of the coordinates.
const ROWS: usize = 20_000;

/// A density p = f / Z in D dimensions, f by a function.
///
/// Its coordinates are those of the function carried to the whole line, u.
#[derive(Debug, Clone, PartialEq)]
pub struct Unnormalized {
    function: Arc<Function>,
    located: Arc<Located>,
    watch: Watch,
    rows: Rows,
}

/// Draws that stand for the density where it is looked at along some of its coordinates: drawn once, and the same every
/// time.
#[derive(Clone, Default)]
struct Rows(Arc<OnceLock<Vec<f64>>>);

/// As they are compared: one density is written in one way, whatever was done with it.
impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Rows")
    }
}

/// They follow from the density, and are drawn or not.
impl PartialEq for Rows {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Unnormalized {
    /// A function with where it is, which is known from it alone.
    pub fn new(function: Function, located: Located) -> Self {
        Self {
            function: Arc::new(function),
            located: Arc::new(located),
            watch: Watch::default(),
            rows: Rows::default(),
        }
    }

    /// f.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// Where it is.
    pub fn located(&self) -> &Located {
        &self.located
    }

    /// What is done, and the points where log f or its gradient was not finite meanwhile.
    pub(crate) fn watched<T>(&self, act: impl FnOnce() -> T) -> (T, Vec<Lost>) {
        self.watch.during(act)
    }

    /// log f at N points `[N, D]`, and its gradient `[N, D]` where that is asked for.
    fn evaluate(&self, u: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        match gradient {
            Some(gradient) => {
                self.function.evaluate(u, values, Some(&mut *gradient));
                self.watch.look(u, values, Some(gradient));
            }
            None => {
                self.function.evaluate(u, values, None);
                self.watch.look(u, values, None);
            }
        }
    }

    /// log p in nats at N points u `[N, D]`, which is no number where the function is none; and its gradient `[N, D]`
    /// where that is asked for.
    pub(crate) fn told(&self, u: &[f64], logs: &mut [f64], mut gradient: Option<&mut [f64]>) {
        self.evaluate(u, logs, gradient.as_deref_mut());
        let mut all_positive = true;
        for log in &mut *logs {
            *log -= self.located.log_normalizer;
            all_positive &= *log != f64::NEG_INFINITY;
        }
        if all_positive {
            return;
        }
        // Where there is no density there is no way to more of it.
        if let Some(gradient) = gradient {
            for (log, gradient) in logs.iter().zip(gradient.chunks_exact_mut(self.dim())) {
                if *log == f64::NEG_INFINITY {
                    gradient.fill(0.0);
                }
            }
        }
    }

    /// About how many points it is best asked about at once.
    pub(crate) fn at_once(&self) -> usize {
        self.function.at_once()
    }

    /// log Z in nats, with what is added everywhere.
    pub fn log_normalizer(&self) -> f64 {
        self.located.log_normalizer + self.function.offset()
    }

    /// The error of that: of log p, to which nothing is added, [another](Distribution::log_normalizer_error).
    pub fn error_of_log_normalizer(&self) -> f64 {
        self.located.log_normalizer_error + self.function.offset_rounding()
    }

    /// Points of the proposal, and log p − log g there.
    fn pool(&self, count: usize, mut generator: &mut dyn Rng) -> (Vec<f64>, Vec<f64>) {
        let proposal = &self.located.proposal;
        let x = proposal.sample(count, &mut generator);
        let (mut log_p, mut log_g) = (vec![0.0; count], vec![0.0; count]);
        self.log_densities(&x, &mut log_p);
        proposal.log_densities(&x, &mut log_g);
        for (p, g) in log_p.iter_mut().zip(log_g) {
            *p = if p.is_nan() {
                f64::NEG_INFINITY
            } else {
                *p - g
            };
        }
        (x, log_p)
    }
}

impl Distribution for Unnormalized {
    type Summary = UnnormalizedSummary;
    type Marginal = Marginal;

    fn dim(&self) -> usize {
        self.function.dim()
    }

    fn describe(&self) -> String {
        format!("a density by a {}", self.function.kind())
    }

    fn parameters(&self) -> String {
        let log_z = text::with_error(self.log_normalizer(), self.error_of_log_normalizer());
        let formula = self.function.text().trim().replace('\n', "; ");
        format!("{formula}; log Z = {log_z}")
    }

    fn summary(&self) -> UnnormalizedSummary {
        let Located {
            k_hat,
            mean,
            covariance,
            of_x,
            ..
        } = &*self.located;
        let moments = Mixture::gaussian(mean.as_slice().to_vec(), covariance.clone());
        UnnormalizedSummary {
            log_density: self.function.text(),
            coordinates: self.coordinates(),
            log_normalizer: self.log_normalizer(),
            log_normalizer_error: self.error_of_log_normalizer(),
            k_hat: *k_hat,
            moments: moments.ok().map(|moments| (&moments).into()),
            of_x: of_x.clone(),
        }
    }

    fn coordinates(&self) -> Vec<String> {
        self.function.coordinates().names_of_u()
    }

    fn bounded(&self) -> Option<&Coordinates> {
        Some(self.function.coordinates()).filter(|coordinates| !coordinates.is_unbounded())
    }

    fn upload(&self, numerics: &Numerics) -> Box<dyn Density> {
        Box::new(UnnormalizedDensity {
            proposal: Proposal::new(&self.located.proposal, numerics),
            model: self.clone(),
            numerics: numerics.clone(),
        })
    }

    fn log_density(&self, x: &[f64]) -> Option<f64> {
        let mut log = [0.0];
        self.log_densities(x, &mut log);
        Some(log[0])
    }

    fn log_densities(&self, x: &[f64], logs: &mut [f64]) {
        self.evaluate(x, logs, None);
        let constant = self.located.log_normalizer;
        // Where its draws are it is a number: it was looked at. Far out it may overflow, and there is nothing.
        for log in logs {
            *log = if log.is_nan() {
                f64::NEG_INFINITY
            } else {
                *log - constant
            };
        }
    }

    fn log_normalizer_error(&self) -> f64 {
        self.located.log_normalizer_error
    }

    fn check(&self) -> crate::error::Result<()> {
        self.function.check()
    }

    fn has_gradient(&self) -> bool {
        self.function.has_gradient()
    }

    /// Draws of the proposal, taken by how much they count for p: some may be taken twice.
    fn sample(&self, count: usize, generator: &mut dyn Rng) -> Vec<f64> {
        let dim = self.dim();
        let (x, logs) = self.pool(POOL * count, generator);
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = logs.iter().map(|log| (log - top).exp()).collect();
        let step = weights.iter().sum::<f64>() / count as f64;
        // At even steps from a random start (systematic resampling, Kitagawa 1996).
        let mut next = step * generator.random::<f64>();
        let (mut taken, mut sum) = (Vec::with_capacity(count), 0.0);
        for (i, weight) in weights.iter().enumerate() {
            sum += weight;
            while next < sum && taken.len() < count {
                taken.push(i);
                next += step;
            }
        }
        // What rounding left out.
        taken.resize(count, taken.last().copied().unwrap_or(0));
        // The points of a component follow each other: in no order, none depends on its place.
        for i in (1..count).rev() {
            taken.swap(i, generator.random_range(0..=i));
        }
        taken
            .into_iter()
            .flat_map(|i| x[i * dim..(i + 1) * dim].iter().copied())
            .collect()
    }

    /// All of it, or rows that are drawn of it: its integral over the other coordinates has no formula.
    fn marginal(&self, coordinates: &[usize]) -> Result<Marginal, Refusal> {
        let dim = self.dim();
        if coordinates.iter().copied().eq(0..dim) {
            return Ok(Marginal::Whole(self.clone()));
        }
        let all = self.rows.0.get_or_init(|| {
            let mut generator = RunKey { seed: 0, run: 0 }.generator(Stream::Normalizer, 1);
            self.sample(ROWS, &mut generator)
        });
        let rows = all
            .chunks_exact(dim)
            .flat_map(|x| coordinates.iter().map(|&i| x[i]))
            .collect();
        let names = self.coordinates();
        let names = coordinates.iter().map(|&i| names[i].clone()).collect();
        Samples::new(names, rows, coordinates.len())
            .map(Marginal::Rows)
            .map_err(|error| {
                let help = "its draws are too few different points: check k_hat";
                Refusal::new("log_density", error.to_string(), help)
            })
    }

    /// None where they are means of draws: those are not known well enough to hold a fit against.
    fn moments(&self) -> Option<(DVector<f64>, DMatrix<f64>)> {
        let Located {
            mean, covariance, ..
        } = &*self.located;
        let is_infinite = matches!(self.located.tails, Tails::Power { dof } if dof <= 2.0);
        let is_exact = self.located.panels.is_some() && !is_infinite;
        is_exact.then(|| (mean.clone(), covariance.clone()))
    }

    fn moments_error(&self) -> f64 {
        self.located.moments_error
    }

    fn extent(&self) -> (DVector<f64>, DMatrix<f64>) {
        self.moments().unwrap_or_else(|| {
            let scales = self.located.proposal.scales();
            match self.located.tails {
                Tails::Power { .. } => (scales.mean(), scales.covariance()),
                _ => (self.located.mean.clone(), self.located.covariance.clone()),
            }
        })
    }

    fn tails(&self) -> Tails {
        self.located.tails
    }

    fn modes(&self) -> Option<Vec<DVector<f64>>> {
        self.located.modes.clone()
    }

    fn shape(&self) -> Option<Elliptical<'_>> {
        let Panels { shape, dof, .. } = self.located.panels.as_ref()?;
        Some(Elliptical {
            scales: shape,
            dof: *dof,
        })
    }

    fn components(&self) -> usize {
        self.located.proposal.components()
    }
}

/// What an unnormalised density is of some of its coordinates.
#[derive(Debug, Clone, PartialEq)]
pub enum Marginal {
    /// All of them.
    Whole(Unnormalized),
    /// Draws of some: there is no formula for the integral over the others.
    Rows(Samples),
}

/// What `summary.json` says of a density by a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnnormalizedSummary {
    /// The formula, or the command.
    pub log_density: String,
    /// The names of the D coordinates u.
    pub coordinates: Vec<String>,
    /// log Z in nats.
    pub log_normalizer: f64,
    /// Its error; infinite where k̂ says that draws do not tell.
    #[serde(with = "crate::files::extended")]
    pub log_normalizer_error: f64,
    /// k̂ of f over the proposal.
    #[serde(with = "crate::files::extended")]
    pub k_hat: f64,
    /// Mean (D) and covariance (D × D) of u as a Gaussian.
    pub moments: Option<NaturalParameters>,
    /// Mean and standard deviation of each coordinate x, where some have bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_x: Option<Vec<CoordinateOfX>>,
}

/// The density on a device.
#[derive(Debug)]
struct UnnormalizedDensity {
    model: Unnormalized,
    proposal: Proposal,
    numerics: Numerics,
}

impl UnnormalizedDensity {
    /// log p `[R, S]` and its gradient `[R, S, D]` where that is asked for, neither of them tracked.
    fn evaluated(&self, x: Tensor<3>, with_gradient: bool) -> (Tensor<2>, Option<Tensor<3>>) {
        let shape @ [runs, points, _] = x.dims();
        // On a device no point is looked at.
        let on_device = match is_on_host(&self.numerics) || self.model.watch.is_on() {
            true => None,
            false => self.model.function.evaluate_on_device(&x),
        };
        let (log, gradient) = if let Some((logs, gradient)) = on_device {
            let nothing = logs.clone().equal_elem(f64::NEG_INFINITY);
            let nothing = nothing.unsqueeze_dim::<3>(2).expand(shape);
            (
                logs,
                with_gradient.then(|| gradient.mask_fill(nothing, 0.0)),
            )
        } else {
            let Ok(x) = Numerics::read(x.clone()) else {
                // A device that fails here fails again, and is reported, where the loss is read.
                return (x.sum_dim(2).reshape([runs, points]), None);
            };
            let mut logs = vec![0.0; runs * points];
            let mut gradient = vec![0.0; if with_gradient { x.len() } else { 0 }];
            let slots = with_gradient.then_some(&mut gradient[..]);
            self.model.told(&x, &mut logs, slots);
            let logs = self.numerics.tensor(logs, [runs, points]);
            let gradient = with_gradient.then(|| self.numerics.tensor(gradient, shape));
            return (logs, gradient);
        };
        (log - self.model.located.log_normalizer, gradient)
    }
}

impl Density for UnnormalizedDensity {
    /// Its gradient is that of the function: v + (x − x₀) · g has the value v and the gradient g at x₀.
    fn log_density(&self, x: Tensor<3>) -> Tensor<2> {
        let [runs, points, _] = x.dims();
        let fixed = x.clone().detach().without_autodiff();
        match self.evaluated(fixed, x.is_tracked()) {
            (log, None) => log,
            (log, Some(gradient)) => {
                let moved = x.clone() - x.detach();
                log + (moved * gradient).sum_dim(2).reshape([runs, points])
            }
        }
    }

    fn proposal(&self) -> Option<&dyn Density> {
        Some(&self.proposal)
    }

    fn strata(&self) -> usize {
        self.proposal.strata()
    }

    fn standard_dim(&self, dim: usize) -> usize {
        self.proposal.standard_dim(dim)
    }

    /// Points of the proposal, which count by p over it; the weights of random ones sum to 1. Points that are not
    /// random are its own, where it has any: their error is seen by panels.
    fn place(&self, nodes: Nodes) -> Draws {
        let panels = self.model.located.panels.as_ref();
        let points = panels.and_then(|panels| panels.points.as_ref());
        if let (ErrorRule::Embedded(_), Some(points)) = (&nodes.error, points) {
            let (count, dim) = (points.weights.len(), self.model.dim());
            let weights = self.numerics.tensor(points.weights.clone(), [1, count]);
            let coarser = [weights.clone(), weights.clone()];
            return Draws {
                x: self.numerics.tensor(points.x.clone(), [1, count, dim]),
                weights,
                error: DrawsError::Embedded(Box::new(Embedded {
                    coarser,
                    shells: None,
                })),
                log_p: None,
            };
        }
        let group = match nodes.error {
            ErrorRule::Random { group } => Some(group),
            ErrorRule::Embedded(_) => None,
        };
        let draws = self.proposal.place(nodes);
        let (log_p, _) = self.evaluated(draws.x.clone(), false);
        let log_g = self.proposal.log_density(draws.x.clone());
        if let Some(group) = group {
            return counted(draws.x, draws.weights, log_p, log_g, group);
        }
        let nothing = log_p.clone().is_nan();
        let ratio = (log_p.clone() - log_g).exp().mask_fill(nothing, 0.0);
        let error = match draws.error {
            DrawsError::Embedded(rules) => {
                DrawsError::Embedded(Box::new(rules.map(|weights| weights * ratio.clone())))
            }
            other => other,
        };
        let weights = draws.weights * ratio;
        Draws {
            log_p: Some(where_it_counts(log_p, &weights)),
            weights,
            error,
            x: draws.x,
        }
    }
}
