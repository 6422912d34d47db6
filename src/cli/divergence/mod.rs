//! `klfit divergence`: how far densities are apart, with an error on every number.

mod matrix;
mod shared;
mod tell;

use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::ProgressBar;

use super::answer::{bar, positive, samples};
use super::arguments;
use super::looks::Theme;
use super::{Command, Outcome, Verbosity};
use crate::Result;
use crate::calculator::{
    Accuracy, Measure, Method, Operand, Progress, Question, read_operand_with,
};
use crate::config::Shard;
use crate::divergence::DivergenceName;
use crate::error::Error;
use matrix::matrix;
use shared::{gather, shard};
use tell::tell;

/// Tell how far densities are apart, with an error on every number
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit divergence p.json q.toml
  klfit divergence p.json q.json --kind kl --rel-err 1e-3 --json
  klfit divergence outputs/bimodal#target outputs/bimodal#reverse-kl
  klfit divergence p.json q.json --kind bhattacharyya,wasserstein-2
  klfit divergence p.json --kind entropy,total-correlation
  klfit divergence p.csv q.csv --method discrete
  klfit divergence model1.csv model2.csv model3.csv --matrix --out distances
  klfit divergence p.json q.json --samples 1e12 --sums sums --shard 3/100
  klfit divergence p.json q.json --samples 1e12 --sums sums --gather

A density is a .toml, .json, .npz, .csv or .npy file, the folder of a run, or -, a table from standard
input; docs/calculator.md says what each may hold. Of a run with several fits one is named after a #, and
#target is what they were fitted to; in a config it is named by fit = \"reverse-kl\" beside file.")]
pub struct Divergence {
    /// The densities p and q; p alone for what is of one, and any number of them with --matrix
    #[arg(required = true, value_name = "DENSITY")]
    densities: Vec<String>,
    #[command(flatten)]
    table: arguments::Table,
    /// Which divergences: kl, reverse-kl, js, jeffreys, alpha, renyi, chi2, squared-hellinger,
    /// total-variation, bhattacharyya, wasserstein-2; of one density, entropy, total-correlation
    /// [default: the first four]
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = kind_names())]
    kind: Vec<String>,
    /// The order of alpha and renyi
    #[arg(long, value_name = "ORDER", allow_negative_numbers = true)]
    alpha: Option<f64>,
    /// How they are found
    #[arg(long, default_value = "auto", value_parser = method_names())]
    method: String,
    /// Go on until half the 95 % interval is this share of the number
    #[arg(long, value_name = "SHARE", value_parser = positive)]
    rel_err: Option<f64>,
    /// Go on until half the 95 % interval is this, in nats
    #[arg(long, value_name = "NATS", value_parser = positive)]
    abs_err: Option<f64>,
    /// Draws from both densities together at most, such as 1e6
    #[arg(long, value_name = "COUNT", value_parser = samples)]
    samples: Option<u64>,
    /// The seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Leave out the bracket that holds whatever was sampled
    #[arg(long)]
    no_bracket: bool,
    /// Make every N-th part of the draws from the I-th on, as in 3/100, and keep their sums; auto is the task of the
    /// Slurm array that this is, auto/100 that of a Kubernetes job of a hundred
    #[arg(long, value_name = "I/N", value_parser = Shard::here, requires = "sums", conflicts_with = "matrix")]
    shard: Option<Shard>,
    /// Add the sums of all shards to what one process would have found
    #[arg(long, requires = "sums", conflicts_with_all = ["shard", "matrix"])]
    gather: bool,
    /// The folder in which shards keep their sums
    #[arg(long, value_name = "DIR")]
    sums: Option<PathBuf>,
    /// One divergence between every two densities
    #[arg(long)]
    matrix: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a matrix as CSV, JSON and a figure into this folder
    #[arg(long, value_name = "DIR", requires = "matrix")]
    out: Option<PathBuf>,
    #[command(flatten)]
    theme: Theme,
}

fn kind_names() -> PossibleValuesParser {
    let names = DivergenceName::all().map(DivergenceName::name);
    let others = Measure::OTHERS.map(Measure::own_name);
    let names = ["kl"].into_iter().chain(names).chain(others);
    PossibleValuesParser::new(names.collect::<Vec<_>>())
}

fn method_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Method::ALL.map(Method::name))
}

impl Divergence {
    fn question(&self) -> Result<Question> {
        let kinds: Vec<Measure> = (self.kind.iter())
            .map(|name| self.kind_of(name))
            .collect::<Result<_>>()?;
        let mut question = Question {
            method: Method::from_name(&self.method).unwrap_or(Method::Auto),
            accuracy: Accuracy {
                absolute: self.abs_err,
                relative: self.rel_err,
            },
            samples: self.samples,
            seed: self.seed,
            brackets: !self.no_bracket,
            ..Question::default()
        };
        if self.matrix {
            question.divergences.truncate(1);
        } else if question.method == Method::Discrete {
            question.divergences.truncate(2);
        }
        if !kinds.is_empty() {
            question.divergences = kinds;
        }
        // Each once, in the order they were asked for.
        let mut seen = Vec::new();
        question.divergences.retain(|kind| {
            let is_new = !seen.contains(kind);
            seen.push(*kind);
            is_new
        });
        self.refuse_idle_options(&question)?;
        Ok(question)
    }

    /// Refuses options that would change nothing.
    fn refuse_idle_options(&self, question: &Question) -> Result<()> {
        let refuse = |message: String, help: &str| Err(Error::usage(message, help));
        let takes_order = |one: &Measure| {
            one.as_divergence()
                .is_some_and(|kind| kind.alpha().is_some())
        };
        if self.alpha.is_some() && !question.divergences.iter().any(takes_order) {
            let help = "remove it, or ask for --kind alpha or renyi";
            return refuse(
                "--alpha is given, and no divergence has an order".to_owned(),
                help,
            );
        }
        let is_error = self.rel_err.is_some() || self.abs_err.is_some();
        let samples = matches!(
            question.method,
            Method::Auto | Method::Quadrature | Method::MonteCarlo | Method::Qmc
        );
        if (is_error || self.samples.is_some()) && !samples {
            let name = question.method.name();
            let message = format!("{name} has no error to reach and no draws to make");
            return refuse(message, "remove --rel-err, --abs-err and --samples");
        }
        if self.samples.is_some()
            && (question.divergences.iter()).all(|one| *one == Measure::Wasserstein2)
        {
            let message = "a Wasserstein distance makes no draws".to_owned();
            return refuse(message, "remove --samples");
        }
        if self.sums.is_some() && self.shard.is_none() && !self.gather {
            return refuse(
                "--sums is given, and neither --shard nor --gather".to_owned(),
                "remove it, or say which shard this is, as in --shard 3/100",
            );
        }
        let are_any = |kinds: &[&str]| {
            self.densities.iter().any(|text| {
                let extension = Path::new(text).extension().unwrap_or_default();
                kinds
                    .iter()
                    .any(|kind| extension.eq_ignore_ascii_case(kind))
            })
        };
        if self.table.header.is_some() && !are_any(&["csv"]) {
            return refuse(
                "--header is given, and no density is a .csv".to_owned(),
                "remove it; a .toml says `header = true` itself",
            );
        }
        let (columns, missing) = (&self.table.columns, &self.table.missing);
        if (columns.is_some() || missing.is_some()) && !are_any(&["csv", "npy"]) {
            return refuse(
                "--columns and --missing choose from tables, and no density is a .csv or .npy"
                    .to_owned(),
                "remove them; a .toml says `columns = [...]` itself",
            );
        }
        if self.matrix && question.divergences.len() > 1 {
            let message = format!(
                "a matrix holds one divergence, and {} are asked for",
                question.divergences.len()
            );
            return refuse(message, "run it once for each --kind");
        }
        Ok(())
    }

    fn kind_of(&self, name: &str) -> Result<Measure> {
        if let Some(other) = Measure::OTHERS
            .into_iter()
            .find(|other| other.own_name() == name)
        {
            return Ok(other);
        }
        let Some(name) = DivergenceName::from_name(name) else {
            return Err(Error::usage(
                format!("--kind {name} is not a divergence"),
                "`klfit divergence --help` lists them",
            ));
        };
        let alpha = self.alpha.filter(|_| name.takes_order());
        name.with_order(alpha)
            .map(Measure::Divergence)
            .map_err(|refusal| {
                let help = refusal.help.replace("alpha = ", "--alpha ");
                Error::usage(
                    format!("--{} {}", refusal.key, refusal.message),
                    help.replace("divergence = ", "--kind "),
                )
            })
    }
}

impl Command for Divergence {
    const EXAMPLE: [&str; 2] = ["divergence P Q", "tell how far two densities are apart"];

    /// Reads the densities and answers.
    fn run(&self, verbosity: Verbosity) -> Result<Outcome> {
        let question = self.question()?;
        let of_one = question.divergences.iter().find(|one| one.is_of_one());
        match (&self.densities[..], self.matrix, of_one) {
            (_, true, Some(one)) => Err(Error::usage(
                format!(
                    "{} is of one density, and a matrix is between every two",
                    one.title()
                ),
                "ask for it without --matrix, of one density",
            )),
            ([_], false, Some(_)) => ask(self, &question, verbosity),
            ([_], ..) => Err(Error::usage(
                "a divergence is between two densities, and there is one",
                "name another file, or ask for --kind entropy or total-correlation",
            )),
            ([_, _, _, ..], false, None) => Err(Error::usage(
                format!("there are {} densities, not two", self.densities.len()),
                "add --matrix for one divergence between every two",
            )),
            (_, false, _) => ask(self, &question, verbosity),
            (_, true, _) => matrix(self, &question, verbosity),
        }
    }
}

fn read(options: &Divergence, verbosity: Verbosity) -> Result<Vec<Operand>> {
    let read = |text: &String| {
        let reading = verbosity.working(format!("reading {text}"));
        let operand = read_operand_with(text, &options.table.options())?;
        drop(reading);
        verbosity.notes(&operand.notes);
        Ok(operand)
    };
    options.densities.iter().map(read).collect()
}

/// What is asked of p, and of q if there are two.
fn ask(options: &Divergence, question: &Question, verbosity: Verbosity) -> Result<Outcome> {
    let operands = read(options, verbosity)?;
    match (&options.sums, options.shard) {
        (Some(folder), Some(one)) => {
            return shard(options, question, &operands, one, folder, verbosity);
        }
        (Some(folder), None) if options.gather => {
            return gather(options, question, &operands, folder, verbosity);
        }
        _ => {}
    }
    let bar = bar(verbosity);
    let progress = |progress| show(&bar, progress);
    let answers = match &operands[..] {
        [p, q] => question.ask(p, q, &progress)?,
        _ => question.ask_one(&operands[0], &progress)?,
    };
    bar.finish_and_clear();
    tell(options, &operands, &answers, verbosity)?;
    Ok(Outcome::Success)
}

/// Draws for a number go with the square of its error.
fn show(bar: &ProgressBar, progress: Progress) {
    let (drawn, most) = (progress.drawn, progress.most);
    let wanted = progress.error_ratio.map_or(most, |ratio| {
        let more = ratio.max(1.0).powi(2) * drawn as f64;
        if more < most as f64 {
            more as u64
        } else {
            most
        }
    });
    bar.set_length(wanted);
    bar.set_position(drawn);
    bar.set_message(format!("{drawn} of about {wanted} draws"));
}
