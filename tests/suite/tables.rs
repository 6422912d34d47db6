//! Tables with more in them than coordinates: columns are chosen, rows with gaps refused or left out.

use std::fs;
use std::path::Path;

use klfit::internals::read_operand_with;
use klfit::{Experiment, MissingRule, Samples, SamplesFile, TableOptions, read_samples};

use crate::command_line::klfit;
use crate::rows::{GERMAN, csv, npy};

/// What a data frame with an index, dates, names and gaps is saved as.
const FRAME: &str = "\
,date,station,temperature,rain,wind
0,2024-01-01,north,1.5,0.0,3
1,2024-01-02,north,2.25,NA,4.5
2,2024-01-03,south,,1.5,2
3,2024-01-04,\"south, harbour\",-0.5,0.25,7
4,2024-01-05,south,3.75,NaN,
5,2024-01-06,north,0.25,2.5,1
";

fn choose(columns: &[&str], missing: MissingRule) -> TableOptions {
    TableOptions {
        header: None,
        columns: Some(columns.iter().map(|&name| name.to_owned()).collect()),
        missing,
        weights: None,
    }
}

fn read(text: &str, options: &TableOptions) -> klfit::Result<SamplesFile> {
    read_samples(Path::new(&csv(text).path()), options)
}

fn refused(text: &str, options: &TableOptions) -> (String, String) {
    let error = read(text, options).unwrap_err();
    let message = error.to_string();
    let (_, message) = message.split_once(".csv: ").unwrap();
    (message.to_owned(), error.help().unwrap())
}

#[test]
fn columns_are_taken_by_their_names_in_the_order_asked_for() {
    let options = choose(&["wind", "temperature"], MissingRule::Drop);
    let SamplesFile { samples, notes } = read(FRAME, &options).unwrap();
    assert_eq!(samples.names(), ["wind", "temperature"]);
    let expected = [3.0, 1.5, 4.5, 2.25, 7.0, -0.5, 1.0, 0.25];
    assert_eq!(samples.rows(), expected);
    let [note] = &notes[..] else {
        panic!("{notes:?}")
    };
    assert!(
        note.ends_with(
            "2 rows of 6 with a missing value are left out: 1 in column wind, 1 in column temperature"
        ),
        "{note}"
    );
    // Nothing is said of gaps elsewhere, nor of what a column that is not chosen is called.
    let whole = read(
        "a,a,x\n1,,0.5\n2,text,0.25\n",
        &choose(&["x"], MissingRule::Refuse),
    );
    let whole = whole.unwrap();
    assert_eq!(
        (whole.samples.rows(), whole.notes),
        (&[0.5, 0.25][..], vec![])
    );
    // Names that are numbers are names where they are chosen, and others have numbers of their own.
    let years = "2019,2020,2021\n0.5,1,2.5\n0.25,2,1\n";
    let of_year = read(years, &choose(&["2021"], MissingRule::Refuse)).unwrap();
    assert_eq!(of_year.samples.rows(), [2.5, 1.0]);
    let second = read(years, &choose(&["x2"], MissingRule::Refuse)).unwrap();
    assert_eq!(second.samples.rows(), [2020.0, 1.0, 2.0]);
}

#[test]
fn a_choice_that_cannot_be_met_is_refused() {
    let drop = |columns: &[&str]| refused(FRAME, &choose(columns, MissingRule::Drop));
    let (message, help) = drop(&["snow"]);
    assert_eq!(message, "there is no column snow");
    assert_eq!(
        help,
        "its columns are date, station, temperature, rain, wind"
    );
    let (message, _) = drop(&["wind", "wind"]);
    assert_eq!(message, "column wind is chosen twice");
    assert_eq!(drop(&[]).0, "no column is chosen");
    let twice = choose(&["a"], MissingRule::Drop);
    let (message, _) = refused("a,b,a\n1,2,3\n2,3,4\n", &twice);
    assert_eq!(message, "columns 1 and 3 are both called a");
    let (message, help) = drop(&["wind", "date"]);
    assert_eq!(
        message,
        "line 2, column date: \"2024-01-01\" is not a number"
    );
    assert!(help.contains("columns = ["), "{help}");
    // Infinity is no gap.
    let (message, _) = refused("x\n1\ninf\n2\n", &choose(&["x"], MissingRule::Drop));
    assert_eq!(message, "line 3, column x: inf is not finite");
}

#[test]
fn missing_values_are_counted() {
    let some = choose(&["temperature", "rain", "wind"], MissingRule::Refuse);
    let (message, help) = refused(FRAME, &some);
    assert_eq!(
        message,
        "line 3, column rain: a value is missing, as in 3 of 6 rows"
    );
    assert!(help.contains("missing = \"drop\""), "{help}");
    for gap in ["", "NA", "n/a", "#N/A", "<NA>", "nan", "NULL", "None", " "] {
        let text = format!("x,y\n1,2\n{gap},3\n2,5\n4,1\n");
        let (message, _) = refused(&text, &TableOptions::default());
        assert_eq!(message, "line 3, column x: a value is missing", "{gap}");
        let drop = TableOptions {
            missing: MissingRule::Drop,
            ..TableOptions::default()
        };
        let kept = read(&text, &drop).unwrap();
        assert_eq!(kept.samples.rows(), [1.0, 2.0, 2.0, 5.0, 4.0, 1.0], "{gap}");
        assert!(kept.notes[0].contains("1 row of 4"), "{:?}", kept.notes);
    }
    let none = TableOptions {
        missing: MissingRule::Drop,
        ..TableOptions::default()
    };
    let (message, _) = refused("x,y\n1,\n,2\n", &none);
    assert_eq!(message, "there are too few points: 0");
}

#[test]
fn semicolons_tabs_and_decimal_commas_are_read_and_told_of() {
    let semicolons = "it has semicolons between its cells";
    let commas = ", and commas before the decimals of its numbers";
    let german = format!("{semicolons}{commas}");
    for (text, names, rows, note) in [
        (
            GERMAN,
            ["a", "b"],
            [3.346, -2.473, 1204.5, 0.25],
            german.as_str(),
        ),
        (
            "3,346;-2,473\n1,2;0,25\n",
            ["x1", "x2"],
            [3.346, -2.473, 1.2, 0.25],
            &german,
        ),
        (
            "sep=;\r\na;b\r\n\"1.204,5\";\"0,25\"\r\n7;8\r\n",
            ["a", "b"],
            [1204.5, 0.25, 7.0, 8.0],
            &german,
        ),
        (
            "a;b\n1;2\n3;5.5\n",
            ["a", "b"],
            [1.0, 2.0, 3.0, 5.5],
            semicolons,
        ),
        (
            "a, in m\tb\n1\t2e3\n0.5\t4\n",
            ["a, in m", "b"],
            [1.0, 2000.0, 0.5, 4.0],
            "it has tabs between its cells",
        ),
        // Commas in texts do not count.
        (
            "\u{feff}a;b;where\n1;2;\"Bonn, am Rhein\"\n3;5;\"Ulm\"\n",
            ["a", "b"],
            [1.0, 2.0, 3.0, 5.0],
            semicolons,
        ),
    ] {
        let options = if text.contains("where") {
            choose(&names, MissingRule::Refuse)
        } else {
            TableOptions::default()
        };
        let SamplesFile { samples, notes } = read(text, &options).unwrap();
        assert_eq!(samples.names(), names, "{text}");
        assert_eq!(samples.rows(), rows, "{text}");
        assert!(notes.len() == 1 && notes[0].ends_with(note), "{notes:?}");
    }
    // A cell that is no number is told of as in any table.
    let (message, _) = refused("a;b\n1,5;x\n2;3\n", &TableOptions::default());
    assert_eq!(message, "line 2, column b: \"x\" is not a number");
    // 1.204 beside 1,2 may be a thousand times as much.
    let (message, _) = refused("a;b\n1,5;2\n1.204;3\n", &TableOptions::default());
    assert_eq!(
        message,
        "line 3, column a: the table has numbers like 1.204 and like 1,5"
    );
    // Points after the comma, or groups of other than three digits, are of another kind of number.
    for cell in [
        "1,204.5",
        "1.5,2",
        "1.2045,5",
        "1204.500,5",
        ".5,5",
        "1,,5",
        "1,5,2",
        "1,",
        ",5",
    ] {
        let (message, _) = refused(&format!("a;b\n1;2\n{cell};3\n"), &TableOptions::default());
        let expected = format!("line 3, column a: \"{cell}\" is not a number");
        assert_eq!(message, expected);
    }
    let all = read(
        "a;b\n-1.204.500,5;+2,5e-3\n12345,25;0,5\n",
        &TableOptions::default(),
    );
    assert_eq!(
        all.unwrap().samples.rows(),
        [-1204500.5, 2.5e-3, 12345.25, 0.5]
    );
    // Where columns are chosen, what stands in others is not taken for separators.
    let (message, _) = refused(
        "a,note\nx,left; 5\n2,right; 6\n",
        &choose(&["a"], MissingRule::Refuse),
    );
    assert_eq!(message, "line 2, column a: \"x\" is not a number");
    // A table with commas is what it was, whatever stands in its texts and names.
    let text = "a;b,c\n1,2\n3,5\n";
    let SamplesFile { samples, notes } = read(text, &TableOptions::default()).unwrap();
    assert_eq!((samples.names()[0].as_str(), notes), ("a;b", vec![]));
}

#[test]
fn arrays_are_chosen_from_as_tables_are() {
    let nan = f64::NAN;
    let rows = [
        1.0, 2.0, 3.0, 4.0, nan, 6.0, 7.0, 8.0, nan, 10.0, 11.0, 12.0,
    ];
    let table = crate::rows::Table::new("rows.npy", npy(&rows, 3));
    let path = table.path();
    let read = |options: &TableOptions| read_samples(Path::new(&path), options);
    let rows_of = |options: &TableOptions| read(options).unwrap().samples.rows().to_vec();
    let drop = |columns: &[&str]| rows_of(&choose(columns, MissingRule::Drop));
    assert_eq!(drop(&["x3", "x1"]), [3.0, 1.0, 6.0, 4.0, 12.0, 10.0]);
    assert_eq!(drop(&["x1", "x2", "x3"]), [1.0, 2.0, 3.0, 10.0, 11.0, 12.0]);
    let first = choose(&["x1"], MissingRule::Refuse);
    assert_eq!(rows_of(&first), [1.0, 4.0, 7.0, 10.0]);
    let error = read(&TableOptions::default()).unwrap_err().to_string();
    assert!(
        error.ends_with("row 2, column x2: a value is missing, as in 2 of 4 rows"),
        "{error}"
    );
}

#[test]
fn a_config_and_the_commands_choose_alike_and_a_run_keeps_what_was_chosen() {
    let table = csv(FRAME);
    let target = "columns = [\"temperature\", \"wind\"]\nmissing = \"drop\"";
    let experiment = table.experiment(target, "").unwrap();
    let chosen = experiment.target.as_samples().unwrap().clone();
    assert_eq!((chosen.len(), chosen.dim()), (4, 2));
    assert!(experiment.notes[0].contains("are left out"));
    // The folder of a run holds the rows alone.
    let text = experiment.to_toml().unwrap();
    assert!(
        !text.contains("columns") && !text.contains("missing"),
        "{text}"
    );
    let again: Samples = {
        let folder = tempfile::tempdir().unwrap();
        let names = chosen.names().join(",");
        let rows = chosen
            .points()
            .map(|row| format!("{},{}\n", row[0], row[1]));
        let rows = format!("{names}\n{}", rows.collect::<String>());
        fs::write(folder.path().join("target.csv"), rows).unwrap();
        let config = folder.path().join("config.toml");
        let again = Experiment::parse(&config, &text, Vec::new()).unwrap();
        again.target.as_samples().unwrap().clone()
    };
    assert_eq!(again, chosen);
    let options = choose(&["temperature", "wind"], MissingRule::Drop);
    let operand = read_operand_with(&table.path(), &options).unwrap();
    assert_eq!(operand.rows.unwrap(), chosen);
    let choice = ["--columns", "temperature,wind", "--missing", "drop"];
    let path = table.path();
    let estimated = klfit(&[&["estimate", path.as_str()], &choice[..]].concat());
    let estimated = { estimated }.assert().success();
    let told = String::from_utf8(estimated.get_output().stderr.clone()).unwrap();
    assert!(
        told.contains("are left out") && told.contains("4 rows:"),
        "{told}"
    );
    let compared = klfit(&[&["divergence", path.as_str(), path.as_str()], &choice[..]].concat());
    let compared = { compared }.assert().success();
    let told = String::from_utf8(compared.get_output().stdout.clone()).unwrap();
    assert_eq!(told.matches("the Gaussian of 4 rows").count(), 2, "{told}");
    let idle = klfit(&["divergence", "p.toml", "q.toml", "--missing", "drop"]);
    let idle = { idle }.assert().code(2);
    let told = String::from_utf8(idle.get_output().stderr.clone()).unwrap();
    assert!(told.contains("no density is a .csv or .npy"), "{told}");
}
