//! One look at the components of a run: which go, which are one, and where one is missing.

use rand_chacha::ChaCha8Rng;

use super::config::AdaptConfig;
use crate::density::family::Family;
use crate::density::target::TargetModel;
use crate::divergence::gaussian_kl;
use crate::fit::evaluations::Evaluations;
use crate::mixture::Mixture;

/// For so many looks a component that has come is let be.
const YOUNG: usize = 2;
/// A weight has grown from one look to the next if it is so many times as large.
const GROWN: f64 = 1.01;
/// Draws of each of two components that are to be one.
const PAIR_DRAWS: usize = 64;
/// Two components farther apart than this, KL of each to the other in nats, are not one.
const APART: f64 = 2.0;
/// A component of a run.
#[derive(Debug, Clone)]
pub(super) struct Component {
    /// Its weight.
    pub weight: f64,
    /// It by itself.
    pub gaussian: Mixture,
    /// The looks since it came.
    pub age: usize,
    /// Its weight at the look before.
    pub before: f64,
    /// Whether this look made it what it is.
    pub is_new: bool,
}

/// The components of a run, each in its place; none where one could come.
pub(super) type Components = Vec<Option<Component>>;

/// What a look is to tell.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub config: AdaptConfig,
    pub target: &'a TargetModel,
    /// The power of p that the fit sees.
    pub beta: f64,
    /// The number of looks before.
    pub number: usize,
    /// Whether one may come.
    pub adds: bool,
}

/// A look at a run.
pub(super) struct Look<'a> {
    pub family: &'a Family,
    /// Where the run began.
    pub start: &'a Mixture,
    pub question: Question<'a>,
}

impl Look<'_> {
    /// Takes it: the components as they go on, and how often the target was evaluated.
    pub fn taken(&self, components: &mut Components, generator: &mut ChaCha8Rng) -> Evaluations {
        self.dismiss(components);
        self.merge(components, generator);
        for component in components.iter_mut().flatten() {
            component.age += 1;
            component.before = component.weight;
        }
        match self.question.adds {
            true => self.add(components, generator),
            false => Evaluations::default(),
        }
    }

    /// Those without weight go; the heaviest stays.
    fn dismiss(&self, components: &mut Components) {
        let weights = components.iter().flatten().map(|one| one.weight);
        let most = weights.fold(0.0, f64::max);
        for place in components.iter_mut() {
            let goes = place.as_ref().is_some_and(|one| {
                let is_done = one.age >= YOUNG && one.weight < GROWN * one.before;
                is_done && one.weight < self.question.config.least_weight && one.weight < most
            });
            if goes {
                *place = None;
            }
        }
        rescale(components);
    }

    /// Merges two and two, those first that change q least.
    fn merge(&self, components: &mut Components, generator: &mut ChaCha8Rng) {
        if self.question.config.merge_kl == 0.0 {
            return;
        }
        loop {
            let mut best: Option<(f64, [usize; 2], Component)> = None;
            for i in 0..components.len() {
                for j in i + 1..components.len() {
                    let (Some(one), Some(other)) = (&components[i], &components[j]) else {
                        continue;
                    };
                    let are_young = one.age.min(other.age) < YOUNG;
                    let merged = match are_young {
                        true => None,
                        false => self.merged(one, other, generator),
                    };
                    let Some((cost, merged)) = merged else {
                        continue;
                    };
                    let is_best = best.as_ref().is_none_or(|(least, ..)| cost < *least);
                    if cost < self.question.config.merge_kl && is_best {
                        // The heavier one stays in its place.
                        let places = match one.weight >= other.weight {
                            true => [i, j],
                            false => [j, i],
                        };
                        best = Some((cost, places, merged));
                    }
                }
            }
            let Some((_, [stays, goes], merged)) = best else {
                return;
            };
            components[stays] = Some(merged);
            components[goes] = None;
        }
    }

    /// The Gaussian with the moments of two components, with KL(q‖q with it in their place) in nats as if nothing else
    /// were there; `None` of two that are far apart.
    fn merged(
        &self,
        one: &Component,
        other: &Component,
        generator: &mut ChaCha8Rng,
    ) -> Option<(f64, Component)> {
        // A coordinate alone tells no more than all: most pairs are told apart by the first.
        let means = [one, other].map(|part| &part.gaussian.means()[0]);
        let stds = [one, other].map(|part| part.gaussian.component_stds(0));
        let is_far = (0..means[0].len()).any(|d| {
            let wider = stds[0][d].max(stds[1][d]);
            (means[0][d] - means[1][d]).powi(2) > 2.0 * APART * wider * wider
        });
        if is_far {
            return None;
        }
        let apart = |p: &Component, q: &Component| {
            gaussian_kl(&p.gaussian, &q.gaussian).is_none_or(|kl| kl.value > APART)
        };
        if apart(one, other) && apart(other, one) {
            return None;
        }
        let weight = one.weight + other.weight;
        let share = one.weight / weight;
        let parts = [one, other].map(|part| &part.gaussian);
        let means = parts.map(|part| part.means()[0].as_slice().to_vec());
        let factors = parts.map(|part| part.scale_trils()[0].clone());
        let pair = Mixture::new(vec![share, 1.0 - share], means.into(), factors.into()).ok()?;
        let gaussian = (self
            .family
            .nearest(pair.mean().as_slice(), &pair.covariance()))
        .ok()?;
        let kl: f64 = (parts.into_iter().zip([share, 1.0 - share]))
            .map(|(part, share)| {
                let draws = part.sample(PAIR_DRAWS, generator);
                // t − 1 − log t is no less than 0 and has the mean of −log t, since t has the mean 1.
                let excess = draws.chunks_exact(pair.dim()).map(|x| {
                    let log = gaussian.log_density(x) - pair.log_density(x);
                    log.exp_m1() - log
                });
                share * excess.sum::<f64>() / PAIR_DRAWS as f64
            })
            .sum();
        let merged = Component {
            weight,
            gaussian,
            age: one.age.max(other.age),
            before: one.before + other.before,
            is_new: true,
        };
        Some((weight * kl, merged))
    }
}

/// Makes the weights sum to 1 again.
fn rescale(components: &mut Components) {
    let sum: f64 = components.iter().flatten().map(|one| one.weight).sum();
    for one in components.iter_mut().flatten() {
        one.weight /= sum;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::compute::noise::{RunKey, Stream};
    use crate::density::family::FamilyConfig;

    pub fn generator(run: u64) -> ChaCha8Rng {
        RunKey { seed: 3, run }.generator(Stream::Adapt, 0)
    }

    pub fn on_a_line(mean: f64, std: f64) -> Mixture {
        Mixture::from_stds(vec![1.0], vec![vec![mean]], vec![vec![std]]).unwrap()
    }

    pub fn component(weight: f64, gaussian: Mixture, age: usize) -> Component {
        Component {
            weight,
            gaussian,
            age,
            before: weight,
            is_new: false,
        }
    }

    /// What a look at a standard normal that began so wide does.
    pub fn with_look<T>(config: AdaptConfig, std: f64, look: impl FnOnce(&Look) -> T) -> T {
        let family = FamilyConfig {
            components: 4,
            ..FamilyConfig::default()
        };
        look(&Look {
            family: &Family::new(family, 1),
            start: &on_a_line(0.0, std),
            question: Question {
                config,
                target: &on_a_line(0.0, 1.0).into(),
                beta: 1.0,
                number: 0,
                adds: true,
            },
        })
    }

    /// KL of two Gaussians to the one with their moments, by Simpson's rule.
    #[test]
    fn merging_costs_what_it_changes() {
        for (share, apart, std) in [
            (0.5, 0.5, 1.0),
            (0.5, 1.0, 1.0),
            (0.1, 1.2, 1.0),
            (0.3, 0.2, 1.5),
        ] {
            let (one, other) = (on_a_line(0.0, 1.0), on_a_line(apart, std));
            let pair = Mixture::from_stds(
                vec![share, 1.0 - share],
                vec![vec![0.0], vec![apart]],
                vec![vec![1.0], vec![std]],
            )
            .unwrap();
            let variance = pair.covariance()[(0, 0)];
            let merged = on_a_line(pair.mean()[0], variance.sqrt());
            let (step, mut kl) = (0.01, 0.0);
            for i in -1500..=1500 {
                let x = [f64::from(i) * step];
                let log = pair.log_density(&x);
                kl += step * log.exp() * (log - merged.log_density(&x));
            }
            // Alone they are half of q.
            let (one, other) = (
                component(0.5 * share, one, 5),
                component(0.5 * (1.0 - share), other, 5),
            );
            let costs = (0..200).map(|run| {
                with_look(AdaptConfig::default(), 3.0, |look| {
                    look.merged(&one, &other, &mut generator(run)).unwrap()
                })
            });
            let costs: Vec<(f64, Component)> = costs.collect();
            let mean = costs.iter().map(|(cost, _)| cost).sum::<f64>() / 200.0;
            assert!((mean - 0.5 * kl).abs() < 0.05 * kl, "{mean} {}", 0.5 * kl);
            let made = &costs[0].1;
            assert!((made.weight - 0.5).abs() < 1e-15);
            assert!((made.gaussian.covariance()[(0, 0)] - variance).abs() < 1e-12);
        }
    }

    #[test]
    fn the_young_and_those_that_grow_stay() {
        let config = AdaptConfig::default();
        let low = 0.1 * config.least_weight;
        let mut growing = component(low, on_a_line(3.0, 0.1), 9);
        growing.before = 0.5 * low;
        let mut components: Components = vec![
            Some(component(1.0, on_a_line(0.0, 1.0), 9)),
            Some(component(low, on_a_line(5.0, 0.1), 9)),
            Some(component(low, on_a_line(-5.0, 0.1), YOUNG - 1)),
            Some(growing),
        ];
        with_look(config, 3.0, |look| look.dismiss(&mut components));
        let sum: f64 = components.iter().flatten().map(|one| one.weight).sum();
        assert!((sum - 1.0).abs() < 1e-15);
        let left: Vec<bool> = components.iter().map(Option::is_some).collect();
        assert_eq!(left, [true, false, true, true]);
    }
}
