//! What is on screen: all that a link or a config has to hold.

mod fit;
mod mixture;

use serde::{Deserialize, Serialize};

pub(super) use self::fit::{EstimatorLabel, FitState, estimators};
pub(super) use self::mixture::MixtureState;
use crate::config::Experiment;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::fit::init::Start;
use crate::mixture::{Mixture, Parameter, Quantity};

/// The version of what a link holds; 1 was of one Gaussian q, and fits told apart by divergence alone.
const VERSION: u32 = 2;
/// Components of a target.
pub(super) const MOST_COMPONENTS: usize = 16;
/// Components of q.
pub(super) const MOST_Q_COMPONENTS: usize = 8;
/// Starts of each fit.
pub(super) const MOST_RESTARTS: usize = 64;
/// Steps of a fit.
pub(super) const MOST_STEPS: usize = 20_000;
/// Fits side by side.
pub(super) const MOST_FITS: usize = 6;
/// The size of any number.
const LARGEST: f64 = 1e6;

/// Everything a person has chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u32,
    pub(super) dim: usize,
    /// p.
    pub(super) target: MixtureState,
    /// q, which one start of each fit is.
    pub(super) q: MixtureState,
    /// Starts of each fit; of more than one, all are random members of q's family.
    pub(super) restarts: usize,
    pub(super) fits: Vec<FitState>,
    pub(super) optimizer: OptimizerState,
    pub(super) axes: Axes,
    pub(super) landscape: LandscapeState,
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

/// Over which two parameters of which component of q the landscapes are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LandscapeState {
    /// Counted from 0.
    pub component: usize,
    pub parameters: [String; 2],
    pub ranges: [[f64; 2]; 2],
}

/// The page's names of the parameters of a component, what they are, and their titles.
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
    /// Two bumps that one Gaussian cannot be, and a q beside one of them, from which reverse KL ends there.
    fn default() -> Self {
        Self {
            version: VERSION,
            dim: 1,
            target: MixtureState {
                weights: vec![0.5, 0.5],
                means: vec![vec![-3.0], vec![3.0]],
                stds: vec![vec![1.0], vec![1.0]],
                correlations: vec![0.0, 0.0],
            },
            q: MixtureState {
                weights: vec![1.0],
                means: vec![vec![1.5]],
                stds: vec![vec![0.6]],
                correlations: vec![0.0],
            },
            restarts: 1,
            fits: [DivergenceKind::ForwardKl, DivergenceKind::ReverseKl]
                .map(FitState::exact)
                .to_vec(),
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
                component: 0,
                parameters: ["mean".to_owned(), "std".to_owned()],
                ranges: [[-5.0, 5.0], [0.1, 6.0]],
            },
        }
    }
}

fn refused(what: impl Into<String>, help: impl Into<String>) -> Error {
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
                format!("explore targets of up to 2 dimensions and {MOST_COMPONENTS} components"),
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
        let components = first.family.components().min(MOST_Q_COMPONENTS);
        let q = match &first.start {
            Start::Given(start) if start.components() <= MOST_Q_COMPONENTS => {
                MixtureState::from_mixture(start)
            }
            _ => spread(mean.as_slice(), &stds, components),
        };
        let mut fits: Vec<FitState> = Vec::new();
        for plan in &experiment.plans {
            let fit = FitState::of(plan, &fits);
            if fits.len() < MOST_FITS && !fits.iter().any(|other| other.is_like(&fit)) {
                fits.push(fit);
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
            target: MixtureState::from_mixture(target),
            q,
            restarts: match &first.start {
                Start::Drawn { restarts, .. } => (*restarts).clamp(1, MOST_RESTARTS),
                _ => 1,
            },
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
                component: 0,
                parameters: [names[0].0.to_owned(), names[1].0.to_owned()],
                ranges: [around(0, 2.0), second],
            },
            ..Self::default()
        };
        state.check()?;
        Ok(state)
    }

    /// Whether a state of this version can be read.
    pub(super) fn check_version(version: Option<u64>) -> Result<()> {
        let what = match version {
            Some(version) if version == u64::from(VERSION) => return Ok(()),
            Some(version) => format!("the link is of version {version}, not {VERSION}"),
            None => "the link has no version".to_owned(),
        };
        Err(refused(
            what,
            "take a link from a page of this klfit, or start without one",
        ))
    }

    /// Whether all of it makes sense.
    pub(super) fn check(&self) -> Result<()> {
        Self::check_version(Some(self.version.into()))?;
        if !(1..=2).contains(&self.dim) {
            return Err(refused("there are 1 or 2 dimensions", "choose one of them"));
        }
        self.target()?;
        self.start()?;
        if !(1..=MOST_RESTARTS).contains(&self.restarts) {
            return Err(refused(
                format!("there are {} starts", self.restarts),
                format!("give from 1 to {MOST_RESTARTS}"),
            ));
        }
        self.check_fits()?;
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
                format!("give from 1 to {MOST_STEPS}"),
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

    fn check_fits(&self) -> Result<()> {
        if self.fits.len() > MOST_FITS {
            return Err(refused(
                format!("there are {} fits", self.fits.len()),
                format!("choose up to {MOST_FITS}"),
            ));
        }
        for (at, fit) in self.fits.iter().enumerate() {
            fit.check()?;
            if self.fits[..at].iter().any(|other| other.id == fit.id) {
                return Err(refused(
                    format!("two fits are called {:?}", fit.id),
                    "give each a name of its own",
                ));
            }
        }
        Ok(())
    }

    /// p.
    pub(super) fn target(&self) -> Result<Mixture> {
        self.target.mixture("the target", self.dim, MOST_COMPONENTS)
    }

    /// q where nothing else is shown.
    pub(super) fn start(&self) -> Result<Mixture> {
        self.member(&self.q)
    }

    /// A q.
    pub(super) fn member(&self, q: &MixtureState) -> Result<Mixture> {
        q.mixture("q", self.dim, MOST_Q_COMPONENTS)
    }

    /// What is minimised, each once.
    pub(super) fn kinds(&self) -> Result<Vec<DivergenceKind>> {
        let mut kinds = Vec::new();
        for fit in &self.fits {
            let kind = fit.kind()?;
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Ok(kinds)
    }

    /// The landscape's parameters, and their titles.
    pub(super) fn parameters(&self) -> Result<[(Parameter, String); 2]> {
        let LandscapeState {
            component,
            parameters: [first, second],
            ..
        } = &self.landscape;
        let components = self.q.components();
        if *component >= components {
            return Err(refused(
                format!("the landscape is over component {} of q", component + 1),
                format!("choose one of its {components}"),
            ));
        }
        if first == second {
            return Err(refused("both axes are the same parameter", "choose two"));
        }
        let of = |name: &String| {
            let found = PARAMETERS[self.dim - 1]
                .iter()
                .find(|(page, ..)| page == name);
            let Some(&(_, quantity, title)) = found else {
                return Err(refused(
                    format!("there is no parameter \"{name}\""),
                    "choose another",
                ));
            };
            let parameter = Parameter {
                component: (components > 1).then_some(*component),
                quantity,
            };
            let title = match components {
                1 => title.to_owned(),
                _ => format!("{title} of component {}", component + 1),
            };
            Ok((parameter, title))
        };
        Ok([of(first)?, of(second)?])
    }

    /// Steps between two records of a fit, so that one can watch it.
    pub(super) fn stride(&self) -> usize {
        /// About as many records; each is some work in the plane.
        const RECORDS: [usize; 2] = [100, 50];
        self.optimizer.steps.div_ceil(RECORDS[self.dim - 1])
    }
}

/// A mixture of narrower components, side by side over a density with these moments.
fn spread(mean: &[f64], stds: &[f64], components: usize) -> MixtureState {
    // One a little to the side: exactly in the middle it might be held there by symmetry.
    let place = |k: usize| match components {
        1 => 0.3,
        _ => 2.4 * (k as f64 / (components - 1) as f64 - 0.5),
    };
    let tidy = |x: f64| (1e4 * x).round() / 1e4;
    let width = 0.5 / (components as f64).sqrt();
    MixtureState {
        weights: vec![1.0 / components as f64; components],
        means: (0..components)
            .map(|k| {
                (mean
                    .iter()
                    .zip(stds)
                    .map(|(mean, std)| tidy(mean + place(k) * std)))
                .collect()
            })
            .collect(),
        stds: vec![stds.iter().map(|std| tidy(width * std).max(1e-3)).collect(); components],
        correlations: vec![0.0; components],
    }
}
