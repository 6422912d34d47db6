//! What a divergence between two densities is, or the entropy of one, how sure that is, and what it lies
//! between for certain.

mod agreement;
mod answer;
mod approximation;
mod bhattacharyya;
mod bracket;
mod choice;
mod discrete;
mod divergences;
mod matrix;
mod measure;
mod method;
mod moments;
mod operand;
mod pairs;
mod panels;
mod reconcile;
mod sampling;
mod single;
mod wasserstein;

pub use answer::{Answer, Ending};
pub use bracket::Bracket;
pub use matrix::Matrix;
pub use measure::Measure;
pub use method::{Claim, Method};
pub use operand::{Operand, read_operand, read_operand_with};
pub use sampling::{PartialSums, Progress};

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

use answer::Computed;
use choice::same;
use sampling::{Draws, Gathered, InShard};

use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::mixture::Mixture;

/// How sure a number must be: half its 95 % interval is within either of these.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Accuracy {
    /// In nats, or whatever the number is measured in.
    pub absolute: Option<f64>,
    /// As a share of the number.
    pub relative: Option<f64>,
}

impl Accuracy {
    fn is_set(self) -> bool {
        self.absolute.is_some() || self.relative.is_some()
    }

    /// What half the interval of a number may be.
    fn tolerance(self, value: f64) -> f64 {
        let relative = self.relative.unwrap_or(0.0) * value.abs();
        relative.max(self.absolute.unwrap_or(0.0))
    }

    /// Half the interval as a multiple of what it may be.
    fn error_ratio(self, found: &Computed) -> f64 {
        let half = found
            .interval
            .map_or(f64::INFINITY, |[low, high]| 0.5 * (high - low));
        if half == 0.0 {
            return 0.0;
        }
        // NaN is not there yet.
        let share = half / self.tolerance(found.value);
        if share.is_nan() { f64::INFINITY } else { share }
    }
}

/// What is asked of two densities, or of one.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What is to be told of them: divergences, and other measures.
    pub divergences: Vec<Measure>,
    /// How they are found.
    pub method: Method,
    /// How sure they must be.
    pub accuracy: Accuracy,
    /// Draws at most, from p, q and bridges together; where no accuracy is asked for, all of them are made.
    pub samples: Option<u64>,
    /// The seed of the draws.
    pub seed: u64,
    /// Whether to look for what they lie between.
    pub brackets: bool,
}

impl Default for Question {
    fn default() -> Self {
        Self {
            divergences: [
                DivergenceKind::ForwardKl,
                DivergenceKind::ReverseKl,
                DivergenceKind::Js,
                DivergenceKind::Jeffreys,
            ]
            .map(Measure::Divergence)
            .to_vec(),
            method: Method::Auto,
            accuracy: Accuracy::default(),
            samples: None,
            seed: 0,
            brackets: true,
        }
    }
}

/// KL(p‖q) in nats between two mixtures, by the surest way there is.
///
/// ```
/// use klfit::Mixture;
/// let p = Mixture::from_stds(vec![0.3, 0.7], vec![vec![-2.0], vec![1.0]], vec![vec![1.0]; 2])?;
/// let q = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![2.0]])?;
/// let kl = klfit::kl(&p, &q)?;
/// assert!((kl.value - 0.09474788).abs() < 1e-8);
/// let bracket = kl.bracket.expect("there is one on a line");
/// assert!(bracket.lower <= kl.value && kl.value <= bracket.upper && bracket.width() < 1e-6);
/// # Ok::<(), klfit::Error>(())
/// ```
///
/// # Errors
/// If their dimensions differ.
pub fn kl(p: &Mixture, q: &Mixture) -> Result<Answer> {
    let question = Question {
        divergences: vec![DivergenceKind::ForwardKl.into()],
        ..Question::default()
    };
    let (p, q) = (Operand::new("p", p.clone()), Operand::new("q", q.clone()));
    let mut answers = question.ask(&p, &q, &|_| {})?;
    answers
        .pop()
        .ok_or_else(|| Error::usage("no divergence was asked for", "ask for one"))
}

/// The entropy −∫ p log p of a mixture in nats, by the surest way there is.
///
/// ```
/// use klfit::Mixture;
/// let p = Mixture::from_stds(vec![0.3, 0.7], vec![vec![-2.0], vec![1.0]], vec![vec![1.0]; 2])?;
/// let entropy = klfit::entropy(&p)?;
/// assert!((entropy.value - 1.8798378330938).abs() < 1e-8);
/// # Ok::<(), klfit::Error>(())
/// ```
///
/// # Errors
/// If its covariance is beyond the range of numbers.
pub fn entropy(p: &Mixture) -> Result<Answer> {
    single::entropy(
        &Question::default(),
        &Operand::new("p", p.clone()),
        &&|_| {},
    )
}

impl Question {
    /// Finds everything that is asked of p and q; `progress` is given how far sampling is.
    ///
    /// # Errors
    /// If the dimensions of p and q differ, something is asked for that is of one density, the method cannot do what is asked, or the device failed.
    pub fn ask(
        &self,
        p: &Operand,
        q: &Operand,
        progress: &dyn Fn(Progress),
    ) -> Result<Vec<Answer>> {
        self.answer(p, Some(q), &progress)
    }

    /// Finds everything that is asked of one density, its entropy or its total correlation.
    ///
    /// # Errors
    /// If what is asked for is of two densities, p is no mixture of Gaussians, the method cannot do what is asked, or the
    /// device failed.
    pub fn ask_one(&self, p: &Operand, progress: &dyn Fn(Progress)) -> Result<Vec<Answer>> {
        self.answer(p, None, &progress)
    }

    /// What [`Question::ask`] finds of p and q, or [`Question::ask_one`] of p, by the draws of one shard; those that the
    /// sums have already are not made again. `keep` is given the sums from time to time, with how far they are, and ends
    /// the draws where it breaks.
    ///
    /// # Errors
    /// As there; and if it is not said how many draws there are, an error is asked for, which no shard can know of, the
    /// sums are of other draws, or nothing of this is sampled. Numbers are NaN where the shard has no draws.
    pub fn ask_shard(
        &self,
        p: &Operand,
        q: Option<&Operand>,
        sums: &mut PartialSums,
        keep: &dyn Fn(&PartialSums, Progress) -> Result<ControlFlow<()>>,
    ) -> Result<Vec<Answer>> {
        self.expect_fixed_draws()?;
        let in_shard = InShard {
            sums: RefCell::new(sums),
            times: Cell::new(0),
            keep,
        };
        let answers = self.answer(p, q, &in_shard)?;
        match in_shard.times.get() {
            0 => Err(self.samples_nothing()),
            _ => Ok(answers),
        }
    }

    /// What [`Question::ask`] finds of p and q, or [`Question::ask_one`] of p, by the draws of all shards of which these
    /// are the sums.
    ///
    /// # Errors
    /// As [`Question::ask_shard`]; and if two are of one shard, or of shards of another number.
    pub fn ask_gathered(
        &self,
        p: &Operand,
        q: Option<&Operand>,
        parts: &[PartialSums],
    ) -> Result<Vec<Answer>> {
        self.expect_fixed_draws()?;
        for (place, part) in parts.iter().enumerate() {
            let (one, first) = (part.shard(), parts[0].shard());
            let message = match parts[..place].iter().any(|other| other.shard() == one) {
                true => format!("shard {one} is there twice"),
                false if one.of() != first.of() => {
                    format!("there are sums of shard {first} and of {one}, which share draws")
                }
                false => continue,
            };
            return Err(Error::usage(
                message,
                "gather those of one division into shards, each once",
            ));
        }
        let gathered = Gathered {
            parts,
            times: Cell::new(0),
        };
        let answers = self.answer(p, q, &gathered)?;
        match gathered.times.get() {
            0 => Err(self.samples_nothing()),
            _ => Ok(answers),
        }
    }

    /// Refuses draws of which no shard knows how many there are.
    fn expect_fixed_draws(&self) -> Result<()> {
        let message = match (self.samples, self.accuracy.is_set()) {
            (None, _) => "it is not said how many draws the shards make together",
            (_, true) => "an error is asked for, and no shard knows that of all",
            _ => return Ok(()),
        };
        Err(Error::usage(
            message,
            "ask for --samples, as in --samples 1e12, and for no error: as draws go up by four, it is halved",
        ))
    }

    fn samples_nothing(&self) -> Error {
        Error::usage(
            "nothing of this is sampled, so there are no draws to divide",
            "leave --shard, --gather and --sums out; or ask for --method monte-carlo or qmc",
        )
    }

    fn answer(&self, p: &Operand, q: Option<&Operand>, draws: &dyn Draws) -> Result<Vec<Answer>> {
        match q {
            Some(q) => self.of_two(p, q, draws),
            None => self.of_one(p, draws),
        }
    }

    fn of_two(&self, p: &Operand, q: &Operand, draws: &dyn Draws) -> Result<Vec<Answer>> {
        if let Some(one) = self.divergences.iter().find(|one| one.is_of_one()) {
            let name = one.name();
            return Err(Error::usage(
                format!("{} is of one density, and there are two", one.title()),
                format!(
                    "ask for {name} of each by itself, as in `klfit divergence p.json --kind {name}`"
                ),
            ));
        }
        if p.model.dim() != q.model.dim() {
            return Err(p.differs_from(q));
        }
        let kinds: Vec<DivergenceKind> = (self.divergences.iter())
            .filter_map(|one| one.as_divergence())
            .collect();
        let mut found = divergences::find(self, None, &kinds, p, q, draws)?.into_iter();
        let answer = |one: &Measure| match one {
            Measure::Bhattacharyya => bhattacharyya::answer(self, p, q, draws).map(Some),
            Measure::Wasserstein2 => wasserstein::answer(self, p, q).map(Some),
            _ => Ok(found.next()),
        };
        let answers: Vec<Option<Answer>> =
            self.divergences.iter().map(answer).collect::<Result<_>>()?;
        Ok(answers.into_iter().flatten().collect())
    }

    fn of_one(&self, p: &Operand, draws: &dyn Draws) -> Result<Vec<Answer>> {
        let answer = |one: &Measure| match one {
            Measure::Entropy => single::entropy(self, p, draws),
            Measure::TotalCorrelation => single::total_correlation(self, p, draws),
            _ => Err(Error::usage(
                "a divergence is between two densities, and there is one",
                "name another file, or ask for --kind entropy or total-correlation",
            )),
        };
        self.divergences.iter().map(answer).collect()
    }
}
