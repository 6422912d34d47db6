//! A loop for each operation, over points that stand side by side in rows.

use super::super::number::{Binary, Number, Reduction, Unary};

/// Numbers of all points, or one for all.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    Each(Line<'a>),
    All(f64),
}

/// `number + times · row`.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub number: f64,
    pub times: f64,
    pub row: &'a [f64],
}

/// A row that slopes are added to.
pub(super) struct Toward<'a> {
    pub row: &'a mut [f64],
    /// What they are added to, if that is not what stands in the row.
    pub before: Option<Line<'a>>,
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

impl<'a> Line<'a> {
    #[inline(always)]
    pub fn all(self) -> impl Iterator<Item = f64> + 'a {
        let Self { number, times, row } = self;
        row.iter().map(
            #[inline(always)]
            move |row| number + times * row,
        )
    }
}

impl Toward<'_> {
    #[inline(always)]
    pub fn add(self, slopes: impl Iterator<Item = f64>) {
        let Self { row, before } = self;
        // Not by for_each, which need not become part of what is compiled for the vectors of the machine.
        match before {
            Some(before) => {
                for ((to, before), slope) in row.iter_mut().zip(before.all()).zip(slopes) {
                    *to = before + slope;
                }
            }
            None => {
                for (to, slope) in row.iter_mut().zip(slopes) {
                    *to += slope;
                }
            }
        }
    }
}

impl Row<'_> {
    #[inline(always)]
    pub fn at(self, i: usize) -> f64 {
        match self {
            Row::Each(Line { number, times, row }) => number + times * row[i],
            Row::All(number) => number,
        }
    }
}

/// What reaches an argument: nothing where nothing reaches the value, whatever the slope is there.
#[inline(always)]
pub(super) fn carried(along: f64, slope: f64) -> f64 {
    if along == 0.0 { 0.0 } else { along * slope }
}

#[inline(always)]
pub(super) fn unary(op: Unary, x: Row, y: &mut [f64]) {
    let x = match x {
        Row::All(number) => return y.fill(op.value(number)),
        Row::Each(x) => x,
    };
    macro_rules! each {
        ($($name:ident)+) => {
            match op {
                $(Unary::$name => {
                    for (y, x) in y.iter_mut().zip(x.all()) {
                        *y = Unary::$name.value(x);
                    }
                })+
            }
        };
    }
    for_unary!(each);
}

#[inline(always)]
pub(super) fn unary_slopes(op: Unary, x: Row, y: &[f64], along: Line, to: Toward) {
    let Row::Each(x) = x else { return };
    macro_rules! each {
        ($($name:ident)+) => {
            match op {
                $(Unary::$name => {
                    to.add(x.all().zip(y).zip(along.all()).map(
                        #[inline(always)]
                        |((x, y), along)| carried(along, Unary::$name.slope(x, *y)),
                    ));
                })+
            }
        };
    }
    for_unary!(each);
}

#[inline(always)]
pub(super) fn binary(op: Binary, both: [Row; 2], y: &mut [f64]) {
    macro_rules! each {
        ($($name:ident)+) => {
            match (op, both) {
                $((Binary::$name, [Row::Each(a), Row::Each(b)]) => {
                    for ((y, a), b) in y.iter_mut().zip(a.all()).zip(b.all()) {
                        *y = Binary::$name.value(a, b);
                    }
                }
                (Binary::$name, [Row::Each(a), Row::All(b)]) => {
                    for (y, a) in y.iter_mut().zip(a.all()) {
                        *y = Binary::$name.value(a, b);
                    }
                }
                (Binary::$name, [Row::All(a), Row::Each(b)]) => {
                    for (y, b) in y.iter_mut().zip(b.all()) {
                        *y = Binary::$name.value(a, b);
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

#[inline(always)]
pub(super) fn binary_slopes<const WHICH: usize>(
    op: Binary,
    both: [Row; 2],
    y: &[f64],
    along: Line,
    to: Toward,
) {
    macro_rules! each {
        ($($name:ident)+) => {
            match (op, both) {
                $((Binary::$name, [Row::Each(a), Row::Each(b)]) => {
                    to.add(a.all().zip(b.all()).zip(y).zip(along.all()).map(
                        #[inline(always)]
                        |(((a, b), y), along)| {
                            carried(along, Binary::$name.slopes(a, b, *y)[WHICH])
                        },
                    ));
                }
                (Binary::$name, [Row::Each(a), Row::All(b)]) => {
                    to.add(a.all().zip(y).zip(along.all()).map(
                        #[inline(always)]
                        |((a, y), along)| carried(along, Binary::$name.slopes(a, b, *y)[WHICH]),
                    ));
                }
                (Binary::$name, [Row::All(a), Row::Each(b)]) => {
                    to.add(b.all().zip(y).zip(along.all()).map(
                        #[inline(always)]
                        |((b, y), along)| carried(along, Binary::$name.slopes(a, b, *y)[WHICH]),
                    ));
                }
                (Binary::$name, [Row::All(_), Row::All(_)]) => {})+
            }
        };
    }
    for_binary!(each);
}

/// `a` where c is not 0, `b` elsewhere.
#[inline(always)]
pub(super) fn choose(c: Row, [a, b]: [Row; 2], y: &mut [f64]) {
    let c = match c {
        Row::All(c) => return copy(if c == 0.0 { b } else { a }, y),
        Row::Each(c) => c,
    };
    copy(b, y);
    match a {
        Row::Each(a) => {
            for ((y, c), a) in y.iter_mut().zip(c.all()).zip(a.all()) {
                *y = c.choose(a, *y);
            }
        }
        Row::All(a) => {
            for (y, c) in y.iter_mut().zip(c.all()) {
                *y = c.choose(a, *y);
            }
        }
    }
}

#[inline(always)]
pub(super) fn copy(from: Row, y: &mut [f64]) {
    match from {
        Row::Each(line) => {
            for (y, x) in y.iter_mut().zip(line.all()) {
                *y = x;
            }
        }
        Row::All(number) => y.fill(number),
    }
}

#[inline(always)]
pub(super) fn reduce<'a>(
    op: Reduction,
    count: usize,
    rows: impl Fn(usize) -> Row<'a>,
    y: &mut [f64],
) {
    match op {
        Reduction::Sum => fold(count, &rows, y, 0.0, |y, x| y + x),
        Reduction::Min => fold(count, &rows, y, f64::INFINITY, |y, x| {
            Binary::Min.value(y, x)
        }),
        Reduction::Max => fold(count, &rows, y, f64::NEG_INFINITY, |y, x| {
            Binary::Max.value(y, x)
        }),
        Reduction::Logsumexp => {
            fold(count, &rows, y, f64::NEG_INFINITY, |y, x| {
                Binary::Max.value(y, x)
            });
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

/// Takes one row after the other into y.
#[inline(always)]
fn fold<'a>(
    count: usize,
    rows: &impl Fn(usize) -> Row<'a>,
    y: &mut [f64],
    start: f64,
    take: impl Fn(f64, f64) -> f64,
) {
    y.fill(start);
    for k in 0..count {
        match rows(k) {
            Row::Each(x) => {
                for (y, x) in y.iter_mut().zip(x.all()) {
                    *y = take(*y, x);
                }
            }
            Row::All(x) => {
                for y in &mut *y {
                    *y = take(*y, x);
                }
            }
        }
    }
}

/// a − b, which is 0 where both are the same infinity.
#[inline(always)]
fn apart(a: f64, b: f64) -> f64 {
    if a == b { 0.0 } else { a - b }
}

/// What of the slope along y comes to each of those it was made of: to one of several that are the smallest
/// or largest a part.
#[inline(always)]
pub(super) fn shares<'a>(
    op: Reduction,
    count: usize,
    rows: impl Fn(usize) -> Row<'a>,
    y: &[f64],
    along: Line,
) -> Vec<f64> {
    let mut shares: Vec<f64> = along.all().collect();
    if matches!(op, Reduction::Min | Reduction::Max) {
        let mut equal = vec![0.0; y.len()];
        for k in 0..count {
            let row = rows(k);
            for (i, (equal, y)) in equal.iter_mut().zip(y).enumerate() {
                *equal += row.at(i).equal(*y);
            }
        }
        for (share, equal) in shares.iter_mut().zip(&equal) {
            *share /= equal;
        }
    }
    shares
}

#[inline(always)]
pub(super) fn reduce_slopes(op: Reduction, x: Row, y: &[f64], shares: &[f64], to: Toward) {
    let both = shares.iter().zip(y).enumerate();
    match op {
        Reduction::Sum => to.add(shares.iter().copied()),
        Reduction::Min | Reduction::Max => {
            to.add(both.map(|(i, (share, y))| carried(*share, x.at(i).equal(*y))));
        }
        Reduction::Logsumexp => {
            to.add(both.map(|(i, (share, y))| carried(*share, apart(x.at(i), *y).exp())));
        }
    }
}
