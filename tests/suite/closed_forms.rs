//! Formulas of two Gaussians against many digits, at every condition number.

use std::path::Path;

use klfit::results::Estimate;
use klfit::{DivergenceKind, DivergenceName, Mixture, Operand, Question};
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
    let of = |name| DivergenceName::from_name(name).unwrap();
    let renyi = |alpha| of("renyi").with_order(Some(alpha)).unwrap();
    let amari = |alpha| of("alpha").with_order(Some(alpha)).unwrap();
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

/// Of a number with a bound of its error: whether it is that far from the sum of two doubles at most.
fn holds(found: Estimate, [high, low]: [f64; 2]) -> bool {
    ((found.value - high) - low).abs() <= found.error
}

#[test]
fn a_formula_is_right_to_its_error_at_every_condition_number() {
    let mut shares: Vec<f64> = Vec::new();
    for (place, row) in Row::all().iter().enumerate() {
        let (p, q) = (row.mixture(&row.p), row.mixture(&row.q));
        for (kind, expected) in kinds().into_iter().zip(&row.values) {
            let found = kind.build().closed_form(&p, &q);
            match (expected, found) {
                (Some(expected), Some(found)) => {
                    assert!(
                        holds(found, *expected),
                        "{place} {kind:?}: {found:?} {expected:?}"
                    );
                    shares.push(found.error / found.value.abs());
                }
                (None, found) => {
                    let value = found.map_or(f64::INFINITY, |found| found.value);
                    assert!(value > 1e290, "{place} {kind:?}: {value}");
                }
                (Some(expected), None) => panic!("{place} {kind:?}: {expected:?} is not found"),
            }
        }
    }
    // A bound that is no use holds as well.
    shares.sort_by(f64::total_cmp);
    let median = shares[shares.len() / 2];
    assert!(shares.len() > 1800 && median < 3e-15, "{median:e}");
    assert!(
        shares.iter().all(|share| *share < 1e-12),
        "{:?}",
        shares.last()
    );
}

#[test]
fn the_bracket_of_components_holds_at_every_condition_number() {
    for (place, row) in Row::all().iter().enumerate() {
        let [p, q] = [("p", &row.p), ("q", &row.q)]
            .map(|(name, numbers)| Operand::new(name, row.mixture(numbers)));
        // Of two Gaussians this upper bound is KL itself.
        let question = Question {
            divergences: vec![
                DivergenceKind::ForwardKl.into(),
                DivergenceKind::ReverseKl.into(),
            ],
            method: klfit::Method::VariationalUpper,
            ..Question::default()
        };
        for (answer, expected) in (question.ask(&p, &q, &|_| {}).unwrap().iter()).zip(&row.values) {
            let high = expected.unwrap()[0];
            let bracket = answer.bracket.unwrap();
            let rounding = 1e-9 * high.abs().max(1.0);
            assert!(
                bracket.lower <= high && high <= bracket.upper && bracket.upper <= high + rounding,
                "{place}: {bracket:?} {high:e}"
            );
            assert!(
                (answer.value - high).abs() <= rounding,
                "{place}: {answer:?} {high:e}"
            );
        }
    }
}

/// One Gaussian of independent parts, whose coordinates take turns.
fn side_by_side(parts: &[Mixture]) -> Mixture {
    let mut places: Vec<(usize, usize)> = (parts.iter().enumerate())
        .flat_map(|(part, mixture)| (0..mixture.dim()).map(move |i| (part, i)))
        .collect();
    places.sort_by_key(|&(part, i)| (i, part));
    let covariances: Vec<DMatrix<f64>> = parts
        .iter()
        .map(|part| part.component_covariance(0))
        .collect();
    let covariance = DMatrix::from_fn(places.len(), places.len(), |i, j| {
        let ((part, i), (other, j)) = (places[i], places[j]);
        if part == other {
            covariances[part][(i, j)]
        } else {
            0.0
        }
    });
    let mean = places
        .iter()
        .map(|&(part, i)| parts[part].means()[0][i])
        .collect();
    Mixture::gaussian(mean, covariance).unwrap()
}

#[test]
fn in_many_dimensions_independent_parts_add_up() {
    let rows: Vec<Row> = (Row::all().into_iter())
        .filter(|row| row.kind == "covariances" && row.dim > 1)
        .collect();
    for group in rows.chunks(24) {
        let of = |numbers: fn(&Row) -> &[f64]| {
            let parts: Vec<Mixture> = group.iter().map(|row| row.mixture(numbers(row))).collect();
            side_by_side(&parts)
        };
        let (p, q) = (of(|row| &row.p), of(|row| &row.q));
        assert!(p.dim() > 32);
        // KL and Rényi's divergence of independent parts are sums.
        for (place, kind) in kinds().into_iter().enumerate().take(3) {
            let values = || group.iter().map(|row| row.values[place].unwrap());
            let high: f64 = values().map(|[high, _]| high).sum();
            let found = kind.build().closed_form(&p, &q).unwrap();
            // The sum of doubles is rounded too.
            let error = found.error + 24.0 * f64::EPSILON * high;
            let off = (found.value - high).abs();
            assert!(
                off <= error && found.error <= 1e-11 * high,
                "{kind:?}: {off:e} {found:?}"
            );
        }
    }
}

#[test]
fn nearly_singular_covariances_are_right_or_refused() {
    let unit = |diagonal: &[f64]| {
        let diagonal = DMatrix::from_diagonal(&diagonal.to_vec().into());
        Mixture::gaussian(vec![0.0; diagonal.nrows()], diagonal).unwrap()
    };
    let seven = unit(&[7.0, 7.0]);
    // tr(Σq⁻¹ Σp) − D + ln(|Σq| / |Σp|), halved, of the doubles with 60 digits in mpmath.
    for (last, forward, reverse) in [
        (7.0000000001, 12.485_880_498_134_844, 69_999_994_195.188_63),
        (
            7.00000000000001,
            17.102_686_952_127_105,
            716_481_758_899_834.03,
        ),
    ] {
        let narrow = DMatrix::from_row_slice(2, 2, &[7.0, 7.0, 7.0, last]);
        let narrow = Mixture::gaussian(vec![0.0; 2], narrow).unwrap();
        for (p, q, expected) in [(&narrow, &seven, forward), (&seven, &narrow, reverse)] {
            let answer = klfit::kl(p, q).unwrap();
            let (error, bracket) = (answer.error.unwrap(), answer.bracket.unwrap());
            assert!((answer.value - expected).abs() <= error, "{answer:?}");
            assert!(error <= 1e-13 * expected, "{answer:?}");
            assert!(bracket.lower <= expected && expected <= bracket.upper);
            assert_eq!(answer.claim, klfit::Claim::Exact);
        }
    }
    // KL from N(0, I) is 18.98 of these decimals and 18.88 of the doubles nearest to them.
    let entries = [
        0.0794492120301532,
        -0.178902987063970,
        0.179163247231832,
        -0.178902987063970,
        0.571279337041120,
        -0.178710630044791,
        0.179163247231832,
        -0.178710630044791,
        0.703872179793495,
    ];
    let error =
        Mixture::gaussian(vec![0.0; 3], DMatrix::from_row_slice(3, 3, &entries)).unwrap_err();
    assert!(
        error.message.ends_with("its correlations is 1.6e16"),
        "{error}"
    );
    assert!(error.help.contains("leave out a coordinate"), "{error:?}");
}
