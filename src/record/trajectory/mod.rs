//! `trajectory.csv`: one row for each run at each logged step.

mod reader;
mod series;
mod writer;

pub(crate) use reader::Selection;
pub use reader::{Row, Trajectory};
pub(crate) use series::series;
pub use writer::{LoggedRows, TrajectoryWriter};

use crate::density::target::{Samples, TargetModel};
use crate::divergence::{DivergenceKind, Estimate, Side};
use crate::fit::{LogConfig, Plan, RunRecord};
use crate::judge::evaluate::reported;
use crate::mixture::{Mixture, Parameter, natural_values};

/// The columns before the divergences.
const FIRST: [&str; 9] = [
    "step",
    "run",
    "seconds",
    "evaluations",
    "gradient_evaluations",
    "loss",
    "loss_error",
    "gradient_norm",
    "gap",
];

/// The cross-entropy of the rows that no fit saw and its error, after the divergences where there are such rows.
pub(crate) const HELD_OUT: [&str; 2] = ["held_out_cross_entropy", "held_out_cross_entropy_error"];

/// What the random points of p are worth, where they count by weights.
pub(crate) const EFFECTIVE: &str = "effective_sample_size";

/// A number in a row with its comma, in bytes: most have all digits of a double, some are empty.
const BYTES_OF_NUMBER: u64 = 18;

/// How large the trajectory of a plan will be, in bytes, give or take a fifth: all runs last to the end.
pub(crate) fn expected_bytes(plan: &Plan, log: LogConfig) -> u64 {
    let divergences = reported(plan.divergence).len();
    let columns = FIRST.len() + 2 * divergences + plan.family.natural_parameters().count();
    (log.rows(plan) as u64)
        .saturating_mul(columns as u64)
        .saturating_mul(BYTES_OF_NUMBER)
}

/// What a table tells of q beside its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// The divergences.
    pub kinds: Vec<DivergenceKind>,
    /// Whether there are rows that no fit saw.
    pub held_out: bool,
    /// Whether points of p count by weights.
    pub effective: bool,
}

impl Told {
    /// Of a plan.
    pub fn of(plan: &Plan, target: &TargetModel) -> Self {
        let held_out = target.as_samples().and_then(Samples::held_out);
        let kind = plan.divergence.build();
        let is_weighted = target.as_unnormalized().is_some() && plan.estimator.rule.is_random();
        Self {
            kinds: reported(plan.divergence),
            held_out: held_out.is_some(),
            effective: is_weighted && kind.sides().contains(&Side::Target),
        }
    }

    /// The columns: of each divergence its value and its error.
    pub fn columns(&self) -> impl Iterator<Item = String> {
        let held_out = self.held_out.then(|| HELD_OUT.map(str::to_owned));
        let effective = self.effective.then(|| EFFECTIVE.to_owned());
        (divergence_columns(&self.kinds).chain(held_out.into_iter().flatten())).chain(effective)
    }

    /// What stands in them.
    pub fn numbers(&self, run: &RunRecord) -> impl Iterator<Item = f64> {
        let of = &run.evaluation;
        let held_out = (self.held_out).then(|| of.held_out().unwrap_or(Estimate::UNKNOWN));
        let effective = (self.effective).then(|| run.effective_sample_size.unwrap_or(f64::NAN));
        let kinds = self.kinds.iter().map(|&kind| of.estimate(kind));
        (kinds.chain(held_out))
            .flat_map(|estimate| [estimate.value, estimate.error])
            .chain(effective)
    }
}

/// The parameters of q in natural units, with NaN for all that a component without weight has: it is not there.
pub(super) fn values_there(q: &Mixture) -> impl Iterator<Item = f64> {
    let of_components = Parameter::all(q.components(), q.dim());
    natural_values(q)
        .zip(of_components)
        .map(|(value, parameter)| {
            let weight = parameter.component.map(|k| q.weights()[k]);
            if weight == Some(0.0) { f64::NAN } else { value }
        })
}

/// The columns of a divergence: its value and its error.
fn divergence_columns(kinds: &[DivergenceKind]) -> impl Iterator<Item = String> {
    kinds.iter().flat_map(|kind| {
        let name = column(*kind);
        [name.clone(), format!("{name}_error")]
    })
}

/// `renyi_0.5`: the name of a divergence with underscores between its words.
fn column(kind: DivergenceKind) -> String {
    let name = kind.name();
    match name.split_once('-') {
        Some((family, order)) if order.parse::<f64>().is_ok() => format!("{family}_{order}"),
        _ => name.replace('-', "_"),
    }
}

/// The divergence a column holds the value of.
fn kind_of(column: &str) -> Option<DivergenceKind> {
    DivergenceKind::from_name(&column.replacen('_', "-", 1))
        .or_else(|| DivergenceKind::from_name(&column.replace('_', "-")))
}
