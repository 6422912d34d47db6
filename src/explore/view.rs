//! What a state looks like: densities, integrands, values and landscapes.

use std::time::Instant;

use super::protocol::{
    Curve, Densities, Detail, LandscapeView, OptimumView, Reply, StateView, Sureness, SurfaceView,
    ValueView, ViewRequest, finite,
};
use super::state::{MixtureState, State};
use super::totals::totals;
use crate::calculator::{Accuracy, Answer, Measure, Operand, Question};
use crate::compute::device::Numerics;
use crate::compute::kernel::{MixtureTensors, log_densities};
use crate::density::target::Target;
use crate::divergence::{DivergenceKind, Estimate};
use crate::error::Result;
use crate::judge::diagnostics::LEAST_SHARE;
use crate::judge::evaluate::{Effort, Evaluator};
use crate::landscape::{Cells, ParameterAxis};
use crate::mixture::{Mixture, Parameter, modes, natural_values};

/// Points of a curve.
const POINTS: usize = 401;
/// Points of a map of densities on a side, at rest and while something moves.
const NODES: usize = 81;
const NODES_COARSE: usize = 57;
/// Cells of a landscape and points on each side, while something moves and at rest.
const COARSE: (usize, usize) = (40, 120);
const FINE: (usize, usize) = (96, 400);
/// As many in two dimensions, where a cell has a grid of points.
const COARSE_2D: (usize, usize) = (24, 200);
const FINE_2D: (usize, usize) = (48, 600);
/// Local optima that are marked.
const MOST_OPTIMA: usize = 6;
/// An optimum is looked for on ever smaller grids of this many cells on a side …
const ZOOM: usize = 9;
/// … this many times.
const ZOOMS: usize = 4;
/// Values of optima that are closer than this part of them are one: less than the three digits that are shown.
const ALIKE: f64 = 1e-4;

/// Makes views, and keeps what the next one may need again.
#[derive(Debug)]
pub(super) struct Views {
    numerics: Numerics,
    cells: Option<Cells>,
    /// The last target with its modes.
    modes: Option<(Mixture, Vec<f64>)>,
}

impl Views {
    pub fn new() -> Self {
        Self {
            numerics: Numerics::cpu(),
            cells: None,
            modes: None,
        }
    }

    /// Everything a page asked to see.
    pub fn view(&mut self, request: &ViewRequest) -> Result<Reply> {
        let started = Instant::now();
        let state = &request.state;
        state.check()?;
        let (p, q) = (state.target()?, shown(state, request.q.as_ref())?);
        let landscape = match request.landscape {
            Detail::None => None,
            detail => Some(self.landscape(state, &p, &q, detail)?),
        };
        let mut densities = densities(state, &p, &q, request.values);
        if let Densities::Line { x, integrands, .. } = &mut densities
            && request.totals
        {
            for (curve, totals) in integrands.iter_mut().zip(totals(&p, &q, x)) {
                curve.totals = Some(totals.into_iter().map(rounded).collect());
            }
        }
        Ok(Reply::View(Box::new(StateView {
            id: request.id,
            densities,
            values: match request.values {
                Sureness::Sure => values(state, &p, &q)?,
                Sureness::Quick => self.quick_values(state, &p, &q)?,
            },
            covered: self.covered(&p, &q, request.values),
            landscape,
            ms: 1e3 * started.elapsed().as_secs_f64(),
        })))
    }

    /// Which modes of p are covered by q. None of a target that moves in the plane, where they take a while.
    fn covered(&mut self, p: &Mixture, q: &Mixture, sureness: Sureness) -> Vec<bool> {
        let is_known = self.modes.as_ref().is_some_and(|(of, _)| of == p);
        if !is_known && sureness == Sureness::Quick {
            return Vec::new();
        }
        if !is_known {
            self.modes = Some((p.clone(), modes_of(p)));
        }
        (self.modes.as_ref()).map_or_else(Vec::new, |(p, modes)| covered(p, modes, q))
    }

    fn landscape(
        &mut self,
        state: &State,
        p: &Mixture,
        q: &Mixture,
        detail: Detail,
    ) -> Result<LandscapeView> {
        let (cells, points) = match (detail, state.dim) {
            (Detail::Fine, 1) => FINE,
            (Detail::None | Detail::Coarse, 1) => COARSE,
            (Detail::Fine, _) => FINE_2D,
            (Detail::None | Detail::Coarse, _) => COARSE_2D,
        };
        let axes = axes(state, cells)?;
        // The grid stays as it is while the target moves.
        let known = self.cells.take().filter(|cells| cells.matches(q, &axes));
        let cells = match known {
            Some(cells) => cells,
            None => Cells::new(q, axes, &self.numerics)?,
        };
        let target = Target::new(p, &self.numerics);
        let mut surfaces = Vec::new();
        for kind in state.kinds()? {
            let surface = cells.evaluate(&target, kind, Some(points), &self.numerics)?;
            let optima = match detail {
                Detail::Fine => self.optima(
                    &cells,
                    &surface.minima(cells.columns()),
                    &target,
                    kind,
                    points,
                )?,
                Detail::None | Detail::Coarse => Vec::new(),
            };
            surfaces.push(SurfaceView {
                name: kind.name(),
                symbol: kind.symbol(),
                log10: surface
                    .values
                    .iter()
                    .map(|&value| finite(value.log10()).map(rounded))
                    .collect(),
                optima,
            });
        }
        let landscape = LandscapeView {
            parameters: state.landscape.parameters.clone(),
            component: state.landscape.component,
            titles: state.parameters()?.map(|(_, title)| title),
            columns: cells.axes[0].values.clone(),
            rows: cells.axes[1].values.clone(),
            surfaces,
        };
        self.cells = Some(cells);
        Ok(landscape)
    }

    /// The local optima near some cells of a landscape in full detail.
    pub fn fine_optima(
        &self,
        state: &State,
        cells: &Cells,
        minima: &[usize],
        target: &Target,
        kind: DivergenceKind,
    ) -> Result<Vec<OptimumView>> {
        let (_, points) = if state.dim == 1 { FINE } else { FINE_2D };
        self.optima(cells, minima, target, kind, points)
    }

    /// As [`values`], by a rough rule, without what they lie between.
    fn quick_values(&self, state: &State, p: &Mixture, q: &Mixture) -> Result<Vec<ValueView>> {
        let kinds = shown_kinds(state)?;
        let evaluator = Evaluator::new(
            self.numerics.clone(),
            state.dim,
            0,
            kinds.clone(),
            Effort::rough(),
        );
        let target = Target::new(p, &self.numerics);
        let members = MixtureTensors::stacked(&[q], &self.numerics);
        let found = evaluator.evaluate(&target, &members)?;
        let value = |kind: DivergenceKind| {
            let estimate = (found.first()).map_or(Estimate::UNKNOWN, |one| one.estimate(kind));
            ValueView {
                name: kind.name(),
                symbol: kind.symbol(),
                value: finite(estimate.value),
                error: finite(estimate.error),
                lower: None,
                upper: None,
            }
        };
        Ok(kinds.into_iter().map(value).collect())
    }

    /// The local optima near some cells: grids around each that get smaller and smaller.
    fn optima(
        &self,
        cells: &Cells,
        minima: &[usize],
        target: &Target,
        kind: DivergenceKind,
        points: usize,
    ) -> Result<Vec<OptimumView>> {
        let columns = cells.columns();
        let mut optima: Vec<OptimumView> = Vec::new();
        for &cell in minima.iter().take(MOST_OPTIMA) {
            let values = |axis: usize| &cells.axes[axis].values;
            let mut at = [values(0)[cell % columns], values(1)[cell / columns]];
            let mut step = [0, 1].map(|axis| values(axis)[1] - values(axis)[0]);
            let mut value = f64::NAN;
            for _ in 0..ZOOMS {
                let axes = [0, 1].map(|axis| {
                    let range = at[axis] - step[axis]..=at[axis] + step[axis];
                    ParameterAxis::even(cells.axes[axis].name.clone(), range, ZOOM)
                });
                let near = Cells::new(cells.around(), axes, &self.numerics)?;
                let surface = near.evaluate(target, kind, Some(points), &self.numerics)?;
                let lowest = (surface.values.iter().enumerate())
                    .filter(|(_, value)| !value.is_nan())
                    .min_by(|a, b| a.1.total_cmp(b.1));
                let Some((place, &least)) = lowest else { break };
                at = [
                    near.axes[0].values[place % ZOOM],
                    near.axes[1].values[place / ZOOM],
                ];
                step = step.map(|step| 2.0 * step / (ZOOM - 1) as f64);
                value = least;
            }
            optima.push(OptimumView {
                at,
                value,
                is_best: false,
            });
        }
        let best = (optima.iter())
            .map(|optimum| optimum.value)
            .fold(f64::INFINITY, f64::min);
        for optimum in &mut optima {
            // Two optima of one value, by symmetry, are both the best, as far as the grids tell.
            optimum.is_best = optimum.value <= best + ALIKE * best.abs().max(ALIKE);
        }
        optima.retain(|optimum| optimum.value.is_finite());
        Ok(optima)
    }
}

/// The axes of the landscapes, of so many cells.
fn axes(state: &State, cells: usize) -> Result<[ParameterAxis; 2]> {
    let parameters = state.parameters()?;
    Ok([0, 1].map(|at| {
        let [low, high] = state.landscape.ranges[at];
        ParameterAxis::even(parameters[at].0.to_string(), low..=high, cells)
    }))
}

/// The landscapes of a state, in full detail.
pub(super) fn surfaces(
    state: &State,
    p: &Mixture,
    q: &Mixture,
) -> Result<(Cells, Vec<crate::landscape::Surface>)> {
    let numerics = Numerics::cpu();
    let (count, points) = if state.dim == 1 { FINE } else { FINE_2D };
    let cells = Cells::new(q, axes(state, count)?, &numerics)?;
    let target = Target::new(p, &numerics);
    let surfaces = (state.kinds()?.into_iter())
        .map(|kind| cells.evaluate(&target, kind, Some(points), &numerics))
        .collect::<Result<_>>()?;
    Ok((cells, surfaces))
}

/// The q that is shown.
pub(super) fn shown(state: &State, q: Option<&MixtureState>) -> Result<Mixture> {
    state.member(q.unwrap_or(&state.q))
}

/// The two parameters of the landscape at a member.
pub(super) fn coordinates(q: &Mixture, parameters: [Parameter; 2]) -> [f64; 2] {
    let values: Vec<f64> = natural_values(q).collect();
    parameters.map(|parameter| {
        let place = parameter.place(q.components(), q.dim());
        place.map_or(f64::NAN, |place| values[place])
    })
}

/// The modes of a mixture, D coordinates each, one after the other.
pub(super) fn modes_of(p: &Mixture) -> Vec<f64> {
    (modes(p).iter())
        .flat_map(|mode| mode.iter().copied())
        .collect()
}

/// Which of these modes of p are covered by q: those where it is dense enough beside p. (The verdict on a fit asks draws
/// too, which takes longer than a frame.)
pub(super) fn covered(p: &Mixture, modes: &[f64], q: &Mixture) -> Vec<bool> {
    let least = LEAST_SHARE.ln();
    let (log_p, log_q) = (log_densities(p, modes), log_densities(q, modes));
    (log_p.iter().zip(log_q))
        .map(|(p, q)| q - p >= least)
        .collect()
}

fn even([low, high]: [f64; 2], count: usize) -> Vec<f64> {
    let step = (high - low) / (count - 1) as f64;
    (0..count).map(|i| low + step * i as f64).collect()
}

/// To the digits that a picture takes.
#[allow(clippy::cast_possible_truncation, reason = "what it is for")]
fn rounded(value: f64) -> f32 {
    value as f32
}

pub(super) fn densities(state: &State, p: &Mixture, q: &Mixture, sureness: Sureness) -> Densities {
    let exp = |logs: &[f64]| -> Vec<f32> { logs.iter().map(|log| rounded(log.exp())).collect() };
    if state.dim == 2 {
        let nodes = match sureness {
            Sureness::Sure => NODES,
            Sureness::Quick => NODES_COARSE,
        };
        let (x, y) = (even(state.axes.x, nodes), even(state.axes.y, nodes));
        let nodes: Vec<f64> = y
            .iter()
            .flat_map(|&y| x.iter().flat_map(move |&x| [x, y]))
            .collect();
        return Densities::Plane {
            p: exp(&log_densities(p, &nodes)),
            q: exp(&log_densities(q, &nodes)),
            x,
            y,
        };
    }
    let x = even(state.axes.x, POINTS);
    let (log_p, log_q) = (log_densities(p, &x), log_densities(q, &x));
    let integrand = |above: &[f64], below: &[f64]| -> Vec<f32> {
        // 0 · ∞ is 0.
        let at = |(above, below): (&f64, &f64)| match above.exp() {
            0.0 => 0.0,
            density => rounded(density * (above - below)),
        };
        above.iter().zip(below).map(at).collect()
    };
    let curve = |kind: DivergenceKind, values: Vec<f32>| Curve {
        name: kind.name(),
        symbol: kind.symbol(),
        values,
        totals: None,
    };
    let integrands = vec![
        curve(DivergenceKind::ForwardKl, integrand(&log_p, &log_q)),
        curve(DivergenceKind::ReverseKl, integrand(&log_q, &log_p)),
    ];
    Densities::Line {
        x,
        p: exp(&log_p),
        q: exp(&log_q),
        integrands,
    }
}

/// Both KLs and whatever else is fitted.
fn shown_kinds(state: &State) -> Result<Vec<DivergenceKind>> {
    let mut kinds = vec![DivergenceKind::ForwardKl, DivergenceKind::ReverseKl];
    for kind in state.kinds()? {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// What is shown, with the brackets.
fn values(state: &State, p: &Mixture, q: &Mixture) -> Result<Vec<ValueView>> {
    let question = Question {
        divergences: shown_kinds(state)?
            .into_iter()
            .map(Measure::Divergence)
            .collect(),
        accuracy: Accuracy {
            absolute: None,
            relative: Some(if state.dim == 1 { 1e-6 } else { 1e-3 }),
        },
        ..Question::default()
    };
    let (p, q) = (Operand::new("p", p.clone()), Operand::new("q", q.clone()));
    let answers = question.ask(&p, &q, &|_| {})?;
    Ok(answers.into_iter().map(value).collect())
}

fn value(answer: Answer) -> ValueView {
    ValueView {
        name: answer.divergence.name(),
        symbol: answer.divergence.symbol(),
        value: finite(answer.value),
        error: answer.error.and_then(finite),
        lower: answer.bracket.and_then(|bracket| finite(bracket.lower)),
        upper: answer.bracket.and_then(|bracket| finite(bracket.upper)),
    }
}
