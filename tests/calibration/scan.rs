//! Whether the optima that restarts end at are among those of a dense scan.

use klfit::{DivergenceKind, FitSummary, Mixture};

use super::line::Line;
use super::logged::{Kept, Target, run};
use super::truth::truths;

/// A local optimum of a divergence over Gaussians on a line.
#[derive(Debug, Clone, Copy)]
pub struct Optimum {
    pub mean: f64,
    pub std: f64,
    pub value: f64,
}

impl Optimum {
    /// Whether another is at the same place, to a share of its width.
    fn is_at(&self, mean: f64, std: f64, share: f64) -> bool {
        ((mean - self.mean) / self.std).abs() < share && (std / self.std).ln().abs() < share
    }
}

/// Every local optimum on a grid of (μ, log σ) that is dense around both components of a target,
/// refined.
pub fn optima(target: &Target, kind: DivergenceKind) -> Vec<Optimum> {
    let line = Line::new(&target.parts);
    let value = |mean: f64, std: f64| {
        let found = truths(&line, &Line::new(&[(1.0, mean, std)]));
        found.of(kind).map_or(f64::INFINITY, |truth| truth.value)
    };
    let narrowest = target
        .parts
        .iter()
        .map(|part| part.2)
        .fold(f64::INFINITY, f64::min);
    let mut means: Vec<f64> = Vec::new();
    for &(_, mean, std) in &target.parts {
        let steps = [
            0.0, 0.3, 0.6, 1.0, 1.4, 1.9, 2.5, 3.2, 4.0, 5.0, 7.0, 10.0, 15.0, 25.0, 40.0,
        ];
        means.extend(
            steps
                .iter()
                .flat_map(|step| [mean - step * std, mean + step * std]),
        );
    }
    means.retain(|mean| mean.abs() < 6.0);
    means.sort_by(f64::total_cmp);
    means.dedup_by(|a, b| *a - *b < 0.1 * narrowest);
    let scales = 6 + (6.0 * (4.0 / narrowest).log2()) as i32;
    let stds: Vec<f64> = (0..scales)
        .map(|i| 0.4 * narrowest * (f64::from(i) / 6.0).exp2())
        .collect();
    let grid: Vec<Vec<f64>> = (means.iter())
        .map(|&mean| stds.iter().map(|&std| value(mean, std)).collect())
        .collect();
    let mut found: Vec<Optimum> = Vec::new();
    for (i, &mean) in means.iter().enumerate() {
        for (j, &std) in stds.iter().enumerate() {
            let beside = |at: usize, most: usize| at.saturating_sub(1)..(at + 2).min(most);
            let is_least = beside(i, means.len())
                .flat_map(|a| beside(j, stds.len()).map(move |b| (a, b)))
                .all(|(a, b)| grid[i][j] <= grid[a][b]);
            if !is_least {
                continue;
            }
            let best = refined(&value, mean, std);
            if !found.iter().any(|one| one.is_at(best.mean, best.std, 1e-2)) {
                found.push(best);
            }
        }
    }
    found.sort_by(|a, b| a.value.total_cmp(&b.value));
    found
}

/// Goes down by steps along and across the axes that halve where none helps.
fn refined(value: &dyn Fn(f64, f64) -> f64, mean: f64, std: f64) -> Optimum {
    let mut at = Optimum {
        mean,
        std,
        value: value(mean, std),
    };
    let mut step = 0.3;
    while step > 1e-6 {
        let moves = (-1..=1).flat_map(|a| (-1..=1).map(move |b| (f64::from(a), f64::from(b))));
        let beside = moves.filter(|to| *to != (0.0, 0.0)).map(|(a, b)| {
            let (mean, std) = (at.mean + a * step * at.std, at.std * (b * step).exp());
            Optimum {
                mean,
                std,
                value: value(mean, std),
            }
        });
        let best = beside.min_by(|a, b| a.value.total_cmp(&b.value)).unwrap();
        if best.value < at.value {
            at = best;
        } else {
            step *= 0.5;
        }
    }
    at
}

/// Random starts of each fit.
pub const RESTARTS: usize = 12;
/// A run that has come to rest has a gradient below this.
const AT_REST: f64 = 1e-4;

/// How many optima of restarts are at rest; each that is nowhere near one of the scan is a complaint.
pub fn compare(
    target: &Target,
    kind: DivergenceKind,
    expected: &[Optimum],
    complaints: &mut Vec<String>,
) -> usize {
    let text = format!(
        "name = \"scan\"\nrestarts = {RESTARTS}\n{}[family]\ncovariance = \"diagonal\"\n\
         [optimizer]\ntype = \"lbfgs\"\nsteps = 300\n[log]\nevery = 300\n\
         [[fit]]\ndivergence = \"{}\"\n",
        target.section(),
        kind.name()
    );
    let summary = run(&text, &mut Kept::default());
    let fit: &FitSummary = &summary.fits[0];
    let at_rest = fit
        .optima
        .iter()
        .filter(|optimum| optimum.gradient_norm < AT_REST);
    let mut count = 0;
    for optimum in at_rest {
        count += optimum.runs;
        let q = Mixture::try_from(&optimum.mixture).unwrap();
        let (mean, std) = (q.means()[0][0], q.scale_trils()[0][(0, 0)]);
        let beside = (1..target.dim)
            .all(|d| q.means()[0][d].abs() < 1e-2 && q.scale_trils()[0][(d, d)].ln().abs() < 1e-2);
        let is_there = expected.iter().any(|one| {
            let value = optimum.divergences.estimate(kind).value;
            one.is_at(mean, std, 2e-2) && (value - one.value).abs() < 1e-4 * (1.0 + one.value)
        });
        if !(is_there && beside) {
            complaints.push(format!(
                "{}-D, spike {}, {}: {} restarts ended at {mean}, {std}: {:?}; a scan finds {expected:?}",
                target.dim,
                target.parts[1].2,
                kind.name(),
                optimum.runs,
                optimum.divergences.estimate(kind)
            ));
        }
    }
    count
}
