//! The slope of the value along each row, from the last row to the first.
//!
//! A sum passes on what comes to it, and a product with a number so many times as much. Nothing is computed
//! for that: such slopes are a line of those along a later row, and only what varies has a row of its own.

use super::super::number::{Binary, Unary};
use super::super::program::Operand;
use super::linear::Linear;
use super::loops::{Line, Row, Toward, carried};

/// What is known of the slopes of a block.
pub(super) struct Slopes {
    /// Numbers from one row to the next.
    width: usize,
    /// Those that vary, each where its row is; and behind them a row of zeros.
    numbers: Vec<f64>,
    /// By rows; `None` where nothing reaches.
    known: Vec<Option<Linear>>,
}

impl Slopes {
    pub fn new(rows: usize, width: usize) -> Self {
        Self {
            width,
            numbers: vec![0.0; (rows + 1) * width],
            known: vec![None; rows],
        }
    }

    /// That of the value along itself is 1.
    pub fn begin(&mut self, value: Option<usize>) {
        self.known.fill(None);
        if let Some(value) = value {
            self.known[value] = Some(self.level(1.0));
        }
    }

    /// The slope along a row, if it is reached.
    pub fn along(&self, row: usize) -> Option<Linear> {
        self.known[row]
    }

    /// The same number at all points.
    fn level(&self, number: f64) -> Linear {
        Linear {
            number,
            times: 0.0,
            row: self.known.len(),
        }
    }

    /// The slopes of n points along a coordinate.
    #[inline(always)]
    pub fn of_input(&self, row: usize, n: usize) -> Line<'_> {
        let slope = self.known[row].unwrap_or_else(|| self.level(0.0));
        slope.of(&self.numbers[slope.row * self.width..][..n])
    }

    /// What a row makes known of those before it, at n points.
    #[inline(always)]
    pub fn before(&mut self, row: usize, n: usize) -> Before<'_> {
        let nothing = self.level(0.0);
        let (rows, after) = self.numbers.split_at_mut(row * self.width);
        Before {
            width: self.width,
            n,
            nothing,
            rows,
            after,
            known: &mut self.known,
        }
    }
}

/// So many times a slope, unless that could be told from what is multiplied at each point by more than a rounding.
fn scaled(slope: Linear, by: f64) -> Option<Linear> {
    let is_safe = |number: f64| number == 0.0 || (number * by).is_normal();
    // A sum that is 0 stays 0.
    let is_sum = slope.number != 0.0 && slope.times != 0.0;
    let keeps = by.abs() == 1.0 || !is_sum && is_safe(slope.number) && is_safe(slope.times);
    keeps.then_some(Linear {
        number: slope.number * by,
        times: slope.times * by,
        row: slope.row,
    })
}

/// Two slopes together, unless that takes a loop.
fn sum(one: Linear, other: Linear) -> Option<Linear> {
    let row = match (one.times == 0.0, other.times == 0.0) {
        (_, true) => one.row,
        (true, false) => other.row,
        (false, false) if one.row == other.row => one.row,
        (false, false) => return None,
    };
    Some(Linear {
        number: one.number + other.number,
        times: one.times + other.times,
        row,
    })
}

/// The slopes that a row adds to, and those it adds.
pub(super) struct Before<'a> {
    width: usize,
    n: usize,
    nothing: Linear,
    rows: &'a mut [f64],
    /// From the row on.
    after: &'a [f64],
    known: &'a mut [Option<Linear>],
}

impl<'a> Before<'a> {
    /// The numbers of a slope along the row or a later one.
    #[inline(always)]
    pub fn line(&self, slope: Linear) -> Line<'a> {
        let from = slope.row * self.width - self.rows.len();
        slope.of(&self.after[from..][..self.n])
    }

    /// Where slopes along an operand that differ from point to point are added up; `None` for constants.
    #[inline(always)]
    pub fn toward(&mut self, at: Operand) -> Option<Toward<'_>> {
        let Operand::Rows { first, .. } = at else {
            return None;
        };
        let before = match self.known[first] {
            Some(known) if known.row == first => None,
            known => Some(known.unwrap_or(self.nothing)),
        };
        if before.is_some() {
            self.known[first] = Some(Linear::row(first));
        }
        let before = before.map(|slope| self.line(slope));
        let row = &mut self.rows[first * self.width..][..self.n];
        Some(Toward { row, before })
    }

    /// Adds so many times the slope along the row, the same at all points, to that along an operand.
    #[inline(always)]
    pub fn pass(&mut self, at: Operand, along: Linear, by: f64) {
        let Operand::Rows { first, .. } = at else {
            return;
        };
        if by == 0.0 {
            return;
        }
        let sum = match (scaled(along, by), self.known[first]) {
            (Some(scaled), Some(known)) => sum(known, scaled),
            (scaled, None) => scaled,
            (None, _) => None,
        };
        if sum.is_some() {
            self.known[first] = sum;
            return;
        }
        let along = self.line(along);
        if let Some(to) = self.toward(at) {
            to.add(along.all().map(
                #[inline(always)]
                |along| carried(along, by),
            ));
        }
    }
}

/// The slope of an operation on one number, where it is the same everywhere.
#[inline(always)]
pub(super) fn steady(op: Unary) -> Option<f64> {
    match op {
        Unary::Neg => Some(-1.0),
        Unary::Not => Some(0.0),
        _ => None,
    }
}

/// The slopes of an operation on two numbers, where they are the same at all points.
#[inline(always)]
pub(super) fn both_steady(op: Binary, both: [Row; 2]) -> [Option<f64>; 2] {
    match (op, both) {
        (Binary::Add, _) => [Some(1.0), Some(1.0)],
        (Binary::Sub, _) => [Some(1.0), Some(-1.0)],
        (Binary::Mul, [_, Row::All(b)]) => [Some(b), None],
        (Binary::Mul, [Row::All(a), _]) => [None, Some(a)],
        (Binary::Div, [_, Row::All(b)]) => [Some(1.0 / b), None],
        (Binary::Less | Binary::LessOrEqual | Binary::Equal, _) => [Some(0.0), Some(0.0)],
        _ => [None, None],
    }
}
