//! Points on panels for Gaussians on a line, shared by those that are near each other.
//!
//! Panels are laid for what they have to resolve, and that is the same for Gaussians that differ by little. So they are
//! laid for the one whose standard deviation is rounded to 6 %, and its mean to a sixteenth of that. Its logarithm has no
//! corners, and where it crosses that of p within four widths of its mean, it is moved by little more than half a nat:
//! a fraction of the width of such a corner. (With more components this would not be so: one takes over from another far
//! from both, in a corner as narrow as they are far apart.) What a Gaussian gets depends on nothing but itself, whether
//! others asked before or not. How far its value is from that by panels of its own counts as an error of the rule.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::panel_sites::PanelPoints;
use crate::mixture::Mixture;

/// Numbers are rounded to this share of a standard deviation, and of a factor e.
const STEP: f64 = 1.0 / 16.0;

/// Means this many steps away are not rounded: the numbers of steps would be rounded themselves.
const FARTHEST: f64 = (1_u64 << 50) as f64;

/// All are thrown away when they are more points than this.
const MOST_KEPT: usize = 1 << 21;

/// A mean and a standard deviation.
pub(super) type OnLine = [f64; 2];

/// How often panels are cut, and two numbers of steps: of the logarithm of σ, and of μ.
type Key = [i64; 3];

/// What the members of an objective share.
#[derive(Debug, Default)]
pub(super) struct SharedPanels {
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    points: HashMap<Key, Arc<PanelPoints>>,
    /// How many there are in all.
    count: usize,
}

impl SharedPanels {
    /// The points for some Gaussians by panels that are cut so often, made by `make` where none near asked for them
    /// before; `None` of what is no density.
    pub fn of(
        &self,
        cut: usize,
        members: &[OnLine],
        make: impl Fn(&Mixture) -> Option<PanelPoints>,
    ) -> Vec<Option<Arc<PanelPoints>>> {
        let keys: Vec<_> = members.iter().map(|&member| key(cut, member)).collect();
        let mut found: Vec<Option<Arc<PanelPoints>>> = {
            let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
            (keys.iter())
                .map(|key| kept.points.get(key.as_ref()?).cloned())
                .collect()
        };
        let mut made = Vec::new();
        for ((found, key), &member) in found.iter_mut().zip(keys).zip(members) {
            if found.is_some() {
                continue;
            }
            let [mean, std] = key.map_or(member, nearest);
            let near = Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]);
            *found = near.ok().and_then(|near| make(&near)).map(Arc::new);
            made.extend(key.zip(found.clone()));
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

/// `None` of what is not rounded: what is no density, or far away.
fn key(cut: usize, [mean, std]: OnLine) -> Option<Key> {
    let scale = (std.ln() / STEP).round();
    let place = (mean / (STEP * (scale * STEP).exp())).round();
    let is_near = scale.is_finite() && place.abs() < FARTHEST;
    is_near.then_some([cut as i64, scale as i64, place as i64])
}

/// What those with a key are rounded to.
fn nearest([_, scale, place]: Key) -> OnLine {
    let std = (scale as f64 * STEP).exp();
    [place as f64 * STEP * std, std]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rounded_is_near() {
        for at in 0..1000 {
            let wave = |i: f64| ((f64::from(at) + 7.0 * i) * 12.9898).sin();
            let std = (20.0 * wave(1.0)).exp();
            let mean = std * 30.0 * wave(2.0);
            let [near_mean, near_std] = nearest(key(1, [mean, std]).unwrap());
            assert!((near_std / std).ln().abs() < 0.5 * STEP + 1e-12);
            assert!((near_mean - mean).abs() < 0.52 * STEP * std);
        }
    }

    #[test]
    fn what_is_no_density_or_far_away_is_not_rounded() {
        for member in [[f64::NAN, 1.0], [0.0, -1.0], [0.0, f64::NAN], [1e15, 1.0]] {
            assert!(key(1, member).is_none());
        }
    }
}
