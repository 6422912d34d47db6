//! A program at many points on the host, with its gradient.

use rayon::prelude::*;

use super::number::{Binary, Number, Reduction, Unary};
use super::program::{Instruction, Operand, Operation, Program};

/// So many numbers of all rows together stay in a fast cache.
const IN_CACHE: usize = 1 << 13;
/// Points of one block.
const BLOCK: std::ops::RangeInclusive<usize> = 8..=512;
/// Points of one task of many.
const TASK: usize = 1 << 13;

impl Program {
    /// The value at N points `[N, D]`, and its gradient `[N, D]` where that is asked for.
    pub fn evaluate(&self, x: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        let d = self.inputs.max(1);
        let points = x.par_chunks(TASK * d).zip(values.par_chunks_mut(TASK));
        match gradient {
            None => points.for_each(|(x, values)| self.task(x, values, None)),
            Some(gradient) => points
                .zip(gradient.par_chunks_mut(TASK * d))
                .for_each(|((x, values), gradient)| self.task(x, values, Some(gradient))),
        }
    }

    fn task(&self, x: &[f64], values: &mut [f64], mut gradient: Option<&mut [f64]>) {
        let d = self.inputs;
        let width = (IN_CACHE / self.rows.max(1)).clamp(*BLOCK.start(), *BLOCK.end());
        let mut tape = vec![0.0; self.rows * width];
        let mut slopes = gradient.as_ref().map(|_| vec![0.0; self.rows * width]);
        for (block, values) in values.chunks_mut(width).enumerate() {
            let (from, n) = (block * width, values.len());
            let points = &x[from * d..(from + n) * d];
            for i in 0..d {
                let row = &mut tape[i * width..][..n];
                for (to, point) in row.iter_mut().zip(points.chunks_exact(d)) {
                    *to = point[i];
                }
            }
            let mut block = Block {
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
            for i in 0..d {
                let row = &slopes[i * width..][..n];
                for (from, point) in row.iter().zip(points.chunks_exact_mut(d)) {
                    point[i] = *from;
                }
            }
        }
    }
}

/// Some points, side by side in each row.
struct Block<'a> {
    program: &'a Program,
    /// Numbers from one row to the next.
    width: usize,
    /// Points.
    n: usize,
}

/// A row of numbers, or one for all points.
#[derive(Clone, Copy)]
enum Row<'a> {
    Each(&'a [f64]),
    All(f64),
}

/// Calls a macro with every operation of a kind, so that each has a loop of its own.
macro_rules! for_unary {
    ($do:ident) => {
        $do!(Neg Not Square Recip Exp Expm1 Log Log1p Sqrt Abs Sin Cos Tan Sinh Cosh Tanh Atan Erf
             Lgamma Sigmoid Softplus)
    };
}
macro_rules! for_binary {
    ($do:ident) => {
        $do!(Add Sub Mul Div Power Min Max Logaddexp Less LessOrEqual Equal)
    };
}

impl<'a> Block<'a> {
    fn row<'b>(&'b self, tape: &'b [f64], at: Operand) -> Row<'b> {
        match at {
            Operand::Rows { first, .. } => Row::Each(&tape[first * self.width..][..self.n]),
            Operand::Constants { first, .. } => Row::All(self.program.constants[first]),
        }
    }

    fn forward(&mut self, tape: &mut [f64]) {
        for instruction in &self.program.instructions {
            let Instruction { operation, to, len } = instruction;
            let (before, made) = tape.split_at_mut(to * self.width);
            for j in 0..*len {
                let y = &mut made[j * self.width..][..self.n];
                match operation {
                    Operation::Unary(op, x) => unary(*op, self.row(before, x.entry(j)), y),
                    Operation::Binary(op, a, b) => {
                        binary(*op, [*a, *b].map(|at| self.row(before, at.entry(j))), y);
                    }
                    Operation::Choose(c, both) => {
                        let c = self.row(before, c.entry(j));
                        let [a, b] = both.map(|at| self.row(before, at.entry(j)));
                        for i in 0..y.len() {
                            y[i] = c.at(i).choose(a.at(i), b.at(i));
                        }
                    }
                    Operation::Reduce(op, x) => {
                        let rows = |k| self.row(before, x.entry(k));
                        reduce(*op, x.len(), rows, y);
                    }
                    Operation::Join(parts) => {
                        let row = self.row(before, joined(parts, j));
                        for i in 0..y.len() {
                            y[i] = row.at(i);
                        }
                    }
                }
            }
        }
    }

    /// From the slope of the value along itself, 1, to that along each row.
    fn backward(&mut self, tape: &[f64], slopes: &mut [f64]) {
        let width = self.width;
        slopes.fill(0.0);
        let Operand::Rows { first, .. } = self.program.value else {
            return;
        };
        slopes[first * width..][..self.n].fill(1.0);
        for instruction in self.program.instructions.iter().rev() {
            let Instruction { operation, to, len } = instruction;
            let (before, made) = slopes.split_at_mut(to * width);
            for j in 0..*len {
                let along = &made[j * width..][..self.n];
                let y = &tape[(to + j) * width..][..self.n];
                let row = |at: Operand| self.row(tape, at);
                let mut tell = |at: Operand, add: &mut dyn FnMut(&mut [f64])| {
                    if let Operand::Rows { first, .. } = at {
                        add(&mut before[first * width..][..self.n]);
                    }
                };
                match operation {
                    Operation::Unary(op, x) => {
                        let x = x.entry(j);
                        tell(x, &mut |to| unary_slopes(*op, row(x), y, along, to));
                    }
                    Operation::Binary(op, a, b) => {
                        let at = [*a, *b].map(|at| at.entry(j));
                        let both = at.map(row);
                        tell(at[0], &mut |to| {
                            binary_slopes::<0>(*op, both, y, along, to);
                        });
                        tell(at[1], &mut |to| {
                            binary_slopes::<1>(*op, both, y, along, to);
                        });
                    }
                    Operation::Choose(c, both) => {
                        let c = row(c.entry(j));
                        for (second, at) in [false, true].into_iter().zip(both) {
                            tell(at.entry(j), &mut |to| {
                                for i in 0..to.len() {
                                    let is_taken = (c.at(i) == 0.0) == second;
                                    to[i] += if is_taken { along[i] } else { 0.0 };
                                }
                            });
                        }
                    }
                    Operation::Reduce(op, x) => {
                        for k in 0..x.len() {
                            let x = x.entry(k);
                            tell(x, &mut |to| reduce_slopes(*op, row(x), y, along, to));
                        }
                        // Of several that are the smallest or largest all get a share.
                    }
                    Operation::Join(parts) => tell(joined(parts, j), &mut |to| {
                        for i in 0..to.len() {
                            to[i] += along[i];
                        }
                    }),
                }
            }
        }
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

impl Row<'_> {
    #[inline(always)]
    fn at(self, i: usize) -> f64 {
        match self {
            Row::Each(row) => row[i],
            Row::All(number) => number,
        }
    }
}

/// What reaches an argument: nothing where nothing reaches the value, whatever the slope is there.
#[inline(always)]
fn carried(along: f64, slope: f64) -> f64 {
    if along == 0.0 { 0.0 } else { along * slope }
}

fn unary(op: Unary, x: Row, y: &mut [f64]) {
    let x = match x {
        Row::All(number) => return y.fill(op.value(number)),
        Row::Each(x) => x,
    };
    macro_rules! each {
        ($($name:ident)+) => {
            match op {
                $(Unary::$name => {
                    for (y, x) in y.iter_mut().zip(x) {
                        *y = Unary::$name.value(*x);
                    }
                })+
            }
        };
    }
    for_unary!(each);
}

fn unary_slopes(op: Unary, x: Row, y: &[f64], along: &[f64], to: &mut [f64]) {
    let Row::Each(x) = x else { return };
    macro_rules! each {
        ($($name:ident)+) => {
            match op {
                $(Unary::$name => {
                    for (((to, x), y), along) in to.iter_mut().zip(x).zip(y).zip(along) {
                        *to += carried(*along, Unary::$name.slope(*x, *y));
                    }
                })+
            }
        };
    }
    for_unary!(each);
}

fn binary(op: Binary, both: [Row; 2], y: &mut [f64]) {
    macro_rules! each {
        ($($name:ident)+) => {
            match (op, both) {
                $((Binary::$name, [Row::Each(a), Row::Each(b)]) => {
                    for ((y, a), b) in y.iter_mut().zip(a).zip(b) {
                        *y = Binary::$name.value(*a, *b);
                    }
                }
                (Binary::$name, [Row::Each(a), Row::All(b)]) => {
                    for (y, a) in y.iter_mut().zip(a) {
                        *y = Binary::$name.value(*a, b);
                    }
                }
                (Binary::$name, [Row::All(a), Row::Each(b)]) => {
                    for (y, b) in y.iter_mut().zip(b) {
                        *y = Binary::$name.value(a, *b);
                    }
                }
                (Binary::$name, [Row::All(a), Row::All(b)]) => {
                    y.fill(Binary::$name.value(a, b));
                })+
            }
        };
    }
    for_binary!(each);
}

fn binary_slopes<const WHICH: usize>(
    op: Binary,
    both: [Row; 2],
    y: &[f64],
    along: &[f64],
    to: &mut [f64],
) {
    macro_rules! each {
        ($($name:ident)+) => {
            match (op, both) {
                $((Binary::$name, [Row::Each(a), Row::Each(b)]) => {
                    for ((((to, a), b), y), along) in to.iter_mut().zip(a).zip(b).zip(y).zip(along) {
                        *to += carried(*along, Binary::$name.slopes(*a, *b, *y)[WHICH]);
                    }
                }
                (Binary::$name, [Row::Each(a), Row::All(b)]) => {
                    for (((to, a), y), along) in to.iter_mut().zip(a).zip(y).zip(along) {
                        *to += carried(*along, Binary::$name.slopes(*a, b, *y)[WHICH]);
                    }
                }
                (Binary::$name, [Row::All(a), Row::Each(b)]) => {
                    for (((to, b), y), along) in to.iter_mut().zip(b).zip(y).zip(along) {
                        *to += carried(*along, Binary::$name.slopes(a, *b, *y)[WHICH]);
                    }
                }
                (Binary::$name, [Row::All(_), Row::All(_)]) => {})+
            }
        };
    }
    for_binary!(each);
}

fn reduce<'a>(op: Reduction, count: usize, rows: impl Fn(usize) -> Row<'a>, y: &mut [f64]) {
    let mut fold = |by: Binary, start: f64| {
        y.fill(start);
        for k in 0..count {
            let row = rows(k);
            for (i, y) in y.iter_mut().enumerate() {
                *y = match by {
                    Binary::Add => *y + row.at(i),
                    _ => by.value(*y, row.at(i)),
                };
            }
        }
    };
    match op {
        Reduction::Sum => fold(Binary::Add, 0.0),
        Reduction::Min => fold(Binary::Min, f64::INFINITY),
        Reduction::Max => fold(Binary::Max, f64::NEG_INFINITY),
        Reduction::Logsumexp => {
            fold(Binary::Max, f64::NEG_INFINITY);
            let mut sums = vec![0.0; y.len()];
            for k in 0..count {
                let row = rows(k);
                for (i, (sum, top)) in sums.iter_mut().zip(y.iter()).enumerate() {
                    *sum += apart(row.at(i), *top).exp();
                }
            }
            for (top, sum) in y.iter_mut().zip(&sums) {
                *top += sum.ln();
            }
        }
    }
}

/// a − b, which is 0 where both are the same infinity.
#[inline(always)]
fn apart(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { a - b }
}

fn reduce_slopes(op: Reduction, x: Row, y: &[f64], along: &[f64], to: &mut [f64]) {
    for (i, to) in to.iter_mut().enumerate() {
        let slope = match op {
            Reduction::Sum => 1.0,
            Reduction::Min | Reduction::Max => f64::from(u8::from(x.at(i) == y[i])),
            Reduction::Logsumexp => apart(x.at(i), y[i]).exp(),
        };
        *to += carried(along[i], slope);
    }
}
