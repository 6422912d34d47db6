//! What a program says of a batch of points.

use std::io::Read;

use crate::files::npy::{Header, NpyArray};
use crate::given::LogDensities;
use crate::text;

/// Bytes of the longest numbers there are.
const LONGEST_NUMBER: usize = 8;
/// What is wrong where a program is there no more.
pub const NO_ANSWER: &str = "has ended without an answer";

/// What a program says of N points of D coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Numbers of each point: 1, or 1 + D with the gradient.
    pub width: usize,
    /// Log p of each point, and behind it its gradient.
    pub values: Vec<f64>,
}

impl Answer {
    /// Whether the gradient is told.
    pub fn has_gradient(&self) -> bool {
        self.width > 1
    }

    /// Log p and its gradient apart.
    pub fn parted(self) -> LogDensities {
        if !self.has_gradient() {
            return LogDensities {
                values: self.values,
                gradient: None,
            };
        }
        let rows = self.values.chunks_exact(self.width);
        LogDensities {
            values: rows.clone().map(|row| row[0]).collect(),
            gradient: Some(rows.flat_map(|row| &row[1..]).copied().collect()),
        }
    }

    /// Reads it, and nothing behind it. Room is made only for what was asked for: a header may promise anything.
    ///
    /// # Errors
    /// What is wrong with it, to follow the name of the program: "has ended ...".
    pub fn read(stdout: &mut impl Read, count: usize, dim: usize) -> Result<Self, String> {
        let mut first = [0];
        if stdout.read_exact(&mut first).is_err() {
            return Err(NO_ANSWER.to_owned());
        }
        if first[0] != b'\x93' {
            let mut said = vec![first[0]];
            // What is there already, up to a line.
            let mut rest = [0; 60];
            let more = stdout.read(&mut rest).unwrap_or(0);
            said.extend_from_slice(&rest[..more]);
            let said = String::from_utf8_lossy(&said);
            let line = said.lines().next().unwrap_or_default();
            return Err(format!(
                "wrote \"{}\" to standard output, which is for arrays",
                text::brief(line)
            ));
        }
        let no_array = |error: String| format!("gave an answer that {error}");
        let header = Header::read(&mut first.as_slice().chain(&mut *stdout)).map_err(no_array)?;
        let width = match *header.shape() {
            [n] if n == count => 1,
            [n, width] if n == count && (width == 1 || width == 1 + dim) => width,
            _ => {
                let shape: Vec<_> = header.shape().iter().map(usize::to_string).collect();
                return Err(format!(
                    "answered {} with an array of shape ({}{})",
                    text::count(count, "point"),
                    shape.join(", "),
                    if shape.len() == 1 { "," } else { "" },
                ));
            }
        };
        let most = LONGEST_NUMBER * count * width;
        let len = (header.data_len().filter(|len| *len <= most))
            .ok_or("gave an answer that is not of numbers of at most 64 bits")?;
        let mut data = vec![0; len];
        if stdout.read_exact(&mut data).is_err() {
            return Err("has ended in the middle of an answer".to_owned());
        }
        let NpyArray { values, .. } = NpyArray::decode(&header, &data).map_err(no_array)?;
        Ok(Self { width, values })
    }
}
