//! `klfit divergence --matrix`: one divergence between every two densities.

use std::fs;
use std::path::Path;

use super::tell::remark;
use super::{Divergence, read};
use crate::Result;
use crate::calculator::{Answer, Matrix, Question};
use crate::cli::answer::{bar, number, print_json, to_json};
use crate::cli::output::to_stdout;
use crate::cli::{Outcome, Verbosity, layout};
use crate::config::FiguresConfig;
use crate::error::Error;
use crate::run_folder::OutputFolder;
use crate::text;

/// The most columns of a matrix that is printed with errors.
const WITH_ERRORS: usize = 6;

/// Finds the matrix, and prints and writes it.
pub fn matrix(options: &Divergence, question: &Question, verbosity: Verbosity) -> Result<Outcome> {
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
