//! What is on screen: all that a link or a config has to hold.

use serde::{Deserialize, Serialize};

use crate::config::Experiment;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::fit::init::Start;
use crate::mixture::{Mixture, Parameter, Quantity};

/// Components of a target.
pub(super) const MOST_COMPONENTS: usize = 10;
/// Steps of a fit.
pub(super) const MOST_STEPS: usize = 20_000;
/// Fits side by side.
pub(super) const MOST_FITS: usize = 4;
/// The size of any number.
const LARGEST: f64 = 1e6;
/// Standard deviations.
const STDS: (f64, f64) = (1e-4, 1e6);
/// A weight sums to 1 with the others up to this.
const WEIGHT_TOLERANCE: f64 = 1e-6;

/// Everything a person has chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    pub(super) dim: usize,
    pub(super) target: TargetState,
    pub(super) start: Point,
    pub(super) fits: Vec<String>,
    pub(super) optimizer: OptimizerState,
    pub(super) axes: Axes,
    pub(super) landscape: LandscapeState,
}

/// A mixture in one or two dimensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetState {
    pub weights: Vec<f64>,
    pub means: Vec<Vec<f64>>,
    pub stds: Vec<Vec<f64>>,
    pub correlations: Vec<f64>,
}

/// A Gaussian.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Point {
    pub mean: Vec<f64>,
    pub stds: Vec<f64>,
    pub correlation: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptimizerState {
    #[serde(rename = "type")]
    pub rule: String,
    pub learning_rate: f64,
    pub steps: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Axes {
    pub x: [f64; 2],
    pub y: [f64; 2],
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LandscapeState {
    pub parameters: [String; 2],
    pub ranges: [[f64; 2]; 2],
}

/// The page's names of the parameters of a Gaussian, what they are, and their titles.
const PARAMETERS: [&[(&str, Quantity, &str)]; 2] = [
    &[
        ("mean", Quantity::Mean(None), "mean μ"),
        ("std", Quantity::Std(None), "standard deviation σ"),
    ],
    &[
        ("mean1", Quantity::Mean(Some(0)), "mean μ₁"),
        ("mean2", Quantity::Mean(Some(1)), "mean μ₂"),
        ("std1", Quantity::Std(Some(0)), "standard deviation σ₁"),
        ("std2", Quantity::Std(Some(1)), "standard deviation σ₂"),
        ("correlation", Quantity::Correlation(0, 1), "correlation ρ"),
    ],
];

impl Default for State {
    /// Two bumps that one Gaussian cannot be.
    fn default() -> Self {
        Self {
            version: 1,
            dim: 1,
            target: TargetState {
                weights: vec![0.5, 0.5],
                means: vec![vec![-3.0], vec![3.0]],
                stds: vec![vec![1.0], vec![1.0]],
                correlations: vec![0.0, 0.0],
            },
            start: Point {
                mean: vec![1.0],
                stds: vec![1.5],
                correlation: 0.0,
            },
            fits: vec!["forward-kl".to_owned(), "reverse-kl".to_owned()],
            optimizer: OptimizerState {
                rule: "adam".to_owned(),
                learning_rate: 0.05,
                steps: 500,
            },
            axes: Axes {
                x: [-10.0, 10.0],
                y: [-10.0, 10.0],
            },
            landscape: LandscapeState {
                parameters: ["mean".to_owned(), "std".to_owned()],
                ranges: [[-5.0, 5.0], [0.1, 10.0]],
            },
        }
    }
}

fn refused(what: impl Into<String>, help: &str) -> Error {
    Error::usage(what, help)
}

fn is_small(x: f64) -> bool {
    x.abs() <= LARGEST
}

impl State {
    /// The state a config describes: its target and its first fits.
    ///
    /// # Errors
    /// If its target is not a mixture of Gaussians in one or two dimensions.
    pub fn from_experiment(experiment: &Experiment) -> Result<Self> {
        let Some(target) = experiment.target.as_mixture() else {
            return Err(refused(
                "only mixtures of Gaussians can be explored",
                "give a config whose target is one",
            ));
        };
        let dim = target.dim();
        if dim > 2 || target.components() > MOST_COMPONENTS {
            return Err(refused(
                format!(
                    "its target has {dim} dimensions and {} components",
                    target.components()
                ),
                "explore targets of up to 2 dimensions and 10 components",
            ));
        }
        let (mean, covariance) = (target.mean(), target.covariance());
        let stds: Vec<f64> = (0..dim).map(|d| covariance[(d, d)].sqrt()).collect();
        let around = |d: usize, reach: f64| {
            let round = |x: f64| (2.0 * x).round() / 2.0;
            [
                round(mean[d] - reach * stds[d]),
                round(mean[d] + reach * stds[d]),
            ]
        };
        let first = &experiment.plans[0];
        let start = match &first.start {
            Start::Given(start) if start.components() == 1 => Point::from_mixture(start),
            _ => Point {
                mean: (0..dim).map(|d| mean[d] + 0.3 * stds[d]).collect(),
                stds: stds.iter().map(|std| 0.5 * std).collect(),
                correlation: 0.0,
            },
        };
        let mut fits: Vec<String> = Vec::new();
        for plan in &experiment.plans {
            let name = plan.divergence.name();
            if !fits.contains(&name) && fits.len() < MOST_FITS {
                fits.push(name);
            }
        }
        let names = PARAMETERS[dim - 1];
        let second = if dim == 1 {
            [0.1 * stds[0], 3.0 * stds[0]]
        } else {
            around(1, 2.0)
        };
        let state = Self {
            dim,
            target: TargetState::from_mixture(target),
            start,
            fits,
            optimizer: OptimizerState {
                rule: first.optimizer.rule.name().to_owned(),
                learning_rate: first.optimizer.learning_rate(),
                steps: first.optimizer.steps.min(MOST_STEPS),
            },
            axes: Axes {
                x: around(0, 4.0),
                y: if dim == 2 {
                    around(1, 4.0)
                } else {
                    [-10.0, 10.0]
                },
            },
            landscape: LandscapeState {
                parameters: [names[0].0.to_owned(), names[1].0.to_owned()],
                ranges: [around(0, 2.0), second],
            },
            ..Self::default()
        };
        state.check()?;
        Ok(state)
    }

    /// Whether all of it makes sense.
    pub(super) fn check(&self) -> Result<()> {
        if self.version != 1 {
            return Err(refused("the link is of another version", "start anew"));
        }
        if !(1..=2).contains(&self.dim) {
            return Err(refused("there are 1 or 2 dimensions", "choose one of them"));
        }
        self.target()?;
        self.start.mixture(self.dim)?;
        self.kinds()?;
        let OptimizerState {
            learning_rate,
            steps,
            ..
        } = self.optimizer;
        if !(learning_rate > 0.0 && learning_rate <= 1e3) {
            return Err(refused(
                format!("the learning rate is {learning_rate}"),
                "give one above 0, such as 0.05",
            ));
        }
        if !(1..=MOST_STEPS).contains(&steps) {
            return Err(refused(
                format!("there are {steps} steps"),
                "give from 1 to 20000",
            ));
        }
        let Axes { x, y } = self.axes;
        for [low, high] in [x, y].into_iter().chain(self.landscape.ranges) {
            if !(is_small(low) && is_small(high) && low < high) {
                return Err(refused(
                    format!("an axis goes from {low} to {high}"),
                    "give two numbers, the smaller one first",
                ));
            }
        }
        self.parameters().map(|_| ())
    }

    /// p.
    pub(super) fn target(&self) -> Result<Mixture> {
        let TargetState {
            weights,
            means,
            stds,
            correlations,
        } = &self.target;
        let k = weights.len();
        if !(1..=MOST_COMPONENTS).contains(&k)
            || [means.len(), stds.len(), correlations.len()] != [k; 3]
        {
            return Err(refused(
                "the target's lists have different lengths",
                "give 1 to 10 components",
            ));
        }
        let total: f64 = weights.iter().sum();
        if !((total - 1.0).abs() <= WEIGHT_TOLERANCE && weights.iter().all(|&w| w >= 0.0)) {
            return Err(refused(
                format!("the weights sum to {total}"),
                "give weights of 0 and above that sum to 1",
            ));
        }
        let parts = (0..k)
            .map(|c| {
                let point = Point {
                    mean: means[c].clone(),
                    stds: stds[c].clone(),
                    correlation: correlations[c],
                };
                point.covariance(self.dim)
            })
            .collect::<Result<Vec<_>>>()?;
        let weights = weights.iter().map(|weight| weight / total).collect();
        let covariances = parts
            .into_iter()
            .map(|rows| nalgebra::DMatrix::from_fn(self.dim, self.dim, |i, j| rows[i][j]));
        Ok(Mixture::from_covariances(
            weights,
            means.clone(),
            covariances.collect(),
        )?)
    }

    /// What is fitted.
    pub(super) fn kinds(&self) -> Result<Vec<DivergenceKind>> {
        if self.fits.len() > MOST_FITS {
            return Err(refused("there are too many fits", "choose up to four"));
        }
        (self.fits.iter())
            .map(|name| {
                DivergenceKind::from_name(name)
                    .filter(|kind| kind.is_for_configs())
                    .ok_or_else(|| {
                        refused(
                            format!("there is no divergence \"{name}\""),
                            "choose another",
                        )
                    })
            })
            .collect()
    }

    /// The landscape's parameters, and their titles.
    pub(super) fn parameters(&self) -> Result<[(Parameter, &'static str); 2]> {
        let of = |name: &String| {
            let names = PARAMETERS[self.dim - 1];
            let found = names.iter().find(|(page, ..)| page == name);
            let whole = |quantity| Parameter {
                component: None,
                quantity,
            };
            (found.map(|&(_, quantity, title)| (whole(quantity), title))).ok_or_else(|| {
                refused(
                    format!("there is no parameter \"{name}\""),
                    "choose another",
                )
            })
        };
        let [first, second] = &self.landscape.parameters;
        if first == second {
            return Err(refused("both axes are the same parameter", "choose two"));
        }
        Ok([of(first)?, of(second)?])
    }
}

impl TargetState {
    pub fn from_mixture(mixture: &Mixture) -> Self {
        let (k, dim) = (mixture.components(), mixture.dim());
        let correlation = |c: usize| {
            let covariance = mixture.component_covariance(c);
            match dim {
                2 => covariance[(0, 1)] / (covariance[(0, 0)] * covariance[(1, 1)]).sqrt(),
                _ => 0.0,
            }
        };
        Self {
            weights: mixture.weights().to_vec(),
            means: (mixture.means().iter())
                .map(|mean| mean.as_slice().to_vec())
                .collect(),
            stds: (0..k).map(|c| mixture.component_stds(c)).collect(),
            correlations: (0..k).map(correlation).collect(),
        }
    }
}

impl Point {
    /// The first component of a mixture.
    pub fn from_mixture(mixture: &Mixture) -> Self {
        let mut all = TargetState::from_mixture(mixture);
        Self {
            mean: all.means.swap_remove(0),
            stds: all.stds.swap_remove(0),
            correlation: all.correlations.swap_remove(0),
        }
    }

    /// Row after row.
    pub fn covariance(&self, dim: usize) -> Result<Vec<Vec<f64>>> {
        if self.mean.len() != dim || self.stds.len() != dim {
            return Err(refused(
                format!("a mean or a standard deviation does not have {dim} numbers"),
                "give one for each dimension",
            ));
        }
        if !self.mean.iter().all(|&x| is_small(x)) {
            return Err(refused(
                "a mean is not a number of size",
                "give one below a million",
            ));
        }
        if !self.stds.iter().all(|std| (STDS.0..=STDS.1).contains(std)) {
            return Err(refused(
                "a standard deviation is out of range",
                "give one from 0.0001 to a million",
            ));
        }
        let is_correlation = self.correlation.abs() < 1.0;
        if !is_correlation || (dim == 1 && self.correlation != 0.0) {
            return Err(refused(
                format!("a correlation is {}", self.correlation),
                "give one between -1 and 1, and 0 in one dimension",
            ));
        }
        let entry = |i: usize, j: usize| {
            let correlation = if i == j { 1.0 } else { self.correlation };
            correlation * self.stds[i] * self.stds[j]
        };
        Ok((0..dim)
            .map(|i| (0..dim).map(|j| entry(i, j)).collect())
            .collect())
    }

    pub fn mixture(&self, dim: usize) -> Result<Mixture> {
        let rows = self.covariance(dim)?;
        let covariance = nalgebra::DMatrix::from_fn(dim, dim, |i, j| rows[i][j]);
        Ok(Mixture::gaussian(self.mean.clone(), covariance)?)
    }
}
