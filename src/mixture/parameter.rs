//! One parameter of a mixture in natural units: which it is, what files call it, and its place in a row.

use std::fmt;
use std::str::FromStr;

use super::natural::pairs;

/// Which parameter of a mixture. In files `weight_2`, `mean_2_x1`, `std_2_x1`, `corr_2_x1_x2`, leaving
/// out the component where there is one and the coordinate where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Of which component, counted from 0; none where there is one.
    pub component: Option<usize>,
    /// What of it.
    pub quantity: Quantity,
}

/// What of a component, at coordinates that are counted from 0; none where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Its weight.
    Weight,
    /// Its mean.
    Mean(Option<usize>),
    /// Its standard deviation.
    Std(Option<usize>),
    /// The correlation of two coordinates.
    Correlation(usize, usize),
}

impl Parameter {
    /// That of one component of K, at one coordinate of D.
    pub(crate) fn new(
        quantity: fn(Option<usize>) -> Quantity,
        (component, components): (usize, usize),
        (coordinate, dim): (usize, usize),
    ) -> Self {
        Self {
            component: (components > 1).then_some(component),
            quantity: quantity((dim > 1).then_some(coordinate)),
        }
    }

    /// Every parameter of K components in D dimensions, in the order of
    /// [`natural_values`](super::natural_values): weights where there are several, then means,
    /// standard deviations and correlations.
    pub fn all(components: usize, dim: usize) -> impl Iterator<Item = Self> {
        let of = move |quantity, c| Self {
            component: (components > 1).then_some(c),
            quantity,
        };
        let each = move |quantity| {
            (0..components).flat_map(move |c| {
                (0..dim).map(move |i| Self::new(quantity, (c, components), (i, dim)))
            })
        };
        (0..components)
            .filter(move |_| components > 1)
            .map(move |c| of(Quantity::Weight, c))
            .chain(each(Quantity::Mean))
            .chain(each(Quantity::Std))
            .chain((0..components).flat_map(move |c| {
                pairs(dim).map(move |(i, j)| of(Quantity::Correlation(i, j), c))
            }))
    }

    /// The names of all of them, in that order.
    pub fn names(components: usize, dim: usize) -> Vec<String> {
        let all = Self::all(components, dim);
        all.map(|one| one.to_string()).collect()
    }

    /// Its place in the row of K components in D dimensions, if they have such a parameter.
    pub fn place(self, components: usize, dim: usize) -> Option<usize> {
        Self::all(components, dim).position(|one| one == self)
    }
}

impl Quantity {
    /// How its names begin.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Mean(_) => "mean",
            Self::Std(_) => "std",
            Self::Correlation(..) => "corr",
        }
    }

    /// Its coordinates.
    pub fn coordinates(self) -> impl Iterator<Item = usize> {
        let (first, second) = match self {
            Self::Weight => (None, None),
            Self::Mean(i) | Self::Std(i) => (i, None),
            Self::Correlation(i, j) => (Some(i), Some(j)),
        };
        first.into_iter().chain(second)
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.quantity.name())?;
        if let Some(component) = self.component {
            write!(f, "_{}", component + 1)?;
        }
        (self.quantity.coordinates()).try_for_each(|i| write!(f, "_x{}", i + 1))
    }
}

impl FromStr for Parameter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let counted = |part: &str| part.parse::<usize>().ok()?.checked_sub(1);
        let mut parts = text.split('_');
        let name = parts.next();
        let mut parts = parts.peekable();
        let component = parts.next_if(|part| !part.starts_with('x'));
        let coordinates: Option<Vec<usize>> =
            parts.map(|part| counted(part.strip_prefix('x')?)).collect();
        let quantity = match (name, coordinates.as_deref()) {
            (Some("weight"), Some([])) => Some(Quantity::Weight),
            (Some("mean"), Some([])) => Some(Quantity::Mean(None)),
            (Some("mean"), Some(&[i])) => Some(Quantity::Mean(Some(i))),
            (Some("std"), Some([])) => Some(Quantity::Std(None)),
            (Some("std"), Some(&[i])) => Some(Quantity::Std(Some(i))),
            (Some("corr"), Some(&[i, j])) => Some(Quantity::Correlation(i, j)),
            _ => None,
        };
        (quantity.map(|quantity| Self {
            component: component.and_then(counted),
            quantity,
        }))
        // Each has one name only.
        .filter(|found| found.to_string() == text)
        .ok_or_else(|| format!("there is no parameter \"{text}\""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_places_count_up() {
        for (components, dim) in [(1, 1), (1, 3), (2, 1), (3, 2)] {
            for (place, one) in Parameter::all(components, dim).enumerate() {
                assert_eq!(one.to_string().parse(), Ok(one));
                assert_eq!(one.place(components, dim), Some(place));
            }
        }
        let mean = "mean_2_x1".parse::<Parameter>().unwrap();
        assert_eq!(mean.place(1, 2), None);
        for text in [
            "",
            "mean_",
            "mean_0",
            "mean_01",
            "mean_x1_x2",
            "corr_x1",
            "var",
            "weight_x1",
        ] {
            assert!(text.parse::<Parameter>().is_err(), "{text}");
        }
    }
}
