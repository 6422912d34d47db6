//! The kernel against the host's own arithmetic, and at its edges.

use klfit::internals::kernel::{MixtureTensors, log_density};
use klfit::{Mixture, Numerics};
use nalgebra::DMatrix;
use proptest::prelude::*;

use crate::support::{assert_close, divergences_on_a_line, three_in_a_plane, two_on_a_line};

fn on_device(mixture: &Mixture, points: &[Vec<f64>]) -> Vec<f64> {
    let numerics = Numerics::cpu();
    let x = numerics.tensor(points.concat(), [1, points.len(), mixture.dim()]);
    Numerics::read(log_density(
        x,
        &MixtureTensors::constant(mixture, &numerics),
    ))
    .unwrap()
}

fn many_dimensions(dim: usize, components: usize) -> Mixture {
    let wave = |i: usize| (i as f64 * 0.7).sin();
    let factor = |k: usize| {
        DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
            std::cmp::Ordering::Equal => 0.6 + 0.3 * wave(i + k).abs(),
            std::cmp::Ordering::Greater => 0.2 * wave(3 * i + j + k),
            std::cmp::Ordering::Less => 0.0,
        })
    };
    Mixture::new(
        vec![1.0 / components as f64; components],
        (0..components)
            .map(|k| (0..dim).map(|d| 2.0 * wave(k * dim + d)).collect())
            .collect(),
        (0..components).map(factor).collect(),
    )
    .unwrap()
}

#[test]
fn log_density_agrees_with_forward_substitution_on_the_host() {
    let cases = [
        two_on_a_line(2.0),
        three_in_a_plane(),
        many_dimensions(1, 1),
        many_dimensions(3, 4),
        many_dimensions(5, 1),
        many_dimensions(17, 2),
        many_dimensions(50, 3),
    ];
    for mixture in cases {
        let points: Vec<Vec<f64>> = (0..20)
            .map(|i| {
                (0..mixture.dim())
                    .map(|d| ((i * 7 + d) as f64 * 0.9).cos() * 3.0)
                    .collect()
            })
            .collect();
        for (found, point) in on_device(&mixture, &points).iter().zip(&points) {
            let expected = mixture.log_density(point);
            let tolerance = 1e-12 * expected.abs().max(1.0);
            assert_close(*found, expected, tolerance, "log density");
        }
    }
}

#[test]
fn log_density_of_a_standard_normal_is_the_textbook_number() {
    let normal = Mixture::from_stds(vec![1.0], vec![vec![0.0]], vec![vec![1.0]]).unwrap();
    assert_close(
        on_device(&normal, &[vec![0.0]])[0],
        -0.9189385332046727,
        1e-15,
        "at 0",
    );
    assert_close(
        on_device(&normal, &[vec![2.0]])[0],
        -2.9189385332046727,
        1e-15,
        "at 2",
    );
}

#[test]
fn far_away_the_log_density_is_large_and_negative_and_beyond_that_minus_infinity() {
    let mixture = two_on_a_line(2.0);
    let found = on_device(
        &mixture,
        &[vec![1e6], vec![-1e100], vec![1e200], vec![f64::NAN]],
    );
    let expected = mixture.log_density(&[1e6]);
    assert_close(found[0], expected, 1e-12 * expected.abs(), "at 1e6");
    assert_close(found[1], -0.5e200, 1e186, "at −1e100");
    assert_eq!(found[2], f64::NEG_INFINITY);
    assert!(found[3].is_nan());
}

#[test]
fn a_component_of_weight_zero_is_not_there() {
    let with = Mixture::from_stds(
        vec![0.5, 0.0, 0.5],
        vec![vec![-2.0], vec![0.0], vec![2.0]],
        vec![vec![1.0]; 3],
    )
    .unwrap();
    let points: Vec<Vec<f64>> = (-5..5).map(|i| vec![f64::from(i)]).collect();
    let without = on_device(&two_on_a_line(2.0), &points);
    for (a, b) in on_device(&with, &points).iter().zip(without) {
        assert_close(*a, b, 1e-14, "log density");
    }
}

fn gaussian(mean: f64, std: f64) -> Mixture {
    Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_closed_form_agrees_with_simpson(
        (m1, s1) in (-3.0..3.0f64, 0.5..2.0f64),
        (m2, s2) in (-3.0..3.0f64, 0.5..2.0f64),
    ) {
        let (p, q) = (gaussian(m1, s1), gaussian(m2, s2));
        let kl = klfit::internals::gaussian_kl(&p, &q).unwrap().value;
        let (forward, ..) = divergences_on_a_line(&p, &q);
        prop_assert!((kl - forward).abs() < 1e-9 * kl.max(1.0), "{kl} {forward}");
    }
}
