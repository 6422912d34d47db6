//! `klfit mixture reduce`: fewer components, and what that costs.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use comfy_table::{CellAlignment, Table};

use super::input::Input;
use super::output::Out;
use crate::Result;
use crate::calculator::{Accuracy, Question};
use crate::cli::Verbosity;
use crate::cli::answer::{bar, number, positive, print_json, samples, within};
use crate::cli::layout;
use crate::cli::looks::Theme;
use crate::cli::output::to_stdout;
use crate::config::FiguresConfig;
use crate::error::Error;
use crate::export::MixtureFile;
use crate::jobs::reduce::{Reducer, Reduction};
use crate::plot::{self, ReducedPoint};
use crate::run_folder::OutputFolder;
use crate::text;

/// The numbers of a curve.
const TABLE: &str = "reduction.csv";

/// Keep fewer components, and tell how far that is from all of them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  klfit mixture reduce q.json --to 4 --out smaller.json
  klfit mixture reduce q.json --curve
  klfit mixture reduce q.json --curve --figure curve

Components are merged two after two (Runnalls 2007), and the mixture that leaves goes down on
KL(full‖reduced) from there. The table tells that KL, with its error and what it lies between for certain.")]
pub struct Reduce {
    /// The mixture
    mixture: String,
    /// How many components to keep
    #[arg(
        long,
        value_name = "K",
        required_unless_present = "curve",
        conflicts_with = "curve"
    )]
    to: Option<usize>,
    /// Tell it of every number of components down to 1
    #[arg(long, conflicts_with = "out")]
    curve: bool,
    /// Write the curve as CSV, JSON and a figure into this folder, and each mixture
    #[arg(long, value_name = "DIR", requires = "curve", conflicts_with_all = ["to", "out"])]
    figure: Option<PathBuf>,
    /// Merge, and go down no further
    #[arg(long)]
    no_refine: bool,
    /// Go on until half the 95 % interval of each KL is this share of it
    #[arg(long, value_name = "SHARE", value_parser = positive)]
    rel_err: Option<f64>,
    /// Draws for each KL at most, such as 1e6
    #[arg(long, value_name = "COUNT", value_parser = samples)]
    samples: Option<u64>,
    /// The seed of the draws
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print the table as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    theme: Theme,
    #[command(flatten)]
    out: Out,
}

impl Reduce {
    /// Reduces, tells the KL, and writes the mixture.
    pub fn run(&self, verbosity: Verbosity) -> Result<()> {
        let kind = self.out.kind()?;
        if let Some(folder) = &self.figure {
            self.out.check(&folder.join(TABLE))?;
        }
        let looks = self.theme.read()?;
        let input = Input::read(&self.mixture, verbosity)?;
        let full = &input.mixture;
        let reducer = Reducer {
            question: Question {
                accuracy: Accuracy {
                    absolute: None,
                    relative: self.rel_err,
                },
                samples: self.samples,
                seed: self.seed,
                ..Question::default()
            },
            refine: !self.no_refine,
        };
        let Some(components) = self.to else {
            let bar = bar(verbosity);
            bar.set_length(full.components() as u64);
            let curve = reducer.curve(full, |one| {
                bar.inc(1);
                bar.set_message(text::count(one.mixture.components(), "component"));
            })?;
            bar.finish_and_clear();
            if let Some(folder) = &self.figure {
                write(folder, &curve, &input, &looks)?;
            }
            return self.tell(&curve, verbosity);
        };
        if components > full.components() {
            return Err(Error::usage(
                format!(
                    "--to {components} is more than the {} of {}",
                    text::count(full.components(), "component"),
                    input.name
                ),
                "ask for fewer",
            ));
        }
        let working = verbosity.working("reducing");
        let reduced = reducer.reduce(full, components)?;
        drop(working);
        // The table is of use where the mixture is not in its way.
        if self.out.path()?.is_some() {
            let bytes = kind.encode(&reduced.mixture, &input.coordinates)?;
            self.out.bytes(&bytes, verbosity)?;
        }
        self.tell(&[reduced], verbosity)
    }

    fn tell(&self, curve: &[Reduction], verbosity: Verbosity) -> Result<()> {
        let points: Vec<ReducedPoint> = curve.iter().map(point).collect();
        if self.json {
            return print_json(&points);
        }
        layout::print(&table(&points));
        if verbosity.quiet {
            return Ok(());
        }
        to_stdout("KL(full‖reduced) in nats.");
        if let Some(folder) = &self.figure {
            to_stdout(format_args!(
                "written to {}: reduction.csv, .json, .svg, .png and .pdf, and each mixture as reduced-K.json",
                folder.display()
            ));
        }
        Ok(())
    }
}

/// Writes the curve, its figure, and every mixture of it.
fn write(folder: &Path, curve: &[Reduction], input: &Input, looks: &FiguresConfig) -> Result<()> {
    let points: Vec<ReducedPoint> = curve.iter().map(point).collect();
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let json = serde_json::to_vec_pretty(&points)
        .map_err(|error| Error::usage(format!("cannot write JSON: {error}"), "report this"))?;
    let mut files = vec![
        (TABLE.to_owned(), csv(&points)?),
        ("reduction.json".to_owned(), json),
    ];
    files.extend(plot::of_reduction(&points, looks)?.files);
    for Reduction { mixture, .. } in curve {
        let name = format!("reduced-{}.json", mixture.components());
        files.push((name, MixtureFile::Json.encode(mixture, &input.coordinates)?));
    }
    OutputFolder::create(folder)?.write(files)?;
    Ok(())
}

fn point(reduction: &Reduction) -> ReducedPoint {
    ReducedPoint {
        components: reduction.mixture.components(),
        kl: reduction.kl.clone(),
        merged: reduction.merged.clone(),
    }
}

fn table(points: &[ReducedPoint]) -> Table {
    let mut table = layout::table([
        "components",
        "KL",
        "certainly within",
        "KL of merging alone",
    ]);
    for point in points {
        table.add_row([
            point.components.to_string(),
            number(&point.kl),
            within(&point.kl),
            point.merged.as_ref().map_or_else(String::new, number),
        ]);
    }
    if let Some(column) = table.column_mut(0) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn csv(points: &[ReducedPoint]) -> Result<Vec<u8>> {
    let path = Path::new(TABLE);
    let mut csv = csv::Writer::from_writer(Vec::new());
    let wrong = || crate::files::table::error(path);
    csv.write_record([
        "components",
        "kl",
        "error",
        "lower",
        "upper",
        "merged_kl",
        "merged_error",
    ])
    .map_err(wrong())?;
    let number = |value: Option<f64>| value.map_or_else(String::new, crate::files::table::number);
    for ReducedPoint {
        components,
        kl,
        merged,
    } in points
    {
        csv.write_record([
            components.to_string(),
            number(Some(kl.value)),
            number(kl.error),
            number(kl.bracket.map(|bracket| bracket.lower)),
            number(kl.bracket.map(|bracket| bracket.upper)),
            number(merged.as_ref().map(|merged| merged.value)),
            number(merged.as_ref().and_then(|merged| merged.error)),
        ])
        .map_err(wrong())?;
    }
    crate::files::table::bytes(path, csv)
}
