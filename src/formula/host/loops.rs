//! A loop for each operation, over points that stand side by side in rows.

use super::super::number::{Binary, Number, Reduction, Unary};

/// A row of numbers, or one for all points.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    Each(&'a [f64]),
    All(f64),
}

/// A row that slopes are added to. The first of them begins it.
pub(super) struct Toward<'a> {
    pub row: &'a mut [f64],
    pub begins: bool,
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

impl Toward<'_> {
    #[inline(always)]
    pub fn add(self, slopes: impl Iterator<Item = f64>) {
        let both = self.row.iter_mut().zip(slopes);
        match self.begins {
            true => both.for_each(
                #[inline(always)]
                |(to, slope)| *to = slope,
            ),
            false => both.for_each(
                #[inline(always)]
                |(to, slope)| *to += slope,
            ),
        }
    }
}

impl Row<'_> {
    #[inline(always)]
    pub fn at(self, i: usize) -> f64 {
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
                    for (y, x) in y.iter_mut().zip(x) {
                        *y = Unary::$name.value(*x);
                    }
                })+
            }
        };
    }
    for_unary!(each);
}

#[inline(always)]
pub(super) fn unary_slopes(op: Unary, x: Row, y: &[f64], along: &[f64], to: Toward) {
    let Row::Each(x) = x else { return };
    macro_rules! each {
        ($($name:ident)+) => {
            match op {
                $(Unary::$name => {
                    to.add(x.iter().zip(y).zip(along).map(
                        #[inline(always)]
                        |((x, y), along)| carried(*along, Unary::$name.slope(*x, *y)),
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

#[inline(always)]
pub(super) fn binary_slopes<const WHICH: usize>(
    op: Binary,
    both: [Row; 2],
    y: &[f64],
    along: &[f64],
    to: Toward,
) {
    macro_rules! each {
        ($($name:ident)+) => {
            match (op, both) {
                $((Binary::$name, [Row::Each(a), Row::Each(b)]) => {
                    to.add(a.iter().zip(b).zip(y).zip(along).map(
                        #[inline(always)]
                        |(((a, b), y), along)| {
                            carried(*along, Binary::$name.slopes(*a, *b, *y)[WHICH])
                        },
                    ));
                }
                (Binary::$name, [Row::Each(a), Row::All(b)]) => {
                    to.add(a.iter().zip(y).zip(along).map(
                        #[inline(always)]
                        |((a, y), along)| carried(*along, Binary::$name.slopes(*a, b, *y)[WHICH]),
                    ));
                }
                (Binary::$name, [Row::All(a), Row::Each(b)]) => {
                    to.add(b.iter().zip(y).zip(along).map(
                        #[inline(always)]
                        |((b, y), along)| carried(*along, Binary::$name.slopes(a, *b, *y)[WHICH]),
                    ));
                }
                (Binary::$name, [Row::All(_), Row::All(_)]) => {})+
            }
        };
    }
    for_binary!(each);
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
            Row::Each(x) => y.iter_mut().zip(x).for_each(|(y, x)| *y = take(*y, *x)),
            Row::All(x) => y.iter_mut().for_each(|y| *y = take(*y, x)),
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
    along: &[f64],
) -> Vec<f64> {
    let mut shares = along.to_vec();
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
