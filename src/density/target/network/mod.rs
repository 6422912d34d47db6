//! Linear-Gaussian networks, written as equations: their joint is a Gaussian, exactly.

mod equation;

use nalgebra::DMatrix;

use crate::error::Refusal;
use crate::mixture::{MOST_DIM, Mixture};
use crate::text::count;

use equation::{Equation, Scanner};

/// A linear-Gaussian network with D variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The D variables, in the order of their equations.
    pub names: Vec<String>,
    /// Their joint density, one Gaussian in D dimensions with the coordinates in that order.
    pub mixture: Mixture,
}

/// The joint density of variables that are each a linear function of others plus Gaussian noise.
///
/// An equation gives a variable its mean: `x3 = 2 + 0.8 x1 - 0.2 x2`. A term is a number, a variable,
/// or a number times a variable with the number first (`0.8 x1`, `0.8 * x1`); terms of the same
/// variable add up. `stds` holds the standard deviations of the noises, which are independent: one
/// for each equation in the same order, or one for all. The equations may stand in any order; none
/// may depend on itself, by way of others either.
///
/// With intercepts a, slopes B and noises e, x = a + B x + e, so that x has mean (I − B)⁻¹ a and
/// covariance (I − B)⁻¹ diag(std²) (I − B)⁻ᵀ (Shachter & Kenley 1989, "Gaussian influence
/// diagrams").
///
/// ```
/// let network = klfit::network(&["x = 1", "y = 2 + 3 x"], &[1.0])?;
/// assert_eq!(network.names, ["x", "y"]);
/// assert!((network.mixture.covariance()[(1, 1)] - 10.0).abs() < 1e-12);
/// # Ok::<(), klfit::Refusal>(())
/// ```
///
/// # Errors
/// If there is no equation or one cannot be read, with the character where reading stopped; if it
/// is not linear; if a variable has no equation, or more than one; if variables depend on each other
/// in a cycle; if the standard deviations are not positive and finite or not as many as the
/// equations; or if the joint is beyond the range of numbers.
pub fn joint(equations: &[impl AsRef<str>], stds: &[f64]) -> Result<Network, Refusal> {
    if equations.len() > MOST_DIM {
        return Err(Refusal::new(
            "equations",
            format!("there are {}", equations.len()),
            format!("klfit works in up to {MOST_DIM} dimensions"),
        ));
    }
    let equations = (equations.iter().enumerate())
        .map(|(i, text)| {
            Scanner::new(text.as_ref())
                .equation()
                .map_err(|refusal| refusal.of("equation", i))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let names = distinct_names(&equations)?;
    let stds = one_for_each(stds, &names)?;
    let parents = (equations.iter().enumerate())
        .map(|(i, equation)| parents_of(i, equation, &names))
        .collect::<Result<Vec<_>, _>>()?;

    // x = mean + noise z with z standard normal: substituting parents first inverts I − B.
    let dim = names.len();
    let mut mean = vec![0.0; dim];
    let mut noise = DMatrix::zeros(dim, dim);
    for i in topological_order(&parents, &names)? {
        mean[i] = equations[i].intercept;
        noise[(i, i)] = stds[i];
        for &(j, slope) in &parents[i] {
            mean[i] += slope * mean[j];
            let inherited = noise.row(j) * slope;
            let mut row = noise.row_mut(i);
            row += inherited;
        }
    }
    let mixture = Mixture::new(vec![1.0], vec![mean], vec![lower_factor(&noise)])
        .map_err(|error| Refusal::new("equations", format!("the joint's {error}"), error.help))?;
    Ok(Network { names, mixture })
}

/// The lower Cholesky factor of A Aᵀ. By A = (Q R)ᵀ, which squares nothing.
fn lower_factor(a: &DMatrix<f64>) -> DMatrix<f64> {
    let mut factor = a.transpose().qr().r().transpose();
    for i in 0..factor.ncols() {
        if factor[(i, i)] < 0.0 {
            factor.column_mut(i).neg_mut();
        }
    }
    factor
}

fn distinct_names(equations: &[Equation]) -> Result<Vec<String>, Refusal> {
    let mut names: Vec<String> = Vec::with_capacity(equations.len());
    for (i, equation) in equations.iter().enumerate() {
        let name = &equation.name;
        if let Some(earlier) = names.iter().position(|other| other == name) {
            return Err(Refusal::new(
                "equations",
                format!("{name} is defined already, by equation {}", earlier + 1),
                "give each variable one equation",
            )
            .of("equation", i));
        }
        names.push(name.clone());
    }
    if names.is_empty() {
        return Err(Refusal::new(
            "equations",
            "there are no equations",
            "give one for each variable, as in equations = [\"x1 = 0\", \"x2 = 1 + 0.5 x1\"]",
        ));
    }
    Ok(names)
}

fn one_for_each(stds: &[f64], names: &[String]) -> Result<Vec<f64>, Refusal> {
    let each = match stds {
        [std] => vec![*std; names.len()],
        _ if stds.len() == names.len() => stds.to_vec(),
        _ => {
            return Err(Refusal::new(
                "stds",
                format!(
                    "there are {} for {}",
                    count(stds.len(), "standard deviation"),
                    count(names.len(), "equation")
                ),
                "give one for each equation in the same order, or one for all",
            ));
        }
    };
    match each.iter().position(|std| !(std.is_finite() && *std > 0.0)) {
        Some(i) => Err(Refusal::new(
            "stds",
            format!("the standard deviation of {} is {}", names[i], each[i]),
            "standard deviations are positive and finite; without noise there is no density",
        )
        .of("equation", i)),
        None => Ok(each),
    }
}

/// The variables an equation depends on, each once with its slope.
fn parents_of(
    i: usize,
    equation: &Equation,
    names: &[String],
) -> Result<Vec<(usize, f64)>, Refusal> {
    let mut parents: Vec<(usize, f64)> = Vec::new();
    for (name, slope) in &equation.terms {
        let Some(j) = names.iter().position(|other| other == name) else {
            return Err(Refusal::new(
                "equations",
                format!("{name} has no equation"),
                format!(
                    "give it one, or check its spelling; there are {}",
                    names.join(", ")
                ),
            )
            .of("equation", i));
        };
        if j == i {
            return Err(Refusal::new(
                "equations",
                format!("{name} stands on both sides"),
                format!("solve the equation for {name}, or check the name"),
            )
            .of("equation", i));
        }
        match parents.iter_mut().find(|(parent, _)| *parent == j) {
            Some((_, sum)) => *sum += slope,
            None => parents.push((j, *slope)),
        }
    }
    Ok(parents)
}

/// The variables in an order in which each stands after all it depends on.
fn topological_order(
    parents: &[Vec<(usize, f64)>],
    names: &[String],
) -> Result<Vec<usize>, Refusal> {
    let mut order = Vec::with_capacity(parents.len());
    let mut placed = vec![false; parents.len()];
    while order.len() < parents.len() {
        let ready = |i: &usize| !placed[*i] && parents[*i].iter().all(|&(j, _)| placed[j]);
        let Some(next) = (0..parents.len()).find(ready) else {
            return Err(cycle(parents, &placed, names));
        };
        placed[next] = true;
        order.push(next);
    }
    Ok(order)
}

/// Names a cycle among the variables that have no place in the order: each has such a parent.
fn cycle(parents: &[Vec<(usize, f64)>], placed: &[bool], names: &[String]) -> Refusal {
    let mut path: Vec<usize> = Vec::new();
    let mut next = placed.iter().position(|placed| !placed);
    while let Some(i) = next {
        if let Some(start) = path.iter().position(|&seen| seen == i) {
            path.drain(..start);
            path.push(i);
            break;
        }
        path.push(i);
        next = (parents[i].iter()).find_map(|&(j, _)| (!placed[j]).then_some(j));
    }
    let named: Vec<&str> = path.iter().map(|&i| names[i].as_str()).collect();
    Refusal::new(
        "equations",
        format!("a cycle, each from the next: {}", named.join(" ← ")),
        "take one of these variables out of the equation of the one before it",
    )
    .of("equation", path.first().copied())
}

#[cfg(test)]
mod tests;
