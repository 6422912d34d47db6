//! L-BFGS on functions of two parameters.

use std::cell::Cell;

use super::*;

/// A function of two parameters.
struct Plane<F: Fn(f64, f64) -> (f64, [f64; 2])> {
    f: F,
    calls: Cell<usize>,
}

impl<F: Fn(f64, f64) -> (f64, [f64; 2])> Plane<F> {
    fn new(f: F) -> Self {
        Self {
            f,
            calls: Cell::new(0),
        }
    }
}

impl<F: Fn(f64, f64) -> (f64, [f64; 2])> LossFunction for Plane<F> {
    fn value_and_gradient(&self, theta: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        self.calls.set(self.calls.get() + 1);
        let (mut losses, mut gradients) = (Vec::new(), Vec::new());
        for x in theta.chunks(2) {
            let (loss, gradient) = (self.f)(x[0], x[1]);
            losses.push(loss);
            gradients.extend(gradient);
        }
        Ok((losses, gradients))
    }
}

/// Rosenbrock's valley, with its minimum 0 at (1, 1).
fn rosenbrock(x: f64, y: f64) -> (f64, [f64; 2]) {
    let (a, b) = (1.0 - x, y - x * x);
    (a * a + 100.0 * b * b, [-2.0 * a - 400.0 * x * b, 200.0 * b])
}

/// θ and the runs that were stuck, after each of some steps of L-BFGS.
fn quasi_newton(
    loss_function: &dyn LossFunction,
    start: &[f64],
    steps: usize,
) -> Vec<(Vec<f64>, Vec<usize>)> {
    let numerics = Numerics::cpu();
    let family = Family::new(FamilyConfig::default(), 1);
    let runs = start.len() / 2;
    let config = rule(OptimizerRule::Lbfgs(LbfgsConfig::default()));
    let mut optimizer = config.build(&family, &numerics, &vec![1.0; runs]);
    let mut theta = start.to_vec();
    (0..steps)
        .map(|step| {
            let (loss, gradient) = loss_function.value_and_gradient(&theta).unwrap();
            let from = Iterate {
                step,
                theta: theta.clone(),
                loss,
                gradient,
                scores: None,
            };
            let moved = optimizer.step(from, loss_function).unwrap();
            theta = moved.theta.clone();
            (moved.theta, moved.stuck)
        })
        .collect()
}

#[test]
fn lbfgs_walks_down_the_valley_of_rosenbrock_from_several_starts_at_once() {
    let starts = [-1.2, 1.0, 2.0, 2.0, 0.0, 0.0, -3.0, -4.0];
    let loss_function = Plane::new(rosenbrock);
    let path = quasi_newton(&loss_function, &starts, 80);
    let (last, _) = path.last().unwrap();
    for run in 0..4 {
        let (x, y) = (last[2 * run], last[2 * run + 1]);
        assert!(
            (x - 1.0).abs() + (y - 1.0).abs() < 1e-9,
            "run {run}: {x} {y}"
        );
        // No step goes up.
        let mut before = f64::INFINITY;
        for (theta, _) in &path {
            let (loss, _) = rosenbrock(theta[2 * run], theta[2 * run + 1]);
            assert!(loss <= before);
            before = loss;
        }
        // Each run takes the steps it takes alone.
        let alone = quasi_newton(&loss_function, &starts[2 * run..2 * run + 2], 80);
        for ((alone, _), (together, _)) in alone.iter().zip(&path) {
            assert_eq!(alone[..], together[2 * run..2 * run + 2]);
        }
    }
    // A trial or two for each step.
    loss_function.calls.set(0);
    quasi_newton(&loss_function, &starts[..2], 40);
    assert!(
        loss_function.calls.get() < 40 + 100,
        "{}",
        loss_function.calls.get()
    );
}

#[test]
fn lbfgs_backs_away_from_where_there_are_no_numbers() {
    // The logarithm is NaN beyond x = 1; the minimum is at 1 − x = ¼, y = 0.
    let edge = |x: f64, y: f64| {
        let loss = -4.0 * x - (1.0 - x).ln() + y * y;
        (loss, [-4.0 + 1.0 / (1.0 - x), 2.0 * y])
    };
    let starts = [-5.0, 3.0, 0.99, -1.0];
    let path = quasi_newton(&Plane::new(edge), &starts, 40);
    for (theta, _) in &path {
        assert!(theta.iter().all(|x| x.is_finite()) && theta[0] < 1.0 && theta[2] < 1.0);
    }
    let (last, _) = path.last().unwrap();
    for run in 0..2 {
        assert!(
            (last[2 * run] - 0.75).abs() + last[2 * run + 1].abs() < 1e-7,
            "{last:?}"
        );
    }
}

#[test]
fn lbfgs_says_that_a_run_at_the_minimum_is_stuck_and_leaves_it_there() {
    let bowl = |x: f64, y: f64| (x * x + 3.0 * y * y, [2.0 * x, 6.0 * y]);
    let path = quasi_newton(&Plane::new(bowl), &[0.0, 0.0, 2.0, -1.0], 1);
    let (theta, stuck) = &path[0];
    assert_eq!(theta[..2], [0.0, 0.0]);
    assert_eq!(*stuck, [0]);
    let (loss, _) = bowl(theta[2], theta[3]);
    assert!(loss < 7.0);
}

#[test]
fn lbfgs_gives_up_where_no_step_leads_down() {
    // A slope that is not that of the loss.
    let lie = |x: f64, y: f64| (x + y, [-1.0, -1.0]);
    let path = quasi_newton(&Plane::new(lie), &[1.0, 2.0], 2);
    assert_eq!(path[0], (vec![1.0, 2.0], vec![0]));
}
