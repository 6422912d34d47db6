//! A program at many points on the host, with its gradient.

mod loops;

use rayon::prelude::*;

use super::number::Number;
use super::program::{Instruction, Operand, Operation, Program};
use crate::compute::kernel::cpu::Width;
use loops::{
    Row, Toward, binary, binary_slopes, reduce, reduce_slopes, shares, unary, unary_slopes,
};

/// So many numbers of all rows together stay in a fast cache.
const IN_CACHE: usize = 1 << 13;
/// Points of one block.
const BLOCK: std::ops::RangeInclusive<usize> = 8..=256;
/// At most so many numbers of all rows together, where there are more rows than points in a block.
const IN_MEMORY: usize = 1 << 22;
/// Points of one task of many.
const TASK: usize = 1 << 13;

impl Program {
    /// The value at N points `[N, D]`, and its gradient `[N, D]` where that is asked for.
    pub fn evaluate(&self, x: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        let d = self.inputs;
        let points = x.par_chunks(TASK * d).zip(values.par_chunks_mut(TASK));
        // What is done at each point is the same whatever instructions do it.
        match gradient {
            None => points.for_each(|(x, values)| {
                Width::Widest.dispatch(
                    #[inline(always)]
                    || self.task(x, values, None),
                );
            }),
            Some(gradient) => (points.zip(gradient.par_chunks_mut(TASK * d))).for_each(
                |((x, values), gradient)| {
                    Width::Widest.dispatch(
                        #[inline(always)]
                        || self.task(x, values, Some(gradient)),
                    );
                },
            ),
        }
    }

    #[inline(always)]
    fn task(&self, x: &[f64], values: &mut [f64], mut gradient: Option<&mut [f64]>) {
        let d = self.inputs;
        let width = (IN_CACHE / self.rows)
            .clamp(*BLOCK.start(), *BLOCK.end())
            .min(IN_MEMORY / self.rows)
            .min(values.len())
            .max(1);
        let mut tape = vec![0.0; self.rows * width];
        let mut slopes = gradient.as_ref().map(|_| Slopes {
            numbers: vec![0.0; self.rows * width],
            begun: vec![false; self.rows],
        });
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
                        let row = tape[i * width..][..n].iter_mut();
                        row.zip(column).for_each(|(to, from)| *to = *from);
                    }
                }
            }
            let block = Block {
                program: self,
                width,
                n,
            };
            block.forward(&mut tape);
            match self.value {
                Operand::Rows { first, .. } => values.copy_from_slice(&tape[first * width..][..n]),
                Operand::Constants { first, .. } => values.fill(self.constants[first]),
            }
            let (Some(gradient), Some(slopes)) = (&mut gradient, &mut slopes) else {
                continue;
            };
            block.backward(&tape, slopes);
            let points = &mut gradient[from * d..(from + n) * d];
            for i in (0..d).filter(|i| !slopes.begun[*i]) {
                slopes.numbers[i * width..][..n].fill(0.0);
            }
            match d {
                1 => rows_to_points::<1>(&slopes.numbers, points, width),
                2 => rows_to_points::<2>(&slopes.numbers, points, width),
                3 => rows_to_points::<3>(&slopes.numbers, points, width),
                4 => rows_to_points::<4>(&slopes.numbers, points, width),
                _ => {
                    for i in 0..d {
                        let column = points.iter_mut().skip(i).step_by(d);
                        let row = slopes.numbers[i * width..][..n].iter();
                        row.zip(column).for_each(|(from, to)| *to = *from);
                    }
                }
            }
        }
    }
}

/// Puts the coordinates of points `[n, D]` side by side in the first D rows: all in one loop, which becomes
/// shuffles of whole vectors.
#[inline(always)]
fn points_to_rows<const D: usize>(points: &[f64], rows: &mut [f64], width: usize) {
    let (points, _) = points.as_chunks::<D>();
    let mut each = rows.chunks_mut(width);
    let rows: [&mut [f64]; D] = std::array::from_fn(|_| match each.next() {
        Some(row) => &mut row[..points.len()],
        None => &mut [],
    });
    for (j, point) in points.iter().enumerate() {
        for i in 0..D {
            rows[i][j] = point[i];
        }
    }
}

/// The other way.
#[inline(always)]
fn rows_to_points<const D: usize>(rows: &[f64], points: &mut [f64], width: usize) {
    let (points, _) = points.as_chunks_mut::<D>();
    let mut each = rows.chunks(width);
    let rows: [&[f64]; D] = std::array::from_fn(|_| match each.next() {
        Some(row) => &row[..points.len()],
        None => &[],
    });
    for (j, point) in points.iter_mut().enumerate() {
        for i in 0..D {
            point[i] = rows[i][j];
        }
    }
}

/// The slope of the value along each row.
struct Slopes {
    numbers: Vec<f64>,
    /// Whether anything reached a row; what stands in others is old.
    begun: Vec<bool>,
}

/// Some points, side by side in each row.
struct Block<'a> {
    program: &'a Program,
    /// Numbers from one row to the next.
    width: usize,
    /// Points.
    n: usize,
}

impl Block<'_> {
    #[inline(always)]
    fn row<'b>(&'b self, tape: &'b [f64], at: Operand) -> Row<'b> {
        match at {
            Operand::Rows { first, .. } => Row::Each(&tape[first * self.width..][..self.n]),
            Operand::Constants { first, .. } => Row::All(self.program.constants[first]),
        }
    }

    #[inline(always)]
    fn forward(&self, tape: &mut [f64]) {
        for instruction in &self.program.instructions {
            let Instruction { operation, to, len } = instruction;
            let (before, made) = tape.split_at_mut(to * self.width);
            let row = |at: Operand| self.row(before, at);
            for j in 0..*len {
                let y = &mut made[j * self.width..][..self.n];
                match operation {
                    Operation::Unary(op, x) => unary(*op, row(x.entry(j)), y),
                    Operation::Binary(op, a, b) => {
                        binary(*op, [row(a.entry(j)), row(b.entry(j))], y)
                    }
                    Operation::Choose(c, both) => {
                        let c = row(c.entry(j));
                        let [a, b] = [row(both[0].entry(j)), row(both[1].entry(j))];
                        for (i, y) in y.iter_mut().enumerate() {
                            *y = c.at(i).choose(a.at(i), b.at(i));
                        }
                    }
                    Operation::Reduce(op, x) => reduce(*op, x.len(), |k| row(x.entry(k)), y),
                    Operation::Join(parts) => match row(joined(parts, j)) {
                        Row::Each(x) => y.copy_from_slice(x),
                        Row::All(number) => y.fill(number),
                    },
                }
            }
        }
    }

    /// From the slope of the value along itself, 1, to that along each row.
    #[inline(always)]
    fn backward(&self, tape: &[f64], slopes: &mut Slopes) {
        let width = self.width;
        slopes.begun.fill(false);
        let Operand::Rows { first, .. } = self.program.value else {
            return;
        };
        slopes.numbers[first * width..][..self.n].fill(1.0);
        slopes.begun[first] = true;
        for instruction in self.program.instructions.iter().rev() {
            let Instruction { operation, to, len } = instruction;
            let (before, made) = slopes.numbers.split_at_mut(to * width);
            let (begun, is_reached) = slopes.begun.split_at_mut(*to);
            let row = |at: Operand| self.row(tape, at);
            for j in (0..*len).filter(|j| is_reached[*j]) {
                let along = &made[j * width..][..self.n];
                let y = &tape[(to + j) * width..][..self.n];
                match operation {
                    Operation::Unary(op, x) => {
                        let x = x.entry(j);
                        if let Some(to) = self.toward(before, begun, x) {
                            unary_slopes(*op, row(x), y, along, to);
                        }
                    }
                    Operation::Binary(op, a, b) => {
                        let at = [a.entry(j), b.entry(j)];
                        let both = [row(at[0]), row(at[1])];
                        if let Some(to) = self.toward(before, begun, at[0]) {
                            binary_slopes::<0>(*op, both, y, along, to);
                        }
                        if let Some(to) = self.toward(before, begun, at[1]) {
                            binary_slopes::<1>(*op, both, y, along, to);
                        }
                    }
                    Operation::Choose(c, both) => {
                        let c = row(c.entry(j));
                        for (second, at) in [false, true].into_iter().zip(both) {
                            if let Some(to) = self.toward(before, begun, at.entry(j)) {
                                to.add(along.iter().enumerate().map(|(i, along)| {
                                    let is_taken = (c.at(i) == 0.0) == second;
                                    if is_taken { *along } else { 0.0 }
                                }));
                            }
                        }
                    }
                    Operation::Reduce(op, x) => {
                        let rows = |k| row(x.entry(k));
                        let shares = shares(*op, x.len(), rows, y, along);
                        for k in 0..x.len() {
                            if let Some(to) = self.toward(before, begun, x.entry(k)) {
                                reduce_slopes(*op, rows(k), y, &shares, to);
                            }
                        }
                    }
                    Operation::Join(parts) => {
                        if let Some(to) = self.toward(before, begun, joined(parts, j)) {
                            to.add(along.iter().copied());
                        }
                    }
                }
            }
        }
    }

    /// Where slopes along an operand are added up; `None` for constants.
    #[inline(always)]
    fn toward<'b>(
        &self,
        slopes: &'b mut [f64],
        begun: &mut [bool],
        at: Operand,
    ) -> Option<Toward<'b>> {
        let Operand::Rows { first, .. } = at else {
            return None;
        };
        let begins = !std::mem::replace(&mut begun[first], true);
        let row = &mut slopes[first * self.width..][..self.n];
        Some(Toward { row, begins })
    }
}

/// Entry j of several lists one after the other.
fn joined(parts: &[Operand], mut j: usize) -> Operand {
    for part in parts {
        if j < part.len() {
            return part.entry(j);
        }
        j -= part.len();
    }
    Operand::default()
}
