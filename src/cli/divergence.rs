//! `klfit divergence`: how far densities are apart, with an error on every number.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::PossibleValuesParser;
use comfy_table::{CellAlignment, Table};
use indicatif::ProgressBar;
use serde::Serialize;

use super::answer::{bar, number, positive, print_json, samples, to_json, within};
use super::arguments;
use super::looks::Theme;
use super::output::to_stdout;
use super::{Command, Outcome, Verbosity, layout};
use crate::Result;
use crate::calculator::{
    Accuracy, Answer, Claim, Ending, Matrix, Measure, Method, Operand, Progress, Question,
    read_operand_with,
};
use crate::config::FiguresConfig;
use crate::divergence::DivergenceName;
use crate::error::Error;
use crate::report::units;
use crate::run_folder::OutputFolder;
use crate::text;

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

/// The most columns of a matrix that is printed with errors.
const WITH_ERRORS: usize = 6;

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
            ([_], false, Some(_)) => single(self, &question, verbosity),
            ([_], ..) => Err(Error::usage(
                "a divergence is between two densities, and there is one",
                "name another file, or ask for --kind entropy or total-correlation",
            )),
            ([_, _, _, ..], false, None) => Err(Error::usage(
                format!("there are {} densities, not two", self.densities.len()),
                "add --matrix for one divergence between every two",
            )),
            (_, false, _) => pair(self, &question, verbosity),
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

/// What `--json` prints of two densities, or of one.
#[derive(Serialize)]
struct Report<'a> {
    p: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<&'a str>,
    answers: &'a [Answer],
}

fn pair(options: &Divergence, question: &Question, verbosity: Verbosity) -> Result<Outcome> {
    let operands = read(options, verbosity)?;
    let (p, q) = (&operands[0], &operands[1]);
    let bar = bar(verbosity);
    let answers = question.ask(p, q, &|progress| show(&bar, progress))?;
    bar.finish_and_clear();
    tell(options, &operands, &answers, verbosity)
}

/// What is of one density.
fn single(options: &Divergence, question: &Question, verbosity: Verbosity) -> Result<Outcome> {
    let operands = read(options, verbosity)?;
    let bar = bar(verbosity);
    let answers = question.ask_one(&operands[0], &|progress| show(&bar, progress))?;
    bar.finish_and_clear();
    tell(options, &operands, &answers, verbosity)
}

fn tell(
    options: &Divergence,
    operands: &[Operand],
    answers: &[Answer],
    verbosity: Verbosity,
) -> Result<Outcome> {
    if options.json {
        let report = Report {
            p: &operands[0].name,
            q: operands.get(1).map(|q| q.name.as_str()),
            answers,
        };
        print_json(&report)?;
        return Ok(Outcome::Success);
    }
    if !verbosity.quiet {
        for (name, operand) in ["p", "q"].iter().zip(operands) {
            to_stdout(format_args!(
                "{name}: {}, {}",
                operand.name,
                operand.describe()
            ));
        }
    }
    to_stdout(table(answers));
    if !verbosity.quiet {
        remarks(answers);
    }
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

fn table(answers: &[Answer]) -> Table {
    let mut table = layout::table([
        "divergence",
        "value",
        "95 % interval",
        "certainly within",
        "method",
        "time",
    ]);
    for answer in answers {
        let interval = match answer.interval {
            Some([low, high]) if answer.claim == Claim::Sample => text::interval(low, high),
            _ => String::new(),
        };
        table.add_row([
            answer.divergence.symbol(),
            number(answer),
            interval,
            within(answer),
            answer.method.name().to_owned(),
            text::seconds(answer.seconds),
        ]);
    }
    if let Some(column) = table.column_mut(5) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// What there is to say below the table.
fn remarks(answers: &[Answer]) {
    let is_in = |unit| move |answer: &Answer| answer.divergence.unit() == Some(unit);
    if answers.iter().any(is_in("nats")) {
        let mut kinds = (answers.iter())
            .filter_map(|answer| answer.divergence.as_divergence())
            .peekable();
        match kinds.peek() {
            None => to_stdout("In nats."),
            Some(_) => to_stdout(units(kinds, false)),
        }
    }
    if answers.iter().any(is_in("units of x")) {
        to_stdout("W₂ is in the units of x, and not squared.");
    }
    // The same remark of several divergences is made once.
    let mut made: Vec<(String, Vec<String>)> = Vec::new();
    for answer in answers {
        let remark = remark(answer);
        let symbol = answer.divergence.symbol();
        match made.iter_mut().find(|(other, _)| *other == remark) {
            Some((_, symbols)) => symbols.push(symbol),
            None => made.push((remark, vec![symbol])),
        }
    }
    for (remark, symbols) in made {
        to_stdout(format_args!("{}: {remark}", symbols.join(", ")));
    }
}

fn remark(answer: &Answer) -> String {
    if answer.value.is_infinite() {
        return format!("infinite: {}", answer.reason);
    }
    let (method, reason) = (answer.method.name(), &answer.reason);
    match answer.claim {
        Claim::Exact => format!("exact: {reason}"),
        Claim::Rounded => format!("{method}, {reason}; ± is a bound of what rounding did"),
        Claim::Integral => {
            let ending = match answer.ending {
                Some(Ending::Spent | Ending::Normalizer) => "; the error asked for is not reached",
                _ => "",
            };
            format!("{method}, {reason}; ± is what its panels leave, with rounding{ending}")
        }
        Claim::Bracket => format!("{method}, {reason}"),
        Claim::Sample => {
            let ending = match answer.ending {
                Some(Ending::Reached) => "the error asked for is reached",
                Some(Ending::Normalizer) => {
                    "more would not help: log Z is not known well enough for the error asked for"
                }
                Some(Ending::Spent) | None => "all samples are spent",
            };
            format!(
                "{method}, {reason}; {} draws, ± is one standard error; {ending}",
                answer.samples
            )
        }
        Claim::UpperBound if answer.divergence == Measure::Wasserstein2 => format!(
            "{method}, {reason}, an upper bound of W₂; ± is a bound of what rounding did to it"
        ),
        Claim::UpperBound => format!("{method}: an upper bound, not an estimate"),
        Claim::Approximation => {
            format!("{method}: an approximation of unknown error, on either side of the truth")
        }
        Claim::PlugIn => format!("{method}: {reason}"),
    }
}

fn matrix(options: &Divergence, question: &Question, verbosity: Verbosity) -> Result<Outcome> {
    let operands = read(options, verbosity)?;
    let looks = options.theme.read()?;
    if let Some(folder) = &options.out {
        // Before the work, not after.
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    }
    let bar = bar(verbosity);
    let matrix = Matrix::ask(question, &operands, &|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message(format!("{done} of {total} pairs"));
    })?;
    bar.finish_and_clear();
    if let Some(folder) = &options.out {
        write(&matrix, folder, &looks)?;
    }
    if options.json {
        print_json(&matrix)?;
        return Ok(Outcome::Success);
    }
    let corner = format!("{}: p in rows", matrix.divergence.symbol());
    let mut table = layout::table(std::iter::once(corner).chain(matrix.names.iter().cloned()));
    for (name, row) in matrix.names.iter().zip(&matrix.answers) {
        // With many columns there is no room for errors; --json and --out have them.
        let cell = |answer: &Answer| match row.len() {
            0..=WITH_ERRORS => number(answer),
            _ => text::fixed(answer.value, 4),
        };
        table.add_row(std::iter::once(name.clone()).chain(row.iter().map(cell)));
    }
    layout::print(&table);
    if !verbosity.quiet {
        let others: Vec<Answer> = (matrix.answers.iter().enumerate())
            .flat_map(|(i, row)| row.iter().enumerate().filter(move |(j, _)| *j != i))
            .map(|(_, answer)| answer.clone())
            .collect();
        let mut remarks: Vec<String> = Vec::new();
        for answer in &others {
            let remark = remark(answer);
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
        remarks.iter().for_each(to_stdout);
        if let Some(folder) = &options.out {
            to_stdout(format_args!(
                "written to {}: matrix.csv, .json, .svg, .png and .pdf",
                folder.display()
            ));
        }
    }
    Ok(Outcome::Success)
}

fn write(matrix: &Matrix, folder: &Path, looks: &FiguresConfig) -> Result<()> {
    let json = to_json(matrix)?;
    let tables = [("matrix.csv", matrix.to_csv()?), ("matrix.json", json)]
        .map(|(name, text)| (name.to_owned(), text.into_bytes()));
    let figure = crate::plot::of_matrix(matrix, looks)?.files;
    OutputFolder::create(folder)?.write(tables.into_iter().chain(figure).collect())?;
    Ok(())
}
