use super::*;
use crate::compute::noise::{RunKey, Stream};
use crate::coordinates::Variable;

fn coordinates(supports: &[Support]) -> Coordinates {
    let one = |(i, support): (usize, &Support)| Variable {
        name: format!("x{i}"),
        len: 1,
        support: *support,
    };
    Coordinates::new(supports.iter().enumerate().map(one).collect())
}

/// By the trapezoid rule, which has nothing in common with the points above.
fn trapezoid(mean: f64, std: f64, f: impl Fn(f64) -> f64) -> f64 {
    let steps = 2_000_000;
    let width = 20.0 / f64::from(steps);
    let at = |i: i32| -10.0 + width * f64::from(i);
    let sum: f64 = (0..=steps)
        .map(|i| (-0.5 * at(i).powi(2)).exp() * f(mean + std * at(i)))
        .sum();
    sum * width / std::f64::consts::TAU.sqrt()
}

#[test]
fn shares_have_the_moments_of_a_trapezoid_rule_however_wide_they_are() {
    for (mean, std) in [
        (0.0, 1e-6),
        (0.3, 0.2),
        (-7.0, 1.0),
        (2.0, 1.01),
        (1.0, 6.0),
        (-30.0, 11.0),
        (40.0, 300.0),
        (5.0, 2e4),
    ] {
        let of = |f: fn(f64) -> f64| {
            let (found, expected) = (expectation(mean, std, f), trapezoid(mean, std, f));
            // Its own step is as wide as the bend in the last.
            let limit = if std > 1e4 { 1e-9 } else { 2e-12 };
            assert!(
                (found - expected).abs() < limit * expected.abs().max(1e-6),
                "{mean} {std}: {found} {expected}"
            );
        };
        of(sigmoid);
        of(|u| sigmoid(u).powi(2));
        of(slope_of_share);
    }
}

/// Far below the bend a share of an interval is e^u, and what is counted from the other end is as well known.
#[test]
fn next_to_a_bound_shares_are_log_normal() {
    for (m, s) in [(-80.0, 4.0), (-120.0, 5.0), (-60.0, 3.0), (-40.0, 0.01)] {
        let mean = f64::exp(m + 0.5 * s * s);
        let variance = (s * s).exp_m1() * mean * mean;
        for sign in [1.0, -1.0] {
            let q = Mixture::gaussian(vec![sign * m], DMatrix::from_element(1, 1, s * s));
            let support = Support::Between(0.0, 1.0);
            let found = OfX::new(&coordinates(&[support]), &q.unwrap());
            let off = found.covariance[0][0] / variance - 1.0;
            assert!(off.abs() < 1e-9, "{m} {s} {sign}: {off:e}");
            let from_bound = if sign > 0.0 {
                found.mean[0] / mean
            } else {
                1.0
            };
            assert!((from_bound - 1.0).abs() < 1e-11, "{m} {s}: {from_bound}");
        }
    }
    // Two at once: the covariance of e^u and e^v, and less that where one is at its upper end.
    for sign in [1.0, -1.0] {
        let turned = DMatrix::from_row_slice(2, 2, &[4.0, sign * 3.0, sign * 3.0, 9.0]);
        let q = Mixture::gaussian(vec![-50.0, sign * -40.0], turned).unwrap();
        let found = OfX::new(&coordinates(&[Support::Between(0.0, 1.0); 2]), &q);
        let means = f64::exp(-50.0 + 2.0) * f64::exp(-40.0 + 4.5);
        let expected = sign * 3f64.exp_m1() * means;
        let off = found.covariance[0][1] / expected - 1.0;
        assert!(off.abs() < 1e-9, "{sign}: {off:e}");
    }
}

#[test]
fn log_normals_have_the_moments_of_their_formulas() {
    let (m, v) = (0.4f64, 0.49f64);
    let q = Mixture::gaussian(vec![m], DMatrix::from_element(1, 1, v)).unwrap();
    let mean = (m + 0.5 * v).exp();
    let variance = v.exp_m1() * (2.0 * m + v).exp();
    for (support, shift, sign) in [
        (Support::Above(2.0), 2.0, 1.0),
        (Support::Below(-1.0), -1.0, -1.0),
    ] {
        let found = OfX::new(&coordinates(&[support]), &q);
        assert!((found.mean[0] - shift - sign * mean).abs() < 1e-14);
        assert!((found.covariance[0][0] / variance - 1.0).abs() < 1e-13);
        let Quantiles { low, median, high } = found.quantiles[0];
        assert!((median - shift - sign * m.exp()).abs() < 1e-12);
        let end = |z: f64| shift + sign * (m + sign * z * v.sqrt()).exp();
        assert!((low - end(-1.644_853_626_951_472_2)).abs() < 1e-10, "{low}");
        assert!(
            (high - end(1.644_853_626_951_472_2)).abs() < 1e-10,
            "{high}"
        );
        assert!(low < median && median < high);
    }
}

#[test]
fn shares_that_follow_from_each_other_have_the_covariance_of_one() {
    // v = a + b u, but for a variance that rounding leaves.
    for (m, s, a, b) in [
        (0.3, 0.8, 0.1, 0.5),
        (-1.0, 3.0, 2.0, -1.0),
        (4.0, 25.0, -3.0, 0.2),
    ] {
        let pair = Pair {
            mean: [m, a + b * m],
            std: [s, f64::abs(b) * s],
            covariance: b * s * s,
            is_one: false,
        };
        let of = |f: &dyn Fn(f64) -> f64| trapezoid(m, s, f);
        let (first, second) = (of(&sigmoid), of(&|u| sigmoid(a + b * u)));
        let expected = of(&|u| (sigmoid(u) - first) * (sigmoid(a + b * u) - second));
        let both = [Support::Between(0.0, 1.0); 2];
        let found = pair.covariance(both);
        assert!((found - expected).abs() < 1e-10, "{found} {expected}");
    }
}

#[test]
fn covariances_of_all_kinds_are_those_of_draws() {
    let supports = [
        Support::Real,
        Support::Above(-1.0),
        Support::Below(4.0),
        Support::Between(-2.0, 3.0),
        Support::Between(0.0, 1.0),
    ];
    let dim = supports.len();
    let factor = DMatrix::from_fn(dim, dim, |i, j| match i.cmp(&j) {
        std::cmp::Ordering::Less => 0.0,
        std::cmp::Ordering::Equal => 0.6,
        std::cmp::Ordering::Greater => 0.35 * f64::from((3 * i + 5 * j) as u8 % 7) / 3.0 - 0.3,
    });
    let wide = &factor * factor.transpose();
    let covariances = vec![wide.clone(), 0.3 * DMatrix::identity(dim, dim)];
    let means = vec![
        vec![0.2, -0.3, 0.1, 0.4, -1.0],
        vec![1.0, 0.5, -0.8, -0.9, 1.5],
    ];
    let q = Mixture::from_covariances(vec![0.7, 0.3], means, covariances).unwrap();
    let found = OfX::new(&coordinates(&supports), &q);
    let n = 400_000;
    let mut generator = RunKey { seed: 3, run: 0 }.generator(Stream::TargetEvaluation, 0);
    let mut draws = q.sample(n, &mut generator);
    coordinates(&supports).apply(&mut draws);
    let column = |i: usize| draws.iter().skip(i).step_by(dim).copied();
    let mut misses = 0;
    for i in 0..dim {
        for j in 0..=i {
            let products: Vec<f64> = (column(i).zip(column(j)))
                .map(|(x, y)| (x - found.mean[i]) * (y - found.mean[j]))
                .collect();
            let mean = products.iter().sum::<f64>() / n as f64;
            let spread = products.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
            let error = spread.sqrt() / n as f64;
            let off = (mean - found.covariance[i][j]).abs() / error;
            assert!(
                off < 5.0,
                "{i} {j}: {mean} ± {error}, {}",
                found.covariance[i][j]
            );
            misses += usize::from(off > 2.0);
        }
        let mean = column(i).sum::<f64>() / n as f64;
        let error = (found.covariance[i][i] / n as f64).sqrt();
        assert!((mean - found.mean[i]).abs() < 4.0 * error, "{i}: {mean}");
        let below = column(i).filter(|x| *x < found.quantiles[i].low).count();
        let error = (0.05 * 0.95 * n as f64).sqrt();
        assert!(
            (below as f64 - 0.05 * n as f64).abs() < 4.0 * error,
            "{i}: {below}"
        );
    }
    assert!(misses <= 3, "{misses}");
}

#[test]
fn what_is_beyond_the_range_of_numbers_is_infinite() {
    let q = Mixture::gaussian(vec![0.0], DMatrix::from_element(1, 1, 900.0)).unwrap();
    let found = OfX::new(&coordinates(&[Support::Above(0.0)]), &q);
    assert!(found.covariance[0][0].is_infinite() && found.mean[0].is_finite());
    let json = serde_json::to_string(&found).unwrap();
    assert_eq!(serde_json::from_str::<OfX>(&json).unwrap(), found);
}
