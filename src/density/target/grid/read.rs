//! A grid from a file.

use std::path::Path;

use super::{Grid, GridAxis, GridValues};
use crate::density::target::samples::{TableOptions, read_points};
use crate::error::{Error, Result};
use crate::files::npy::NpyArray;
use crate::files::read;
use crate::text::count;

/// Nodes that are off an even grid by more than this share of a step are on none.
const UNEVEN: f64 = 1e-6;

/// Reads a grid:
///
/// - a `.npy` of NumPy with an axis for each coordinate, whose first and last nodes are at `ends`;
/// - a `.csv` with a column for each coordinate and after them one for the value, and a row for each node, in any
///   order; `ends` are those of the rows.
///
/// # Errors
/// If the file cannot be read, `ends` are missing or given where there are some, or there are not all nodes of a
/// regular grid with one value each.
pub fn read_grid(path: &Path, values: GridValues, ends: Option<[Vec<f64>; 2]>) -> Result<Grid> {
    let wrong = |message: String, help: &str| -> Error {
        Error::usage(format!("{}: {message}", path.display()), help)
    };
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let (axes, given, names) = match (extension.to_str(), ends) {
        (Some("npy"), Some([from, to])) => {
            let bytes = read::read(path, read::LARGEST_JSON)?;
            let array = NpyArray::from_npy(&bytes)
                .map_err(|error| wrong(error, "save it by np.save(\"grid.npy\", values)"))?;
            let dim = array.shape.len();
            if from.len() != dim || to.len() != dim {
                let message = format!(
                    "has {}, and there are {} numbers in `from` and {} in `to`",
                    count(dim, "coordinate"),
                    from.len(),
                    to.len()
                );
                return Err(wrong(message, "give the first and the last node of each"));
            }
            let axes = (array.shape.iter().zip(from.into_iter().zip(to)))
                .map(|(&nodes, (from, to))| GridAxis { from, to, nodes })
                .collect();
            (axes, array.values, Grid::numbered(dim))
        }
        (Some("csv"), None) => from_csv(path)?,
        (Some("npy"), None) => {
            let help = "say where its first and last nodes are, as in from = [-3, 0], to = [3, 10]";
            return Err(wrong("does not say where its nodes are".into(), help));
        }
        (Some("csv"), Some(_)) => {
            let help = "leave `from` and `to` out: the table has the coordinates of all nodes";
            return Err(wrong("says itself where its nodes are".into(), help));
        }
        _ => {
            let help = "save it as one of these; with NumPy: np.save(\"grid.npy\", values)";
            return Err(wrong("a grid is in a .npy or a .csv file".into(), help));
        }
    };
    Grid::new(axes, values, given, names).map_err(|refusal| {
        wrong(
            format!("{} {}", refusal.key, refusal.message),
            &refusal.help,
        )
    })
}

type Parts = (Vec<GridAxis>, Vec<f64>, Vec<String>);

fn from_csv(path: &Path) -> Result<Parts> {
    // A grid may count its rows, and its values may be alike: what is doubtful of rows is not of nodes.
    let table = read_points(path, &TableOptions::default())?.samples;
    let wrong = |message: String, help: &str| -> Error {
        Error::usage(format!("{}: {message}", path.display()), help)
    };
    let dim = table.dim() - 1;
    if !(1..=super::MOST_GRID_DIM).contains(&dim) {
        return Err(wrong(
            format!("has {}", count(table.dim(), "column")),
            "give one for each of 1 to 3 coordinates, and after them one for the value",
        ));
    }
    let mut axes = Vec::new();
    for d in 0..dim {
        let name = &table.names()[d];
        let mut nodes: Vec<f64> = table.points().map(|row| row[d]).collect();
        nodes.sort_by(f64::total_cmp);
        let (from, to) = (nodes[0], nodes[nodes.len() - 1]);
        let tiny = UNEVEN * (to - from) / nodes.len() as f64;
        nodes.dedup_by(|b, a| *b - *a <= tiny);
        let axis = GridAxis {
            from,
            to,
            nodes: nodes.len(),
        };
        let even = |i: usize| from + i as f64 * axis.step();
        let off = |(i, x): (usize, &f64)| (x - even(i)).abs() > UNEVEN.sqrt() * axis.step();
        if nodes.len() > 1
            && let Some((i, x)) = nodes.iter().enumerate().find(|node| off(*node))
        {
            let message = format!("column {name} has {x} where an even grid has {}", even(i));
            return Err(wrong(
                message,
                "give the values at even steps along every axis",
            ));
        }
        axes.push(axis);
    }
    let nodes = axes
        .iter()
        .fold(1, |all: usize, axis| all.saturating_mul(axis.nodes));
    if nodes != table.len() {
        let message = format!(
            "has {}, and a grid of its coordinates has {nodes}",
            count(table.len(), "row")
        );
        return Err(wrong(message, "give one row for each node"));
    }
    let mut given = vec![None; nodes];
    for row in table.points() {
        let place = (axes.iter().zip(row)).fold(0, |at, (axis, x)| {
            let step = ((x - axis.from) / axis.step()).round() as usize;
            at * axis.nodes + step.min(axis.nodes - 1)
        });
        if given[place].replace(row[dim]).is_some() {
            let at: Vec<String> = row[..dim].iter().map(f64::to_string).collect();
            return Err(wrong(
                format!("has the node {} twice", at.join(", ")),
                "give one row for each node",
            ));
        }
    }
    let given = given.into_iter().flatten().collect();
    Ok((axes, given, table.names()[..dim].to_vec()))
}
