//! Overflow, absent components, NaN, empty inputs, and wrong shapes.

use super::common::{self, Case, FORMS, Form, Sizes};
use klfit::internals::kernel::cpu::{
    Mixture, Points, Real, Scale, ShapeError, Wanted, Width, gradients, log_density,
};

fn finite<T: Real>(numbers: &[T]) -> bool {
    numbers.iter().all(|x| x.is_finite())
}

#[test]
fn far_points_have_no_density_and_no_gradient() {
    for form in FORMS {
        for dim in [1, 2, 3, 4, 7] {
            for far in [1e155, 1e200, 1e308, f64::INFINITY, f64::NEG_INFINITY] {
                for coordinates in 1..=dim {
                    let mut case = Case::new(form, Sizes::one(70, 3, dim), 3);
                    let clean = case.clone();
                    for (i, x) in case.x[5 * dim..][..coordinates].iter_mut().enumerate() {
                        *x = if i % 2 == 0 { far } else { -far };
                    }
                    for width in Width::ALL {
                        let values = case.log_density(width);
                        assert_eq!(values[5], f64::NEG_INFINITY, "{form:?} {dim} {far}");
                        let expected = clean.log_density(width);
                        assert_eq!(values[..5], expected[..5]);
                        assert_eq!(values[6..], expected[6..]);
                        let g = case.gradients(width, Wanted::ALL);
                        assert!(g.x[5 * dim..6 * dim].iter().all(|&g| g == 0.0));
                        for g in [&g.x, &g.log_weights, &g.means, &g.scale] {
                            assert!(finite(g), "{form:?} {dim} {far}");
                        }
                        // The point adds nothing to the sums either.
                        let mut without = clean.clone();
                        without.upstream[5] = 0.0;
                        let without = without.gradients(width, Wanted::ALL);
                        assert!(common::error(&g.means, &without.means) < 1e-13);
                        assert!(common::error(&g.scale, &without.scale) < 1e-13);
                    }
                }
            }
        }
    }
}

#[test]
fn far_points_in_f32() {
    for form in FORMS {
        for far in [1e20_f32, 1e38, f32::INFINITY] {
            let mut case = Case::new(form, Sizes::one(40, 3, 5), 3).to_f32();
            case.x[..5].copy_from_slice(&[far, -far, 1.0, far, 0.0]);
            for width in Width::ALL {
                let values = case.log_density(width);
                assert_eq!(values[0], f32::NEG_INFINITY);
                assert!(finite(&values[1..]));
                let g = case.gradients(width, Wanted::ALL);
                for g in [&g.x, &g.log_weights, &g.means, &g.scale] {
                    assert!(finite(g));
                }
            }
        }
    }
}

#[test]
fn one_component_may_overflow_beside_another_that_does_not() {
    // z of the narrow component is ∞ − ∞, while the wide one has a density there.
    let scale = [1e-200, 0.0, 1e-200, 1e-300, 1.0, 0.0, 0.0, 1.0];
    let mixture = Mixture {
        components: 2,
        dim: 2,
        log_weights: &[0.5_f64.ln(); 2],
        means: &[0.0; 4],
        scale: Scale::Tril(&scale),
    };
    let x = [3.0e120, -3.0, 1.0, 2.0];
    let points = Points {
        runs: 1,
        samples: 2,
        values: &x,
    };
    for width in Width::ALL {
        let values = log_density(width, points, &mixture).unwrap();
        assert!((values[0] / -4.5e240 - 1.0).abs() < 1e-14);
        assert!((values[1] - (0.5_f64.ln() - std::f64::consts::TAU.ln() - 2.5)).abs() < 1e-14);
        let g = gradients(width, points, &mixture, None, &[1.0; 2], Wanted::ALL).unwrap();
        assert_eq!(g.log_weights, [0.0, 2.0]);
        assert!(finite(&g.x) && finite(&g.means) && finite(&g.scale));
        assert_eq!(g.x[2..], [-1.0, -2.0]);
    }
}

#[test]
fn absent_components_change_nothing() {
    for form in FORMS {
        for dim in [1, 2, 5] {
            let mut case = Case::new(form, Sizes::one(50, 3, dim), 9);
            let per_component = case.scale.len() / 3;
            case.log_weights[1] = f64::NEG_INFINITY;
            let mut without = case.clone();
            without.components = 2;
            without.log_weights.remove(1);
            without.means.drain(dim..2 * dim);
            without.scale.drain(per_component..2 * per_component);
            // Whatever the parameters of what is absent are.
            case.means[dim] = f64::NAN;
            case.scale[per_component] = 0.0;
            for width in Width::ALL {
                assert_eq!(case.log_density(width), without.log_density(width));
                let g = case.gradients(width, Wanted::ALL);
                let expected = without.gradients(width, Wanted::ALL);
                assert_eq!(g.x, expected.x);
                assert_eq!(g.log_weights[1], 0.0);
                assert!(g.means[dim..2 * dim].iter().all(|&g| g == 0.0));
                let own = per_component..2 * per_component;
                assert!(g.scale[own].iter().all(|&g| g == 0.0));
                assert_eq!(g.means[..dim], expected.means[..dim]);
            }
        }
    }
}

#[test]
fn without_any_component_there_is_no_density() {
    let mut case = Case::new(Form::Tril, Sizes::one(5, 2, 2), 9);
    case.log_weights.fill(f64::NEG_INFINITY);
    case.x[0] = f64::NAN;
    let values = case.log_density(Width::Widest);
    assert!(values[0].is_nan());
    assert!(values[1..].iter().all(|&v| v == f64::NEG_INFINITY));
    let g = case.gradients(Width::Widest, Wanted::ALL);
    assert!(
        g.x.iter()
            .chain(&g.means)
            .chain(&g.scale)
            .all(|&g| g == 0.0)
    );
}

#[test]
fn nan_in_x_is_nan_for_that_sample_only() {
    for form in FORMS {
        for dim in [1, 2, 3, 6] {
            let mut case = Case::new(form, Sizes::one(70, 3, dim), 4);
            let clean = case.clone();
            case.x[40 * dim + dim - 1] = f64::NAN;
            for width in Width::ALL {
                let (values, expected) = (case.log_density(width), clean.log_density(width));
                assert!(values[40].is_nan());
                assert_eq!(values[..40], expected[..40]);
                assert_eq!(values[41..], expected[41..]);
                let g = case.gradients(width, Wanted::ALL);
                assert!(g.x[40 * dim].is_nan());
                let g_clean = clean.gradients(width, Wanted::ALL);
                // A block with NaN in it is rounded in another order.
                for others in [0..40 * dim, 41 * dim..70 * dim] {
                    let others = (&g.x[others.clone()], &g_clean.x[others]);
                    assert!(common::error(others.0, others.1) < 1e-13);
                }
                assert!(g.log_weights.iter().chain(&g.means).all(|g| g.is_nan()));
                // With no weight it adds nothing.
                let (mut case, mut clean) = (case.clone(), clean.clone());
                case.upstream[40] = 0.0;
                clean.upstream[40] = 0.0;
                let (g, clean) = (
                    case.gradients(width, Wanted::ALL),
                    clean.gradients(width, Wanted::ALL),
                );
                for (g, clean) in [
                    (&g.x, &clean.x),
                    (&g.log_weights, &clean.log_weights),
                    (&g.means, &clean.means),
                    (&g.scale, &clean.scale),
                ] {
                    assert!(common::error(g, clean) < 1e-13);
                }
            }
        }
    }
}

#[test]
fn nan_in_a_mixture_is_nan_for_that_run_only() {
    let sizes = Sizes {
        runs: 3,
        samples: 9,
        components: 2,
        dim: 3,
        own: [false, true, true, true],
    };
    for form in FORMS {
        for part in 0..3 {
            let mut case = Case::new(form, sizes, 8);
            let clean = case.clone();
            let values = match part {
                0 => &mut case.log_weights,
                1 => &mut case.means,
                _ => &mut case.scale,
            };
            let second = values.len() / 3;
            values[second] = f64::NAN;
            for width in Width::ALL {
                let (values, expected) = (case.log_density(width), clean.log_density(width));
                assert!(values[9..18].iter().all(|v| v.is_nan()), "{form:?} {part}");
                assert_eq!(values[..9], expected[..9]);
                assert_eq!(values[18..], expected[18..]);
            }
        }
    }
}

#[test]
fn negative_and_zero_scales_are_not_densities() {
    for form in FORMS {
        for bad in [-1.0, 0.0] {
            let mut case = Case::new(form, Sizes::one(5, 1, 2), 8);
            case.scale[0] = bad;
            assert!(
                case.log_density(Width::Widest).iter().all(|v| v.is_nan()),
                "{form:?} {bad}"
            );
        }
    }
}

#[test]
fn empty_inputs_give_empty_outputs() {
    for form in FORMS {
        let no_samples = Case::new(form, Sizes::one(0, 2, 3), 1);
        assert!(no_samples.log_density(Width::Widest).is_empty());
        let g = no_samples.gradients(Width::Widest, Wanted::ALL);
        assert!(g.means.iter().chain(&g.scale).all(|&g| g == 0.0));
        assert_eq!(g.means.len(), 6);
        let sizes = Sizes {
            runs: 0,
            samples: 4,
            components: 2,
            dim: 3,
            own: [true; 4],
        };
        let no_runs = Case::new(form, sizes, 1);
        assert!(no_runs.log_density(Width::Widest).is_empty());
        assert!(
            no_runs
                .gradients(Width::Widest, Wanted::ALL)
                .scale
                .is_empty()
        );
        let no_components = Case::new(form, Sizes::one(4, 0, 3), 1);
        assert_eq!(
            no_components.log_density(Width::Widest),
            [f64::NEG_INFINITY; 4]
        );
    }
}

#[test]
fn wrong_shapes_are_refused() {
    let case = Case::new(Form::Diagonal, Sizes::one(4, 2, 3), 1);
    let mixture = case.mixture();
    let refuse = |points: Points<'_, f64>, mixture: Mixture<'_, f64>| {
        log_density(Width::Widest, points, &mixture)
            .unwrap_err()
            .to_string()
    };
    let points = case.points();
    assert_eq!(
        refuse(
            Points {
                samples: 5,
                ..points
            },
            mixture
        ),
        "x: expected 15 numbers, found 12"
    );
    assert_eq!(
        refuse(
            points,
            Mixture {
                means: &mixture.means[1..],
                ..mixture
            }
        ),
        "means: expected 6 numbers, found 5"
    );
    let means = [0.0; 18];
    let x = [0.0; 24];
    let two = Points {
        runs: 2,
        samples: 4,
        values: &x,
    };
    assert_eq!(
        refuse(
            two,
            Mixture {
                means: &means,
                ..mixture
            }
        ),
        "runs do not match: x has 2, log_weights 1, means 3, scale 1; each must have the same \
         number, or 1"
    );
    let error = gradients(Width::Widest, points, &mixture, None, &[1.0], Wanted::ALL);
    assert_eq!(
        error,
        Err(ShapeError::Length {
            name: "upstream",
            expected: 4,
            found: 1
        })
    );
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for form in FORMS {
        for (own, runs, samples) in [
            ([true; 4], 1, 20_000),
            ([true; 4], 5, 4000),
            ([false, true, true, true], 50, 300),
            ([true, false, false, false], 7, 2000),
        ] {
            let case = Case::new(
                form,
                Sizes {
                    runs,
                    samples,
                    components: 4,
                    dim: 6,
                    own,
                },
                6,
            );
            let results = [1, 2, 5].map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(threads)
                    .build()
                    .unwrap();
                pool.install(|| {
                    let parameters = Wanted {
                        x: false,
                        ..Wanted::ALL
                    };
                    (
                        case.log_density(Width::Widest),
                        case.gradients(Width::Widest, Wanted::ALL),
                        case.gradients(Width::Widest, parameters),
                    )
                })
            });
            assert!(results[0] == results[1] && results[1] == results[2]);
        }
    }
}
