//! What scikit-learn fitted: the attributes of a `GaussianMixture`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use nalgebra::DMatrix;
use serde_json::{Map, Value};
use zip::ZipArchive;

use super::{not_a_mixture, wrong};
use crate::choice::choices;
use crate::error::Result;
use crate::files::npy::{self, Header, NpyArray};
use crate::files::read;
use crate::mixture::{MOST_ENTRIES, Mixture, check_size};

/// How far a covariance may be from symmetric, relative to its standard deviations, to be taken for
/// the rounding of a fit in single precision.
const SINGLE_PRECISION: f64 = 1e-5;

/// The most bytes an array of a mixture may have: its entries in double precision.
const MOST_BYTES: usize = 8 * MOST_ENTRIES;

const SAVE: &str = "save the attributes as they are: np.savez(\"mixture.npz\", \
    weights_=gm.weights_, means_=gm.means_, covariances_=gm.covariances_, \
    covariance_type=gm.covariance_type)";

/// Reads the attributes from an archive that `np.savez` wrote.
pub(super) fn from_npz(path: &Path) -> Result<Mixture> {
    let file = read::open(path)?;
    let archive = ZipArchive::new(BufReader::new(file))
        .map_err(|error| wrong(path, format!("is not an archive of NumPy: {error}"), SAVE))?;
    Attributes {
        path,
        store: Store::Npz(archive),
    }
    .mixture()
}

/// Reads the attributes from the keys of a JSON object, as `.tolist()` wrote them.
pub(super) fn from_json(path: &Path, keys: Map<String, Value>) -> Result<Mixture> {
    Attributes {
        path,
        store: Store::Json(keys),
    }
    .mixture()
}

/// The attributes of a fitted `GaussianMixture`, in a file.
struct Attributes<'a> {
    path: &'a Path,
    store: Store,
}

enum Store {
    Json(Map<String, Value>),
    Npz(ZipArchive<BufReader<File>>),
}

impl Attributes<'_> {
    fn mixture(&mut self) -> Result<Mixture> {
        let path = self.path;
        let weights = self.array("weights")?;
        let means = self.array("means")?;
        let covariances = self.array("covariances")?;
        let &[k, d] = means.shape.as_slice() else {
            return Err(wrong(
                path,
                format!("means_ has the shape {:?}", means.shape),
                "give K means of D coordinates: the shape K × D",
            ));
        };
        if weights.shape != [k] {
            return Err(wrong(
                path,
                format!(
                    "weights_ has the shape {:?}, but means_ {:?}",
                    weights.shape, means.shape
                ),
                "give one weight for each mean",
            ));
        }
        let kind = match self.covariance_type()? {
            Some(kind) => kind,
            None => CovarianceType::from_shape(path, &covariances.shape, k, d)?,
        };
        if covariances.shape != kind.shape(k, d) {
            return Err(wrong(
                path,
                format!(
                    "covariances_ has the shape {:?}, but means_ {:?}",
                    covariances.shape, means.shape
                ),
                format!(
                    "covariance_type \"{}\" asks for the shape {:?}",
                    kind.name(),
                    kind.shape(k, d)
                ),
            ));
        }
        check_size(k, d).map_err(not_a_mixture(path))?;
        let factors = (0..k).map(|c| symmetric(d, kind.entries(&covariances.values, d, c)));
        let means = (0..k).map(|c| means.values[c * d..(c + 1) * d].to_vec());
        Mixture::from_covariances(weights.values, means.collect(), factors.collect())
            .map_err(not_a_mixture(path))
    }

    fn covariance_type(&mut self) -> Result<Option<CovarianceType>> {
        let Some(key) = self.key("covariance_type") else {
            return Ok(None);
        };
        let names = CovarianceType::ALL.map(CovarianceType::name).join(", ");
        let help = format!("give one of {names}, or leave it out");
        let text = match &mut self.store {
            Store::Json(keys) => match &keys[&key] {
                Value::String(text) => Ok(text.clone()),
                _ => Err("is not a text".to_owned()),
            },
            Store::Npz(archive) => npz_entry(archive, &key, npy::text),
        };
        let text = text.map_err(|error| wrong(self.path, format!("{key} {error}"), &help))?;
        CovarianceType::from_name(&text)
            .map(Some)
            .ok_or_else(|| wrong(self.path, format!("{key} is \"{text}\""), help))
    }

    fn array(&mut self, name: &str) -> Result<NpyArray> {
        let Some(key) = self.key(name) else {
            let mut there_are = self.keys();
            there_are.sort();
            return Err(wrong(
                self.path,
                format!(
                    "there is no {name}_ among its keys: {}",
                    there_are.join(", ")
                ),
                SAVE,
            ));
        };
        let array = match &mut self.store {
            Store::Json(keys) => nested_lists(&keys[&key]),
            Store::Npz(archive) => npz_entry(archive, &key, NpyArray::decode),
        };
        array.map_err(|error| {
            let help = "save it as scikit-learn has it, an array of finite numbers";
            wrong(self.path, format!("{key} {error}"), help)
        })
    }

    /// The key of an attribute as the file has it: with the underscore of scikit-learn, or without.
    fn key(&self, name: &str) -> Option<String> {
        let keys = self.keys();
        [format!("{name}_"), name.to_owned()]
            .into_iter()
            .find(|key| keys.contains(key))
    }

    fn keys(&self) -> Vec<String> {
        match &self.store {
            Store::Json(keys) => keys.keys().cloned().collect(),
            // An array is a file of its own in the archive.
            Store::Npz(archive) => (archive.file_names())
                .filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned()))
                .collect(),
        }
    }
}

pub(super) fn npz_entry<T>(
    archive: &mut ZipArchive<BufReader<File>>,
    key: &str,
    decode: impl FnOnce(&Header, &[u8]) -> Result<T, String>,
) -> Result<T, String> {
    let mut file = archive
        .by_name(&format!("{key}.npy"))
        .map_err(|error| format!("cannot be read: {error}"))?;
    let header = Header::read(&mut file)?;
    // A short archive can hold an array without end: no more is unpacked than was promised.
    let promised = header.data_len().filter(|bytes| *bytes <= MOST_BYTES);
    let promised = promised.ok_or("is larger than any array klfit reads")?;
    let mut data = Vec::new();
    (file.take(promised as u64 + 1).read_to_end(&mut data))
        .map_err(|error| format!("cannot be read: {error}"))?;
    decode(&header, &data)
}

/// The array that lists of lists of numbers stand for.
fn nested_lists(value: &Value) -> Result<NpyArray, String> {
    let mut shape = Vec::new();
    let mut first = value;
    while let Value::Array(list) = first {
        shape.push(list.len());
        let Some(next) = list.first() else { break };
        first = next;
    }
    let mut values = Vec::new();
    flatten(value, &shape, &mut values).map_err(|error| error.trim_start().to_owned())?;
    Ok(NpyArray { shape, values })
}

/// Appends the numbers of lists of the given lengths; an error goes on from the key with its place.
fn flatten(value: &Value, shape: &[usize], values: &mut Vec<f64>) -> Result<(), String> {
    match (value, shape) {
        (Value::Array(list), [length, inner @ ..]) if list.len() == *length => {
            for (i, value) in list.iter().enumerate() {
                flatten(value, inner, values).map_err(|error| format!("[{i}]{error}"))?;
            }
            Ok(())
        }
        (Value::Array(list), [length, ..]) => Err(format!(
            " has the length {}, but the first of its kind {length}",
            list.len()
        )),
        (_, [_, ..]) => Err(format!(" is {value}, not a list")),
        (_, []) => match value.as_f64() {
            Some(number) => {
                values.push(number);
                Ok(())
            }
            None => Err(format!(" is {value}, not a number")),
        },
    }
}

/// The covariance with the given entries; what is but rounding from symmetric is made so.
fn symmetric(dim: usize, entry: impl Fn(usize, usize) -> f64) -> DMatrix<f64> {
    DMatrix::from_fn(dim, dim, |i, j| {
        let (here, there) = (entry(i, j), entry(j, i));
        let scale = (entry(i, i) * entry(j, j)).abs().sqrt();
        if (here - there).abs() <= SINGLE_PRECISION * scale {
            0.5 * (here + there)
        } else {
            here
        }
    })
}

choices! {
    /// How scikit-learn stores covariances.
    enum CovarianceType {
        Full = "full",
        Tied = "tied",
        Diag = "diag",
        Spherical = "spherical",
    }
}

impl CovarianceType {
    fn shape(self, k: usize, d: usize) -> Vec<usize> {
        match self {
            Self::Full => vec![k, d, d],
            Self::Tied => vec![d, d],
            Self::Diag => vec![k, d],
            Self::Spherical => vec![k],
        }
    }

    /// The one type that has the given shape.
    fn from_shape(path: &Path, shape: &[usize], k: usize, d: usize) -> Result<Self> {
        let fitting = Self::ALL.map(|kind| (kind, kind.shape(k, d)));
        let fitting: Vec<_> = (fitting.iter())
            .filter(|(_, expected)| expected == shape)
            .collect();
        match fitting[..] {
            // One number is the same covariance, tied or not.
            [(kind, _)] | [(kind, _), ..] if fitting.len() == 1 || d == 1 => Ok(*kind),
            [] => Err(wrong(
                path,
                format!(
                    "covariances_ has the shape {shape:?}, but means_ {:?}",
                    [k, d]
                ),
                format!(
                    "give the shape {:?} (full), {:?} (tied), {:?} (diag) or {:?} (spherical)",
                    [k, d, d],
                    [d, d],
                    [k, d],
                    [k]
                ),
            )),
            _ => Err(wrong(
                path,
                format!(
                    "covariances_ of shape {shape:?} may be one matrix for all {k} components or \
                     the variances of each"
                ),
                "say which: covariance_type = \"tied\" or \"diag\"",
            )),
        }
    }

    /// The entries of a component's covariance, out of all that are stored.
    fn entries(self, stored: &[f64], d: usize, k: usize) -> impl Fn(usize, usize) -> f64 {
        move |i, j| match self {
            Self::Full => stored[(k * d + i) * d + j],
            Self::Tied => stored[i * d + j],
            Self::Diag if i == j => stored[k * d + i],
            Self::Spherical if i == j => stored[k],
            Self::Diag | Self::Spherical => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read_mixture;
    use super::*;
    use crate::error::Error;
    use serde_json::json;
    use std::path::PathBuf;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/scikit-learn")
            .join(name)
    }

    fn assert_has_the_density_of_scikit_learn(file: &str, kind: &str, tolerance: f64) {
        let text = std::fs::read_to_string(data("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let mixture = read_mixture(&data(file), None).unwrap();
        assert_eq!((mixture.components(), mixture.dim()), (2, 3));
        let points = nested_lists(&expected["points"]).unwrap();
        let values = nested_lists(&expected["log_density"][kind]).unwrap().values;
        for (x, value) in points.values.chunks(3).zip(values) {
            let found = mixture.log_density(x);
            assert!((found - value).abs() < tolerance, "{file}: {found} {value}");
        }
    }

    #[test]
    fn mixtures_have_the_density_that_scikit_learn_finds() {
        for kind in CovarianceType::ALL.map(CovarianceType::name) {
            assert_has_the_density_of_scikit_learn(&format!("{kind}.json"), kind, 1e-12);
            assert_has_the_density_of_scikit_learn(&format!("{kind}.npz"), kind, 1e-12);
        }
        assert_has_the_density_of_scikit_learn("single.npz", "single", 1e-5);
    }

    fn from(keys: Value) -> Result<Mixture> {
        let Value::Object(keys) = keys else {
            panic!("not an object");
        };
        from_json(Path::new("m.json"), keys)
    }

    fn refused(keys: Value) -> (String, String) {
        match from(keys) {
            Err(Error::Usage { message, help }) => {
                (message.strip_prefix("m.json: ").unwrap().to_owned(), help)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Two components in a plane; the keys of `change` replace its own.
    fn two_in_a_plane(change: Value) -> Value {
        let mut keys = json!({
            "weights": [0.25, 0.75],
            "means": [[0, 0], [1, 1]],
            "covariances": [2.0, 3.0],
            "precisions_cholesky_": [["ignored"]],
        });
        for (key, value) in change.as_object().unwrap() {
            keys[key] = value.clone();
        }
        keys
    }

    #[test]
    fn the_type_is_told_by_the_shape_where_that_leaves_no_doubt() {
        let spherical = from(two_in_a_plane(json!({}))).unwrap();
        assert!((spherical.component_covariance(1) - DMatrix::identity(2, 2) * 3.0).amax() < 1e-15);
        let square = json!([[2.0, 1.0], [1.0, 3.0]]);
        let (message, help) = refused(two_in_a_plane(json!({"covariances": square})));
        assert_eq!(
            message,
            "covariances_ of shape [2, 2] may be one matrix for all 2 components or the variances \
             of each"
        );
        assert!(help.contains("covariance_type"));
        let of = |kind| {
            from(two_in_a_plane(
                json!({"covariances": square, "covariance_type": kind}),
            ))
        };
        let tied = of("tied").unwrap().component_covariance(1);
        assert!((tied[(0, 1)] - 1.0).abs() < 1e-15 && (tied[(1, 1)] - 3.0).abs() < 1e-15);
        let diag = of("diag").unwrap().component_covariance(1);
        assert!(diag[(0, 1)] == 0.0 && (diag[(0, 0)] - 1.0).abs() < 1e-15);

        let one = json!({"weights": [1], "means": [[0]], "covariances": [[4]]});
        assert_eq!(from(one).unwrap().component_stds(0), [2.0]);
    }

    #[test]
    fn a_wrong_attribute_is_named() {
        let cases = [
            (json!({"means": [0, 1]}), "means_ has the shape [2]"),
            (
                json!({"weights": [0.5, 0.25, 0.25]}),
                "weights_ has the shape [3], but means_ [2, 2]",
            ),
            (
                json!({"covariances": [[[1.0]]]}),
                "covariances_ has the shape [1, 1, 1], but means_ [2, 2]",
            ),
            (
                json!({"covariance_type": "full"}),
                "covariances_ has the shape [2], but means_ [2, 2]",
            ),
            (
                json!({"covariance_type": "isotropic"}),
                "covariance_type is \"isotropic\"",
            ),
            (
                json!({"covariance_type": 1}),
                "covariance_type is not a text",
            ),
            (
                json!({"means": [[0, 0], [1, "a"]]}),
                "means [1][1] is \"a\", not a number",
            ),
            (
                json!({"means": [[0, 0], [1]]}),
                "means [1] has the length 1, but the first of its kind 2",
            ),
            (json!({"means": [[0, 0], 1]}), "means [1] is 1, not a list"),
            (json!({"weights": null}), "weights is null, not a number"),
            (
                json!({"covariances": [1.0, -1.0]}),
                "covariances, component 2: not positive definite: its smallest eigenvalue is \
                 -1.000e0",
            ),
            (
                json!({"covariances": [[[1, 0], [0, 1]], [[1, 0.5], [0.4, 1]]]}),
                "covariances, component 2: not symmetric: entry (2, 1) is 0.4 and entry (1, 2) is \
                 0.5",
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(refused(two_in_a_plane(change)).0, expected);
        }
        let (message, help) = refused(json!({"weights_": [1.0], "mu": [[0.0]]}));
        assert_eq!(message, "there is no means_ among its keys: mu, weights_");
        assert!(help.contains("np.savez"));
        let empty = json!({"weights": [], "means": [], "covariances": []});
        assert_eq!(refused(empty).0, "means_ has the shape [0]");
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npz");
        let whole = std::fs::read(data("full.npz")).unwrap();
        let of = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            read_mixture(&path, None).unwrap_err().to_string()
        };
        assert!(of(&whole[..whole.len() / 2]).contains("is not an archive of NumPy"));
        let at = whole.windows(5).position(|w| w == b"(2,),").unwrap();
        let mut promising = whole.clone();
        promising[at + 1] = b'9';
        assert!(of(&promising).contains("weights_ "));
    }
}
