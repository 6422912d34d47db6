//! Formulas of two Gaussians against many digits, at every condition number.

use std::path::Path;

use klfit::Mixture;
use klfit::divergence::{DivergenceKind, DivergenceName, Estimate};
use nalgebra::DMatrix;
use serde::Deserialize;

/// A row of tests/data/closed-forms.json, which closed_forms.py beside it made.
#[derive(Deserialize)]
struct Row {
    kind: String,
    dim: usize,
    values: Vec<Option<[f64; 2]>>,
    p: Vec<f64>,
    q: Vec<f64>,
}

impl Row {
    fn all() -> Vec<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/closed-forms.json");
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    fn mixture(&self, numbers: &[f64]) -> Mixture {
        let (mean, triangle) = numbers.split_at(self.dim);
        let at = |i: usize, j: usize| triangle[i * (i + 1) / 2 + j];
        let is_factor = self.kind == "scale_trils";
        let shape = DMatrix::from_fn(self.dim, self.dim, |i, j| match i >= j {
            true => at(i, j),
            false if is_factor => 0.0,
            false => at(j, i),
        });
        let mean = mean.to_vec();
        if is_factor {
            Mixture::new(vec![1.0], vec![mean], vec![shape]).unwrap()
        } else {
            Mixture::gaussian(mean, shape).unwrap()
        }
    }
}

fn kinds() -> [DivergenceKind; 9] {
    let renyi = |alpha| DivergenceName::Renyi.with_order(Some(alpha)).unwrap();
    let amari = |alpha| DivergenceName::Alpha.with_order(Some(alpha)).unwrap();
    [
        DivergenceKind::ForwardKl,
        DivergenceKind::ReverseKl,
        renyi(0.3),
        renyi(2.0),
        amari(-0.5),
        amari(0.3),
        DivergenceKind::Chi2,
        DivergenceKind::SquaredHellinger,
        DivergenceKind::TotalVariation,
    ]
}

#[test]
fn a_formula_is_right_to_its_error_at_every_condition_number() {
    let mut ratios: Vec<f64> = Vec::new();
    let (mut missed, mut none) = (Vec::new(), 0);
    for (place, row) in Row::all().iter().enumerate() {
        let (p, q) = (row.mixture(&row.p), row.mixture(&row.q));
        for (kind, expected) in kinds().into_iter().zip(&row.values) {
            let Some(Estimate { value, error, .. }) = kind.build().closed_form(&p, &q) else {
                if expected.is_some() {
                    none += 1;
                    println!("{place} {kind:?}: none");
                }
                continue;
            };
            let &Some([high, low]) = expected else {
                assert!(
                    value == f64::INFINITY || value > 1e290,
                    "{place} {kind:?}: {value}"
                );
                continue;
            };
            let off = ((value - high) - low).abs();
            let relative = error / value.abs();
            if !(off <= error) {
                missed.push(format!("{place} {kind:?}: {value:e} ± {error:e}, {high:e}"));
            }
            println!(
                "{place} {} D={} {kind:?} {value:e} {:.1e} {relative:.1e}",
                row.kind,
                row.dim,
                off / value
            );
            ratios.push(relative);
        }
    }
    ratios.sort_by(f64::total_cmp);
    let n = ratios.len();
    println!(
        "{n} none {none} median {:e} 99 % {:e} largest {:e}",
        ratios[n / 2],
        ratios[n * 99 / 100],
        ratios[n - 1]
    );
    assert!(missed.is_empty(), "{missed:#?}");
}
