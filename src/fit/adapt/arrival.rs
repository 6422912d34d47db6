//! Where a component is missing, and the one that comes there.

use nalgebra::{DMatrix, DVector};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::look::{Component, Components, Look};
use crate::fit::evaluations::Evaluations;
use crate::mixture::{Mixture, log_sum_exp};

/// How far below its highest value log q counts as no lower, in nats, look after look: with much, places far from q are
/// sought, and with little those of high log p (Arenz, Zhong and Neumann 2020).
const FLOORS: [f64; 5] = [1000.0, 500.0, 200.0, 100.0, 50.0];
/// Pairs of draws, each the mirror image of the other, that a width is judged by.
const WIDTH_PAIRS: usize = 10;
/// The narrowest width that is tried, in halvings of that of the start.
const MOST_HALVINGS: i32 = 60;
/// What comes has no less weight …
const LEAST_NEW: f64 = 1e-6;
/// … and no more.
const MOST_NEW: f64 = 0.5;

impl Look<'_> {
    /// Adds one where log p is above log q most, as wide as it has most of p for itself.
    pub(super) fn add(
        &self,
        components: &mut Components,
        generator: &mut ChaCha8Rng,
    ) -> Evaluations {
        let mut spent = Evaluations::default();
        let Some(free) = components.iter().position(Option::is_none) else {
            return spent;
        };
        let Some(q) = mixture_of(components) else {
            return spent;
        };
        let dim = q.dim();
        let of_start = self.question.config.candidates / 2;
        let mut points = self.start.sample(of_start, generator);
        points.extend(q.sample(self.question.config.candidates - of_start, generator));
        let log_p = self.log_p(&points, &mut spent);
        let log_q: Vec<f64> = points.chunks_exact(dim).map(|x| q.log_density(x)).collect();
        let top = log_q.iter().copied().fold(f64::MIN, f64::max);
        let floor = top - FLOORS[self.question.number % FLOORS.len()];
        let missing = (0..log_p.len())
            .map(|i| (i, log_p[i] - log_q[i].max(floor)))
            .filter(|(_, excess)| excess.is_finite())
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((missing, excess)) = missing else {
            return spent;
        };
        // The mass of p that q knows of, by its draws; the share of p there that is more than q by that.
        let of_q = (log_p.iter().zip(&log_q)).skip(of_start);
        let count = (self.question.config.candidates - of_start) as f64;
        let known = log_sum_exp(of_q.map(|(p, q)| p - q)) - count.ln();
        let share = -(known - excess).exp_m1();
        if share <= 0.0 {
            return spent;
        }
        let at = &points[missing * dim..(missing + 1) * dim];
        let Some((gaussian, mass)) = self.widest(at, &mut spent, generator) else {
            return spent;
        };
        let ratio = share * (mass - known).exp();
        let weight = match ratio.is_finite() {
            true => (ratio / (1.0 + ratio)).clamp(LEAST_NEW, MOST_NEW),
            false => MOST_NEW,
        };
        for one in components.iter_mut().flatten() {
            one.weight *= 1.0 - weight;
            one.before = one.weight;
        }
        components[free] = Some(Component {
            weight,
            gaussian,
            age: 0,
            before: weight,
            is_new: true,
        });
        spent
    }

    /// The Gaussian around a place in the shape of the start that has the largest E log p + entropy, with that, in nats:
    /// a lower bound of the logarithm of the mass of p that it covers.
    fn widest(
        &self,
        at: &[f64],
        spent: &mut Evaluations,
        generator: &mut ChaCha8Rng,
    ) -> Option<(Mixture, f64)> {
        let dim = at.len();
        let shape = (self.family.nearest(at, &self.start.covariance())).ok()?;
        let factor = &shape.scale_trils()[0];
        let steps: Vec<DVector<f64>> = (0..WIDTH_PAIRS)
            .map(|_| factor * DVector::from_fn(dim, |_, _| StandardNormal.sample(generator)))
            .flat_map(|step| [-&step, step])
            .collect();
        let per_coordinate = 0.5 * (1.0 + (2.0 * std::f64::consts::PI).ln());
        let entropy =
            dim as f64 * per_coordinate + factor.diagonal().iter().map(|std| std.ln()).sum::<f64>();
        let mut best = (0, f64::NEG_INFINITY);
        for halvings in 0..MOST_HALVINGS {
            let width = 0.5f64.powi(halvings);
            let points: Vec<f64> = (steps.iter())
                .flat_map(|step| at.iter().zip(step).map(move |(x, step)| x + width * step))
                .collect();
            let logs = self.log_p(&points, spent);
            let mean = logs.iter().sum::<f64>() / logs.len() as f64;
            let bound = mean + entropy + dim as f64 * width.ln();
            if bound > best.1 {
                best = (halvings, bound);
            } else if best.1.is_finite() && halvings > best.0 + 1 {
                break;
            }
        }
        let width = 0.5f64.powi(best.0);
        let narrowed: DMatrix<f64> = shape.component_covariance(0) * (width * width);
        let gaussian = self.family.nearest(at, &narrowed).ok()?;
        best.1.is_finite().then_some((gaussian, best.1))
    }

    fn log_p(&self, points: &[f64], spent: &mut Evaluations) -> Vec<f64> {
        let count = points.len() / self.question.target.dim();
        *spent += Evaluations::of(count, false);
        let mut logs = vec![0.0; count];
        self.question.target.log_densities(points, &mut logs);
        logs.iter_mut().for_each(|log| *log *= self.question.beta);
        logs
    }
}

/// q; none where numbers broke down.
fn mixture_of(components: &Components) -> Option<Mixture> {
    let there = || components.iter().flatten();
    Mixture::new(
        there().map(|one| one.weight).collect(),
        there()
            .map(|one| one.gaussian.means()[0].as_slice().to_vec())
            .collect(),
        there()
            .map(|one| one.gaussian.scale_trils()[0].clone())
            .collect(),
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::super::config::AdaptConfig;
    use super::super::look::Question;
    use super::super::look::tests::{component, generator, on_a_line, with_look};
    use super::*;
    use crate::density::target::TargetModel;

    /// Of a normal of width 1, what begins 2^n times as wide is halved n times, and has the mass 1 then.
    #[test]
    fn what_comes_is_as_wide_as_p_is_there() {
        for start in [1.0, 8.0, 1024.0, 2f64.powi(40)] {
            let (gaussian, mass) = with_look(AdaptConfig::default(), start, |look| {
                let mut spent = Evaluations::default();
                let found = look.widest(&[0.0], &mut spent, &mut generator(0)).unwrap();
                let halvings = start.log2() as u64;
                // Two wider ones and two narrower ones are tried, or where the bound falls at once.
                assert!(spent.log_density <= 20 * (halvings + 4), "{spent:?}");
                assert_eq!(spent.gradient, 0);
                found
            });
            let std = gaussian.component_stds(0)[0];
            assert!((0.5..=2.0).contains(&std), "{start}: {std}");
            assert!((-0.6..0.4).contains(&mass), "{start}: {mass}");
        }
    }

    /// Where q is p, or is wider than that everywhere, nothing comes.
    #[test]
    fn none_comes_where_none_is_missing() {
        for run in 0..20 {
            let mut components: Components = vec![
                Some(component(1.0, on_a_line(0.0, 1.0), 9)),
                None,
                None,
                None,
            ];
            with_look(AdaptConfig::default(), 3.0, |look| {
                look.taken(&mut components, &mut generator(run))
            });
            let weights = components.iter().flatten().map(|one| one.weight);
            let weights: Vec<f64> = weights.collect();
            // Rounding may say that something is, and then it is nothing.
            assert!(weights[0] > 1.0 - 2.0 * LEAST_NEW, "{weights:?}");
        }
    }

    /// Where q misses half of p, something comes there, with the weight it should have.
    #[test]
    fn one_comes_where_it_is_missing() {
        let target = Mixture::from_stds(
            vec![0.5, 0.5],
            vec![vec![-10.0], vec![10.0]],
            vec![vec![1.0], vec![1.0]],
        );
        let target: TargetModel = target.unwrap().into();
        for run in 0..20 {
            let mut components: Components = vec![
                None,
                Some(component(1.0, on_a_line(-10.0, 1.0), 9)),
                None,
                None,
            ];
            let spent = with_look(AdaptConfig::default(), 15.0, |look| {
                let look = Look {
                    question: Question {
                        target: &target,
                        ..look.question
                    },
                    ..*look
                };
                look.taken(&mut components, &mut generator(run))
            });
            assert!((120..600).contains(&spent.log_density), "{spent:?}");
            let new = components[0].as_ref().unwrap();
            assert!(new.is_new && new.gaussian.means()[0][0] > 5.0);
            let all: f64 = components.iter().flatten().map(|one| one.weight).sum();
            assert!((all - 1.0).abs() < 1e-15);
            assert!(
                (LEAST_NEW..=MOST_NEW).contains(&new.weight),
                "{}",
                new.weight
            );
            assert!(components[2].is_none() && components[3].is_none());
        }
    }
}
