//! Rows that lie in a plane: which they are, with what equation, and what is made of them.

use klfit::results::Dependence;
use klfit::{Error, Operand, Samples, estimate, read_operand};

use crate::rows::{Table, csv, npy};
use crate::support::assert_close;

/// Measured in °C and once more in °F, with what else was noted.
pub const WEATHER: &str = "celsius,humidity,fahrenheit\n21.5,0.43,70.7\n18.25,0.61,64.85\n\
                       25.0,0.38,77.0\n12.75,0.77,54.95\n30.5,0.29,86.9\n16.0,0.35,60.8\n";

fn table(names: &[&str], rows: impl IntoIterator<Item = Vec<f64>>) -> Samples {
    let names = names
        .iter()
        .map(|name| (*name).to_owned())
        .collect::<Vec<_>>();
    let dim = names.len();
    Samples::new(names, rows.into_iter().flatten().collect(), dim).unwrap()
}

/// Numbers without a pattern between −2 and 2.
fn rough(i: usize, column: usize) -> f64 {
    2.0 * ((i * i) as f64 * 0.37 + (i * (column + 2)) as f64 * 1.13).sin()
}

#[test]
fn columns_that_follow_from_others_are_told_with_their_equation() {
    let n = 0..30usize;
    let (x, y, z) = (
        |i: usize| rough(i, 0),
        |i: usize| rough(i, 1),
        |i: usize| rough(i, 2),
    );
    for (samples, said) in [
        // Identical, in other units, with another zero, large and far away.
        (
            table(&["a", "b"], n.clone().map(|i| vec![x(i), x(i)])),
            "column b is a",
        ),
        (
            table(&["inch", "cm"], n.clone().map(|i| vec![x(i), 2.54 * x(i)])),
            "column cm is 2.54 inch",
        ),
        (
            table(&["a", "b"], n.clone().map(|i| vec![x(i), 7.0 - x(i)])),
            "column b is -a + 7",
        ),
        (
            table(
                &["s", "ns"],
                n.clone().map(|i| vec![1e9 + x(i), 1e9 * (1e9 + x(i))]),
            ),
            "column ns is 1e9 s",
        ),
        // A sum, shares that sum to 1, one that is only seen with all the others.
        (
            table(
                &["a", "b", "c"],
                n.clone().map(|i| vec![x(i), y(i), x(i) + y(i)]),
            ),
            "column c is a + b",
        ),
        (
            table(
                &["a", "b", "c"],
                n.clone()
                    .map(|i| vec![0.1 * x(i), 0.1 * y(i), 1.0 - 0.1 * x(i) - 0.1 * y(i)]),
            ),
            "column c is -a - b + 1",
        ),
        (
            table(
                &["a", "b", "c", "d"],
                n.clone()
                    .map(|i| vec![x(i), z(i), 3.0 * x(i) - 0.5 * z(i) + 1e-3, y(i)]),
            ),
            "column c is 3 a - 0.5 b + 0.001",
        ),
        // Several.
        (
            table(
                &["a", "b", "c", "d"],
                n.clone().map(|i| vec![x(i), 2.0 * x(i), y(i), y(i) - x(i)]),
            ),
            "column b is 2 a; column d is -a + c",
        ),
        (
            table(
                &["a", "b", "c", "d", "e"],
                n.clone()
                    .map(|i| (1..6).map(|k| f64::from(k) * x(i)).collect()),
            ),
            "column b is 2 a; column c is 3 a; column d is 4 a; and 1 more",
        ),
        (
            table(
                &["a", "b", "c", "d", "e", "sum"],
                n.clone().map(|i| {
                    let row: Vec<f64> = (0..5).map(|d| rough(i, d)).collect();
                    let sum = row.iter().sum();
                    row.into_iter().chain([sum]).collect()
                }),
            ),
            "column sum follows from a, b, c, d and 1 other column",
        ),
    ] {
        let found = samples.dependence().unwrap().to_string();
        let whole = format!(
            "{said} in every row: the covariance is singular to rounding, with a condition number of \
             the correlations above 1e15"
        );
        assert_eq!(found, whole);
    }
    // As many columns that do not.
    for dim in [1, 2, 5, 20] {
        let rows = (0..30).map(|i| (0..dim).map(|d| rough(i, d)).collect());
        let names: Vec<String> = (0..dim).map(|d| format!("x{d}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert_eq!(table(&names, rows).dependence(), None, "{dim}");
    }
}

/// Four points (±1, ±1 ± s): x and x + s e with x and e uncorrelated.
fn nearly(s: f64) -> Samples {
    let rows = [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0)];
    table(&["x", "y"], rows.map(|(x, e)| vec![x, x + s * e]))
}

#[test]
fn the_condition_number_is_that_of_the_closed_form() {
    // The correlation is ρ = 1/√(1 + s²), the eigenvalues 1 ± ρ.
    for s in [1e-6, 5e-7, 2e-7, 1e-7] {
        let s = (1.0 + s) - 1.0;
        let Some(Dependence::Columns {
            condition,
            relations,
        }) = nearly(s).dependence()
        else {
            panic!("{s} is not seen");
        };
        let root = (1.0 + s * s).sqrt();
        let expected = (root + 1.0).powi(2) / (s * s);
        assert_close(condition / expected, 1.0, 1e-16 * expected, "condition");
        assert_eq!(relations[0].to_string(), "column y is x");
    }
    // Where it is below 1e12 the number is right: ln det Σ = ln(s²), and 4/3 for N − 1.
    for s in [1e-1, 1e-3, 1e-5, 4e-6] {
        let s = (1.0 + s) - 1.0;
        let rows = nearly(s);
        assert_eq!(rows.dependence(), None, "{s}");
        let found = estimate("rows", &rows, 1, 0, &mut ())
            .unwrap()
            .log_likelihood
            .value;
        let log_det = 2.0 * (s.ln() + (4f64 / 3.0).ln());
        let expected = -(2.0 * std::f64::consts::PI).ln() - 0.5 * log_det - 0.75;
        let condition = 4.0 / (s * s);
        assert_close(found, expected, 1e-15 + 1e-15 * condition, &format!("{s}"));
    }
    // Numbers that are rounded on a scale nearer to their spread.
    let far = |step: f64| {
        table(
            &["a", "b"],
            (0..10).map(|i| {
                let a = 1e12 + f64::from(i);
                vec![a, a / 3.0 + step * rough(i as usize, 1)]
            }),
        )
    };
    assert!(far(0.0).dependence().is_some());
    assert_eq!(far(0.1).dependence(), None);
}

#[test]
fn rows_in_a_plane_have_no_gaussian() {
    let said = "column fahrenheit is 1.8 celsius + 32 in every row: the covariance is singular to \
                rounding, with a condition number of the correlations above 1e15";
    let help = "leave out fahrenheit";
    let weather = csv(WEATHER);
    let path = weather.path();
    let error = read_operand(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("{path}: {said}"));
    assert_eq!(error.help().unwrap(), help);
    // As an array, as a target of a file, for a mixture.
    let samples = weather.read(None).unwrap().samples;
    let array = Table::new("rows.npy", npy(samples.rows(), 3));
    let error = read_operand(&array.path()).unwrap_err().to_string();
    assert!(
        error.contains("column x3 is 1.8 x1 + 32 in every row"),
        "{error}"
    );
    for components in [1, 2] {
        let error = estimate("weather", &samples, components, 0, &mut ()).unwrap_err();
        assert_eq!(error.to_string(), format!("weather: {said}"));
    }
    let few = table(
        &["a", "b", "c"],
        (0..3).map(|i| (0..3).map(|d| rough(i, d)).collect()),
    );
    let error = Operand::estimated("few", few).unwrap_err();
    assert_eq!(
        error.to_string(),
        "few: 3 rows are too few to estimate a Gaussian in 3 dimensions"
    );
    assert_eq!(
        error.help().unwrap(),
        "give at least 4 rows, or fewer columns"
    );
    // Small numbers are no plane.
    let tiny = table(
        &["a", "b"],
        (0..9).map(|i| vec![1e-200 * rough(i, 0), rough(i, 1)]),
    );
    let error = Operand::estimated("tiny", tiny).unwrap_err();
    assert!(error.help().unwrap().starts_with("choose units"), "{error}");
}

#[test]
fn a_fit_to_rows_in_a_plane_is_refused_where_it_has_no_end() {
    let weather = csv(WEATHER);
    let said = "column fahrenheit is 1.8 celsius + 32 in every row: the covariance is singular to \
                rounding, with a condition number of the correlations above 1e15";
    for (family, name) in [
        ("", "full"),
        ("components = 2", "full"),
        ("covariance = \"low-rank\"", "low-rank"),
    ] {
        let error = weather
            .experiment("", &format!("[fit.family]\n{family}"))
            .unwrap_err();
        let Error::Config(error) = error else {
            panic!("{error}")
        };
        assert_eq!(
            error.message,
            format!("`fit[1].family.covariance` is \"{name}\", and {said}")
        );
        assert_eq!(
            error.help.as_deref(),
            Some(
                "leave out fahrenheit, or set \
                 covariance = \"diagonal\""
            )
        );
    }
    for (family, rest) in [
        (
            "covariance = \"diagonal\"",
            "; a diagonal covariance does not see that",
        ),
        (
            "covariance = \"isotropic\"",
            "; a isotropic covariance does not see that",
        ),
        (
            "min_std = 0.01",
            "; the likelihood is bounded by min_std = 0.01 alone",
        ),
    ] {
        let experiment = weather
            .experiment("", &format!("[fit.family]\n{family}"))
            .unwrap();
        let rest = rest.replace("a iso", "an iso");
        assert_eq!(experiment.notes, [format!("fit[1]: {said}{rest}")]);
    }
    // One factor cannot follow a plane of two dimensions, and two can.
    let sum = csv("a,b,c\n1,2,3\n2,7,9\n4,1,5\n3,3,6\n7,0,7\n");
    let low_rank = |rank: usize| {
        sum.experiment(
            "",
            &format!("[fit.family]\ncovariance = \"low-rank\"\nrank = {rank}"),
        )
    };
    let notes = low_rank(1).unwrap().notes;
    assert!(
        notes[0].starts_with("fit[1]: column c is a + b in every row"),
        "{notes:?}"
    );
    assert!(
        notes[0].ends_with("; a low-rank covariance does not see that"),
        "{notes:?}"
    );
    assert!(low_rank(2).is_err());
    // Fewer rows than dimensions, and rows that have a density.
    let few = csv("a,b,c\n1,2,3\n2,7,4\n4,1,5\n");
    let error = few.experiment("", "").unwrap_err().to_string();
    assert!(error.ends_with("and 3 rows are too few to estimate a Gaussian in 3 dimensions"));
    let rows = csv("a,b\n1,2\n2,7\n4,1\n").experiment("", "").unwrap();
    assert_eq!(rows.notes, [""; 0]);
}
