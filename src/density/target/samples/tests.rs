//! Tables as other programs write them.

use std::fs;
use std::path::Path;

use nalgebra::{DMatrix, DVector};

use super::csv::from_csv;
use super::read::from_npy;
use super::{Samples, SamplesFile, TableOptions, numbered, read_samples};

fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn read(text: &str) -> Samples {
    let (samples, notes) =
        from_csv(text.as_bytes(), &TableOptions::default(), Samples::new).unwrap();
    assert_eq!(notes, [""; 0]);
    samples
}

fn samples(path: &Path) -> Samples {
    let SamplesFile { samples, notes } = read_samples(path, &TableOptions::default()).unwrap();
    assert_eq!(notes, [""; 0]);
    samples
}

fn refused(text: &str) -> String {
    from_csv(text.as_bytes(), &TableOptions::default(), Samples::new)
        .unwrap_err()
        .to_string()
}

#[test]
fn the_moments_are_those_worked_out_by_hand() {
    let samples = read("a,b\n0,1\n2,1\n4,7\n");
    assert_eq!((samples.len(), samples.dim()), (3, 2));
    assert_eq!(samples.mean().as_slice(), [2.0, 3.0]);
    let expected = DMatrix::from_row_slice(2, 2, &[8.0, 12.0, 12.0, 24.0]) / 3.0;
    assert!((samples.covariance() - expected).amax() < 1e-15);
}

#[test]
fn fishers_irises_have_the_published_moments() {
    let iris = samples(&data("iris.csv"));
    assert_eq!(iris.len(), 150);
    assert_eq!(
        iris.names(),
        ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    );
    // Means, and variances divided by N, as `np.mean` and `np.var` find them.
    let mean = [
        5.843333333333335,
        3.057333333333334,
        3.7580000000000027,
        1.199333333333334,
    ];
    let variances = [
        0.6811222222222222,
        0.1887128888888887,
        3.0955026666666674,
        0.5771328888888888,
    ];
    assert!((iris.mean() - DVector::from_row_slice(&mean)).amax() < 1e-13);
    let found = iris.covariance();
    assert!((found.diagonal() - DVector::from_row_slice(&variances)).amax() < 1e-13);
    assert!((found[(2, 0)] - 1.2658199999999997).abs() < 1e-13);
}

#[test]
fn a_table_may_do_without_a_header() {
    let bare = read("1.5, 2\n3,4e0\n\n");
    assert_eq!(bare.names(), ["x1", "x2"]);
    assert_eq!(bare.rows(), [1.5, 2.0, 3.0, 4.0]);
    let named = read("\u{feff}# first,second\r\n1.5,2\r\n3,4\r\n");
    assert_eq!(named.names(), ["first", "second"]);
    assert_eq!(named.rows(), bare.rows());
}

#[test]
fn a_header_of_every_character_reads_back() {
    let all: Vec<char> = ('\0'..=char::MAX).collect();
    let again = |names: &[String]| {
        let mut csv = ::csv::Writer::from_writer(Vec::new());
        csv.write_record(names).unwrap();
        csv.write_record(["1", "2"]).unwrap();
        csv.write_record(["3", "4"]).unwrap();
        let (samples, _) = from_csv(
            &csv.into_inner().unwrap(),
            &TableOptions::with_header(Some(true)),
            Samples::new,
        )
        .unwrap();
        samples.names().to_vec()
    };
    for batch in all.chunks(1024) {
        let name: String = batch.iter().collect();
        assert_eq!(
            again(&[format!("x{name}x"), "y".to_owned()])[0],
            format!("x{name}x")
        );
        for name in [name.clone(), format!("\u{feff}#{name}")] {
            let read = again(&[format!("{name}."), "y".to_owned()]);
            assert_eq!(again(&read), read);
        }
    }
}

#[test]
fn numpys_arrays_are_read_whatever_their_type_and_order() {
    for name in [
        "double",
        "fortran",
        "single",
        "big-endian",
        "integer",
        "byte",
    ] {
        let samples = samples(&data(&format!("numpy/{name}.npy")));
        assert_eq!(samples.names(), ["x1", "x2", "x3"], "{name}");
        let expected = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 8.0, 9.0, 3.0, 1.0, 2.0];
        assert_eq!(samples.rows(), expected, "{name}");
    }
    let line = samples(&data("numpy/line.npy"));
    assert_eq!((line.dim(), line.rows()), (1, &[0.5, -1.25, 3.0][..]));
}

#[test]
fn an_array_that_is_not_a_table_of_numbers_is_refused() {
    let refused = |name: &str| {
        read_samples(&data(name), &TableOptions::default())
            .unwrap_err()
            .to_string()
    };
    assert!(refused("numpy/cube.npy").ends_with("the array has the shape [2, 2, 2]"));
    assert!(refused("numpy/text.npy").contains("the file cannot be read"));
    let not_finite = refused("numpy/not-finite.npy");
    assert!(not_finite.ends_with("row 2, column x1: a value is missing"));
    let whole = fs::read(data("numpy/double.npy")).unwrap();
    for length in [0, 5, 40, whole.len() - 1] {
        let error = from_npy(&whole[..length], &TableOptions::default(), Samples::new)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("the file is "), "{error}");
    }
}

#[test]
fn a_wrong_cell_is_named_by_its_line_and_column() {
    let cases = [
        ("a,b\n1,2\n3,\n", "line 3, column b: a value is missing"),
        ("a,b\n1,x\n", "line 2, column b: \"x\" is not a number"),
        (
            "a,b\n1,2\n\nnan,2\n",
            "line 4, column a: a value is missing",
        ),
        (
            "a,b\r\n1,2\r\n\r\n3,\r\n",
            "line 4, column b: a value is missing",
        ),
        ("1,2\n-inf,2\n", "line 2, column x1: -inf is not finite"),
        ("a,2\n1,2\n", "line 1, column x1: \"a\" is not a number"),
        ("a,b\n1,2\n3\n", "line 3: 1 cell, but the first line has 2"),
        ("1,2\n3,4,5\n", "line 2: 3 cells, but the first line has 2"),
        (",a\nx,1\n", "line 1: column 1 has no name"),
        (
            "a,b,a\n1,2,3\n",
            "line 1: columns 1 and 3 are both called a",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refused(text), expected);
    }
}

#[test]
fn what_has_no_spread_is_refused() {
    assert_eq!(refused(""), "the file has no rows");
    assert_eq!(refused("a,b\n"), "there are too few points: 0");
    assert_eq!(refused("a,b\n1,2\n"), "there are too few points: 1");
    assert_eq!(
        refused("a,b\n1,2\n3,2\n4,2\n"),
        "column b: every row has the value 2"
    );
}

#[test]
fn an_error_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.CSV");
    let missing = read_samples(&path, &TableOptions::default())
        .unwrap_err()
        .to_string();
    assert!(missing.starts_with(&format!("cannot read {}: ", path.display())));
    fs::write(&path, "a\n1\n?\n").unwrap();
    let wrong = read_samples(&path, &TableOptions::default())
        .unwrap_err()
        .to_string();
    let expected = "line 3, column a: \"?\" is not a number";
    assert_eq!(wrong, format!("{}: {expected}", path.display()));
    fs::write(&path, b"a\n1\n\xff\n").unwrap();
    assert!(
        read_samples(&path, &TableOptions::default())
            .unwrap_err()
            .to_string()
            .contains("UTF-8")
    );
    let other = read_samples(Path::new("table.xlsx"), &TableOptions::default()).unwrap_err();
    assert!(other.to_string().contains(".csv or a .npy"));
}

#[test]
fn numbers_that_do_not_come_out_even_are_refused() {
    for (names, numbers, dim) in [(2, 5, 2), (1, 4, 2), (0, 0, 0)] {
        let error = Samples::new(numbered(names), vec![0.0; numbers], dim).unwrap_err();
        assert!(error.to_string().contains("are not points of"), "{error}");
    }
}
