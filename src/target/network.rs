//! Linear-Gaussian networks, written as equations: their joint is a Gaussian, exactly.

use nalgebra::DMatrix;

use crate::digest::count;
use crate::mixture::Mixture;

/// Why some equations are not a linear-Gaussian network.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}{message}", place(.equation))]
pub struct NetworkError {
    /// The equation it is about, counted from 0; none where it is about the standard deviations or
    /// the whole.
    pub equation: Option<usize>,
    /// What it is about: "equations", or "stds".
    pub part: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

fn place(equation: &Option<usize>) -> String {
    match equation {
        Some(i) => format!("equation {}: ", i + 1),
        None => String::new(),
    }
}

impl NetworkError {
    fn new(
        equation: impl Into<Option<usize>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            equation: equation.into(),
            part: "equations",
            message: message.into(),
            help: help.into(),
        }
    }

    fn about_stds(self) -> Self {
        Self {
            part: "stds",
            ..self
        }
    }
}

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
/// use klfit::target::network;
/// let network = network::joint(&["x = 1", "y = 2 + 3 x"], &[1.0])?;
/// assert_eq!(network.names, ["x", "y"]);
/// assert!((network.mixture.covariance()[(1, 1)] - 10.0).abs() < 1e-12);
/// # Ok::<(), network::NetworkError>(())
/// ```
///
/// # Errors
/// If there is no equation or one cannot be read, with the character where reading stopped; if it
/// is not linear; if a variable has no equation, or more than one; if variables depend on each other
/// in a cycle; if the standard deviations are not positive and finite or not as many as the
/// equations; or if the joint is beyond the range of numbers.
pub fn joint(equations: &[impl AsRef<str>], stds: &[f64]) -> Result<Network, NetworkError> {
    let equations = (equations.iter().enumerate())
        .map(|(i, text)| {
            Scanner::new(text.as_ref())
                .equation()
                .map_err(|(message, help)| NetworkError::new(i, message, help))
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
    for i in causes_first(&parents, &names)? {
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
        .map_err(|error| NetworkError::new(None, format!("the joint's {error}"), error.help))?;
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

fn distinct_names(equations: &[Equation]) -> Result<Vec<String>, NetworkError> {
    let mut names: Vec<String> = Vec::with_capacity(equations.len());
    for (i, equation) in equations.iter().enumerate() {
        let name = &equation.name;
        if let Some(earlier) = names.iter().position(|other| other == name) {
            return Err(NetworkError::new(
                i,
                format!("{name} is defined already, by equation {}", earlier + 1),
                "give each variable one equation",
            ));
        }
        names.push(name.clone());
    }
    if names.is_empty() {
        return Err(NetworkError::new(
            None,
            "there are no equations",
            "give one for each variable, as in equations = [\"x1 = 0\", \"x2 = 1 + 0.5 x1\"]",
        ));
    }
    Ok(names)
}

fn one_for_each(stds: &[f64], names: &[String]) -> Result<Vec<f64>, NetworkError> {
    let each = match stds {
        [std] => vec![*std; names.len()],
        _ if stds.len() == names.len() => stds.to_vec(),
        _ => {
            return Err(NetworkError::new(
                None,
                format!(
                    "there are {} for {}",
                    count(stds.len(), "standard deviation"),
                    count(names.len(), "equation")
                ),
                "give one for each equation in the same order, or one for all",
            )
            .about_stds());
        }
    };
    match each.iter().position(|std| !(std.is_finite() && *std > 0.0)) {
        Some(i) => Err(NetworkError::new(
            i,
            format!("the standard deviation of {} is {}", names[i], each[i]),
            "standard deviations are positive and finite; without noise there is no density",
        )
        .about_stds()),
        None => Ok(each),
    }
}

/// The variables an equation depends on, each once with its slope.
fn parents_of(
    i: usize,
    equation: &Equation,
    names: &[String],
) -> Result<Vec<(usize, f64)>, NetworkError> {
    let mut parents: Vec<(usize, f64)> = Vec::new();
    for (name, slope) in &equation.terms {
        let Some(j) = names.iter().position(|other| other == name) else {
            return Err(NetworkError::new(
                i,
                format!("{name} has no equation"),
                format!(
                    "give it one, or check its spelling; there are {}",
                    names.join(", ")
                ),
            ));
        };
        if j == i {
            return Err(NetworkError::new(
                i,
                format!("{name} stands on both sides"),
                format!("solve the equation for {name}, or check the name"),
            ));
        }
        match parents.iter_mut().find(|(parent, _)| *parent == j) {
            Some((_, sum)) => *sum += slope,
            None => parents.push((j, *slope)),
        }
    }
    Ok(parents)
}

/// The variables in an order in which each stands after all it depends on.
fn causes_first(
    parents: &[Vec<(usize, f64)>],
    names: &[String],
) -> Result<Vec<usize>, NetworkError> {
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
fn cycle(parents: &[Vec<(usize, f64)>], placed: &[bool], names: &[String]) -> NetworkError {
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
    NetworkError::new(
        path.first().copied(),
        format!("a cycle, each from the next: {}", named.join(" ← ")),
        "take one of these variables out of the equation of the one before it",
    )
}

/// One equation as it is written; the same variable may stand in several terms.
#[derive(Debug, PartialEq)]
struct Equation {
    name: String,
    intercept: f64,
    terms: Vec<(String, f64)>,
}

/// What is wrong with the text of an equation, and what to do.
type Mistake = (String, String);

/// Reads one equation from the left.
struct Scanner<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    fn equation(&mut self) -> Result<Equation, Mistake> {
        let Some(name) = self.name() else {
            return Err(self.expected("the name of a variable"));
        };
        if !self.eat('=') {
            return Err(self.expected("`=`"));
        }
        let mut equation = Equation {
            name,
            intercept: 0.0,
            terms: Vec::new(),
        };
        self.term(&mut equation)?;
        while self.peek().is_some() {
            if !matches!(self.peek(), Some('+' | '-' | '−')) {
                return Err(self.expected("`+`, `-` or the end of the equation"));
            }
            self.term(&mut equation)?;
        }
        Ok(equation)
    }

    /// Reads a term with the signs before it: `- 0.2 x2`, and `+ -0.2 x2` as programs write it.
    fn term(&mut self, equation: &mut Equation) -> Result<(), Mistake> {
        let mut sign = 1.0;
        while let Some(next @ ('+' | '-' | '−')) = self.peek() {
            sign = if next == '+' { sign } else { -sign };
            self.eat(next);
        }
        let number = self.number()?;
        let times = number.is_some() && self.eat('*');
        let value = sign * number.unwrap_or(1.0);
        match self.name() {
            Some(variable) => equation.terms.push((variable, value)),
            None if times => return Err(self.expected("a variable")),
            None if number.is_none() => return Err(self.expected("a number or a variable")),
            None => equation.intercept += value,
        }
        Ok(())
    }

    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn eat(&mut self, expected: char) -> bool {
        let found = self.peek() == Some(expected);
        if found {
            self.take(expected.len_utf8());
        }
        found
    }

    fn name(&mut self) -> Option<String> {
        self.peek().filter(|&first| starts_name(first))?;
        let end = self.word();
        Some(self.take(end).to_owned())
    }

    /// Reads a number without a sign; an `e` belongs to it where digits follow.
    fn number(&mut self) -> Result<Option<f64>, Mistake> {
        self.peek();
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| {
            let digits = bytes.iter().skip(from).take_while(|b| b.is_ascii_digit());
            from + digits.count()
        };
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            let sign = matches!(bytes.get(end + 1), Some(b'+' | b'-'));
            let first = end + 1 + usize::from(sign);
            if digits(first) > first {
                end = digits(first);
            }
        }
        let Ok(number) = self.rest[..end].parse::<f64>() else {
            return Ok(None);
        };
        if number.is_infinite() {
            return Err(self.mistake(
                format!("{} is beyond the range of numbers", &self.rest[..end]),
                "numbers end at 1.8e308",
            ));
        }
        self.take(end);
        Ok(Some(number))
    }

    fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// How many bytes the word at the start of the rest has.
    fn word(&self) -> usize {
        let ends = |c: char| !(c.is_alphanumeric() || c == '_');
        self.rest.find(ends).unwrap_or(self.rest.len())
    }

    fn expected(&mut self, what: &str) -> Mistake {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(next) => {
                let end = self.word().max(next.len_utf8());
                format!("`{}`", &self.rest[..end])
            }
        };
        self.mistake(
            format!("expected {what}, found {found}"),
            "an equation is linear: `x3 = 2 + 0.8 x1 - x2`, where each term is a number, a variable, \
             or a number times one variable with the number first",
        )
    }

    fn mistake(&self, message: String, help: &str) -> Mistake {
        let read = &self.text[..self.text.len() - self.rest.len()];
        (
            format!("at character {}: {message}", read.chars().count() + 1),
            help.to_owned(),
        )
    }
}

fn starts_name(first: char) -> bool {
    first.is_alphabetic() || first == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::divergence::gaussian_kl;
    use proptest::prelude::*;

    /// The three models of a tutorial on the KL divergence, with x3 = c + a x1 + b x2.
    const MODELS: [[&str; 3]; 3] = [
        ["x1 = 0", "x2 = 1", "x3 = 2 + 0.8 x1 - 0.2 x2"],
        ["x1 = 0.85", "x2 = 1.05", "x3 = 2 + 0.9 x1 - 0.25 x2"],
        ["x1 = 2", "x2 = 5", "x3 = 4 + 0.8 x1 - 0.8 x2"],
    ];

    fn model(i: usize) -> Mixture {
        joint(&MODELS[i], &[1.0]).unwrap().mixture
    }

    fn refused(equations: &[&str], stds: &[f64]) -> NetworkError {
        joint(equations, stds).unwrap_err()
    }

    #[test]
    fn the_three_models_have_the_moments_worked_out_by_hand() {
        let expected = [
            ([0.0, 1.0, 1.8], 0.8, -0.2, 1.68),
            ([0.85, 1.05, 2.5025], 0.9, -0.25, 1.8725),
            ([2.0, 5.0, 1.6], 0.8, -0.8, 2.28),
        ];
        for (i, (mean, a, b, last)) in expected.into_iter().enumerate() {
            let joint = model(i);
            let covariance = [1.0, 0.0, a, 0.0, 1.0, b, a, b, last];
            let covariance = DMatrix::from_row_slice(3, 3, &covariance);
            assert!((joint.mean() - nalgebra::DVector::from_row_slice(&mean)).amax() < 1e-14);
            assert!((joint.covariance() - covariance).amax() < 1e-14);
        }
    }

    #[test]
    fn the_divergences_between_the_three_models_are_those_numpy_finds_with_inverses() {
        let expected = [
            (0, 1, 0.37),
            (0, 2, 11.16),
            (1, 0, 0.369278125),
            (1, 2, 9.513203125),
            (2, 0, 10.68),
            (2, 1, 9.07),
        ];
        for (p, q, expected) in expected {
            let kl = gaussian_kl(&model(p), &model(q)).unwrap();
            assert!((kl - expected).abs() < 1e-13, "{p} {q} {kl}");
        }
    }

    #[test]
    fn equations_may_stand_in_any_order_with_noises_of_their_own() {
        let network = joint(&["y = 1 - 2x", "x = 3"], &[0.5, 2.0]).unwrap();
        assert_eq!(network.names, ["y", "x"]);
        assert_eq!(network.mixture.mean().as_slice(), [-5.0, 3.0]);
        let expected = DMatrix::from_row_slice(2, 2, &[0.25 + 16.0, -8.0, -8.0, 4.0]);
        assert!((network.mixture.covariance() - expected).amax() < 1e-14);
    }

    #[test]
    fn an_equation_may_be_written_in_many_ways() {
        let read = |text| Scanner::new(text).equation().unwrap();
        let expected = |intercept, terms: &[(&str, f64)]| Equation {
            name: "y".to_owned(),
            intercept,
            terms: (terms.iter())
                .map(|(name, slope)| ((*name).to_owned(), *slope))
                .collect(),
        };
        let same = expected(2.0, &[("x1", 0.8), ("x2", -1.0)]);
        assert_eq!(read("y = 2 + 0.8 x1 - x2"), same);
        assert_eq!(read("y=2+.8x1-x2"), same);
        assert_eq!(read(" y = 2 + 8e-1 * x1 + -1.0*x2 "), same);
        assert_eq!(
            read("y = 0.8 x1 − x2 + 2."),
            Equation {
                terms: same.terms,
                ..expected(2.0, &[])
            }
        );
        assert_eq!(read("y = 2 e3"), expected(0.0, &[("e3", 2.0)]));
        assert_eq!(read("y = 2e3"), expected(2000.0, &[]));
        assert_eq!(read("y = -1 + 3 - é_1"), expected(2.0, &[("é_1", -1.0)]));
    }

    #[test]
    fn terms_of_the_same_variable_add_up() {
        let of = |text| joint(&["x = 1", text], &[1.0]).unwrap().mixture;
        assert_eq!(of("y = x + 1 + 2 x + 1"), of("y = 2 + 3 x"));
    }

    #[test]
    fn a_syntax_error_says_at_which_character_and_what_was_expected() {
        let cases = [
            ("", "1: expected the name of a variable, found the end"),
            ("2 = x", "1: expected the name of a variable, found `2`"),
            ("y 2", "3: expected `=`, found `2`"),
            ("y = ", "5: expected a number or a variable, found the end"),
            (
                "y = 2 +",
                "8: expected a number or a variable, found the end",
            ),
            (
                "y = 2 + / x",
                "9: expected a number or a variable, found `/`",
            ),
            ("y = 2 * 3", "9: expected a variable, found `3`"),
            ("é = 1e999", "5: 1e999 is beyond the range of numbers"),
        ];
        for (text, expected) in cases {
            let error = refused(&["x = 0", text], &[1.0]);
            assert_eq!(error.equation, Some(1));
            assert_eq!(
                error.to_string(),
                format!("equation 2: at character {expected}")
            );
        }
    }

    #[test]
    fn what_is_not_linear_is_refused() {
        let cases = [
            ("y = x1 x2", "8", "x2"),
            ("y = x1 * x2", "8", "*"),
            ("y = x1^2", "7", "^"),
            ("y = x1 / 2", "8", "/"),
            ("y = sin(x1)", "8", "("),
            ("y = x1 0.5", "8", "0"),
        ];
        for (text, at, found) in cases {
            let error = refused(&["x1 = 0", "x2 = 0", text], &[1.0]);
            assert_eq!(
                error.message,
                format!(
                    "at character {at}: expected `+`, `-` or the end of the equation, found `{found}`"
                )
            );
            assert!(error.help.contains("linear"));
        }
    }

    #[test]
    fn names_that_do_not_fit_are_refused() {
        let unknown = refused(&["x = 0", "y = z"], &[1.0]);
        assert_eq!(unknown.to_string(), "equation 2: z has no equation");
        assert!(unknown.help.contains("x, y"));
        let twice = refused(&["x = 0", "y = x", "x = 1"], &[1.0]);
        assert_eq!(
            twice.to_string(),
            "equation 3: x is defined already, by equation 1"
        );
        let itself = refused(&["x = 1 + 0.5 x"], &[1.0]);
        assert_eq!(itself.to_string(), "equation 1: x stands on both sides");
        let none: [&str; 0] = [];
        assert_eq!(refused(&none, &[1.0]).to_string(), "there are no equations");
    }

    #[test]
    fn a_cycle_is_named() {
        let error = refused(
            &["w = x", "x = 1 + y", "y = z + v", "z = -x", "v = 0"],
            &[1.0],
        );
        assert_eq!(
            error.to_string(),
            "equation 2: a cycle, each from the next: x ← y ← z ← x"
        );
    }

    #[test]
    fn standard_deviations_that_do_not_fit_are_refused() {
        let error = refused(&["x = 0", "y = x", "z = 1"], &[1.0, 2.0]);
        assert_eq!(
            error.to_string(),
            "there are 2 standard deviations for 3 equations"
        );
        for std in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = refused(&["x = 0", "y = x"], &[1.0, std]);
            assert_eq!(
                error.to_string(),
                format!("equation 2: the standard deviation of y is {std}")
            );
        }
    }

    #[test]
    fn a_joint_beyond_the_range_of_numbers_is_refused() {
        let error = refused(&["x = 1e200", "y = 1e200 x"], &[1.0]);
        assert_eq!(
            error.to_string(),
            "the joint's means, component 1: has the value inf"
        );
    }

    /// The order of the equations, slopes below the diagonal of a 5 × 5, intercepts and stds.
    type Dag = (Vec<usize>, Vec<Option<f64>>, Vec<f64>, Vec<f64>);

    fn dag() -> impl Strategy<Value = Dag> {
        (
            Just((0..5).collect::<Vec<_>>()).prop_shuffle(),
            prop::collection::vec(prop::option::of(-2.0..2.0f64), 25),
            prop::collection::vec(-5.0..5.0f64, 5),
            prop::collection::vec(0.1..3.0f64, 5),
        )
    }

    proptest! {
        #[test]
        fn a_joint_is_what_a_dense_inverse_finds((order, slopes, intercepts, stds) in dag()) {
            // Node i depends on nodes below it; `order` is where each of them is written.
            let slope = |i: usize, j: usize| slopes[5 * i + j].filter(|_| j < i);
            let equations: Vec<String> = (order.iter())
                .map(|&i| {
                    let terms = (0..5).filter_map(|j| Some(format!(" + {:?} v{j}", slope(i, j)?)));
                    format!("v{i} = {:?}{}", intercepts[i], terms.collect::<String>())
                })
                .collect();
            let written = |of: &[f64]| order.iter().map(|&i| of[i]).collect::<Vec<f64>>();
            let joint = joint(&equations, &written(&stds)).unwrap().mixture;

            let slopes = DMatrix::from_fn(5, 5, |i, j| slope(order[i], order[j]).unwrap_or(0.0));
            let inverse = (DMatrix::identity(5, 5) - slopes).try_inverse().unwrap();
            let mean = &inverse * nalgebra::DVector::from_vec(written(&intercepts));
            let variances = written(&stds).iter().map(|std| std * std).collect();
            let noise = DMatrix::from_diagonal(&nalgebra::DVector::from_vec(variances));
            let covariance = &inverse * noise * inverse.transpose();
            prop_assert!((joint.mean() - &mean).amax() < 1e-12 * mean.amax());
            prop_assert!((joint.covariance() - &covariance).amax() < 1e-12 * covariance.amax());
        }
    }
}
