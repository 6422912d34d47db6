//! Samples from tables of typed columns: Parquet and Arrow.

use std::fmt::Display;
use std::io::Cursor;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::FileReader;
use arrow_schema::{ArrowError, DataType, Schema};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::TableOptions;
use super::options::Numbers;
use crate::error::{Error, Result};
use crate::files::read::LARGEST_TABLE;

/// What the files begin with.
const PARQUET: &[u8] = b"PAR1";
const ARROW: &[u8] = b"ARROW1";
/// Names of columns that are listed in the help of an error.
const MOST_NAMES: usize = 8;

/// The chosen columns of a file, with their names; missing values are NaN.
pub(super) fn read(bytes: Vec<u8>, options: &TableOptions) -> Result<Numbers> {
    if bytes.starts_with(PARQUET) {
        return of_parquet(bytes.into(), options);
    }
    if bytes.starts_with(ARROW) {
        return of_arrow(&bytes, options);
    }
    Err(Error::usage(
        "the file is neither Parquet nor an Arrow file",
        "save it again: df.to_parquet(\"rows.parquet\"), or df.to_feather(\"rows.feather\"); the first version \
         of Feather and streams of Arrow are not read",
    ))
}

fn of_parquet(bytes: Bytes, options: &TableOptions) -> Result<Numbers> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).map_err(damaged)?;
    let chosen = Chosen::new(builder.schema(), options)?;
    let rows = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(u64::MAX);
    chosen.check_size(rows)?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), chosen.sorted.iter().copied());
    let reader = builder.with_projection(mask).build().map_err(damaged)?;
    chosen.numbers(reader)
}

fn of_arrow(bytes: &[u8], options: &TableOptions) -> Result<Numbers> {
    let reader = FileReader::try_new(Cursor::new(bytes), None).map_err(damaged)?;
    let chosen = Chosen::new(&reader.schema(), options)?;
    let columns = Some(chosen.sorted.clone());
    let reader = FileReader::try_new(Cursor::new(bytes), columns).map_err(damaged)?;
    chosen.numbers(reader)
}

fn damaged(error: impl Display) -> Error {
    Error::usage(
        format!("the file is damaged, or of a kind that is not read: {error}"),
        "write it again, or save the table as .csv or .npy",
    )
}

/// The columns that are taken.
struct Chosen {
    names: Vec<String>,
    /// Where they are, from the left.
    sorted: Vec<usize>,
    /// Where each of the names is among those.
    order: Vec<usize>,
}

impl Chosen {
    /// Refuses columns of anything but numbers.
    fn new(schema: &Schema, options: &TableOptions) -> Result<Self> {
        let all: Vec<String> = schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        let places = options.places(&all)?;
        if let Some(&place) =
            (places.iter()).find(|&&place| !is_of_numbers(schema.field(place).data_type()))
        {
            let numbers = (schema.fields().iter()).filter(|field| is_of_numbers(field.data_type()));
            let quoted: Vec<String> = numbers
                .take(MOST_NAMES)
                .map(|field| format!("\"{}\"", field.name()))
                .collect();
            return Err(Error::usage(
                format!(
                    "column {}: it is of {}, not of numbers",
                    all[place],
                    kind(schema.field(place).data_type())
                ),
                format!(
                    "leave it out: choose others, as in columns = [{}]",
                    quoted.join(", ")
                ),
            ));
        }
        let mut sorted = places.clone();
        sorted.sort_unstable();
        Ok(Self {
            names: places.iter().map(|&place| all[place].clone()).collect(),
            order: (places.iter())
                .map(|place| sorted.partition_point(|other| other < place))
                .collect(),
            sorted,
        })
    }

    /// Refuses more numbers than a table may have: packed they may take next to no room.
    fn check_size(&self, rows: u64) -> Result<()> {
        let most = LARGEST_TABLE / size_of::<f64>() as u64;
        match rows.checked_mul(self.names.len() as u64) {
            Some(numbers) if numbers <= most => Ok(()),
            _ => Err(Error::usage(
                format!("it has {rows} rows, more than {most} numbers in all"),
                "give fewer rows or columns, or a .npy, which may be as large as the disk",
            )),
        }
    }

    /// The rows of all batches.
    fn numbers(
        self,
        batches: impl Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
    ) -> Result<Numbers> {
        let (dim, mut rows) = (self.names.len(), Vec::new());
        for batch in batches {
            let batch = batch.map_err(damaged)?;
            let begin = rows.len();
            self.check_size(((begin / dim.max(1)) + batch.num_rows()) as u64)?;
            rows.resize(begin + batch.num_rows() * dim, f64::NAN);
            for (d, &at) in self.order.iter().enumerate() {
                let cells = rows[begin..].iter_mut().skip(d).step_by(dim);
                fill(batch.column(at), cells);
            }
        }
        Ok(Numbers {
            names: self.names,
            rows,
        })
    }
}

/// Calls `$fill` with the type of numbers in a column; `$other` for a column of anything else.
macro_rules! by_type {
    ($data_type:expr, $fill:ident, $other:expr) => {
        match $data_type {
            DataType::Int8 => $fill!(Int8Type, f64::from),
            DataType::Int16 => $fill!(Int16Type, f64::from),
            DataType::Int32 => $fill!(Int32Type, f64::from),
            DataType::Int64 => $fill!(Int64Type, |value| value as f64),
            DataType::UInt8 => $fill!(UInt8Type, f64::from),
            DataType::UInt16 => $fill!(UInt16Type, f64::from),
            DataType::UInt32 => $fill!(UInt32Type, f64::from),
            DataType::UInt64 => $fill!(UInt64Type, |value| value as f64),
            DataType::Float16 => $fill!(Float16Type, f64::from),
            DataType::Float32 => $fill!(Float32Type, f64::from),
            DataType::Float64 => $fill!(Float64Type, |value| value),
            _ => $other,
        }
    };
}

fn is_of_numbers(data_type: &DataType) -> bool {
    macro_rules! yes {
        ($kind:ty, $to:expr) => {
            true
        };
    }
    by_type!(data_type, yes, false)
}

/// Puts the values of a column where its cells are; those that are null stay as they are.
fn fill<'c>(column: &dyn Array, cells: impl Iterator<Item = &'c mut f64>) {
    macro_rules! put {
        ($kind:ty, $to:expr) => {
            put_values::<$kind>(column, cells, $to)
        };
    }
    by_type!(column.data_type(), put, ());
}

fn put_values<'c, T: ArrowPrimitiveType>(
    column: &dyn Array,
    cells: impl Iterator<Item = &'c mut f64>,
    to_f64: impl Fn(T::Native) -> f64,
) {
    let Some(values) = column.as_primitive_opt::<T>() else {
        return;
    };
    for (cell, value) in cells.zip(values.iter()) {
        if let Some(value) = value {
            *cell = to_f64(value);
        }
    }
}

/// What a column is of, in words.
fn kind(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Dictionary(..) => "categories".to_owned(),
        DataType::Boolean => "truth values".to_owned(),
        DataType::Date32 | DataType::Date64 => "dates".to_owned(),
        DataType::Timestamp(..) | DataType::Time32(_) | DataType::Time64(_) => "times".to_owned(),
        other => format!("type {other}"),
    }
}
