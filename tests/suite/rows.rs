//! Rows as other programs write them: what is taken, what is doubted and what is refused, with words.

use std::fs;
use std::path::Path;

use klfit::internals::read_operand_with;
use klfit::{Experiment, SamplesFile, TableOptions, read_samples};

use crate::command_line::klfit;
use crate::dependence::WEATHER;
use crate::support::assert_close;

/// `DataFrame(x).to_csv(index=False)` of an array without names.
const PANDAS: &str = "0,1\n-0.31,4.25\n0.62,1.5\n1.94,-2.75\n0.07,3.0\n";
/// The same with the index.
const PANDAS_INDEX: &str = ",0,1\n0,-0.31,4.25\n1,0.62,1.5\n2,1.94,-2.75\n3,0.07,3.0\n";
/// A named frame with an index that went through pandas twice.
const UNNAMED: &str = "Unnamed: 0,x,y\n4,-0.31,4.25\n17,0.62,1.5\n3,1.94,-2.75\n29,0.07,3.0\n";
/// What a German Excel saves as "CSV (Trennzeichen-getrennt)".
pub const GERMAN: &str = "a;b\r\n3,346;-2,473\r\n1.204,5;0,25\r\n";
/// `np.savetxt("rows.csv", x)`.
const SAVETXT: &str = "-3.100000000000000089e-01 4.250000000000000000e+00\n\
                       6.199999999999999956e-01 1.500000000000000000e+00\n";
/// A folder with one file in it.
pub struct Table {
    folder: tempfile::TempDir,
    name: &'static str,
}

impl Table {
    pub fn new(name: &'static str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), content).unwrap();
        Self { folder, name }
    }

    pub fn path(&self) -> String {
        self.folder.path().join(self.name).display().to_string()
    }

    pub fn read(&self, header: Option<bool>) -> klfit::Result<SamplesFile> {
        read_samples(Path::new(&self.path()), &TableOptions::with_header(header))
    }

    /// What is said of it.
    pub fn notes(&self, header: Option<bool>) -> Vec<String> {
        let start = format!("{}: ", self.path());
        let notes = self.read(header).unwrap().notes;
        let told = |note: String| note.strip_prefix(&start).unwrap().to_owned();
        notes.into_iter().map(told).collect()
    }

    /// Why it is refused, and what to do.
    pub fn refused(&self, header: Option<bool>) -> (String, String) {
        let error = self.read(header).unwrap_err();
        let message = error.to_string();
        let message = message.strip_prefix(&format!("{}: ", self.path())).unwrap();
        (message.to_owned(), error.help().unwrap())
    }

    /// An experiment on it.
    pub fn experiment(&self, target: &str, fit: &str) -> klfit::Result<Experiment> {
        let text = format!(
            "name = \"rows\"\n[target]\nfile = \"{}\"\n{target}\n[[fit]]\n\
             divergence = \"forward-kl\"\n{fit}\n",
            self.name
        );
        let path = self.folder.path().join("rows.toml");
        Experiment::parse(&path, &text, Vec::new())
    }
}

pub fn csv(content: &str) -> Table {
    Table::new("rows.csv", content)
}

#[test]
fn a_header_of_numbers_is_told_of_and_skipped_on_request() {
    let how = "is taken for a row; if it names the columns, say `header = true` beside `file` in a \
               config or `--header true`, and `false` if it does not";
    let pandas = csv(PANDAS);
    assert_eq!(pandas.notes(None), [format!("line 1: 0,1 {how}")]);
    let rows = |header| pandas.read(header).unwrap().samples;
    assert_eq!(rows(None).len(), 5);
    assert_eq!(rows(None), rows(Some(false)));
    assert_eq!(pandas.notes(Some(false)), [""; 0]);
    assert_eq!(pandas.notes(Some(true)), [""; 0]);
    let named = rows(Some(true));
    assert_eq!(
        (named.len(), named.names()),
        (4, &["0", "1"].map(str::to_owned)[..])
    );
    assert_close(named.mean()[0], 0.58, 1e-15, "by hand");
    // A mark of the encoding, lines that end as on Windows, quotes, a single column, years.
    for (content, line, text) in [
        (
            "\u{feff}0,1,2\r\n0.5,1,2.5\r\n1,2,0.25\r\n".to_owned(),
            1,
            "0,1,2",
        ),
        ("\n\"1\",\"2\"\n0.5,1\n0.25,2\n".to_owned(), 2, "1,2"),
        ("0\n1.5\n2.25\n".to_owned(), 1, "0"),
        (
            "2019,2020,2021\n0.5,1,2.5\n0.25,2,1\n".to_owned(),
            1,
            "2019,2020,2021",
        ),
        (
            format!(
                "{}\n{}\n{}\n",
                joined(0..20, ""),
                joined(3..23, ".5"),
                joined(20..40, ".25")
            ),
            1,
            "0,1,2,3,4,5,6,7,…",
        ),
    ] {
        assert_eq!(
            csv(&content).notes(None),
            [format!("line {line}: {text} {how}")],
            "{content}"
        );
    }
    // Rows like any other.
    for content in [
        "0,1\n2,3\n4,7\n",
        "1.0,2.0\n0.5,1\n0.25,2\n",
        "1,3\n0.5,1\n0.25,2\n",
        "1\n1.5\n2.25\n",
        "0\n0.5\n1\n1.5\n",
        "a,b\n0,1\n0.5,1.5\n",
    ] {
        assert_eq!(csv(content).notes(None), [""; 0], "{content}");
    }
}

fn joined(numbers: std::ops::Range<usize>, end: &str) -> String {
    let cells: Vec<String> = numbers.map(|n| format!("{n}{end}")).collect();
    cells.join(",")
}

#[test]
fn a_header_is_what_it_is_said_to_be() {
    // Names of which one is a number, or all are.
    let mixed = csv("site,2020\n0.5,1\n0.25,2\n");
    let (message, help) = mixed.refused(None);
    assert_eq!(message, "line 1, column x1: \"site\" is not a number");
    assert!(
        help.ends_with("or header = true says that it does"),
        "{help}"
    );
    assert_eq!(
        mixed.read(Some(true)).unwrap().samples.names(),
        ["site", "2020"]
    );
    let infinite = csv("inf,nan\n0.5,1\n0.25,2\n");
    assert_eq!(
        infinite.read(Some(true)).unwrap().samples.names(),
        ["inf", "nan"]
    );
    // Text is not read as a row because it is said to be one.
    let (message, _) = csv("a,b\n1,2\n3,5\n").refused(Some(false));
    assert_eq!(message, "line 1, column x1: \"a\" is not a number");
    let (message, help) = Table::new("rows.npy", npy(&[1.0, 2.0, 4.0], 1)).refused(Some(true));
    assert_eq!(message, "a .npy has no header");
    assert_eq!(
        help,
        "say nothing of a header: every row of the table is a point"
    );
    let (message, _) = csv("a,b,a\n1,2,3\n").refused(None);
    assert_eq!(message, "line 1: columns 1 and 3 are both called a");
}

#[test]
fn the_header_of_a_config_is_that_of_the_run() {
    let pandas = csv(PANDAS);
    let fit = "[fit.family]\ncovariance = \"diagonal\"";
    let said = pandas.experiment("", fit).unwrap();
    assert_eq!(said.notes.len(), 1);
    assert!(said.notes[0].contains("rows.csv: line 1: 0,1 is taken for a row"));
    let experiment = pandas.experiment("header = true", fit).unwrap();
    assert_eq!(experiment.notes, [""; 0]);
    assert_eq!(experiment.target.as_samples().unwrap().len(), 4);
    assert_eq!(experiment.target.coordinates(), ["0", "1"]);
    // The rows that a run keeps have their names on the first line, numbers or not.
    let out = pandas.folder.path().join("out");
    let folder = klfit::RunFolder::create(&out, &experiment, klfit::Existing::Refuse).unwrap();
    assert_eq!(folder.experiment().unwrap().target, experiment.target);
    let error = pandas
        .experiment("header = 1", fit)
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("`target.header` is 1, expected a boolean"),
        "{error}"
    );
}

#[test]
fn a_column_that_counts_the_rows_is_told_of() {
    let rest = "and is taken for a coordinate: if it is none, leave it out (pandas: index=False, R: \
                row.names = FALSE)";
    for (content, what) in [
        (
            "0,0.5,1.5\n1,0.25,2.5\n2,0.75,0.5\n",
            "column x1 counts the rows from 0",
        ),
        (
            "n,x\n1,0.5\n2,0.25\n3,0.75\n",
            "column n counts the rows from 1",
        ),
        (
            "Unnamed: 0,x\n0,0.5\n1,0.25\n2,0.75\n",
            "column Unnamed: 0 counts the rows from 0",
        ),
        (
            UNNAMED,
            "column Unnamed: 0 has the name that pandas gives an index",
        ),
    ] {
        assert_eq!(
            csv(content).notes(None),
            [format!("{what} {rest}")],
            "{content}"
        );
    }
    let numbers = [0.0, 0.5, 1.0, 0.25, 2.0, 0.75];
    let array = Table::new("rows.npy", npy(&numbers, 2));
    assert_eq!(
        array.notes(None),
        [format!("column x1 counts the rows from 0 {rest}")]
    );
    for content in [
        // Two rows, one column, another start, another step, another column, a gap.
        "0,0.5\n1,0.25\n",
        "x\n0\n1\n2\n",
        "2,0.5\n3,0.25\n4,0.75\n",
        "0,0.5\n2,0.25\n4,0.75\n",
        "x,n\n0.5,0\n0.25,1\n0.75,2\n",
        "n,x\n0,0.5\n1,0.25\n3,0.75\n",
    ] {
        assert_eq!(csv(content).notes(None), [""; 0], "{content}");
    }
    // An index without a name is refused, beside names and beside numbers.
    for content in [",x\n0,0.5\n1,0.25\n", "\"\",\"x\"\n\"1\",0.5\n\"2\",0.25\n"] {
        let (message, help) = csv(content).refused(None);
        assert_eq!(message, "line 1: column 1 has no name");
        assert!(
            help.contains("(pandas: index=False, R: row.names = FALSE)"),
            "{help}"
        );
    }
    let (message, help) = csv(PANDAS_INDEX).refused(None);
    assert_eq!(
        message,
        "line 1: ,0,1 begins with an empty cell, as where an index stands beside columns whose \
         names are numbers"
    );
    assert!(help.starts_with(
        "leave the index out (pandas: index=False); if the rest names the columns, say `header"
    ));
}

#[test]
fn other_separators_are_called_by_their_names() {
    let pandas = |arguments: &str| {
        // Where the file has no names none are made up.
        let names = if arguments.contains("None") {
            ", header=False"
        } else {
            ""
        };
        format!("pd.read_csv(file, {arguments}).to_csv(\"new.csv\", index=False{names})")
    };
    for (content, message, arguments) in [
        (
            "a;b\n1;2\n3;4;5\n",
            "line 2 has semicolons between its cells: 1;2",
            "sep=\";\"",
        ),
        (
            "a|b\n1|2\n",
            "line 2 has bars between its cells: 1|2",
            "sep=\"|\"",
        ),
        (
            SAVETXT,
            "line 2 has spaces between its cells: \
             6.199999999999999956e-01 1.500000000000000000e+00",
            "sep=\"\\s+\", header=None",
        ),
        (
            "a b\n1,5 2,5\n",
            "line 2 has spaces between its cells and decimal commas in its numbers: 1,5 2,5",
            "sep=\"\\s+\", decimal=\",\"",
        ),
    ] {
        let (found, help) = csv(content).refused(None);
        assert_eq!(found, message);
        let also = if arguments.contains("decimal") {
            ", and write decimal points"
        } else {
            ""
        };
        assert_eq!(
            help,
            format!(
                "separate the cells with commas{also}; with pandas: {}",
                pandas(arguments)
            )
        );
    }
    // One column of decimal commas has two cells in every row.
    let (message, help) = csv("x\n3,346\n-2,473\n").refused(None);
    assert_eq!(
        message,
        "line 2: 2 cells, but the first line has 1, as if 3,346 had decimal commas"
    );
    assert!(
        help.starts_with("write decimal points, as in 3.346; with pandas: "),
        "{help}"
    );
    // Without a header it can be told by a zero only.
    let note = "line 2: 046 may be the decimals of a number with a decimal comma, which would be \
                read as two cells: write decimal points";
    assert_eq!(csv("3,346\n-2,046\n7,5\n").notes(None), [note]);
    assert_eq!(csv("a,b\n3,346\n-2,046\n7,5\n").notes(None), [""; 0]);
    // Groups of thousands and commas in quotes.
    for cell in ["\"1,234.5\"", "\"3,346\"", "1 234", "1'234"] {
        let (message, help) = csv(&format!("a,b\n1,{cell}\n")).refused(None);
        assert!(message.starts_with("line 2, column b: "), "{message}");
        assert_eq!(
            help,
            "write numbers with a point before the decimals and nothing between the thousands, as \
             in 1234.5"
        );
    }
    // Names may hold what they like, and so may text that is refused for being text.
    let spoken = csv("v; m/s,t | s\n\"1.5\",2\n3,7\n")
        .read(None)
        .unwrap()
        .samples;
    assert_eq!(spoken.names(), ["v; m/s", "t | s"]);
    let (message, _) = csv("a,b\n1,left; then right\n").refused(None);
    assert_eq!(
        message,
        "line 2, column b: \"left; then right\" is not a number"
    );
    // Excel's older encodings.
    let latin = Table::new("rows.csv", b"L\xe4nge;Breite\r\n1,5;2,5\r\n");
    let (message, help) = latin.refused(None);
    assert!(
        message.contains("UTF-8") && help.contains("CSV UTF-8"),
        "{message} {help}"
    );
}

/// What `np.save` writes of N × D doubles.
pub fn npy(numbers: &[f64], dim: usize) -> Vec<u8> {
    let shape = (numbers.len() / dim, dim);
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape:?}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(118u16.to_le_bytes());
    bytes.extend(format!("{header:<117}\n").bytes());
    bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    bytes
}

#[test]
fn a_column_that_differs_by_rounding_alone_is_a_constant() {
    let (message, help) = csv("a,b\n1,0.30000000000000004\n2,0.3\n4,0.3\n").refused(None);
    assert_eq!(
        message,
        "column b: every row is 0.3 up to rounding, 0.30000000000000004 at most"
    );
    assert_eq!(help, "leave the column out: a constant has no density");
    assert!(csv("a\n1\n1.00000000001\n").read(None).is_ok());
}

#[test]
fn the_commands_tell_of_what_they_doubt() {
    let at = |table: &Table, arguments: &[&str]| {
        let assert = klfit(arguments).current_dir(table.folder.path()).assert();
        let output = assert.get_output();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let note = "note: rows.csv: line 1: 0,1 is taken for a row; if it names the columns, say";
    let pandas = csv(PANDAS);
    let (code, taken, said) = at(&pandas, &["estimate", "rows.csv"]);
    assert!(code == Some(0) && said.contains(note), "{said}");
    let (_, model, said) = at(&pandas, &["estimate", "rows.csv", "--header", "true"]);
    assert!(!said.contains("note") && said.contains("4 rows:"), "{said}");
    assert_ne!(taken, model);
    let (_, silent, said) = at(&pandas, &["estimate", "rows.csv", "--header", "false"]);
    assert!(!said.contains("note") && silent == taken, "{said}");
    let (_, _, said) = at(&pandas, &["estimate", "rows.csv", "--quiet"]);
    assert_eq!(said, "");
    let both = ["divergence", "rows.csv", "rows.csv"];
    let (code, table, said) = at(&pandas, &both);
    assert!(code == Some(0) && said.contains(note), "{said}");
    assert!(table.contains("the Gaussian of 5 rows"), "{table}");
    let (_, table, said) = at(&pandas, &[&both[..], &["--header", "true"]].concat());
    assert!(
        !said.contains("note") && table.contains("the Gaussian of 4 rows"),
        "{table}"
    );
    // A file that says how another is read.
    fs::write(
        pandas.folder.path().join("p.toml"),
        "file = \"rows.csv\"\nheader = true\n",
    )
    .unwrap();
    let (_, table, said) = at(
        &pandas,
        &["divergence", "p.toml", "rows.csv", "--header", "true"],
    );
    assert!(
        !said.contains("note") && table.matches("of 4 rows").count() == 2,
        "{table}"
    );
    let idle = ["divergence", "p.toml", "p.toml", "--header", "true"];
    let (code, _, said) = at(&pandas, &idle);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("--header is given, and no density is a .csv"),
        "{said}"
    );
    assert!(
        said.contains("a .toml says `header = true` itself"),
        "{said}"
    );
    let operand =
        read_operand_with(&pandas.path(), &TableOptions::with_header(Some(true))).unwrap();
    assert_eq!(operand.rows.unwrap().len(), 4);
    let weather = csv(WEATHER);
    let (code, _, said) = at(&weather, &["divergence", "rows.csv", "rows.csv"]);
    assert!(
        code == Some(2) && said.contains("column fahrenheit is 1.8 celsius + 32"),
        "{said}"
    );
    // A fit that does not see it runs, with its figures.
    let config = "name = \"plane\"\n[target]\nfile = \"rows.csv\"\n[family]\n\
                  covariance = \"diagonal\"\n[optimizer]\nsteps = 3\n[[fit]]\n\
                  divergence = \"forward-kl\"\n";
    fs::write(weather.folder.path().join("plane.toml"), config).unwrap();
    let (code, _, said) = at(&weather, &["run", "plane.toml"]);
    assert!(
        code == Some(0) && said.contains("note: fit[1]: column fahrenheit is"),
        "{said}"
    );
    let german = csv(GERMAN);
    let (code, _, said) = at(&german, &["estimate", "rows.csv"]);
    let note =
        "note: rows.csv: it has semicolons between its cells, and commas before the decimals";
    assert!(code == Some(2) && said.contains(note), "{said}");
}
