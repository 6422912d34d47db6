//! The prepared mixture against the one-off call.

use super::common::{Case, FORMS, Sizes};
use klfit::internals::kernel::cpu::{Prepared, ShapeError, Width};

#[test]
fn gives_the_same_numbers_on_any_cut_into_blocks() {
    for form in FORMS {
        for dim in [1, 2, 3, 8, 40] {
            let case = Case::new(form, Sizes::one(1500, 5, dim), 3);
            let prepared = Prepared::new(Width::Widest, &case.mixture()).unwrap();
            let expected = case.log_density(Width::Widest);
            for block in [1, 7, 100, 512, 1500] {
                let mut out = vec![0.0; 1500];
                std::thread::scope(|scope| {
                    for (x, out) in case.x.chunks(block * dim).zip(out.chunks_mut(block)) {
                        let prepared = &prepared;
                        let mut work = move || prepared.log_density(x, out).unwrap();
                        if block > 50 {
                            scope.spawn(work);
                        } else {
                            work();
                        }
                    }
                });
                assert_eq!(out, expected);
            }
        }
    }
}

#[test]
fn refuses_what_does_not_fit() {
    let case = Case::new(FORMS[0], Sizes::one(4, 2, 3), 1);
    let prepared = Prepared::new(Width::Widest, &case.mixture()).unwrap();
    assert_eq!(prepared.dim(), 3);
    let error = ShapeError::Length {
        name: "x",
        expected: 9,
        found: 12,
    };
    assert_eq!(prepared.log_density(&case.x, &mut [0.0; 3]), Err(error));
    let sizes = Sizes {
        runs: 2,
        ..Sizes::one(4, 2, 3)
    };
    assert!(Prepared::new(Width::Widest, &Case::new(FORMS[0], sizes, 1).mixture()).is_err());
}
