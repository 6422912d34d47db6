//! The cheapest way to carry some masses to others, exactly.
//!
//! Masses and costs are written as whole numbers of 2⁻¹²⁰ and of 2⁻¹⁰⁰ of the largest cost, and then nothing is
//! rounded: by successive shortest paths with potentials (Ahuja, Magnanti and Orlin 1993, §9.7) a plan and prices are
//! found whose totals are the same number, which certifies both.

use crate::precise::ROUNDING;

/// A unit of mass and a unit of cost are 2 to the power of minus these.
const MASS_BITS: i32 = 120;
const COST_BITS: i32 = 100;

/// What the cheapest plan costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cheapest {
    pub cost: f64,
    /// What the cost of the cheapest plan is above and below that at most, the costs being off by their errors.
    pub above: f64,
    pub below: f64,
}

/// The cheapest plan from masses to masses, each with a total of 1 but for rounding; costs are not negative, a
/// list for each of the first masses, and so are the bounds of what they are off by.
pub(super) fn cheapest(
    from: &[f64],
    to: &[f64],
    costs: &[Vec<f64>],
    errors: &[Vec<f64>],
) -> Cheapest {
    let largest = costs.iter().flatten().copied().fold(0.0, f64::max);
    let (_, exponent) = libm::frexp(largest);
    let scale = |bits: i32| libm::ldexp(1.0, bits);
    let mut problem = Problem::new(from, to, costs, exponent);
    let missing = problem.balance();
    problem.solve();

    let (unit_mass, unit_cost) = (scale(-MASS_BITS), libm::ldexp(1.0, exponent - COST_BITS));
    let mut cost = 0.0;
    let mut above = 0.0;
    // The plan is dearer than the prices say by what it pays above them: nothing, where it is the cheapest.
    let mut gap = 0.0;
    for (i, (costs, errors)) in costs.iter().zip(errors).enumerate() {
        for (j, (one, error)) in costs.iter().zip(errors).enumerate() {
            let mass = problem.plan[i][j] as f64 * unit_mass;
            if mass > 0.0 {
                cost += mass * one;
                above += mass * error;
                gap += mass * problem.reduced(i, j) as f64 * unit_cost;
            }
        }
    }
    // Prices that no true cost is below: lower by what the errors may do to each.
    let fall = |j: usize| {
        let falls =
            (0..from.len()).map(|i| errors[i][j] - problem.reduced(i, j) as f64 * unit_cost);
        falls.fold(0.0, f64::max)
    };
    let below: f64 = to.iter().enumerate().map(|(j, mass)| mass * fall(j)).sum();
    // What rounding took from the masses and the costs, and the mass that one side has more than the other.
    let taken = largest * unit_mass * (from.len() + to.len()) as f64 + unit_cost;
    let rounded = taken
        + largest * missing as f64 * unit_mass
        + (from.len() + to.len() + 4) as f64 * ROUNDING * cost;
    Cheapest {
        cost,
        above: above + rounded,
        below: below + gap.max(0.0) + rounded,
    }
}

/// A number as a whole number of 2 to the power of minus the bits; the rest is cut off.
fn whole(number: f64, bits: i32) -> i128 {
    const DIGITS: i32 = 53;
    let (mantissa, exponent) = libm::frexp(number);
    let digits = libm::ldexp(mantissa, DIGITS) as i128;
    match exponent - DIGITS + bits {
        shift @ 0.. => digits << shift,
        shift @ -127..=-1 => digits >> -shift,
        _ => 0,
    }
}

struct Problem {
    supplies: Vec<i128>,
    demands: Vec<i128>,
    costs: Vec<Vec<i128>>,
    /// What is carried.
    plan: Vec<Vec<i128>>,
    /// Prices uᵢ and vⱼ: uᵢ + vⱼ is at most the cost, and the cost wherever something is carried.
    prices: (Vec<i128>, Vec<i128>),
}

impl Problem {
    fn new(from: &[f64], to: &[f64], costs: &[Vec<f64>], exponent: i32) -> Self {
        let masses = |masses: &[f64]| masses.iter().map(|mass| whole(*mass, MASS_BITS)).collect();
        let row = |costs: &Vec<f64>| {
            let costs = costs.iter().map(|cost| whole(*cost, COST_BITS - exponent));
            costs.collect()
        };
        Self {
            supplies: masses(from),
            demands: masses(to),
            costs: costs.iter().map(row).collect(),
            plan: vec![vec![0; to.len()]; from.len()],
            prices: (vec![0; from.len()], vec![0; to.len()]),
        }
    }

    /// Lets what one side has more than the other stay where it is, at no cost; how much that is.
    fn balance(&mut self) -> i128 {
        let more = self.supplies.iter().sum::<i128>() - self.demands.iter().sum::<i128>();
        if more > 0 {
            self.demands.push(more);
            self.prices.1.push(0);
            self.costs.iter_mut().for_each(|costs| costs.push(0));
            self.plan.iter_mut().for_each(|plan| plan.push(0));
        } else if more < 0 {
            let width = self.demands.len();
            self.supplies.push(-more);
            self.prices.0.push(0);
            self.costs.push(vec![0; width]);
            self.plan.push(vec![0; width]);
        }
        more.abs()
    }

    /// How much the cost is above the prices.
    fn reduced(&self, i: usize, j: usize) -> i128 {
        self.costs[i][j] - self.prices.0[i] - self.prices.1[j]
    }

    fn solve(&mut self) {
        for i in 0..self.supplies.len() {
            while self.supplies[i] > 0 {
                self.carry_from(i);
            }
        }
    }

    /// Carries what can be from here along the cheapest way to where something is wanted.
    fn carry_from(&mut self, start: usize) {
        let (n, m) = (self.supplies.len(), self.demands.len());
        let mut to_source: Vec<Option<i128>> = vec![None; n];
        let mut source_by: Vec<usize> = vec![0; n];
        let mut to_sink = vec![i128::MAX; m];
        let mut sink_by = vec![0; m];
        let mut is_done = vec![false; m];
        to_source[start] = Some(0);
        let mut reached = vec![start];
        let end = loop {
            for i in reached.drain(..) {
                let so_far = to_source[i].unwrap_or(0);
                for j in 0..m {
                    let way = so_far + self.reduced(i, j);
                    if !is_done[j] && way < to_sink[j] {
                        (to_sink[j], sink_by[j]) = (way, i);
                    }
                }
            }
            let open = (0..m).filter(|&j| !is_done[j]);
            // Both sides have the same total: where something is left, something is wanted.
            let Some(next) = open.min_by_key(|&j| to_sink[j]) else {
                self.supplies[start] = 0;
                return;
            };
            if self.demands[next] > 0 {
                break next;
            }
            is_done[next] = true;
            // Back along what is carried there already, which costs nothing beside its price.
            for i in 0..n {
                if to_source[i].is_none() && self.plan[i][next] > 0 {
                    (to_source[i], source_by[i]) = (Some(to_sink[next]), next);
                    reached.push(i);
                }
            }
        };
        let far = to_sink[end];
        for (price, way) in self.prices.0.iter_mut().zip(&to_source) {
            *price += way.map_or(0, |way| far - way);
        }
        for (j, price) in self.prices.1.iter_mut().enumerate() {
            if is_done[j] {
                *price -= far - to_sink[j];
            }
        }
        let mut amount = self.supplies[start].min(self.demands[end]);
        let mut way = vec![(sink_by[end], end)];
        let mut back = Vec::new();
        while way[way.len() - 1].0 != start {
            let i = way[way.len() - 1].0;
            let j = source_by[i];
            amount = amount.min(self.plan[i][j]);
            back.push((i, j));
            way.push((sink_by[j], j));
        }
        for (i, j) in way {
            self.plan[i][j] += amount;
        }
        for (i, j) in back {
            self.plan[i][j] -= amount;
        }
        self.supplies[start] -= amount;
        self.demands[end] -= amount;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exactly(from: &[f64], to: &[f64], costs: &[Vec<f64>]) -> Cheapest {
        let errors = vec![vec![0.0; to.len()]; from.len()];
        cheapest(from, to, costs, &errors)
    }

    /// Numbers that look random, in [0, 1).
    fn numbers(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        }
    }

    /// The least over all permutations.
    fn matched(costs: &[Vec<f64>], row: usize, used: usize) -> f64 {
        if row == costs.len() {
            return 0.0;
        }
        (0..costs.len())
            .filter(|j| used & (1 << j) == 0)
            .map(|j| costs[row][j] + matched(costs, row + 1, used | (1 << j)))
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn equal_masses_are_matched_one_by_one() {
        let mut next = numbers(1);
        for case in 0..60 {
            let k = 1 + case % 6;
            // Costs over twenty orders of magnitude.
            let mut cost = || 10f64.powf(20.0 * next() - 10.0);
            let costs: Vec<Vec<f64>> = (0..k).map(|_| (0..k).map(|_| cost()).collect()).collect();
            let masses = vec![1.0 / k as f64; k];
            let found = exactly(&masses, &masses, &costs);
            let expected = matched(&costs, 0, 0) / k as f64;
            let off = (found.cost - expected).abs();
            assert!(
                off <= found.above.min(found.below) + 1e-14 * expected,
                "{found:?} {expected}"
            );
            assert!(found.above < 1e-14 * expected + 1e-19, "{found:?}");
        }
    }

    /// The least over all vertices of the plans from two to n: on the way from one to the other at most one mass is
    /// shared, those with the lesser difference of costs going first.
    fn of_two(from: [f64; 2], to: &[f64], costs: &[Vec<f64>]) -> f64 {
        let mut order: Vec<usize> = (0..to.len()).collect();
        let more = |j: &usize| costs[0][*j] - costs[1][*j];
        order.sort_by(|a, b| more(a).total_cmp(&more(b)));
        let (mut left, mut total) = (from[0], 0.0);
        for j in order {
            let own = to[j].min(left);
            left -= own;
            total += own * costs[0][j] + (to[j] - own) * costs[1][j];
        }
        total
    }

    #[test]
    fn two_masses_are_shared_out_by_the_difference_of_their_costs() {
        let mut next = numbers(2);
        for case in 0..60 {
            let n = 2 + case % 5;
            let mut to: Vec<f64> = (0..n).map(|_| 1e-6 + next().powi(8)).collect();
            let total: f64 = to.iter().sum();
            to.iter_mut().for_each(|mass| *mass /= total);
            let share = next();
            let costs: Vec<Vec<f64>> = (0..2)
                .map(|_| (0..n).map(|_| 10f64.powf(10.0 * next() - 5.0)).collect())
                .collect();
            let expected = of_two([share, 1.0 - share], &to, &costs);
            let found = exactly(&[share, 1.0 - share], &to, &costs);
            let bound = found.above.max(found.below) + 1e-15 * 1e5;
            assert!(
                (found.cost - expected).abs() <= bound,
                "{found:?} {expected}"
            );
            let turned: Vec<Vec<f64>> = (0..n).map(|j| vec![costs[0][j], costs[1][j]]).collect();
            let back = exactly(&to, &[share, 1.0 - share], &turned);
            assert!(
                (back.cost - found.cost).abs() <= bound,
                "{back:?} {found:?}"
            );
        }
    }

    #[test]
    fn a_small_mass_far_away_keeps_its_digits() {
        let found = exactly(
            &[1.0 - 1e-6, 1e-6],
            &[1.0 - 1e-6, 1e-6],
            &[vec![1e-3, 1e10], vec![2e10, 0.0]],
        );
        assert!(
            (found.cost / (1e-3 * (1.0 - 1e-6)) - 1.0).abs() < 1e-15,
            "{found:?}"
        );
        assert!(found.above < 1e-17 && found.below < 1e-17, "{found:?}");
    }

    #[test]
    fn what_costs_are_off_by_is_passed_on() {
        let costs = vec![vec![1.0, 2.0], vec![2.0, 1.0]];
        let errors = vec![vec![0.25, 1.5], vec![0.0, 0.25]];
        let found = cheapest(&[0.5, 0.5], &[0.5, 0.5], &costs, &errors);
        assert_eq!(found.cost, 1.0);
        assert!((found.above - 0.25).abs() < 1e-15, "{found:?}");
        // The other plan may cost ½ (0.5 + 2), and this one ½ (0.75 + 0.75).
        assert!(found.below >= 0.25 && found.below <= 1.0, "{found:?}");
    }
}
