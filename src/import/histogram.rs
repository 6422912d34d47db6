//! Histograms from files: what `np.histogram` gave, or a table of bins.

use std::io::BufReader;
use std::path::Path;

use zip::ZipArchive;

use super::scikit_learn::npz_entry;
use super::wrong;
use crate::density::target::Histogram;
use crate::error::{Error, Result};
use crate::files::npy::NpyArray;
use crate::files::read;
use crate::text::brief;

const SAVE: &str = "save it as in counts, edges = np.histogram(x); np.savez(\"histogram.npz\", counts=counts, \
                    edges=edges); in the plane counts, xedges and yedges; or write a .csv with the columns lower, \
                    upper and count";

/// Reads the edges and counts of a histogram:
///
/// - a `.npz` file with the arrays `counts` (B) and `edges` (B + 1), or `counts` (B₁ × B₂), `xedges` and `yedges`;
/// - a `.csv` file with the columns `lower`, `upper` and `count`, parted by commas, semicolons or tabs, and a row for
///   each bin, in which the upper edge of a bin is the lower one of the next; an edge may be `-inf` or `inf`.
///
/// # Errors
/// If the file cannot be read, lacks one of them, or they are no histogram.
pub fn read_histogram(path: &Path) -> Result<Histogram> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let (edges, counts) = match extension.to_str() {
        Some("npz") => from_npz(path)?,
        Some("csv") => from_csv(path)?,
        _ => {
            let message = "a histogram is in a .csv or .npz file";
            return Err(wrong(path, message, SAVE));
        }
    };
    Histogram::new(edges, counts).map_err(|refusal| {
        wrong(
            path,
            format!("{} {}", refusal.key, refusal.message),
            refusal.help,
        )
    })
}

fn from_npz(path: &Path) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
    let mut archive = ZipArchive::new(BufReader::new(read::open(path)?))
        .map_err(|error| wrong(path, format!("is not an archive of NumPy: {error}"), SAVE))?;
    let names: Vec<String> = (archive.file_names())
        .filter_map(|name| Some(name.ok()?.strip_suffix(".npy")?.to_owned()))
        .collect();
    let mut array = |name: &str| {
        if !names.iter().any(|known| known == name) {
            let has = match names.len() {
                0 => "nothing".to_owned(),
                _ => brief(&names.join(", ")).into_owned(),
            };
            return Err(wrong(path, format!("has no {name}; it has {has}"), SAVE));
        }
        npz_entry(&mut archive, name, NpyArray::decode)
            .map_err(|error| wrong(path, format!("{name} {error}"), SAVE))
    };
    let counts = array("counts")?;
    let edges = match counts.shape.len() {
        1 => vec![array("edges")?],
        2 => vec![array("xedges")?, array("yedges")?],
        axes => {
            let message = format!("counts has {axes} axes, and histograms have 1 or 2");
            return Err(wrong(path, message, SAVE));
        }
    };
    for (axis, (bins, edges)) in counts.shape.iter().zip(&edges).enumerate() {
        if edges.values.len() != bins + 1 {
            let message = format!(
                "counts has {bins} bins along axis {}, and there are {} edges",
                axis + 1,
                edges.values.len()
            );
            return Err(wrong(
                path,
                message,
                "give one edge more than there are bins",
            ));
        }
    }
    let edges = edges.into_iter().map(|edges| edges.values).collect();
    Ok((edges, counts.values))
}

fn from_csv(path: &Path) -> Result<(Vec<Vec<f64>>, Vec<f64>)> {
    let text = read::read_text(path, read::LARGEST_CONFIG)?;
    let wrong_at = |line: usize, message: String| -> Error {
        wrong(path, format!("line {line}: {message}"), SAVE)
    };
    let mut lines = (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty());
    let header = lines
        .next()
        .map(|(_, line)| line.trim_start_matches('\u{feff}'));
    let header = header.unwrap_or_default();
    let separator = [';', '\t'].into_iter().find(|&one| header.contains(one));
    let separator = separator.unwrap_or(',');
    let cells = |line: &str| -> Vec<String> {
        (line.split(separator))
            .map(|cell| cell.trim().trim_matches('"').to_owned())
            .collect()
    };
    let names = cells(header);
    let places = ["lower", "upper", "count"].map(|name| names.iter().position(|one| one == name));
    let [Some(lower), Some(upper), Some(count)] = places else {
        let has = brief(&names.join(", ")).into_owned();
        let message = format!("its columns are {has}, and lower, upper and count are needed");
        return Err(wrong_at(1, message));
    };
    let (mut edges, mut counts): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for (line, text) in lines {
        let cells = cells(text);
        let number = |place: usize| -> Option<f64> {
            let cell = cells.get(place)?;
            match separator {
                ',' => cell.parse().ok(),
                // Where commas part no columns they part decimals.
                _ => cell.replace(',', ".").parse().ok(),
            }
        };
        let [Some(lower), Some(upper), Some(count)] = [lower, upper, count].map(number) else {
            let message = format!("{} does not have three numbers", brief(text));
            return Err(wrong_at(line, message));
        };
        match edges.last() {
            Some(last) if *last != lower => {
                let message =
                    format!("the bin begins at {lower}, and the one before it ends at {last}");
                return Err(wrong_at(line, message));
            }
            Some(_) => {}
            None => edges.push(lower),
        }
        edges.push(upper);
        counts.push(count);
    }
    Ok((vec![edges], counts))
}
