//! Fits a Gaussian or a mixture of Gaussians q to a target density p by gradient descent on a
//! divergence, most often KL(p‖q) or KL(q‖p), and shows what happened.
//!
//! What the command `klfit` does, this library does: a divergence of two given densities in a line,
//!
//! ```
//! use klfit::Mixture;
//!
//! let p = Mixture::from_stds(vec![0.5, 0.5], vec![vec![-2.0], vec![2.0]], vec![vec![1.0]; 2])?;
//! let q = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![5f64.sqrt()]])?;
//! let answer = klfit::kl(&p, &q)?;
//! let bracket = answer.bracket.expect("there is one for two mixtures");
//! assert!((bracket.lower..=bracket.upper).contains(&answer.value));
//! # Ok::<(), klfit::Error>(())
//! ```
//!
//! one fit step by step, as [`Fit`] shows, and a whole experiment from its TOML:
//!
//! ```no_run
//! use std::path::Path;
//!
//! use klfit::{Existing, Experiment, RunFolder};
//!
//! let experiment = Experiment::load(Path::new("configs/bimodal.toml"), Vec::new())?;
//! let folder = RunFolder::create(Path::new("outputs/bimodal"), &experiment, Existing::Refuse)?;
//! klfit::run(&experiment, &experiment.numerics()?, &folder, &mut ())?;
//! klfit::draw_figures(&folder)?;
//! # Ok::<(), klfit::Error>(())
//! ```
//!
//! All logarithms are natural, all divergences in nats.
//!
//! # The house
//!
//! Everything is named here, whatever module it is from; `cargo doc --document-private-items` shows the
//! modules themselves. Data flows one way:
//!
//! ```text
//! config.toml ─► Experiment ─► Fit (the only loop) ─► Record … ─► RunFolder ─► figures ─► report
//! ```
//!
//! The modules are floors: each uses those below it and none above, and a test holds them to that.
//!
//! | floor | what is there |
//! | --- | --- |
//! | `cli` | the command: arguments, progress, tables, and one error |
//! | `jobs` | from beginning to end: a [run], a [sweep], a [landscape](survey), an [estimate], their [figures](draw_figures) |
//! | `explore`, `report`, `plot` | pages [live](Server) and [written](report), and figures |
//! | `landscape` | a divergence over two [axes](ParameterAxis), and the basins of its optima |
//! | `run_folder` | the folder of a [run](RunFolder) or a [sweep](SweepFolder): made, locked, [read back](FinishedRun) |
//! | `calculator` | a [`Measure`] of two given densities or of one: a [`Question`], an [`Answer`] with an error and a [`Bracket`] |
//! | `export` | mixtures for other programs: as [code](export()), as a formula, as [data](MixtureFile) |
//! | `config` | what TOML may say, and the one place that turns it into an [`Experiment`] |
//! | `import` | mixtures that scikit-learn or an earlier run fitted: [`read_mixture`] |
//! | `record` | what is known of a run, in files: [`Summary`], trajectory, restarts, checkpoint |
//! | `fit` | the loop, [`Fit`], by a [`Plan`]: the objective, the [starts](Start), when to [stop](StopConfig), the optima |
//! | `normalizer` | the constant of a density that is known up to it, and where its mass is: [`locate`] |
//! | `judge` | how good a fit is: its [`Evaluation`], diagnostics, the optimum where it is known |
//! | `panels` | integrals over x that see both densities |
//! | `optimizer`, `estimator`, `divergence` | one file for each choice, behind one trait each: [`OptimizerRule`], [`EstimatorRule`], [`DivergenceKind`] |
//! | `density` | what p and q have in common; the [targets](TargetModel) and the [`Family`] |
//! | `formula` | log-densities as [formulas](Formula): parsed once, computed with their gradients on the host or a device |
//! | `external` | log-densities by a [program](External) in another language, in a process of its own, or by a [function](LogDensity) |
//! | `coordinates` | the [coordinates](Coordinates) of these: names, [supports](Support), and how each is carried to the whole line |
//! | `compute` | [devices](Numerics), noise without a past, snapshots, and the kernel: the log-density of mixtures, the hot operation |
//! | `mixture` | [mixtures](Mixture) on the host, in natural parameters |
//! | `given` | what the program that this library is part of [gives](Given) to configs by name |
//! | `ranks` | processes that do one run together, each with rows of its own: a [`Communicator`] |
//! | `precise`, `progress`, `files`, `error`, `text`, `choice` | doubled precision; how far [work](WorkObserver) has come; files whole or not at all, and their names; what went wrong, where, and [what to do](Error); numbers as people read them, and text from others, safe to show; tables of what a config chooses from |
//!
//! A run goes down and up through them: [`run()`] takes an experiment from `config`, makes a folder in
//! `run_folder`, and pulls records from `fit`, whose steps evaluate an objective made of a divergence,
//! an estimator and a family on a device; `judge` says how each logged step and the end are, `record`
//! writes it, and `plot` and `report` read it back.
//!
//! Every tensor has the run as its first axis, so restarts go through the loop together: R runs, K
//! components, D dimensions, S points, P parameters.

#![warn(missing_docs, unnameable_types)]

mod calculator;
mod choice;
mod cli;
mod compute;
mod config;
mod coordinates;
mod density;
mod divergence;
mod error;
mod estimator;
mod explore;
mod export;
mod external;
mod files;
mod fit;
mod formula;
mod given;
mod import;
#[doc(hidden)]
pub mod internals;
mod jobs;
mod judge;
mod landscape;
mod mixture;
mod normalizer;
mod optimizer;
mod panels;
mod plot;
mod precise;
mod progress;
mod ranks;
mod record;
mod report;
pub mod results;
mod run_folder;
pub mod settings;
mod text;

// Errors, and mixtures.
pub use compute::kernel::log_densities;
pub use error::{ConfigError, Error, Location, Refusal, Result};
pub use export::{ExportFormat, MixtureFile, export};
pub use import::read_mixture;
pub use mixture::{Conditional, Mixture, NaturalParameters, Parameter, Product, Quantity, Scales};

// What is fitted to what, how, and on what.
pub use compute::device::{Backend, DeviceConfig, DeviceInfo, Numerics, Precision};
pub use coordinates::{Coordinates, Support, Variable};
pub use density::family::{Covariance, Family, FamilyConfig};
pub use density::target::network::{Network, joint as network};
pub use density::target::{
    Distribution, Elliptical, Function, Grid, GridAxis, GridIntegral, GridValues, Histogram,
    Located, Marginal, MissingRule, Panels, PointsOf, Samples, SamplesFile, StudentT, TableOptions,
    Tails, Target, TargetModel, Unnormalized, WeightColumn, WeightKind, Weights, read_grid,
    read_samples,
};
pub use divergence::{DivergenceKind, DivergenceName, Order};
pub use estimator::{EstimatorConfig, EstimatorRule, GradientRule};
pub use external::{External, Invocation, allow_commands};
pub use formula::{Formula, FormulaError};
pub use given::{Given, LogDensities, LogDensity, Take, give_function, give_table};
pub use normalizer::locate;
pub use optimizer::{OptimizerConfig, OptimizerRule, Schedule};
pub use ranks::{Communicator, among};

// One fit, step by step.
pub use fit::init::Start;
pub use fit::stop::{Stop, StopConfig};
pub use fit::{Fit, LogConfig, Plan, Record, RunRecord};
pub use judge::evaluate::Evaluation;

// Experiments, from beginning to end.
pub use cli::{command, main};
pub use config::{
    Experiment, LandscapeConfig, Override, ParameterRange, Part, STARTER, Shard, Sweep, SweepPoint,
};
pub use explore::{Opening, Replay, Server};
pub use jobs::estimate::{MaximumLikelihood, estimate};
pub use jobs::reduce::{Reducer, Reduction};
pub use jobs::run::{RunObserver, run};
pub use jobs::sweep::{Gathered, SweepObserver, Swept, gather, run as sweep};
pub use jobs::{
    DrawnFigures, Survey, cost, draw_figures, draw_figures_as, draw_sweep_as, survey, survey_run,
};
pub use plot::{Motion, animate, draw_sweep};
pub use progress::WorkObserver;
pub use record::{FitSummary, RunSummary, Summary};
pub use report::{LatexNumbers, ReportOptions, write as report, write_with as report_with};
pub use run_folder::{Existing, FinishedRun, RunFolder, SweepFolder};

// A divergence between two given densities, and other measures.
pub use calculator::{
    Accuracy, Answer, Bracket, Claim, Ending, Matrix, Measure, Method, Operand, PartialSums,
    Progress, Question, entropy, kl, read_operand,
};
pub use landscape::{Cells, ParameterAxis};
