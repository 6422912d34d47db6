//! A program at many points on the host, with its gradient.

mod linear;
mod loops;
mod rounding;
mod slopes;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::number::Reduction;
use super::program::{Instruction, Operand, Operation, Program, joined};
use crate::compute::kernel::cpu::Width;
use linear::Linear;
use loops::{
    Line, Row, binary, binary_slopes, choose, copy, reduce, reduce_slopes, shares, unary,
    unary_slopes,
};
use slopes::{Slopes, both_steady, steady};

/// So many numbers of all rows together stay in a fast cache.
const IN_CACHE: usize = 1 << 14;
/// Points of the widest vector.
const LANES: usize = 8;
/// Points of one block.
const BLOCK: std::ops::RangeInclusive<usize> = 8..=128;
/// At most so many numbers of all rows together, where there are more rows than points in a block.
const IN_MEMORY: usize = 1 << 22;
/// Points of one task of many.
const TASK: usize = 1 << 13;

impl Program {
    /// The value at N points `[N, D]`, and its gradient `[N, D]` where that is asked for.
    pub fn evaluate(&self, x: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        let d = self.inputs;
        let known = linear::all(self);
        // What is done at each point is the same whatever instructions do it.
        let run = |x, values, gradient| {
            Width::Widest.dispatch(Task {
                program: self,
                known: &known,
                x,
                values,
                gradient,
            });
        };
        let points = x.par_chunks(TASK * d).zip(values.par_chunks_mut(TASK));
        match gradient {
            None => points.for_each(|(x, values)| run(x, values, None)),
            Some(gradient) => (points.zip(gradient.par_chunks_mut(TASK * d)))
                .for_each(|((x, values), gradient)| run(x, values, Some(gradient))),
        }
    }
}

/// Some points. No closure: what calls one would not be compiled for the vectors of the machine.
struct Task<'a> {
    program: &'a Program,
    known: &'a [Linear],
    x: &'a [f64],
    values: &'a mut [f64],
    gradient: Option<&'a mut [f64]>,
}

impl WithSimd for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            program,
            known,
            x,
            values,
            mut gradient,
        } = self;
        let (d, rows) = (program.inputs, program.rows);
        // Rows of values and rows of slopes.
        let all = if gradient.is_some() { 2 * rows } else { rows };
        let width = (IN_CACHE / all)
            .clamp(*BLOCK.start(), *BLOCK.end())
            .min(IN_MEMORY / rows)
            .min(values.len())
            .max(1);
        // Whole vectors, unless there are fewer points than in one.
        let width = if width < LANES {
            width
        } else {
            width / LANES * LANES
        };
        let mut tape = vec![0.0; rows * width];
        let mut slopes = gradient.as_ref().map(|_| Slopes::new(rows, width));
        for (block, values) in values.chunks_mut(width).enumerate() {
            let (from, n) = (block * width, values.len());
            let points = &x[from * d..(from + n) * d];
            match d {
                1 => points_to_rows::<1>(points, &mut tape, width),
                2 => points_to_rows::<2>(points, &mut tape, width),
                3 => points_to_rows::<3>(points, &mut tape, width),
                4 => points_to_rows::<4>(points, &mut tape, width),
                _ => {
                    for i in 0..d {
                        let column = points.iter().skip(i).step_by(d);
                        for (to, from) in tape[i * width..][..n].iter_mut().zip(column) {
                            *to = *from;
                        }
                    }
                }
            }
            let block = Block {
                program,
                known,
                width,
                // Whole vectors, some of which may be of no point at the end.
                n: if n < LANES {
                    n
                } else {
                    n.next_multiple_of(LANES)
                },
            };
            block.forward(&mut tape);
            copy(block.row(&tape, program.value), values);
            let (Some(gradient), Some(slopes)) = (&mut gradient, &mut slopes) else {
                continue;
            };
            block.backward(&tape, slopes);
            let points = &mut gradient[from * d..(from + n) * d];
            let along = |i: usize| slopes.of_input(i, n);
            match d {
                1 => rows_to_points::<1>(along, points),
                2 => rows_to_points::<2>(along, points),
                3 => rows_to_points::<3>(along, points),
                4 => rows_to_points::<4>(along, points),
                _ => {
                    for i in 0..d {
                        let column = points.iter_mut().skip(i).step_by(d);
                        for (to, from) in column.zip(along(i).all()) {
                            *to = from;
                        }
                    }
                }
            }
        }
    }
}

/// Puts the coordinates of points `[n, D]` side by side in the first D rows: all in one loop, which becomes
/// shuffles of whole vectors.
#[inline(always)]
fn points_to_rows<const D: usize>(points: &[f64], mut rows: &mut [f64], width: usize) {
    let (points, _) = points.as_chunks::<D>();
    let n = points.len();
    let rows: [&mut [f64]; D] = std::array::from_fn(|_| {
        let (row, rest) = std::mem::take(&mut rows).split_at_mut(width);
        rows = rest;
        &mut row[..n]
    });
    for j in 0..n {
        for i in 0..D {
            rows[i][j] = points[j][i];
        }
    }
}

/// The other way.
#[inline(always)]
fn rows_to_points<'a, const D: usize>(along: impl Fn(usize) -> Line<'a>, points: &mut [f64]) {
    let (points, _) = points.as_chunks_mut::<D>();
    let n = points.len();
    let lines: [Line; D] = std::array::from_fn(along);
    let rows: [&[f64]; D] = std::array::from_fn(|i| &lines[i].row[..n]);
    for j in 0..n {
        for i in 0..D {
            points[j][i] = lines[i].number + lines[i].times * rows[i][j];
        }
    }
}

/// Some points, side by side in each row.
struct Block<'a> {
    program: &'a Program,
    /// What each row is made of.
    known: &'a [Linear],
    /// Numbers from one row to the next.
    width: usize,
    /// Points.
    n: usize,
}

impl Block<'_> {
    #[inline(always)]
    fn row<'b>(&'b self, tape: &'b [f64], at: Operand) -> Row<'b> {
        match at {
            Operand::Rows { first, .. } => {
                let known = self.known[first];
                Row::Each(known.of(&tape[known.row * self.width..][..self.n]))
            }
            Operand::Constants { first, .. } => Row::All(self.program.constants[first].value),
        }
    }

    #[inline(always)]
    fn forward(&self, tape: &mut [f64]) {
        for instruction in &self.program.instructions {
            let Instruction { operation, to, len } = instruction;
            let (before, made) = tape.split_at_mut(to * self.width);
            let row = |at: Operand| self.row(before, at);
            for j in (0..*len).filter(|j| self.known[to + j].row == to + j) {
                let y = &mut made[j * self.width..][..self.n];
                match operation {
                    Operation::Unary(op, x) => unary(*op, row(x.entry(j)), y),
                    Operation::Binary(op, a, b) => {
                        binary(*op, [row(a.entry(j)), row(b.entry(j))], y)
                    }
                    Operation::Choose(c, both) => {
                        choose(row(c.entry(j)), both.map(|at| row(at.entry(j))), y);
                    }
                    Operation::Reduce(op, x) => reduce(*op, x.len(), |k| row(x.entry(k)), y),
                    Operation::Join(parts) => copy(row(joined(parts, j)), y),
                }
            }
        }
    }

    /// From the slope of the value along itself, 1, to that along each row.
    #[inline(always)]
    fn backward(&self, tape: &[f64], slopes: &mut Slopes) {
        let Operand::Rows { first, .. } = self.program.value else {
            return slopes.begin(None);
        };
        slopes.begin(Some(first));
        let row = |at: Operand| self.row(tape, at);
        for Instruction { operation, to, len } in self.program.instructions.iter().rev() {
            for j in 0..*len {
                let Some(along) = slopes.along(to + j) else {
                    continue;
                };
                let y = &tape[(to + j) * self.width..][..self.n];
                let mut before = slopes.before(*to, self.n);
                let line = before.line(along);
                match operation {
                    Operation::Unary(op, x) => {
                        let x = x.entry(j);
                        match steady(*op) {
                            Some(slope) => before.pass(x, along, slope),
                            None => {
                                if let Some(to) = before.toward(x) {
                                    unary_slopes(*op, row(x), y, line, to);
                                }
                            }
                        }
                    }
                    Operation::Binary(op, a, b) => {
                        let at = [a.entry(j), b.entry(j)];
                        let both = [row(at[0]), row(at[1])];
                        let [of_a, of_b] = both_steady(*op, both);
                        match of_a {
                            Some(slope) => before.pass(at[0], along, slope),
                            None => {
                                if let Some(to) = before.toward(at[0]) {
                                    binary_slopes::<0>(*op, both, y, line, to);
                                }
                            }
                        }
                        match of_b {
                            Some(slope) => before.pass(at[1], along, slope),
                            None => {
                                if let Some(to) = before.toward(at[1]) {
                                    binary_slopes::<1>(*op, both, y, line, to);
                                }
                            }
                        }
                    }
                    Operation::Choose(c, both) => {
                        let c = row(c.entry(j));
                        for (second, at) in [false, true].into_iter().zip(both) {
                            match c {
                                Row::All(c) if (c == 0.0) != second => {}
                                Row::All(_) => before.pass(at.entry(j), along, 1.0),
                                Row::Each(c) => {
                                    if let Some(to) = before.toward(at.entry(j)) {
                                        to.add(line.all().zip(c.all()).map(
                                            #[inline(always)]
                                            |(along, c)| {
                                                let is_taken = (c == 0.0) == second;
                                                if is_taken { along } else { 0.0 }
                                            },
                                        ));
                                    }
                                }
                            }
                        }
                    }
                    Operation::Reduce(Reduction::Sum, x) => {
                        for k in 0..x.len() {
                            before.pass(x.entry(k), along, 1.0);
                        }
                    }
                    Operation::Reduce(op, x) => {
                        let rows = |k| row(x.entry(k));
                        let shares = shares(*op, x.len(), rows, y, line);
                        for k in 0..x.len() {
                            if let Some(to) = before.toward(x.entry(k)) {
                                reduce_slopes(*op, rows(k), y, &shares, to);
                            }
                        }
                    }
                    Operation::Join(parts) => before.pass(joined(parts, j), along, 1.0),
                }
            }
        }
    }
}
