//! Points on panels for members of a family on a line, shared by those that are near each other.
//!
//! Panels are laid for what they have to resolve, and that is the same for densities that differ by little. So they are
//! laid for the member with its numbers rounded: its standard deviations to 6 %, its means and the logarithms of its
//! weights to a sixteenth of those. That moves no logarithm of a density by more than half a nat within four widths
//! of its mean, and no corner by more than a fraction of its own width. What a member gets depends on nothing but
//! itself, whether others asked before or not; the rules are held against panels laid for the member itself wherever a
//! value is judged.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::by_panels::PanelPoints;
use crate::mixture::Mixture;

/// Numbers are rounded to this share of a standard deviation, and of a factor e.
const STEP: f64 = 1.0 / 16.0;

/// Means this many steps away are not rounded: the numbers of steps would be rounded themselves.
const FARTHEST: f64 = (1_u64 << 50) as f64;

/// All are thrown away when they are more points than this.
const MOST_KEPT: usize = 1 << 21;

/// One member on a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct OnLine<'a> {
    /// log wₖ.
    pub log_weights: &'a [f64],
    /// μₖ.
    pub means: &'a [f64],
    /// σₖ.
    pub stds: &'a [f64],
}

/// What the members of an objective share.
#[derive(Debug, Default)]
pub(super) struct SharedPanels {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    points: HashMap<Box<[i64]>, Arc<PanelPoints>>,
    /// How many there are in all.
    count: usize,
}

impl SharedPanels {
    /// The points for some members by panels that are cut so often, made by `make` where no member near asked for them
    /// before; `None` of what is no density.
    pub fn of(
        &self,
        cut: usize,
        members: &[OnLine<'_>],
        make: impl Fn(&Mixture) -> Option<PanelPoints>,
    ) -> Vec<Option<Arc<PanelPoints>>> {
        let keys: Vec<_> = members.iter().map(|member| member.key(cut)).collect();
        let mut found: Vec<Option<Arc<PanelPoints>>> = {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            (keys.iter())
                .map(|key| kept.points.get(key.as_ref()?).cloned())
                .collect()
        };
        let mut made = Vec::new();
        for ((found, key), member) in found.iter_mut().zip(keys).zip(members) {
            if found.is_some() {
                continue;
            }
            match key {
                Some(key) => {
                    *found = nearest(&key[1..])
                        .and_then(|near| make(&near))
                        .map(Arc::new);
                    // Where p is no number, whoever looks for the place must see it again.
                    let kept = found.clone().filter(|points| points.is_finite());
                    made.extend(kept.map(|points| (key, points)));
                }
                None => *found = member.mixture().and_then(|own| make(&own)).map(Arc::new),
            }
        }
        if !made.is_empty() {
            let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
            for (key, points) in made {
                if kept.count > MOST_KEPT {
                    *kept = Kept::default();
                }
                kept.count += points.len();
                kept.points.insert(key, points);
            }
        }
        found
    }
}

impl OnLine<'_> {
    /// How often panels are cut, then three numbers of steps for each component: of the logarithm of σ, of μ and of
    /// log w. `None` of what is not rounded: what is no density, or far away.
    fn key(self, cut: usize) -> Option<Box<[i64]>> {
        let mut key = vec![cut as i64];
        let components = self.log_weights.iter().zip(self.means).zip(self.stds);
        for ((log_weight, mean), std) in components {
            let scale = (std.ln() / STEP).round();
            let place = (mean / (STEP * (scale * STEP).exp())).round();
            let weight = (log_weight / STEP).round();
            let is_absent = *log_weight == f64::NEG_INFINITY;
            if !(scale.is_finite() && place.abs() < FARTHEST && (weight.is_finite() || is_absent)) {
                return None;
            }
            // As an integer what is infinite is the least.
            key.extend([scale as i64, place as i64, weight as i64]);
        }
        Some(key.into())
    }

    fn mixture(self) -> Option<Mixture> {
        let weights = self.log_weights.iter().map(|log| log.exp()).collect();
        let each = |of: &[f64]| of.iter().map(|&number| vec![number]).collect();
        Mixture::from_stds(weights, each(self.means), each(self.stds)).ok()
    }
}

/// The member that those with this key are rounded to.
fn nearest(key: &[i64]) -> Option<Mixture> {
    let (mut weights, mut means, mut stds) = (Vec::new(), Vec::new(), Vec::new());
    for &[scale, place, weight] in key.as_chunks().0 {
        let std = (scale as f64 * STEP).exp();
        stds.push(vec![std]);
        means.push(vec![place as f64 * STEP * std]);
        weights.push((weight as f64 * STEP).exp());
    }
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    Mixture::from_stds(weights, means, stds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member<'a>(log_weights: &'a [f64], means: &'a [f64], stds: &'a [f64]) -> OnLine<'a> {
        OnLine {
            log_weights,
            means,
            stds,
        }
    }

    #[test]
    fn what_is_rounded_is_near() {
        let numbers = |seed: f64| (seed * 12.9898).sin() * 43_758.545;
        for at in 0..1000 {
            let [first, second, third] = [1, 2, 3].map(|i| numbers((at + 7 * i) as f64).fract());
            let std = (20.0 * first).exp();
            let (means, stds) = ([std * 30.0 * second, 0.0], [std, 1.0]);
            let share = 0.5 + 0.49 * third;
            let log_weights = [share.ln(), (1.0 - share).ln()];
            let own = member(&log_weights, &means, &stds);
            let near = nearest(&own.key(1).unwrap()[1..]).unwrap();
            for k in 0..2 {
                let near_std = near.scale_trils()[k][(0, 0)];
                assert!((near_std / stds[k]).ln().abs() < 0.5 * STEP + 1e-12);
                assert!((near.means()[k][0] - means[k]).abs() < 0.52 * STEP * stds[k]);
                assert!((near.weights()[k].ln() - log_weights[k]).abs() < STEP);
            }
        }
    }

    #[test]
    fn what_is_no_density_or_far_away_is_not_rounded() {
        for (mean, std) in [(f64::NAN, 1.0), (0.0, -1.0), (0.0, f64::NAN), (1e15, 1.0)] {
            assert!(member(&[0.0], &[mean], &[std]).key(1).is_none());
        }
        let absent = member(&[0.0, f64::NEG_INFINITY], &[0.0, 5.0], &[1.0, 1.0]);
        let near = nearest(&absent.key(1).unwrap()[1..]).unwrap();
        assert_eq!(near.weights(), [1.0, 0.0]);
    }
}
