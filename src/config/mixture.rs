//! How a config writes a mixture: a target, or where a fit starts.

use serde::{Deserialize, Serialize};

use super::key::KeyPath;
use super::source::Source;
use crate::error::ConfigError;
use crate::mixture::{Mixture, NaturalParameters, Scales, matrix_of, rows_of};
use crate::text::list;

/// A mixture under its keys. Lists over the components, or the singular forms for a Gaussian.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "a section with means and stds"
)]
pub struct MixtureConfig {
    /// K weights; may be left out for one component.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<Vec<f64>>,
    /// K means of D.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<Vec<Vec<f64>>>,
    /// K lists of D standard deviations, for independent coordinates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stds: Option<Vec<Vec<f64>>>,
    /// K covariances of D × D.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariances: Option<Vec<Vec<Vec<f64>>>>,
    /// K lower Cholesky factors of D × D.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_trils: Option<Vec<Vec<Vec<f64>>>>,
    /// The mean of a Gaussian.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// The standard deviations of a Gaussian with independent coordinates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<Vec<f64>>,
    /// The covariance of a Gaussian.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariance: Option<Vec<Vec<f64>>>,
    /// The lower Cholesky factor of a Gaussian's covariance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_tril: Option<Vec<Vec<f64>>>,
}

impl From<&Mixture> for MixtureConfig {
    /// By its covariances where they were given, else by its Cholesky factors: neither loses anything.
    fn from(mixture: &Mixture) -> Self {
        let covariances = mixture.given_covariances();
        Self {
            weights: Some(mixture.weights().to_vec()),
            means: Some(
                (mixture.means().iter())
                    .map(|mean| mean.as_slice().to_vec())
                    .collect(),
            ),
            scale_trils: (covariances.is_none())
                .then(|| mixture.scale_trils().iter().map(rows_of).collect()),
            covariances: covariances.map(|of_all| of_all.iter().map(rows_of).collect()),
            ..Self::default()
        }
    }
}

impl From<&NaturalParameters> for MixtureConfig {
    fn from(natural: &NaturalParameters) -> Self {
        let (stds, covariances) = match natural.scales.clone() {
            Scales::Stds(stds) => (Some(stds), None),
            Scales::Covariances(covariances) => (None, Some(covariances)),
        };
        Self {
            weights: Some(natural.weights.clone()),
            means: Some(natural.means.clone()),
            stds,
            covariances,
            ..Self::default()
        }
    }
}

impl MixtureConfig {
    /// The mixture it describes, standing at `at`.
    pub(super) fn resolve(&self, at: &KeyPath, source: &Source) -> Result<Mixture, ConfigError> {
        let singular = self.mean.is_some()
            || self.std.is_some()
            || self.covariance.is_some()
            || self.scale_tril.is_some();
        let plural = self.means.is_some()
            || self.stds.is_some()
            || self.covariances.is_some()
            || self.scale_trils.is_some();
        if singular && plural {
            return Err(source.error(
                at,
                "mixes the keys of one Gaussian with those of a mixture",
                "write `mean` with `std`, or `means` with `stds`, not both",
            ));
        }
        let named = |plural_name: &'static str, singular_name: &'static str| {
            at.name(if singular { singular_name } else { plural_name })
        };
        let means = match (&self.means, &self.mean) {
            (Some(means), _) => means.clone(),
            (None, Some(mean)) => vec![mean.clone()],
            (None, None) => {
                let key = named("means", "mean");
                return Err(source.error(&key, "is missing", "say where it is centred"));
            }
        };
        let weights = match &self.weights {
            Some(weights) => weights.clone(),
            None if means.len() == 1 => vec![1.0],
            None => {
                let equal = list(&vec![1.0 / means.len() as f64; means.len()], 6);
                return Err(source.error(
                    &at.name("weights"),
                    format!("is missing, and there are {} components", means.len()),
                    format!("add weights that sum to 1; equal ones: weights = [{equal}]"),
                ));
            }
        };
        let stds = self.stds.clone().or(self.std.clone().map(|std| vec![std]));
        let covariances = (self.covariances.clone()).or(self.covariance.clone().map(|c| vec![c]));
        let scale_trils = (self.scale_trils.clone()).or(self.scale_tril.clone().map(|l| vec![l]));
        let matrices = |part, rows: Vec<Vec<Vec<f64>>>| {
            (rows.iter().enumerate())
                .map(|(k, rows)| matrix_of(part, k, rows))
                .collect::<Result<Vec<_>, _>>()
        };
        let made = match (stds, covariances, scale_trils) {
            (Some(stds), None, None) => Mixture::from_stds(weights, means, stds),
            (None, Some(rows), None) => matrices("covariances", rows)
                .and_then(|rows| Mixture::from_covariances(weights, means, rows)),
            (None, None, Some(rows)) => {
                matrices("scale_trils", rows).and_then(|rows| Mixture::new(weights, means, rows))
            }
            (None, None, None) => {
                return Err(source.error(
                    &named("stds", "std"),
                    "is missing",
                    "say how wide it is, with stds, covariances or scale_trils (or, for one \
                     Gaussian, std, covariance or scale_tril)",
                ));
            }
            _ => {
                return Err(source.error(
                    at,
                    "gives the width more than once",
                    "keep one of stds, covariances and scale_trils",
                ));
            }
        };
        made.map_err(|refusal| {
            // One Gaussian is no list, but of weights.
            let is_alone = singular && refusal.key != "weights";
            let key = match (is_alone, refusal.entry) {
                (true, _) => at.name(refusal.key.trim_end_matches('s')),
                (false, Some((_, k))) => at.name(refusal.key).index(k),
                (false, None) => at.name(refusal.key),
            };
            let message = match refusal.entry.filter(|_| !singular) {
                Some((what, k)) => format!("({what} {}): {}", k + 1, refusal.message),
                None => format!(": {}", refusal.message),
            };
            source.error(&key, message, refusal.help)
        })
    }
}
