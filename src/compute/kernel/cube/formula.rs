//! A function of (log p, log q) as code of a device, with its slopes carried along.

use cubecl::prelude::*;

use super::super::formula::{Formula, Step};

/// f(log p, log q) with its slopes by log p and log q.
#[cube]
pub fn evaluate<F: Float>(log_p: F, log_q: F, #[comptime] formula: Formula) -> (F, F, F) {
    let mut made = Sequence::<(F, F, F)>::new();
    let steps = comptime!(formula.steps().len());
    #[unroll]
    for n in 0..steps {
        let step = comptime!(formula.steps()[n]);
        made.push(evaluate_step::<F>(log_p, log_q, &made, step));
    }
    made[formula.value()]
}

#[cube]
fn evaluate_step<F: Float>(
    log_p: F,
    log_q: F,
    made: &Sequence<(F, F, F)>,
    #[comptime] step: Step,
) -> (F, F, F) {
    let zero = F::new(0.0);
    let one = F::new(1.0);
    match step {
        Step::LogP => (log_p, one, zero),
        Step::LogQ => (log_q, zero, one),
        Step::Constant(bits) => (F::cast_from(comptime!(f64::from_bits(bits))), zero, zero),
        Step::Add(a, b) => {
            let (a, a_p, a_q) = made[a];
            let (b, b_p, b_q) = made[b];
            (a + b, a_p + b_p, a_q + b_q)
        }
        Step::Multiply(a, b) => {
            let (a, a_p, a_q) = made[a];
            let (b, b_p, b_q) = made[b];
            (a * b, a_p * b + a * b_p, a_q * b + a * b_q)
        }
        Step::Exp(a) => {
            let (a, a_p, a_q) = made[a];
            let value = a.exp();
            (value, value * a_p, value * a_q)
        }
        Step::LogSigmoid(a) => {
            let (a, a_p, a_q) = made[a];
            // e to what is not positive cannot overflow.
            let small = (-a.abs()).exp();
            let slope = select(a > zero, small, one) / (one + small);
            (a.min(zero) - (one + small).ln(), slope * a_p, slope * a_q)
        }
        Step::Tanh(a) => {
            let (a, a_p, a_q) = made[a];
            let value = a.tanh();
            let slope = one - value * value;
            (value, slope * a_p, slope * a_q)
        }
        Step::Abs(a) => {
            let (a, a_p, a_q) = made[a];
            let sign = select(a > zero, one, select(a < zero, -one, zero));
            (a.abs(), sign * a_p, sign * a_q)
        }
    }
}
