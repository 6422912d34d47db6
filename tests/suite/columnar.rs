//! Tables of typed columns: Parquet and Arrow, where they are compiled in; and what is said where they are not.

#[cfg(not(feature = "parquet"))]
#[test]
fn what_is_not_compiled_in_says_how_it_is() {
    for name in ["rows.parquet", "rows.arrow", "rows.feather"] {
        let error = crate::rows::Table::new(name, "PAR1")
            .read(None)
            .unwrap_err();
        let message = error.to_string();
        assert!(
            message.ends_with(&format!(
                "{name}: this klfit was built without Parquet and Arrow"
            )),
            "{message}"
        );
        let help = error.help().unwrap();
        assert!(
            help.contains("cargo build --release --features parquet"),
            "{help}"
        );
    }
    let output = crate::command_line::klfit(&["estimate", "-"])
        .write_stdin("PAR1")
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("standard input: the table: this klfit was built without"),
        "{told}"
    );
}

#[cfg(feature = "parquet")]
mod compiled_in {
    use std::path::Path;
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BooleanArray, Date32Array, Float32Array, Float64Array, Int64Array, RecordBatch,
        StringArray, UInt8Array,
    };
    use arrow_ipc::writer::FileWriter;
    use klfit::{
        Experiment, MissingRule, SamplesFile, TableOptions, WeightColumn, WeightKind, read_samples,
    };
    use parquet::arrow::ArrowWriter;
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::file::properties::WriterProperties;

    use crate::command_line::klfit;
    use crate::rows::Table;

    /// A data frame with an index, dates, text and gaps.
    fn frame() -> RecordBatch {
        let columns: [(&str, ArrayRef); 8] = [
            ("index", Arc::new(Int64Array::from(vec![7, 1, 2, 3, 5]))),
            ("date", Arc::new(Date32Array::from(vec![1, 2, 3, 4, 5]))),
            (
                "station",
                Arc::new(StringArray::from(vec!["a", "b", "c", "d", "e"])),
            ),
            (
                "is_dry",
                Arc::new(BooleanArray::from(vec![true, false, true, true, false])),
            ),
            (
                "temperature",
                Arc::new(Float64Array::from(vec![1.5, 2.25, -0.5, 3.75, 0.25])),
            ),
            (
                "rain",
                Arc::new(Float32Array::from(vec![
                    Some(0.5),
                    None,
                    Some(1.5),
                    Some(f32::NAN),
                    Some(2.5),
                ])),
            ),
            (
                "wind",
                Arc::new(Int64Array::from(vec![
                    Some(3),
                    Some(4),
                    Some(2),
                    Some(7),
                    None,
                ])),
            ),
            ("count", Arc::new(UInt8Array::from(vec![1, 2, 3, 1, 0]))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
            .unwrap()
    }

    fn parquet(compression: Compression) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Two groups of rows.
        let settings = WriterProperties::builder()
            .set_compression(compression)
            .set_max_row_group_row_count(Some(3))
            .build();
        let mut writer =
            ArrowWriter::try_new(&mut bytes, frame().schema(), Some(settings)).unwrap();
        writer.write(&frame()).unwrap();
        writer.close().unwrap();
        bytes
    }

    fn arrow() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = FileWriter::try_new(&mut bytes, &frame().schema()).unwrap();
        writer.write(&frame().slice(0, 2)).unwrap();
        writer.write(&frame().slice(2, 3)).unwrap();
        writer.finish().unwrap();
        drop(writer);
        bytes
    }

    fn tables() -> Vec<Table> {
        let kinds = [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::ZSTD(ZstdLevel::default()),
            Compression::LZ4_RAW,
        ];
        let parquet = kinds.map(|kind| Table::new("rows.parquet", parquet(kind)));
        let arrow = ["rows.arrow", "rows.feather"].map(|name| Table::new(name, arrow()));
        parquet.into_iter().chain(arrow).collect()
    }

    fn choose(columns: &[&str], missing: MissingRule) -> TableOptions {
        TableOptions {
            columns: Some(columns.iter().map(|&name| name.to_owned()).collect()),
            missing,
            ..TableOptions::default()
        }
    }

    fn read(table: &Table, options: &TableOptions) -> klfit::Result<SamplesFile> {
        read_samples(Path::new(&table.path()), options)
    }

    #[test]
    fn columns_are_taken_by_their_names_in_the_order_asked_for() {
        for table in tables() {
            let whole = read(
                &table,
                &choose(&["temperature", "index"], MissingRule::Refuse),
            )
            .unwrap();
            assert_eq!(whole.samples.names(), ["temperature", "index"]);
            assert_eq!(
                whole.samples.rows(),
                [1.5, 7.0, 2.25, 1.0, -0.5, 2.0, 3.75, 3.0, 0.25, 5.0]
            );
            assert_eq!(whole.notes, [""; 0]);
            let SamplesFile { samples, notes } =
                read(&table, &choose(&["wind", "rain"], MissingRule::Drop)).unwrap();
            assert_eq!(samples.rows(), [3.0, 0.5, 2.0, 1.5]);
            let expected =
                "3 rows of 5 with a missing value are left out: 1 in column wind, 2 in column rain";
            assert!(notes[0].ends_with(expected), "{notes:?}");
        }
    }

    #[test]
    fn weights_are_a_column_as_of_text() {
        for table in tables() {
            let options = TableOptions {
                weights: Some(WeightColumn {
                    column: "count".to_owned(),
                    kind: WeightKind::Frequency,
                }),
                ..choose(&["temperature"], MissingRule::Refuse)
            };
            let read = read(&table, &options).unwrap();
            assert_eq!(read.samples.rows(), [1.5, 2.25, -0.5, 3.75]);
            assert_eq!(
                read.samples.weights().unwrap().values(),
                [1.0, 2.0, 3.0, 1.0]
            );
            assert!(
                read.notes[0].ends_with("1 row of 5 with the weight 0 is left out"),
                "{:?}",
                read.notes
            );
        }
    }

    #[test]
    fn what_are_no_numbers_is_refused_by_name() {
        for table in tables() {
            let refused = |options: &TableOptions| {
                let error = read(&table, options).unwrap_err();
                let message = error.to_string();
                let message = message
                    .strip_prefix(&format!("{}: ", table.path()))
                    .unwrap()
                    .to_owned();
                (message, error.help().unwrap())
            };
            let (message, help) = refused(&TableOptions::default());
            assert_eq!(message, "column date: it is of dates, not of numbers");
            assert_eq!(
                help,
                "leave it out: choose others, as in columns = [\"index\", \"temperature\", \"rain\", \"wind\", \"count\"]"
            );
            for (column, kind) in [("station", "text"), ("is_dry", "truth values")] {
                let (message, _) = refused(&choose(&["rain", column], MissingRule::Drop));
                assert_eq!(
                    message,
                    format!("column {column}: it is of {kind}, not of numbers")
                );
            }
            let (message, help) = refused(&choose(&["temperature", "rain"], MissingRule::Refuse));
            assert_eq!(
                message,
                "row 2, column rain: a value is missing, as in 2 of 5 rows"
            );
            assert!(help.contains("missing = \"drop\""), "{help}");
            let (message, _) = refused(&choose(&["snow"], MissingRule::Refuse));
            assert_eq!(message, "there is no column snow");
            let (message, _) = refused(&TableOptions::with_header(Some(true)));
            assert_eq!(message, "a table of Parquet or Arrow has no header");
        }
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let (whole, other) = (parquet(Compression::SNAPPY), arrow());
        for (name, bytes, what) in [
            (
                "rows.parquet",
                whole[..whole.len() / 2].to_vec(),
                "the file is damaged",
            ),
            ("rows.parquet", b"PAR1".to_vec(), "the file is damaged"),
            (
                "rows.feather",
                other[..other.len() / 2].to_vec(),
                "the file is damaged",
            ),
            (
                "rows.feather",
                b"FEA1".to_vec(),
                "the file is neither Parquet nor an Arrow file",
            ),
            (
                "rows.arrow",
                b"a,b\n1,2\n".to_vec(),
                "the file is neither Parquet nor an Arrow file",
            ),
        ] {
            let table = Table::new(name, bytes);
            let message = table.refused(None).0;
            assert!(message.starts_with(what), "{message}");
        }
    }

    #[test]
    fn a_config_and_the_command_line_take_them() {
        for (name, bytes) in [
            ("rows.parquet", parquet(Compression::SNAPPY)),
            ("rows.feather", arrow()),
        ] {
            let table = Table::new(name, bytes.clone());
            let experiment: Experiment = table
                .experiment("columns = ['temperature', 'index']", "optimizer.steps = 2")
                .unwrap();
            assert_eq!(experiment.target.as_samples().unwrap().len(), 5);
            let arguments = |path: &str| {
                let command = ["estimate", path, "--columns", "temperature,index"];
                klfit(&command).write_stdin(bytes.clone()).output().unwrap()
            };
            let [of_file, sent] = [table.path().as_str(), "-"].map(arguments);
            assert!(of_file.status.success() && !of_file.stdout.is_empty());
            assert_eq!(of_file.stdout, sent.stdout);
        }
    }
}
