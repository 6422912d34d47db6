//! The formula in LaTeX, with amsmath and nothing else.
//!
//! What fits on a line is decided by how many characters it has: matrices within the formula where they fit, below
//! it where those do, and otherwise lists of numbers in text, which break where a line ends.

use super::Exported;
use crate::text::{latex, trimmed};

/// Characters that fit on a line of the narrowest usual page, of an article at 10 pt.
const WIDTH: usize = 60;
/// Columns a matrix of amsmath may have.
const MOST_COLUMNS: usize = 10;

pub fn source(exported: &Exported, digits: usize) -> String {
    let q = &exported.q;
    let components: Vec<Component> = (0..q.components())
        .map(|k| Component::new(exported, k, digits))
        .collect();
    let fits = |width: fn(&Component) -> usize| {
        q.dim() <= MOST_COLUMNS && components.iter().all(|one| width(one) <= WIDTH)
    };
    let body = if fits(Component::width_in_formula) {
        in_formula(exported, &components)
    } else if fits(Component::width_below) {
        below(exported, &components)
    } else {
        as_text(exported, &components)
    };
    let title = exported.title();
    format!(
        "% {title} q(x), written by klfit: N(x; mean, covariance).\n% Needs \\usepackage{{amsmath}}.\n{body}"
    )
}

/// The numbers of a component.
struct Component {
    weight: String,
    mean: Vec<String>,
    covariance: Vec<Vec<String>>,
}

impl Component {
    fn new(exported: &Exported, k: usize, digits: usize) -> Self {
        let q = &exported.q;
        let written = |value: f64| number(value, digits);
        let covariance = q.component_covariance(k);
        Self {
            weight: written(q.weights()[k]),
            mean: q.means()[k].iter().map(|&value| written(value)).collect(),
            covariance: (covariance.row_iter())
                .map(|row| row.iter().map(|&value| written(value)).collect())
                .collect(),
        }
    }

    fn width_in_formula(&self) -> usize {
        // q(x) = + w N(x; , ) and its parentheses.
        16 + width(&self.weight) + self.width_of_mean() + self.width_of_covariance()
    }

    fn width_below(&self) -> usize {
        let first = 20 + width(&self.weight) + self.width_of_mean();
        first.max(8 + self.width_of_covariance())
    }

    fn width_of_mean(&self) -> usize {
        2 + widest(self.mean.iter())
    }

    fn width_of_covariance(&self) -> usize {
        let columns =
            (0..self.mean.len()).map(|j| 2 + widest(self.covariance.iter().map(|row| &row[j])));
        columns.sum()
    }
}

/// Every component in a line of the formula.
fn in_formula(exported: &Exported, components: &[Component]) -> String {
    let mut lines = names(exported);
    for (k, one) in components.iter().enumerate() {
        let begin = match k {
            0 => "q(x) ={}& ",
            _ => "&{}+ ",
        };
        // A Gaussian by itself needs no weight.
        let weight = match components.len() {
            1 => String::new(),
            _ => format!("{}\\,", one.weight),
        };
        let (mean, covariance) = (column(&one.mean), matrix(&one.covariance));
        lines.push(format!(
            "{begin}{weight}\\mathcal{{N}}\\left(x;\\, {mean},\\, {covariance}\\right)"
        ));
    }
    aligned(&lines)
}

/// The formula, and below it what its letters are.
fn below(exported: &Exported, components: &[Component]) -> String {
    let mut lines = names(exported);
    lines.push(format!("q(x) ={{}}& {}", sum(components.len())));
    for (k, one) in components.iter().enumerate() {
        let k = k + 1;
        lines.push(format!(
            "w_{{{k}}} ={{}}& {},\\quad \\mu_{{{k}}} = {}",
            one.weight,
            column(&one.mean)
        ));
        lines.push(format!(
            "\\Sigma_{{{k}}} ={{}}& {}",
            matrix(&one.covariance)
        ));
    }
    aligned(&lines)
}

/// The formula, and what its letters are as text.
fn as_text(exported: &Exported, components: &[Component]) -> String {
    let mut text = format!(
        "\\[ q(x) = {} \\]\n{{\\raggedright\n",
        sum(components.len())
    );
    if !exported.has_default_names() {
        let names: Vec<String> = exported.names.iter().map(|name| latex(name)).collect();
        text += &format!("\\noindent $x$: {}.\\par\n", names.join(", "));
    }
    let list = |numbers: &[String]| {
        let numbers: Vec<String> = numbers.iter().map(|one| format!("${one}$")).collect();
        numbers.join(", ")
    };
    for (k, one) in components.iter().enumerate() {
        let k = k + 1;
        text += &format!(
            "\\medskip\n\\noindent $w_{{{k}}}$: ${}$.\\par\n",
            one.weight
        );
        text += &format!("\\noindent $\\mu_{{{k}}}$: {}.\\par\n", list(&one.mean));
        // The other half is the same.
        text += &format!("\\noindent $\\Sigma_{{{k}}}$, the rows up to the diagonal:\\par\n");
        for (i, row) in one.covariance.iter().enumerate() {
            text += &format!("\\noindent {}.\\par\n", list(&row[..=i]));
        }
    }
    text + "}\n"
}

fn sum(components: usize) -> String {
    format!("\\sum_{{k=1}}^{{{components}}} w_k\\, \\mathcal{{N}}(x;\\, \\mu_k, \\Sigma_k)")
}

/// What x is, where its coordinates have names.
fn names(exported: &Exported) -> Vec<String> {
    if exported.has_default_names() {
        return Vec::new();
    }
    let names = exported
        .names
        .iter()
        .map(|name| format!("\\text{{{}}}", latex(name)));
    vec![format!("x ={{}}& {}", column(&names.collect::<Vec<_>>()))]
}

fn aligned(lines: &[String]) -> String {
    // As many components as there are may take more than a page.
    let lines = lines.join(" \\\\\n  ");
    format!("{{\\allowdisplaybreaks\n\\begin{{align*}}\n  {lines}\n\\end{{align*}}}}\n")
}

fn column(entries: &[String]) -> String {
    let rows: Vec<Vec<String>> = entries.iter().map(|entry| vec![entry.clone()]).collect();
    matrix(&rows)
}

fn matrix(rows: &[Vec<String>]) -> String {
    if let [row] = rows
        && let [entry] = row.as_slice()
    {
        return entry.clone();
    }
    let rows: Vec<String> = rows.iter().map(|row| row.join(" & ")).collect();
    format!(
        "\\begin{{pmatrix}} {} \\end{{pmatrix}}",
        rows.join(" \\\\ ")
    )
}

/// A number to some significant digits; 1.2 × 10⁻⁵ where it is small or large.
fn number(value: f64, digits: usize) -> String {
    let text = trimmed(value, digits);
    match text.split_once('e') {
        _ if value == 0.0 => "0".to_owned(),
        Some((mantissa, power)) => format!("{mantissa} \\times 10^{{{power}}}"),
        None => text,
    }
}

/// How wide a number is set, in digits.
fn width(number: &str) -> usize {
    let commands = number.replace("\\times", "x").replace(['{', '}', '^'], "");
    commands.chars().count()
}

fn widest<'a>(numbers: impl Iterator<Item = &'a String>) -> usize {
    numbers.map(|number| width(number)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_those_of_a_formula() {
        assert_eq!(number(0.25, 4), "0.25");
        assert_eq!(number(-0.0, 4), "0");
        assert_eq!(number(1.234_56e-5, 3), "1.23 \\times 10^{-5}");
        assert_eq!(number(-1e7, 3), "-1 \\times 10^{7}");
        assert_eq!(number(0.1 + 0.2, 17), "0.30000000000000004");
    }
}
