//! A divergence over a grid of two parameters: what gradient descent goes down on.

mod basins;

use std::ops::RangeInclusive;

pub use basins::{Reached, basins};

use crate::compute::device::Numerics;
use crate::compute::kernel::{MixtureTensors, has_expectation};
use crate::compute::noise::RunKey;
use crate::config::ParameterRange;
use crate::density::family::{Family, FamilyConfig};
use crate::density::target::Target;
use crate::divergence::DivergenceKind;
use crate::error::{Error, Result};
use crate::estimator::gauss_hermite::GaussHermiteConfig;
use crate::estimator::monte_carlo::MonteCarloConfig;
use crate::estimator::quadrature::QuadratureConfig;
use crate::estimator::quasi_monte_carlo::QuasiMonteCarloConfig;
use crate::estimator::sobol::SOBOL_DIM;
use crate::estimator::{EstimatorConfig, EstimatorRule, GradientRule, NoiseRule};
use crate::fit::objective::Objective;
use crate::mixture::{Mixture, Parameter, from_natural_values, natural_values};

/// Points on each side where no number is given.
const POINTS: usize = 400;
/// Cells that are evaluated together on a device that keeps every point of each in memory.
const BATCH: usize = 256;
/// Parts that are told of where all cells could be evaluated together.
const PARTS: usize = 50;

/// A parameter and the values it takes on the grid, in natural units.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterAxis {
    /// Its name: `mean`, `std_2_x1`.
    pub name: String,
    /// Ascending.
    pub values: Vec<f64>,
}

impl ParameterAxis {
    /// This many values, evenly spaced from end to end.
    pub fn even(name: impl Into<String>, range: RangeInclusive<f64>, count: usize) -> Self {
        let (low, high) = (*range.start(), *range.end());
        let last = count.max(2) - 1;
        Self {
            name: name.into(),
            values: (0..=last)
                .map(|i| low + (high - low) * i as f64 / last as f64)
                .collect(),
        }
    }

    /// The place of its parameter among the [`natural_values`] of a mixture, if that has it.
    pub fn place(&self, mixture: &Mixture) -> Option<usize> {
        let parameter: Parameter = self.name.parse().ok()?;
        parameter.place(mixture.components(), mixture.dim())
    }
}

impl From<&ParameterRange> for ParameterAxis {
    fn from(range: &ParameterRange) -> Self {
        Self::even(range.name.clone(), range.low..=range.high, range.count)
    }
}

/// The members of a family on a grid: every value of the first parameter with every value of the
/// second, the other parameters those of one member.
#[derive(Debug, Clone)]
pub struct Cells {
    /// The first parameter runs along the columns, the second along the rows.
    pub axes: [ParameterAxis; 2],
    /// The member that they are around.
    around: Mixture,
    /// The cells that are densities, by their places, row after row.
    places: Vec<usize>,
    tensors: Option<MixtureTensors>,
}

/// One divergence on a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Surface {
    /// Which.
    pub kind: DivergenceKind,
    /// Row after row; NaN where a cell is no density.
    pub values: Vec<f64>,
}

impl Cells {
    /// The cells around a member.
    ///
    /// # Errors
    /// If the member has no such parameter, both are the same, or no cell is a density.
    pub fn new(around: &Mixture, axes: [ParameterAxis; 2], numerics: &Numerics) -> Result<Self> {
        let place = |axis: &ParameterAxis| {
            axis.place(around).ok_or_else(|| {
                let names = Parameter::names(around.components(), around.dim());
                Error::usage(
                    format!("there is no parameter \"{}\"", axis.name),
                    format!("choose two of {}", names.join(", ")),
                )
            })
        };
        let [first, second] = [place(&axes[0])?, place(&axes[1])?];
        if first == second {
            return Err(Error::usage(
                format!("both axes are \"{}\"", axes[0].name),
                "choose two different parameters",
            ));
        }
        let values: Vec<f64> = natural_values(around).collect();
        let (mut places, mut mixtures) = (Vec::new(), Vec::new());
        for (row, &y) in axes[1].values.iter().enumerate() {
            for (column, &x) in axes[0].values.iter().enumerate() {
                let mut values = values.clone();
                values[first] = x;
                values[second] = y;
                if let Some(mixture) = member(around, values, &[first, second]) {
                    places.push(row * axes[0].values.len() + column);
                    mixtures.push(mixture);
                }
            }
        }
        if mixtures.is_empty() {
            return Err(Error::usage(
                format!(
                    "no value of \"{}\" and \"{}\" makes a density",
                    axes[0].name, axes[1].name
                ),
                "standard deviations are above 0, correlations between -1 and 1, and weights sum \
                 to 1",
            ));
        }
        let mixtures: Vec<&Mixture> = mixtures.iter().collect();
        Ok(Self {
            tensors: Some(MixtureTensors::stacked(&mixtures, numerics)),
            axes,
            around: around.clone(),
            places,
        })
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.axes[0].values.len() * self.axes[1].values.len()
    }

    /// How many values the first parameter takes.
    pub fn columns(&self) -> usize {
        self.axes[0].values.len()
    }

    /// The member that they are around.
    pub fn around(&self) -> &Mixture {
        &self.around
    }

    /// Whether these are the cells with such axes around a member.
    pub fn matches(&self, around: &Mixture, axes: &[ParameterAxis; 2]) -> bool {
        let values: Vec<f64> = natural_values(around).collect();
        let own: Vec<f64> = natural_values(&self.around).collect();
        // What is on an axis does not matter.
        let places = axes.each_ref().map(|axis| axis.place(around));
        let alike = (values.iter().zip(&own).enumerate())
            .all(|(at, (a, b))| a == b || places.contains(&Some(at)));
        self.axes == *axes && own.len() == values.len() && alike
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The member at one cell, if it is a density.
    pub fn member(&self, cell: usize) -> Option<Mixture> {
        let [across, up] = &self.axes;
        let (first, second) = (across.place(&self.around)?, up.place(&self.around)?);
        let columns = self.axes[0].values.len();
        let mut values: Vec<f64> = natural_values(&self.around).collect();
        values[first] = *self.axes[0].values.get(cell % columns)?;
        values[second] = *self.axes[1].values.get(cell / columns)?;
        member(&self.around, values, &[first, second])
    }

    /// A divergence from the target to every cell, by a rule with about this many points on each side; where
    /// no number is given on a line, by panels that see both densities.
    ///
    /// # Errors
    /// If the device failed.
    pub fn evaluate(
        &self,
        target: &Target,
        kind: DivergenceKind,
        points: Option<usize>,
        numerics: &Numerics,
    ) -> Result<Surface> {
        self.evaluate_in(1, target, kind, (points, numerics), &mut |_| {})
    }

    /// As [`Cells::evaluate`]; `told` is given how many cells are done by now, those that are no densities aside.
    ///
    /// # Errors
    /// As [`Cells::evaluate`].
    pub(crate) fn evaluate_counted(
        &self,
        target: &Target,
        kind: DivergenceKind,
        points: Option<usize>,
        numerics: &Numerics,
        told: &mut dyn FnMut(usize),
    ) -> Result<Surface> {
        self.evaluate_in(PARTS, target, kind, (points, numerics), told)
    }

    fn evaluate_in(
        &self,
        parts: usize,
        target: &Target,
        kind: DivergenceKind,
        (points, numerics): (Option<usize>, &Numerics),
        told: &mut dyn FnMut(usize),
    ) -> Result<Surface> {
        let mut values = vec![f64::NAN; self.len()];
        let Some(tensors) = &self.tensors else {
            return Ok(Surface { kind, values });
        };
        let config = FamilyConfig {
            components: self.around.components(),
            ..FamilyConfig::default()
        };
        let family = Family::new(config, self.around.dim());
        let estimator = estimator(&self.around, target, points);
        let key = RunKey { seed: 0, run: 0 };
        let objective = Objective::new(kind, &family, estimator, target, numerics, vec![key]);
        let all: Vec<usize> = (0..self.places.len()).collect();
        let batch = match has_expectation(numerics) {
            true => all.len().div_ceil(parts).max(BATCH),
            false => BATCH,
        };
        let mut found = Vec::with_capacity(all.len());
        for some in all.chunks(batch) {
            let part = objective.value_of(&tensors.select(some));
            found.extend(Numerics::read(part)?);
            told(found.len());
        }
        for (&place, value) in self.places.iter().zip(found) {
            values[place] = value;
        }
        Ok(Surface { kind, values })
    }
}

impl Surface {
    /// The cells with no lower one among their eight neighbours, the lowest first.
    pub fn minima(&self, columns: usize) -> Vec<usize> {
        let rows = self.values.len() / columns.max(1);
        let mut minima: Vec<usize> = (0..self.values.len())
            .filter(|&cell| {
                let (row, column) = (cell / columns, cell % columns);
                let near = |at: usize, count: usize| at.saturating_sub(1)..(at + 2).min(count);
                let value = self.values[cell];
                // At the edge of the grid the function may continue downwards.
                let inside = row > 0 && column > 0 && row + 1 < rows && column + 1 < columns;
                inside
                    && value.is_finite()
                    && near(row, rows).all(|row| {
                        near(column, columns).all(|column| {
                            let other = row * columns + column;
                            // Of equal neighbours the first counts.
                            other == cell
                                || self.values[other] > value
                                || (self.values[other] == value && other > cell)
                        })
                    })
            })
            .collect();
        minima.sort_by(|&a, &b| self.values[a].total_cmp(&self.values[b]));
        minima
    }
}

/// The mixture of natural values; where weights were set, the others keep their proportions.
fn member(around: &Mixture, mut values: Vec<f64>, set: &[usize]) -> Option<Mixture> {
    let k = around.components();
    if k > 1 && set.iter().any(|&place| place < k) {
        let given: f64 = (0..k).filter(|i| set.contains(i)).map(|i| values[i]).sum();
        let others: f64 = (0..k).filter(|i| !set.contains(i)).map(|i| values[i]).sum();
        if !(0.0..=1.0).contains(&given) || (others <= 0.0 && given < 1.0) {
            return None;
        }
        for i in (0..k).filter(|i| !set.contains(i)) {
            values[i] *= (1.0 - given) / others;
        }
    }
    from_natural_values(k, around.dim(), &values).ok()
}

/// The points that a landscape is evaluated with.
fn estimator(around: &Mixture, target: &Target, points: Option<usize>) -> EstimatorConfig {
    let is_given = points.is_some();
    let points = points.unwrap_or(POINTS);
    let strata = |side: usize| points.div_ceil(side.max(1));
    let most = around.components().max(target.model().components());
    let rule = match around.dim() {
        1 => EstimatorRule::Quadrature(QuadratureConfig {
            points: is_given.then(|| strata(most).max(QuadratureConfig::MIN_POINTS)),
            range: None,
        }),
        2..=3 => {
            let order = (strata(most) as f64).powf(1.0 / around.dim() as f64);
            EstimatorRule::GaussHermite(GaussHermiteConfig {
                order: Some((order.round() as usize).clamp(8, 64)),
            })
        }
        dim if dim <= SOBOL_DIM => {
            EstimatorRule::QuasiMonteCarlo(QuasiMonteCarloConfig { samples: points })
        }
        _ => EstimatorRule::MonteCarlo(MonteCarloConfig { samples: points }),
    };
    EstimatorConfig {
        rule,
        gradient: GradientRule::Pathwise,
        noise: rule.is_random().then_some(NoiseRule::Fixed),
        reuse: 0,
    }
}
