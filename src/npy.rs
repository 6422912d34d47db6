//! Arrays in NumPy's file format, as `f64`.

use npyz::{DType, Deserialize, NpyFile, NpyHeader, TypeChar};

/// An array of numbers with its shape, in C order: the last index runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Array {
    /// Reads a whole `.npy` file.
    ///
    /// # Errors
    /// What is wrong with it, to go on from its name: "is not ...".
    pub fn from_npy(mut bytes: &[u8]) -> Result<Self, String> {
        let header = NpyHeader::from_reader(&mut bytes)
            .map_err(|error| format!("is not an array of NumPy: {error}"))?;
        Self::decode(header, bytes)
    }

    /// The array that has the given header and data, of floats or integers in either order.
    ///
    /// # Errors
    /// As [`Array::from_npy`].
    pub fn decode(header: NpyHeader, data: &[u8]) -> Result<Self, String> {
        let shape = shape_of(&header, data)?;
        let strides: Vec<usize> = header.strides().iter().map(|&s| s as usize).collect();
        let file = NpyFile::with_header(header, data);
        let stored = numbers(file).map_err(|error| format!("cannot be read: {error}"))?;
        // Where the element stands that is the n-th in C order.
        let place = |mut n: usize| {
            let axes = shape.iter().zip(&strides).rev();
            axes.fold(0, |at, (length, stride)| {
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
/// As [`Array::from_npy`].
pub(crate) fn text(header: NpyHeader, data: &[u8]) -> Result<String, String> {
    shape_of(&header, data)?;
    let strings = NpyFile::with_header(header, data).into_vec();
    match strings.as_deref() {
        Ok([text]) => Ok(String::clone(text)),
        Ok(_) => Err("is not one text".to_owned()),
        Err(error) => Err(format!("is not a text: {error}")),
    }
}

/// The shape, once the data is known to hold as much: a header may promise anything.
fn shape_of(header: &NpyHeader, data: &[u8]) -> Result<Vec<usize>, String> {
    if header.uses_pickled_array() {
        return Err("holds Python objects, not numbers".to_owned());
    }
    let shape = (header.shape().iter())
        .map(|&length| usize::try_from(length).ok())
        .collect::<Option<Vec<_>>>();
    let bytes = (shape.iter().flatten())
        .try_fold(header.dtype().num_bytes().unwrap_or(0), |bytes, length| {
            bytes.checked_mul(*length)
        });
    match (shape, bytes) {
        (Some(shape), Some(bytes)) if bytes == data.len() => Ok(shape),
        _ => Err(format!(
            "is cut short or damaged: {} bytes do not hold an array of shape {:?}",
            data.len(),
            header.shape()
        )),
    }
}

fn numbers(file: NpyFile<&[u8]>) -> std::io::Result<Vec<f64>> {
    let DType::Plain(dtype) = file.dtype() else {
        return Err(std::io::Error::other("it has several fields"));
    };
    match (dtype.type_char(), dtype.size_field()) {
        (TypeChar::Float, 4) => convert::<f32>(file, f64::from),
        (TypeChar::Int, 1) => convert::<i8>(file, f64::from),
        (TypeChar::Int, 2) => convert::<i16>(file, f64::from),
        (TypeChar::Int, 4) => convert::<i32>(file, f64::from),
        (TypeChar::Int, _) => convert(file, |value: i64| value as f64),
        (TypeChar::Uint, 1) => convert::<u8>(file, f64::from),
        (TypeChar::Uint, 2) => convert::<u16>(file, f64::from),
        (TypeChar::Uint, 4) => convert::<u32>(file, f64::from),
        (TypeChar::Uint, _) => convert(file, |value: u64| value as f64),
        _ => file.into_vec(),
    }
}

fn convert<T: Deserialize>(
    file: NpyFile<&[u8]>,
    to_f64: impl Fn(T) -> f64,
) -> std::io::Result<Vec<f64>> {
    Ok(file.into_vec()?.into_iter().map(to_f64).collect())
}
