//! A divergence between every two of several densities.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Answer, Measure, Operand, Question};
use crate::error::{Error, Result};

/// A divergence from each of N densities to each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matrix {
    /// Which divergence.
    pub divergence: Measure,
    /// What the N densities are called.
    pub names: Vec<String>,
    /// D(row, column), N rows of N.
    pub answers: Vec<Vec<Answer>>,
}

impl Matrix {
    /// Finds all of them, by the first divergence that is asked for; `done` is given how many of how
    /// many.
    ///
    /// # Errors
    /// As [`Question::ask`].
    pub fn ask(
        question: &Question,
        operands: &[Operand],
        done: &dyn Fn(usize, usize),
    ) -> Result<Self> {
        let Some(&divergence) = question.divergences.first() else {
            return Err(Error::usage(
                "no divergence was asked for",
                "ask for one, as in --kind kl",
            ));
        };
        let question = Question {
            divergences: vec![divergence],
            ..question.clone()
        };
        let n = operands.len();
        // What does not fit is refused before the work on what does.
        if let Some(other) = operands
            .iter()
            .find(|one| one.model.dim() != operands[0].model.dim())
        {
            return Err(operands[0].differs_from(other));
        }
        let is_symmetric = divergence.exchanged() == Some(divergence);
        let mut answers: Vec<Vec<Answer>> = Vec::with_capacity(n);
        for (i, p) in operands.iter().enumerate() {
            let mut row = Vec::with_capacity(n);
            for (j, q) in operands.iter().enumerate() {
                match answers.get(j) {
                    Some(mirrored) if is_symmetric => row.push(mirrored[i].clone()),
                    _ => row.extend(question.ask(p, q, &|_| {})?),
                }
                done(i * n + j + 1, n * n);
            }
            answers.push(row);
        }
        Ok(Self {
            divergence,
            names: short_names(operands),
            answers,
        })
    }

    /// As CSV: a line for each density, with its name and D(line, column) of all.
    ///
    /// # Errors
    /// If a line could not be written, which does not happen in memory.
    pub fn to_csv(&self) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = std::iter::once(String::new()).chain(self.names.iter().cloned());
        let wrong = |error: &dyn std::fmt::Display| {
            Error::usage(format!("cannot write the matrix: {error}"), "report this")
        };
        writer.write_record(header).map_err(|error| wrong(&error))?;
        for (name, row) in self.names.iter().zip(&self.answers) {
            let values = row.iter().map(|answer| answer.value.to_string());
            let record = std::iter::once(name.clone()).chain(values);
            writer.write_record(record).map_err(|error| wrong(&error))?;
        }
        let bytes = writer.into_inner().map_err(|error| wrong(&error))?;
        String::from_utf8(bytes).map_err(|error| wrong(&error))
    }
}

/// The names of files without folders and extensions, where that leaves them different.
fn short_names(operands: &[Operand]) -> Vec<String> {
    let part = |of: fn(&Path) -> Option<&OsStr>| -> Vec<String> {
        (operands.iter())
            .map(|operand| match of(Path::new(&operand.name)) {
                Some(part) => part.to_string_lossy().into_owned(),
                None => operand.name.clone(),
            })
            .collect()
    };
    let differ = |names: &[String]| {
        let different: HashSet<&String> = names.iter().collect();
        different.len() == names.len()
    };
    let full = operands
        .iter()
        .map(|operand| operand.name.clone())
        .collect();
    let shorter = [part(Path::file_stem), part(Path::file_name)];
    shorter
        .into_iter()
        .find(|names| differ(names))
        .unwrap_or(full)
}
