//! A program at many points on a device, with its gradient.

use burn::tensor::{Tensor, TensorData};

use super::number::{Number, Reduction};
use super::program::{Operand, Operation, Program};

/// Numbers `[R, S, 1]`, or a list of them at each point `[R, S, n]`.
#[derive(Debug, Clone)]
struct Lanes(Tensor<3>);

impl Lanes {
    fn with(self, other: Self, f: impl FnOnce(Tensor<3>, Tensor<3>) -> Tensor<3>) -> Self {
        let (a, b) = (self.0.dims(), other.0.dims());
        let shape: [usize; 3] = std::array::from_fn(|i| a[i].max(b[i]));
        let spread = |tensor: Tensor<3>| match tensor.dims() == shape {
            true => tensor,
            false => tensor.expand(shape),
        };
        Self(f(spread(self.0), spread(other.0)))
    }
}

impl Number for Lanes {
    fn of(&self, value: f64) -> Self {
        Self(Tensor::full(
            [1, 1, 1],
            value,
            (&self.0.device(), self.0.dtype()),
        ))
    }

    fn add(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    fn sub(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    fn mul(self, other: Self) -> Self {
        self.with(other, |a, b| a * b)
    }

    fn div(self, other: Self) -> Self {
        self.with(other, |a, b| a / b)
    }

    fn neg(self) -> Self {
        Self(-self.0)
    }

    fn exp(self) -> Self {
        Self(self.0.exp())
    }

    /// (e^x − 1) x / log(e^x), where the errors of the two cancel (Higham 2002, §1.14.1).
    fn expm1(self) -> Self {
        let x = self.0;
        let up = x.clone().exp();
        let off = up.clone() - 1.0;
        let exact = off.clone() * x.clone() / up.clone().log();
        // Where e^x is 1 it is x; where it is far from 1 nothing cancels.
        let is_flat = off.clone().equal_elem(0.0);
        let is_far = off.clone().abs().greater_elem(0.5);
        Self(exact.mask_where(is_far, off).mask_where(is_flat, x))
    }

    fn log(self) -> Self {
        Self(self.0.log())
    }

    fn log1p(self) -> Self {
        Self(self.0.log1p())
    }

    fn sqrt(self) -> Self {
        Self(self.0.sqrt())
    }

    fn abs(self) -> Self {
        Self(self.0.abs())
    }

    fn sin(self) -> Self {
        Self(self.0.sin())
    }

    fn cos(self) -> Self {
        Self(self.0.cos())
    }

    fn tanh(self) -> Self {
        Self(self.0.tanh())
    }

    fn atan(self) -> Self {
        Self(self.0.atan())
    }

    fn erf(self) -> Self {
        Self(self.0.erf())
    }

    fn power(self, exponent: Self) -> Self {
        self.with(exponent, Tensor::powf)
    }

    fn less(self, than: Self) -> Self {
        self.with(than, |a, b| {
            let dtype = a.dtype();
            a.lower(b).float().cast(dtype)
        })
    }

    fn equal(self, to: Self) -> Self {
        self.with(to, |a, b| {
            let dtype = a.dtype();
            a.equal(b).float().cast(dtype)
        })
    }

    fn choose(self, one: Self, other: Self) -> Self {
        let (is_true, one) = {
            let shape = [&self, &one, &other]
                .map(|lanes| lanes.0.dims())
                .into_iter()
                .reduce(|a, b| std::array::from_fn(|i| a[i].max(b[i])))
                .unwrap_or([1; 3]);
            let is_true = self.0.expand(shape).not_equal_elem(0.0);
            (is_true, one.0.expand(shape))
        };
        let other = other.0.expand(one.dims());
        Self(other.mask_where(is_true, one))
    }
}

impl Program {
    /// The value `[R, S]` at x `[R, S, D]`, and its gradient `[R, S, D]`; neither is tracked.
    pub fn on_device(&self, x: Tensor<3>) -> (Tensor<2>, Tensor<3>) {
        let [runs, points, _] = x.dims();
        let like = Lanes(x.clone());
        let tape = Tape {
            program: self,
            like: like.of(0.0),
            x,
            made: Vec::with_capacity(self.instructions.len()),
        };
        let tape = tape.forward();
        let value = tape.at(self.value);
        let gradient = tape.backward();
        let spread = |tensor: Tensor<3>, n| tensor.expand([runs, points, n]);
        (
            spread(value.0, 1).reshape([runs, points]),
            spread(gradient, self.inputs),
        )
    }
}

/// What each operation made.
struct Tape<'a> {
    program: &'a Program,
    /// A number of the kind that is computed with.
    like: Lanes,
    x: Tensor<3>,
    made: Vec<Lanes>,
}

impl Tape<'_> {
    /// The operation that made some rows and their place in it; `None` for coordinates.
    fn source(&self, first: usize) -> Option<(usize, usize)> {
        let source = self.program.source(first)?;
        Some((source, first - self.program.instructions[source].to))
    }

    fn at(&self, at: Operand) -> Lanes {
        match at {
            Operand::Constants { first, len } => {
                let numbers = &self.program.constants[first..first + len];
                match numbers {
                    [number] => self.like.of(number.value),
                    _ => {
                        let device = self.like.0.device();
                        let numbers = numbers.iter().map(|number| number.value).collect();
                        let data = TensorData::new(numbers, [1, 1, len]);
                        Lanes(Tensor::from_data(data, (&device, self.like.0.dtype())))
                    }
                }
            }
            Operand::Rows { first, len } => {
                let (tensor, from) = match self.source(first) {
                    Some((source, from)) => (&self.made[source].0, from),
                    None => (&self.x, first),
                };
                match tensor.dims()[2] == len {
                    true => Lanes(tensor.clone()),
                    false => Lanes(tensor.clone().narrow(2, from, len)),
                }
            }
        }
    }

    fn forward(mut self) -> Self {
        for instruction in &self.program.instructions {
            let made = match &instruction.operation {
                Operation::Unary(op, x) => op.value(self.at(*x)),
                Operation::Binary(op, a, b) => op.value(self.at(*a), self.at(*b)),
                Operation::Choose(c, [a, b]) => self.at(*c).choose(self.at(*a), self.at(*b)),
                Operation::Reduce(op, x) => reduce(*op, self.at(*x)),
                Operation::Join(parts) => {
                    let parts: Vec<Lanes> = parts.iter().map(|part| self.at(*part)).collect();
                    let [runs, points, _] = self.x.dims();
                    let spread = |lanes: Lanes| {
                        let n = lanes.0.dims()[2];
                        lanes.0.expand([runs, points, n])
                    };
                    Lanes(Tensor::cat(parts.into_iter().map(spread).collect(), 2))
                }
            };
            self.made.push(made);
        }
        self
    }

    fn backward(self) -> Tensor<3> {
        let [runs, points, d] = self.x.dims();
        let zeros = |n: usize| {
            self.x
                .zeros_like()
                .narrow(2, 0, 1)
                .expand([runs, points, n])
        };
        // Of the coordinates first, then of each operation.
        let mut slopes: Vec<Option<Tensor<3>>> = vec![None; self.made.len() + 1];
        let tell = |slopes: &mut Vec<Option<Tensor<3>>>, at: Operand, along: Lanes| {
            let Operand::Rows { first, len } = at else {
                return;
            };
            let (place, from, rows) = match self.source(first) {
                Some((source, from)) => (source + 1, from, self.program.instructions[source].len),
                None => (0, first, d),
            };
            // One number for all entries gets what reaches each of them.
            let along = match along.0.dims()[2] {
                n if n == len => along.0,
                _ if len == 1 => along.0.sum_dim(2),
                _ => {
                    let [runs, points, _] = along.0.dims();
                    along.0.expand([runs, points, len])
                }
            };
            let along = along.expand([runs, points, len]);
            let along = match rows == len {
                true => along,
                false => {
                    let beside = |n: usize| (n > 0).then(|| zeros(n));
                    let parts = [beside(from), Some(along), beside(rows - from - len)];
                    Tensor::cat(parts.into_iter().flatten().collect(), 2)
                }
            };
            slopes[place] = Some(match slopes[place].take() {
                Some(known) => known + along,
                None => along,
            });
        };
        tell(&mut slopes, self.program.value, self.like.of(1.0));
        for (place, instruction) in self.program.instructions.iter().enumerate().rev() {
            let Some(along) = slopes[place + 1].take() else {
                continue;
            };
            let along = Lanes(along);
            let y = self.made[place].clone();
            match &instruction.operation {
                Operation::Unary(op, x) => {
                    let slope = op.slope(self.at(*x), y);
                    tell(&mut slopes, *x, carried(along, slope));
                }
                Operation::Binary(op, a, b) => {
                    let both = op.slopes(self.at(*a), self.at(*b), y);
                    for (at, slope) in [*a, *b].into_iter().zip(both) {
                        tell(&mut slopes, at, carried(along.clone(), slope));
                    }
                }
                Operation::Choose(c, both) => {
                    let c = self.at(*c);
                    let none = c.of(0.0);
                    let parts = [
                        c.clone().choose(along.clone(), none.clone()),
                        c.choose(none, along),
                    ];
                    for (at, part) in both.iter().zip(parts) {
                        tell(&mut slopes, *at, part);
                    }
                }
                Operation::Reduce(op, x) => {
                    let slope = reduction_slope(*op, self.at(*x), y);
                    tell(&mut slopes, *x, carried(along, slope));
                }
                Operation::Join(parts) => {
                    let mut from = 0;
                    for part in parts {
                        let own = along.0.clone().narrow(2, from, part.len());
                        tell(&mut slopes, *part, Lanes(own));
                        from += part.len();
                    }
                }
            }
        }
        slopes[0].take().unwrap_or_else(|| self.x.zeros_like())
    }
}

/// What reaches an argument: nothing where nothing reaches the value, whatever the slope is there.
fn carried(along: Lanes, slope: Lanes) -> Lanes {
    let none = along.of(0.0);
    let nothing = along.clone().equal(none.clone());
    nothing.choose(none, along.mul(slope))
}

fn reduce(op: Reduction, x: Lanes) -> Lanes {
    match op {
        Reduction::Sum => Lanes(x.0.sum_dim(2)),
        Reduction::Min => Lanes(x.0.min_dim(2)),
        Reduction::Max => Lanes(x.0.max_dim(2)),
        Reduction::Logsumexp => {
            let top = Lanes(x.0.clone().max_dim(2));
            let sum = Lanes(apart(x, top.clone()).exp().0.sum_dim(2));
            sum.log().add(top)
        }
    }
}

/// a − b, which is 0 where both are the same infinity.
fn apart(a: Lanes, b: Lanes) -> Lanes {
    let same = a.clone().equal(b.clone());
    let none = a.of(0.0);
    same.choose(none, a.sub(b))
}

fn reduction_slope(op: Reduction, x: Lanes, y: Lanes) -> Lanes {
    match op {
        Reduction::Sum => x.of(1.0),
        // Those that are the smallest or largest share it.
        Reduction::Min | Reduction::Max => {
            let share = x.equal(y);
            let count = Lanes(share.0.clone().sum_dim(2));
            share.div(count)
        }
        Reduction::Logsumexp => apart(x, y).exp(),
    }
}
