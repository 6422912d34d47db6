//! What a mixture on rows is worth beside its number of parameters: BIC and ICL.

use serde::{Deserialize, Serialize};

use crate::density::family::Family;
use crate::density::target::Samples;
use crate::error::Result;
use crate::files::extended;
use crate::mixture::Mixture;

/// Criteria of a fit to rows, of which less is better.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// P, how many free parameters q has.
    pub parameters: usize,
    /// −2 log L + P log N with the likelihood L of N rows (Schwarz 1978); rows that count by weights are as many as
    /// they are worth.
    #[serde(with = "extended")]
    pub bic: f64,
    /// BIC and twice the entropy of the shares that the components have in each row: it asks for clusters that lie
    /// apart (Biernacki, Celeux and Govaert 2000).
    #[serde(with = "extended")]
    pub icl: f64,
}

impl Criteria {
    /// Those of q, whose mean of −log q over the rows is known, in nats.
    ///
    /// # Errors
    /// If rows cannot be read.
    pub fn new(family: &Family, q: &Mixture, rows: &Samples, cross_entropy: f64) -> Result<Self> {
        let parameters = family.free_parameters();
        let count = rows.effective_len();
        let bic = 2.0 * count * cross_entropy + parameters as f64 * count.ln();
        let entropy = rows.mean_of(|x| q.entropy_of_shares(x))?;
        Ok(Self {
            parameters,
            bic,
            icl: bic + 2.0 * count * entropy,
        })
    }
}
