//! Functions of (log p, log q) written down step by step, for devices that make code of them.

/// A function of (log p, log q), whose steps are each worked out of those before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Formula {
    steps: Vec<Step>,
    /// Which step is the value.
    value: usize,
}

/// One step; what it is made of are the places of other steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// log p.
    LogP,
    /// log q.
    LogQ,
    /// A number, by its bits.
    Constant(u64),
    /// a + b.
    Add(usize, usize),
    /// a b.
    Multiply(usize, usize),
    /// eᵃ.
    Exp(usize),
    /// log σ(a).
    LogSigmoid(usize),
    /// tanh a.
    Tanh(usize),
    /// |a|, with the slope 0 at 0.
    Abs(usize),
}

impl Formula {
    /// Of steps that name none after themselves, one of which is the value.
    pub fn new(steps: Vec<Step>, value: usize) -> Self {
        Self { steps, value }
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Which of them is the value.
    pub fn value(&self) -> usize {
        self.value
    }

    /// The value with its slopes by log p and log q, step by step: what the code of a device is held against.
    pub fn at(&self, log_p: f64, log_q: f64) -> [f64; 3] {
        let mut made: Vec<[f64; 3]> = Vec::new();
        let chained = |[_, p, q]: [f64; 3], value, slope: f64| [value, p * slope, q * slope];
        for &step in &self.steps {
            let one = match step {
                Step::LogP => [log_p, 1.0, 0.0],
                Step::LogQ => [log_q, 0.0, 1.0],
                Step::Constant(bits) => [f64::from_bits(bits), 0.0, 0.0],
                Step::Add(a, b) => std::array::from_fn(|i| made[a][i] + made[b][i]),
                Step::Multiply(a, b) => {
                    let ([a, a_p, a_q], [b, b_p, b_q]) = (made[a], made[b]);
                    [a * b, a_p * b + a * b_p, a_q * b + a * b_q]
                }
                Step::Exp(a) => chained(made[a], made[a][0].exp(), made[a][0].exp()),
                Step::LogSigmoid(a) => {
                    let x = made[a][0];
                    let value = x.min(0.0) - (-x.abs()).exp().ln_1p();
                    chained(made[a], value, 1.0 / (1.0 + x.exp()))
                }
                Step::Tanh(a) => {
                    let value = made[a][0].tanh();
                    chained(made[a], value, 1.0 - value * value)
                }
                Step::Abs(a) => {
                    let x = made[a][0];
                    let sign = if x == 0.0 { 0.0 } else { x.signum() };
                    chained(made[a], x.abs(), sign)
                }
            };
            made.push(one);
        }
        made[self.value]
    }
}
