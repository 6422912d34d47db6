//! Arrays in NumPy's file format, as `f64`.
//!
//! The header of a file is a Python dictionary. Its three keys are read here and nothing else of the
//! language: a parser of all of it may take a time that is exponential in how deep a header nests.

use std::io::Read;

use npyz::{DType, Deserialize, TypeChar, TypeRead, TypeStr};

/// What a file begins with.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that is read, in bytes; NumPy's own limit.
const LONGEST_HEADER: usize = 10_000;

/// An array of numbers with its shape, in C order: the last index runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NpyArray {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl NpyArray {
    /// Reads a whole `.npy` file.
    ///
    /// # Errors
    /// What is wrong with it, to follow its name: "is not ...".
    pub fn from_npy(mut bytes: &[u8]) -> Result<Self, String> {
        let header = Header::read(&mut bytes)?;
        Self::decode(&header, bytes)
    }

    /// The array that has the given header and data, of floats or integers in either order.
    ///
    /// # Errors
    /// As [`NpyArray::from_npy`].
    pub fn decode(header: &Header, data: &[u8]) -> Result<Self, String> {
        header.check(data.len() as u64)?;
        let shape = header.shape.clone();
        if shape.contains(&0) {
            return Err(format!("holds no numbers: its shape is {shape:?}"));
        }
        let stored = header.numbers(data)?;
        if !header.fortran_order {
            let values = stored;
            return Ok(Self { shape, values });
        }
        // Where the element stands that is the n-th in C order: the first index runs fastest.
        let place = |mut n: usize| {
            let mut stride = stored.len();
            (shape.iter().rev()).fold(0, |at, length| {
                stride /= length;
                let index = n % length;
                n /= length;
                at + index * stride
            })
        };
        let values = (0..stored.len()).map(|n| stored[place(n)]).collect();
        Ok(Self { shape, values })
    }
}

/// The one string that has the given header and data.
///
/// # Errors
/// As [`NpyArray::from_npy`].
pub(crate) fn text(header: &Header, data: &[u8]) -> Result<String, String> {
    header.check(data.len() as u64)?;
    if header.shape.iter().any(|&length| length != 1) {
        return Err("is not one text".to_owned());
    }
    let reader = String::reader(&DType::Plain(header.dtype.clone()));
    let reader = reader.map_err(|error| format!("is not a text: {error}"))?;
    (reader.read_one(data)).map_err(|error| format!("is not a text: {error}"))
}

/// An array of numbers as a `.npy` file.
pub(crate) fn encoded(shape: &[usize], values: &[f64]) -> Vec<u8> {
    let mut bytes = head("<f8", shape);
    bytes.reserve(8 * values.len());
    append(&mut bytes, values);
    bytes
}

/// One text as a `.npy` file.
pub(crate) fn encoded_text(text: &str) -> Vec<u8> {
    let mut bytes = head(&format!("<U{}", text.chars().count()), &[]);
    bytes.extend((text.chars()).flat_map(|letter| u32::from(letter).to_le_bytes()));
    bytes
}

/// What stands before the numbers of an array that is written piece by piece, in 64-bit floats.
pub(crate) fn head_of_numbers(shape: &[usize]) -> Vec<u8> {
    head("<f8", shape)
}

/// More numbers of such an array.
pub(crate) fn append(bytes: &mut Vec<u8>, values: &[f64]) {
    match cfg!(target_endian = "little") {
        true => bytes.extend_from_slice(bytemuck::cast_slice(values)),
        false => bytes.extend(values.iter().flat_map(|value| value.to_le_bytes())),
    }
}

fn head(kind: &str, shape: &[usize]) -> Vec<u8> {
    let lengths: String = shape.iter().map(|length| format!("{length}, ")).collect();
    let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({lengths}), }}");
    // With its 10 bytes before and a line break behind it the data begins at a multiple of 64.
    let len = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = Vec::with_capacity(10 + len);
    bytes.extend_from_slice(b"\x93NUMPY\x01\x00");
    bytes.extend_from_slice(&(len as u16).to_le_bytes());
    bytes.extend_from_slice(format!("{text:<width$}\n", width = len - 1).as_bytes());
    bytes
}

/// What a file says of its data.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    dtype: TypeStr,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    /// Reads the header, and leaves the reader where the data begins.
    ///
    /// # Errors
    /// As [`NpyArray::from_npy`].
    pub fn read(reader: &mut impl Read) -> Result<Self, String> {
        let refused = |error: &dyn std::fmt::Display| format!("is not an array of NumPy: {error}");
        let mut bytes = |count: usize| {
            let mut bytes = vec![0; count];
            let read = reader.read_exact(&mut bytes);
            read.map(|()| bytes).map_err(|error| refused(&error))
        };
        let start = bytes(8)?;
        let Some(version) = start.strip_prefix(MAGIC) else {
            return Err(refused(&"it does not begin like one"));
        };
        let length = match version[0] {
            1 => bytes(2)?,
            2 | 3 => bytes(4)?,
            version => return Err(refused(&format!("version {version} is not known"))),
        };
        // The lowest byte comes first.
        let length = (length.iter().rev()).fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        if length > LONGEST_HEADER {
            return Err(refused(&format!("its header has {length} bytes")));
        }
        let text = bytes(length)?;
        let text = str::from_utf8(&text).map_err(|error| refused(&error))?;
        Scanner(text).header().map_err(|error| refused(&error))
    }

    /// How many entries there are along each axis.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many bytes of data there should be; `None` beyond the range of numbers.
    pub fn data_len(&self) -> Option<usize> {
        let entry = self.dtype.num_bytes()?;
        (self.shape.iter()).try_fold(entry, |bytes, length| bytes.checked_mul(*length))
    }

    /// Whether the first index runs fastest.
    pub fn is_column_major(&self) -> bool {
        self.fortran_order
    }

    /// Entries as numbers, in the order they are stored in.
    ///
    /// # Errors
    /// As [`NpyArray::from_npy`].
    pub fn numbers(&self, data: &[u8]) -> Result<Vec<f64>, String> {
        numbers(&self.dtype, data)
    }

    /// Whether the data has as many bytes as it should: a header may promise anything.
    ///
    /// # Errors
    /// As [`NpyArray::from_npy`].
    pub fn check(&self, bytes: u64) -> Result<(), String> {
        if self.dtype.uses_pickled_array() {
            return Err("holds Python objects, not numbers".to_owned());
        }
        if self.data_len().map(|len| len as u64) == Some(bytes) {
            return Ok(());
        }
        Err(format!(
            "is cut short or damaged: {bytes} bytes do not hold an array of shape {:?}",
            self.shape
        ))
    }
}

/// What is left of the text of a header.
struct Scanner<'t>(&'t str);

impl<'t> Scanner<'t> {
    /// `{'descr': '<f8', 'fortran_order': False, 'shape': (4, 3), }`, its keys in any order.
    fn header(&mut self) -> Result<Header, String> {
        let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
        let damaged = || "its header is not one that NumPy writes".to_owned();
        let mut more = self.eat("{");
        while more && !self.eat("}") {
            let key = self.quoted().ok_or_else(damaged)?;
            if !self.eat(":") {
                return Err(damaged());
            }
            match key {
                "descr" if self.0.trim_start().starts_with('[') => {
                    return Err("it has several fields".to_owned());
                }
                "descr" => dtype = Some(self.quoted().ok_or_else(damaged)?),
                "fortran_order" if self.eat("True") => fortran_order = Some(true),
                "fortran_order" if self.eat("False") => fortran_order = Some(false),
                "shape" => shape = Some(self.shape().ok_or_else(damaged)?),
                _ => return Err(damaged()),
            }
            more = self.eat(",");
            if !more && !self.eat("}") {
                return Err(damaged());
            }
        }
        let is_over = self.0.trim_start().is_empty();
        let (Some(dtype), Some(fortran_order), Some(shape), true) =
            (dtype, fortran_order, shape, is_over)
        else {
            return Err(damaged());
        };
        Ok(Header {
            dtype: (dtype.parse()).map_err(|error| format!("its type is {dtype}: {error}"))?,
            fortran_order,
            shape,
        })
    }

    fn eat(&mut self, token: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn quoted(&mut self) -> Option<&'t str> {
        let quote = ["'", "\""].into_iter().find(|quote| self.eat(quote))?;
        let (text, rest) = self.0.split_once(quote)?;
        self.0 = rest;
        Some(text)
    }

    /// `(4, 3)`, `(3,)` or `()`.
    fn shape(&mut self) -> Option<Vec<usize>> {
        let mut shape = Vec::new();
        let mut more = self.eat("(");
        while more && !self.eat(")") {
            let text = self.0.trim_start();
            let ends = |c: char| !c.is_ascii_digit();
            let (digits, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
            shape.push(digits.parse().ok()?);
            self.0 = rest;
            more = self.eat(",");
            if !more {
                return self.eat(")").then_some(shape);
            }
        }
        more.then_some(shape)
    }
}

fn numbers(dtype: &TypeStr, data: &[u8]) -> Result<Vec<f64>, String> {
    // What nearly all hold, some hundred times as fast.
    match dtype.to_string().as_str() {
        "<f8" => {
            let (numbers, _) = data.as_chunks();
            let numbers = numbers.iter().map(|bytes| f64::from_le_bytes(*bytes));
            return Ok(numbers.collect());
        }
        "<f4" => {
            let (numbers, _) = data.as_chunks();
            let numbers = (numbers.iter()).map(|bytes| f32::from_le_bytes(*bytes).into());
            return Ok(numbers.collect());
        }
        _ => {}
    }
    let read = match (dtype.type_char(), dtype.size_field()) {
        (TypeChar::Float, 4) => convert::<f32>(dtype, data, f64::from),
        (TypeChar::Int, 1) => convert::<i8>(dtype, data, f64::from),
        (TypeChar::Int, 2) => convert::<i16>(dtype, data, f64::from),
        (TypeChar::Int, 4) => convert::<i32>(dtype, data, f64::from),
        (TypeChar::Int, _) => convert(dtype, data, |value: i64| value as f64),
        (TypeChar::Uint, 1) => convert::<u8>(dtype, data, f64::from),
        (TypeChar::Uint, 2) => convert::<u16>(dtype, data, f64::from),
        (TypeChar::Uint, 4) => convert::<u32>(dtype, data, f64::from),
        (TypeChar::Uint, _) => convert(dtype, data, |value: u64| value as f64),
        _ => convert(dtype, data, |value: f64| value),
    };
    read.map_err(|error| format!("cannot be read: {error}"))
}

fn convert<T: Deserialize>(
    dtype: &TypeStr,
    mut data: &[u8],
    to_f64: impl Fn(T) -> f64,
) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let reader = T::reader(&DType::Plain(dtype.clone()))?;
    let mut values = Vec::new();
    while !data.is_empty() {
        values.push(to_f64(reader.read_one(&mut data)?));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of format 1 with this header.
    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.bytes());
        bytes.extend(data);
        bytes
    }

    fn refused(header: &str, data: &[u8]) -> String {
        NpyArray::from_npy(&file(header, data)).unwrap_err()
    }

    #[test]
    fn a_header_may_be_written_as_python_allows() {
        let header = r#" {"shape":(2,1) , 'descr' : "|u1", 'fortran_order':False}  "#;
        let array = NpyArray::from_npy(&file(header, &[3, 4])).unwrap();
        assert_eq!((array.shape, array.values), (vec![2, 1], vec![3.0, 4.0]));
        let scalar = "{'descr': '|u1', 'fortran_order': True, 'shape': ()}\n";
        let array = NpyArray::from_npy(&file(scalar, &[7])).unwrap();
        assert_eq!((array.shape, array.values), (vec![], vec![7.0]));
    }

    #[test]
    fn a_header_that_promises_too_much_is_refused_before_anything_is_made_of_it() {
        let shaped = |dtype: &str, shape: &str| {
            format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}")
        };
        let of = |dtype, shape| refused(&shaped(dtype, shape), &[]);
        for shape in ["(1000000000000000,)", "(4294967296, 4294967296, 4)"] {
            assert!(of("<f8", shape).starts_with("is cut short"), "{shape}");
        }
        // No bytes at all hold an array without an entry, or of entries without a byte.
        assert!(of("<f8", "(0, 1000000000000000)").starts_with("holds no numbers"));
        assert!(of("|V0", "(1000000000000000,)").starts_with("cannot be read"));
        assert!(of("<f8", "(99999999999999999999,)").contains("not one that NumPy writes"));
        let empty_texts = file(&shaped("|S0", "(1000000000000000,)"), &[]);
        let mut bytes = &empty_texts[..];
        let header = Header::read(&mut bytes).unwrap();
        assert_eq!(text(&header, bytes).unwrap_err(), "is not one text");

        let mut endless = b"\x93NUMPY\x02\x00".to_vec();
        endless.extend([0xff; 4]);
        let error = NpyArray::from_npy(&endless).unwrap_err();
        assert!(
            error.ends_with("its header has 4294967295 bytes"),
            "{error}"
        );
    }

    #[test]
    fn a_header_of_anything_else_is_refused() {
        for header in [
            "",
            "{",
            "{}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (0}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} {",
            "{'descr': '<f8' 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}",
            "{'descr': '<q9', 'fortran_order': False, 'shape': (1,)}",
        ] {
            let error = refused(header, &[0; 8]);
            assert!(
                error.starts_with("is not an array of NumPy: its "),
                "{error}"
            );
        }
        let fields = "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}";
        assert!(refused(fields, &[0; 8]).ends_with("it has several fields"));
        // As deep as it is, it is read from left to right.
        let deep = format!("{{'shape': {}", "[".repeat(9000));
        assert!(refused(&deep, &[]).ends_with("not one that NumPy writes"));
    }
}
