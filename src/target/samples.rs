//! Samples of the target: N points in D dimensions, from a table.

use std::path::Path;

use nalgebra::{DMatrix, DVector};

use crate::digest::count;
use crate::error::{Error, Result};
use crate::input;
use crate::mixture::MOST_DIM;
use crate::npy::Array;

/// N points in D dimensions, N ≥ 2: finite, with no constant coordinate.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    names: Vec<String>,
    rows: Vec<f64>,
}

impl Samples {
    /// Makes samples of `dim` coordinates with `names`, from N × D numbers, one point after the
    /// other.
    ///
    /// # Errors
    /// If the names or numbers do not come out even, a number is not finite, there are fewer than
    /// two points, or a coordinate is the same in all of them.
    pub fn new(names: Vec<String>, rows: Vec<f64>, dim: usize) -> Result<Self> {
        if dim == 0 || names.len() != dim || !rows.len().is_multiple_of(dim) {
            return Err(Error::usage(
                format!(
                    "{} and {} are not points of {}",
                    count(names.len(), "name"),
                    count(rows.len(), "number"),
                    count(dim, "coordinate")
                ),
                "give one name for each coordinate, and every point all its coordinates",
            ));
        }
        check_width(dim)?;
        if let Some(at) = rows.iter().position(|value| !value.is_finite()) {
            return Err(Error::usage(
                format!(
                    "row {}, column {}: {} is not finite",
                    at / dim + 1,
                    names[at % dim],
                    rows[at]
                ),
                REPAIR,
            ));
        }
        if rows.len() < 2 * dim {
            return Err(Error::usage(
                format!("there are too few points: {}", rows.len() / dim),
                "give two at least; many more, to say anything of a density",
            ));
        }
        let constant = |d: &usize| rows.iter().skip(*d).step_by(dim).all(|x| *x == rows[*d]);
        if let Some(d) = (0..dim).find(constant) {
            return Err(Error::usage(
                format!("column {}: every row has the value {}", names[d], rows[d]),
                "leave the column out: a constant has no density",
            ));
        }
        Ok(Self { names, rows })
    }

    /// D, the number of coordinates.
    pub fn dim(&self) -> usize {
        self.names.len()
    }

    /// N, the number of points; two or more.
    #[expect(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        self.rows.len() / self.dim()
    }

    /// What the D coordinates are called.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The N × D numbers, one point after the other.
    pub fn rows(&self) -> &[f64] {
        &self.rows
    }

    /// The N points, D numbers each.
    pub fn points(&self) -> impl ExactSizeIterator<Item = &[f64]> {
        self.rows.chunks_exact(self.dim())
    }

    /// Some of the coordinates, in the order given.
    pub(super) fn columns(&self, coordinates: &[usize]) -> Self {
        Self {
            names: coordinates.iter().map(|&d| self.names[d].clone()).collect(),
            rows: (self.points())
                .flat_map(|x| coordinates.iter().map(|&d| x[d]))
                .collect(),
        }
    }

    /// Their mean, D.
    pub fn mean(&self) -> DVector<f64> {
        let sum = (self.points()).fold(DVector::zeros(self.dim()), |sum, x| {
            sum + DVector::from_row_slice(x)
        });
        sum / self.len() as f64
    }

    /// Their covariance, D × D, divided by N: the one of the largest likelihood.
    pub fn covariance(&self) -> DMatrix<f64> {
        let mean = self.mean();
        let sum = (self.points()).fold(DMatrix::zeros(self.dim(), self.dim()), |sum, x| {
            let offset = DVector::from_row_slice(x) - &mean;
            sum + &offset * offset.transpose()
        });
        sum / self.len() as f64
    }
}

/// Refuses more columns than there can be dimensions.
fn check_width(columns: usize) -> Result<()> {
    if columns <= MOST_DIM {
        return Ok(());
    }
    Err(Error::usage(
        format!("there are {columns} columns"),
        format!("klfit works in up to {MOST_DIM} dimensions: leave columns out, or transpose it"),
    ))
}

const REPAIR: &str = "repair or remove the row; klfit fits complete rows of finite numbers";

/// Reads samples from a table: one row for each point, one column for each coordinate.
///
/// A `.csv` has commas between its cells, and its first line names the columns if none of its cells
/// is a number. A `.npy` of NumPy holds floats or integers of shape N × D, or N for one coordinate.
/// Coordinates without a name are called x1, x2 and so on.
///
/// # Errors
/// If the file cannot be read; with its line and column, if a cell is empty, not a number or not
/// finite, or a row has more or fewer cells than the first; and as [`Samples::new`].
pub fn read_samples(path: &Path) -> Result<Samples> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let read = match extension.to_str() {
        Some("csv") => from_csv,
        Some("npy") => from_npy,
        _ => {
            return Err(Error::usage(
                format!("{}: samples are in a .csv or a .npy file", path.display()),
                "save the table as one of these; with NumPy: np.save(\"samples.npy\", x)",
            ));
        }
    };
    let bytes = input::read(path, input::LARGEST_TABLE)?;
    read(&bytes).map_err(|error| match error {
        Error::Usage { message, help } => {
            Error::usage(format!("{}: {message}", path.display()), help)
        }
        other => other,
    })
}

fn from_npy(bytes: &[u8]) -> Result<Samples> {
    let array = Array::from_npy(bytes).map_err(|message| {
        Error::usage(
            format!("the file {message}"),
            "save the numbers again: np.save(\"samples.npy\", x.astype(float))",
        )
    })?;
    let dim = match array.shape[..] {
        [_] => 1,
        [_, dim] => dim,
        _ => {
            return Err(Error::usage(
                format!("the array has the shape {:?}", array.shape),
                "save one of shape N × D: one row for each point, one column for each coordinate",
            ));
        }
    };
    check_width(dim)?;
    Samples::new(numbered(dim), array.values, dim)
}

fn numbered(dim: usize) -> Vec<String> {
    (1..=dim).map(|d| format!("x{d}")).collect()
}

fn from_csv(bytes: &[u8]) -> Result<Samples> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let mut names: Vec<String> = Vec::new();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record =
            record.map_err(|error| Error::usage(error.to_string(), "save it as CSV in UTF-8"))?;
        let line = || line_of(&record, bytes);
        if names.is_empty() {
            check_width(record.len())?;
            let header = record.iter().all(|cell| cell.parse::<f64>().is_err());
            names = numbered(record.len());
            if header {
                names = header_names(&record, line())?;
                continue;
            }
        }
        if record.len() != names.len() {
            return Err(Error::usage(
                format!(
                    "line {}: {}, but the first line has {}",
                    line(),
                    count(record.len(), "cell"),
                    names.len()
                ),
                "give every row one cell for each column",
            ));
        }
        for (cell, name) in record.iter().zip(&names) {
            let value = number(cell).map_err(|(message, help)| {
                Error::usage(format!("line {}, column {name}: {message}", line()), help)
            })?;
            rows.push(value);
        }
    }
    if names.is_empty() {
        return Err(Error::usage(
            "the file has no rows",
            "give one row for each point",
        ));
    }
    let dim = names.len();
    Samples::new(names, rows, dim)
}

/// The line a record begins on, counted from 1. The reader's own count lags behind where lines end
/// in \r\n or are empty.
fn line_of(record: &csv::StringRecord, bytes: &[u8]) -> usize {
    let start = record.position().map_or(0, |at| at.byte() as usize);
    let (before, rest) = bytes.split_at(start.min(bytes.len()));
    let ends = rest.iter().take_while(|byte| b"\r\n".contains(byte));
    1 + (before.iter().chain(ends))
        .filter(|byte| **byte == b'\n')
        .count()
}

fn header_names(header: &csv::StringRecord, line: usize) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for cell in header {
        // NumPy's savetxt begins a header like a comment.
        let name = cell.trim_start_matches('#').trim_start();
        let column = names.len() + 1;
        if name.is_empty() {
            return Err(Error::usage(
                format!("line {line}: column {column} has no name"),
                "name it, or leave it out if it only numbers the rows (pandas: index=False)",
            ));
        }
        if let Some(other) = names.iter().position(|other| other == name) {
            return Err(Error::usage(
                format!(
                    "line {line}: columns {} and {column} are both called {name}",
                    other + 1
                ),
                "give every column a name of its own",
            ));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The number in a cell, or what is wrong with it and what to do.
fn number(cell: &str) -> Result<f64, (String, &'static str)> {
    match cell.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err((format!("{cell} is not finite"), REPAIR)),
        Err(_) if cell.is_empty() => Err(("the cell is empty".to_owned(), REPAIR)),
        Err(_) => {
            let help = if cell.contains([';', '\t', ' ']) {
                "separate the cells with commas, and write 0.5 with a point"
            } else {
                "leave out columns of text; a first line of names holds no numbers"
            };
            Err((format!("\"{cell}\" is not a number"), help))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn data(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name)
    }

    fn refused(text: &str) -> String {
        from_csv(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_moments_are_those_worked_out_by_hand() {
        let samples = from_csv(b"a,b\n0,1\n2,1\n4,7\n").unwrap();
        assert_eq!((samples.len(), samples.dim()), (3, 2));
        assert_eq!(samples.mean().as_slice(), [2.0, 3.0]);
        let expected = DMatrix::from_row_slice(2, 2, &[8.0, 12.0, 12.0, 24.0]) / 3.0;
        assert!((samples.covariance() - expected).amax() < 1e-15);
    }

    #[test]
    fn fishers_irises_have_the_published_moments() {
        let iris = read_samples(&data("iris.csv")).unwrap();
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
        let bare = from_csv(b"1, 2\n3,4e0\n\n").unwrap();
        assert_eq!(bare.names(), ["x1", "x2"]);
        assert_eq!(bare.rows(), [1.0, 2.0, 3.0, 4.0]);
        let named = from_csv("\u{feff}# first,second\r\n1,2\r\n3,4\r\n".as_bytes()).unwrap();
        assert_eq!(named.names(), ["first", "second"]);
        assert_eq!(named.rows(), bare.rows());
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
            let samples = read_samples(&data(&format!("numpy/{name}.npy"))).unwrap();
            assert_eq!(samples.names(), ["x1", "x2", "x3"], "{name}");
            let expected = [1.0, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 8.0, 9.0, 3.0, 1.0, 2.0];
            assert_eq!(samples.rows(), expected, "{name}");
        }
        let line = read_samples(&data("numpy/line.npy")).unwrap();
        assert_eq!((line.dim(), line.rows()), (1, &[0.5, -1.25, 3.0][..]));
    }

    #[test]
    fn an_array_that_is_not_a_table_of_numbers_is_refused() {
        let refused = |name: &str| read_samples(&data(name)).unwrap_err().to_string();
        assert!(refused("numpy/cube.npy").ends_with("the array has the shape [2, 2, 2]"));
        assert!(refused("numpy/text.npy").contains("the file cannot be read"));
        let not_finite = refused("numpy/not-finite.npy");
        assert!(not_finite.ends_with("row 2, column x1: NaN is not finite"));
        let whole = fs::read(data("numpy/double.npy")).unwrap();
        for length in [0, 5, 40, whole.len() - 1] {
            let error = from_npy(&whole[..length]).unwrap_err().to_string();
            assert!(error.starts_with("the file is "), "{error}");
        }
    }

    #[test]
    fn a_wrong_cell_is_named_by_its_line_and_column() {
        let cases = [
            ("a,b\n1,2\n3,\n", "line 3, column b: the cell is empty"),
            ("a,b\n1,x\n", "line 2, column b: \"x\" is not a number"),
            ("a,b\n1,2\n\nnan,2\n", "line 4, column a: nan is not finite"),
            (
                "a,b\r\n1,2\r\n\r\n3,\r\n",
                "line 4, column b: the cell is empty",
            ),
            ("1,2\n-inf,2\n", "line 2, column x1: -inf is not finite"),
            ("a,2\n1,2\n", "line 1, column x1: \"a\" is not a number"),
            ("a;b\n1;2\n", "line 2, column a;b: \"1;2\" is not a number"),
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
        let missing = read_samples(&path).unwrap_err().to_string();
        assert!(missing.starts_with(&format!("cannot read {}: ", path.display())));
        fs::write(&path, "a\n1\n?\n").unwrap();
        let wrong = read_samples(&path).unwrap_err().to_string();
        let expected = "line 3, column a: \"?\" is not a number";
        assert_eq!(wrong, format!("{}: {expected}", path.display()));
        fs::write(&path, b"a\n1\n\xff\n").unwrap();
        assert!(
            read_samples(&path)
                .unwrap_err()
                .to_string()
                .contains("UTF-8")
        );
        let other = read_samples(Path::new("table.xlsx")).unwrap_err();
        assert!(other.to_string().contains(".csv or a .npy"));
    }

    #[test]
    fn numbers_that_do_not_come_out_even_are_refused() {
        for (names, numbers, dim) in [(2, 5, 2), (1, 4, 2), (0, 0, 0)] {
            let error = Samples::new(numbered(names), vec![0.0; numbers], dim).unwrap_err();
            assert!(error.to_string().contains("are not points of"), "{error}");
        }
    }
}
