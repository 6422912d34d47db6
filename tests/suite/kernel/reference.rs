//! Value and gradients against the naive reference.

use super::common::{self, Case, FORMS, Form, Sizes, check};
use klfit::internals::kernel::cpu::{Gradients, Wanted, Width};
use proptest::prelude::*;

const F64: [f64; 2] = [1e-14, 1e-12];
const F32: [f64; 2] = [3e-6, 2e-4];

#[test]
fn agrees_in_every_dimension_and_number_of_samples() {
    for form in FORMS {
        for dim in (1..=13).chain([15, 16, 17, 31, 33, 66]) {
            for samples in [1, 7, 31, 33, 64, 100, 257, 600] {
                let case = Case::new(form, Sizes::one(samples, 3, dim), (dim * samples) as u64);
                let naive = case.naive();
                let case32 = case.to_f32();
                let naive32 = case32.to_f64().naive();
                for width in Width::ALL {
                    check(&case, &naive, width, F64);
                    check(&case32, &naive32, width, F32);
                }
            }
        }
    }
}

#[test]
fn agrees_for_any_number_of_components() {
    for form in FORMS {
        for components in [1, 2, 15, 16, 17, 40, 200, 1000] {
            let case = Case::new(form, Sizes::one(70, components, 2), 5);
            let naive = case.naive();
            for width in Width::ALL {
                check(&case, &naive, width, F64);
            }
        }
    }
}

#[test]
fn agrees_in_five_hundred_dimensions() {
    let case = Case::new(Form::Tril, Sizes::one(40, 2, 500), 1);
    check(&case, &case.naive(), Width::Widest, [1e-13, 1e-11]);
}

/// One of a case's inputs.
type Part = fn(&mut Case<f64>) -> &mut Vec<f64>;

#[test]
fn agrees_with_finite_differences() {
    for form in FORMS {
        let case = Case::new(form, Sizes::one(20, 3, 3), 11);
        let g = case.gradients(Width::Widest, Wanted::ALL);
        let objective = |case: &Case<f64>| -> f64 {
            let values = case.log_density(Width::Widest);
            values.iter().zip(&case.upstream).map(|(v, g)| v * g).sum()
        };
        let parts: [(&[f64], Part); 4] = [
            (&g.x, |c| &mut c.x),
            (&g.log_weights, |c| &mut c.log_weights),
            (&g.means, |c| &mut c.means),
            (&g.scale, |c| &mut c.scale),
        ];
        for (gradient, part) in parts {
            for (i, &gradient) in gradient.iter().enumerate() {
                let step = 1e-5;
                let moved = |step: f64| {
                    let mut case = case.clone();
                    part(&mut case)[i] += step;
                    objective(&case)
                };
                let difference = (moved(step) - moved(-step)) / (2.0 * step);
                assert!(
                    (gradient - difference).abs() < 1e-6 * (1.0 + gradient.abs()),
                    "{form:?} {i}"
                );
            }
        }
    }
}

#[test]
fn a_part_of_the_gradients_is_the_same_as_in_all_of_them() {
    for form in FORMS {
        let sizes = Sizes {
            runs: 3,
            samples: 70,
            components: 4,
            dim: 6,
            own: [true, true, false, true],
        };
        let case = Case::new(form, sizes, 2);
        let all = case.gradients(Width::Widest, Wanted::ALL);
        for mask in 0..16 {
            let wanted = Wanted {
                x: mask & 1 > 0,
                log_weights: mask & 2 > 0,
                means: mask & 4 > 0,
                scale: mask & 8 > 0,
            };
            let pick = |wanted: bool, all: &Vec<f64>| if wanted { all.clone() } else { Vec::new() };
            let expected = Gradients {
                x: pick(wanted.x, &all.x),
                log_weights: pick(wanted.log_weights, &all.log_weights),
                means: pick(wanted.means, &all.means),
                scale: pick(wanted.scale, &all.scale),
            };
            let found = case.gradients(Width::Widest, wanted);
            for (found, expected) in [
                (&found.x, &expected.x),
                (&found.log_weights, &expected.log_weights),
                (&found.means, &expected.means),
                (&found.scale, &expected.scale),
            ] {
                assert!(common::error(found, expected) < 1e-12, "{wanted:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn agrees_however_the_runs_are_shared(
        form in prop::sample::select(FORMS.to_vec()),
        runs in 1_usize..6,
        samples in 0_usize..200,
        components in 0_usize..6,
        dim in 1_usize..10,
        own in any::<[bool; 4]>(),
        seed in any::<u64>(),
    ) {
        // Without components the mixture has no runs to tell.
        let own = if components == 0 { [own[0], false, false, false] } else { own };
        let case = Case::new(form, Sizes { runs, samples, components, dim, own }, seed);
        let naive = case.naive();
        for width in Width::ALL {
            check(&case, &naive, width, F64);
        }
    }
}
