//! A mixture as data: files that klfit reads again.

use std::io::{Cursor, Write};

use serde::Serialize;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::choice::choices;
use crate::config::MixtureConfig;
use crate::error::{Error, Result};
use crate::files::npy;
use crate::mixture::{Mixture, NaturalParameters, Scales, rows_of};

choices! {
    /// The kinds of file that hold a mixture.
    pub enum MixtureFile {
        /// The keys of a `[target]`. It alone has Cholesky factors, and loses nothing where a covariance is near
        /// singular.
        Toml = "toml",
        /// The attributes of a `GaussianMixture` of scikit-learn, as `.tolist()` writes them.
        Json = "json",
        /// The same as `np.savez` writes them.
        Npz = "npz",
    }
}

/// What scikit-learn calls the parts of a mixture with full covariances.
#[derive(Serialize)]
struct Attributes<'a> {
    #[serde(rename = "weights_")]
    weights: &'a [f64],
    #[serde(rename = "means_")]
    means: Vec<&'a [f64]>,
    #[serde(rename = "covariances_")]
    covariances: Vec<Vec<Vec<f64>>>,
    covariance_type: &'static str,
    #[serde(rename = "feature_names_in_")]
    names: &'a [String],
}

impl MixtureFile {
    /// A mixture in a file of this kind; JSON alone has the names of the D coordinates.
    ///
    /// # Errors
    /// If the covariances that JSON and npz have are singular to rounding, or the numbers cannot be written.
    pub fn encode(self, mixture: &Mixture, coordinates: &[String]) -> Result<Vec<u8>> {
        if self != Self::Toml {
            self.check(mixture)?;
        }
        match self {
            Self::Toml => toml(mixture).map_err(|error| self.refused(&error)),
            Self::Json => json(mixture, coordinates).map_err(|error| self.refused(&error)),
            Self::Npz => npz(mixture).map_err(|error| self.refused(&error)),
        }
    }

    /// Refuses a mixture that its covariances alone do not make again.
    fn check(self, mixture: &Mixture) -> Result<()> {
        let means = mixture.means().iter().map(|mean| mean.as_slice().to_vec());
        let covariances = (0..mixture.components()).map(|k| mixture.component_covariance(k));
        let made = Mixture::from_covariances(
            mixture.weights().to_vec(),
            means.collect(),
            covariances.collect(),
        );
        made.map(|_| ()).map_err(|refusal| {
            Error::usage(
                format!("cannot write the mixture as {}: {refusal}", self.name()),
                "write a .toml, which has Cholesky factors in place of covariances",
            )
        })
    }

    fn refused(self, error: &dyn std::fmt::Display) -> Error {
        Error::usage(
            format!("cannot write the mixture as {}: {error}", self.name()),
            "write a file of another kind",
        )
    }
}

fn toml(mixture: &Mixture) -> Result<Vec<u8>, toml::ser::Error> {
    let natural = NaturalParameters::from(mixture);
    // Standard deviations lose nothing, and are easier to read.
    let config = match natural.scales {
        Scales::Stds(_) => MixtureConfig::from(&natural),
        Scales::Covariances(_) => MixtureConfig::from(mixture),
    };
    toml::to_string(&config).map(String::into_bytes)
}

fn json(mixture: &Mixture, coordinates: &[String]) -> serde_json::Result<Vec<u8>> {
    let covariances = (0..mixture.components())
        .map(|k| rows_of(&mixture.component_covariance(k)))
        .collect();
    let attributes = Attributes {
        weights: mixture.weights(),
        means: mixture.means().iter().map(|mean| mean.as_slice()).collect(),
        covariances,
        covariance_type: "full",
        names: coordinates,
    };
    let mut text = serde_json::to_vec(&attributes)?;
    text.push(b'\n');
    Ok(text)
}

fn npz(mixture: &Mixture) -> zip::result::ZipResult<Vec<u8>> {
    let (k, d) = (mixture.components(), mixture.dim());
    let means: Vec<f64> = mixture.means().iter().flatten().copied().collect();
    // A covariance is its own transpose: columns are rows.
    let covariances: Vec<f64> = (0..k)
        .flat_map(|k| mixture.component_covariance(k).as_slice().to_vec())
        .collect();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    // As NumPy has it, and the same bytes for the same mixture.
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let arrays = [
        ("weights_", npy::encoded(&[k], mixture.weights())),
        ("means_", npy::encoded(&[k, d], &means)),
        ("covariances_", npy::encoded(&[k, d, d], &covariances)),
        ("covariance_type", npy::encoded_text("full")),
    ];
    for (name, bytes) in arrays {
        archive.start_file(format!("{name}.npy"), options)?;
        archive.write_all(&bytes)?;
    }
    Ok(archive.finish()?.into_inner())
}
