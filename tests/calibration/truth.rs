//! Divergences of mixtures on a line to rounding, each with the error it may have.
//!
//! Panels begin at μ ± σ·2ⁱ of every component of both densities and are cut until tanh–sinh and
//! Gauss–Legendre agree on each; nothing of it is klfit's own. `tests/data/calibration` holds it
//! against mpmath.

use klfit::DivergenceKind;

use super::integrands::{NEAR, alpha_divergence, difference, jensen_shannon, kl};
use super::line::{At, Line};
use super::rules::{GAUSS_LEGENDRE, Place, Rule, Sum, TANH_SINH};

/// The orders whose power integrals ∫ p^α q^(1−α) are found.
pub const ORDERS: [f64; 4] = [-0.5, 0.5, 1.5, 2.0];

/// KL both ways, JS and TV; then the α-divergences, and the power integrals in units of their
/// largest integrand, of every order.
const INTEGRALS: usize = 12;
const ALPHAS: usize = 4;
const POWERS: usize = 8;
const TV: usize = 3;
const EPS: f64 = f64::EPSILON;
/// Cuts are made at σ·2ⁱ for these i, and at the last distance, in units of σ.
const GRADES: std::ops::RangeInclusive<i32> = -1..=5;
const LAST: f64 = 40.0;
const MOST_PANELS: usize = 40_000;

/// A number and how far it may be off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Truth {
    pub value: f64,
    pub error: f64,
}

impl Truth {
    pub const INFINITE: Self = Self {
        value: f64::INFINITY,
        error: 0.0,
    };

    fn plus(self, other: Self) -> Self {
        Self {
            value: self.value + other.value,
            error: self.error + other.error,
        }
    }

    pub fn times(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            error: self.error * factor.abs() + EPS * (self.value * factor).abs(),
        }
    }
}

/// Everything that is true of a pair.
#[derive(Debug, Clone)]
pub struct Truths {
    forward: Truth,
    reverse: Truth,
    /// Not of products of pairs.
    pub js: Option<Truth>,
    tv: Option<Truth>,
    powers: [Power; 4],
}

/// ∫ p^α q^(1−α).
#[derive(Debug, Clone, Copy)]
struct Power {
    log: Truth,
    /// ∫ − 1.
    excess: Truth,
}

impl Truths {
    /// Of one coordinate after another, all independent.
    pub fn product(self, other: &Self) -> Self {
        let power = |a: Power, b: Power| Power {
            log: a.log.plus(b.log),
            excess: Truth {
                value: a.excess.value + b.excess.value + a.excess.value * b.excess.value,
                error: a.excess.error * (1.0 + b.excess.value.abs())
                    + b.excess.error * (1.0 + a.excess.value.abs()),
            },
        };
        Self {
            forward: self.forward.plus(other.forward),
            reverse: self.reverse.plus(other.reverse),
            js: None,
            tv: None,
            powers: std::array::from_fn(|i| power(self.powers[i], other.powers[i])),
        }
    }

    /// With errors of the parameters: each component off by `shift` of its own width.
    pub fn shaken(mut self, shift: f64) -> Self {
        let shake = |truth: &mut Truth| truth.error += shift * (1.0 + truth.value.abs());
        let all = [
            Some(&mut self.forward),
            Some(&mut self.reverse),
            self.js.as_mut(),
            self.tv.as_mut(),
        ];
        all.into_iter().flatten().for_each(shake);
        for power in &mut self.powers {
            shake(&mut power.log);
            shake(&mut power.excess);
        }
        self
    }

    /// A divergence; `None` if it is not known, or beyond the numbers of 64 bits.
    pub fn of(&self, kind: DivergenceKind) -> Option<Truth> {
        use DivergenceKind as Kind;
        let order = |order: f64| ORDERS.iter().position(|&one| one == order);
        let power = |alpha: f64| order(alpha).map(|i| self.powers[i]);
        let representable =
            |truth: Truth| (truth.value < 1e300 || truth.value == f64::INFINITY).then_some(truth);
        let finite = |power: Power| match power.log == Truth::INFINITE {
            true => Some(Truth::INFINITE),
            false => Some(power.excess).filter(|excess| excess.value < 1e300),
        };
        match kind {
            Kind::ForwardKl => representable(self.forward),
            Kind::ReverseKl => representable(self.reverse),
            Kind::Jeffreys => representable(self.forward.plus(self.reverse)),
            Kind::Js => self.js,
            Kind::TotalVariation => self.tv,
            Kind::Alpha(order) => {
                let alpha = order.value();
                Some(finite(power(alpha)?)?.times(1.0 / (alpha * (alpha - 1.0))))
            }
            Kind::Renyi(order) => {
                let alpha = order.value();
                let Power { log, excess } = power(alpha)?;
                let near = excess.value.abs() < 0.5;
                let log = if near {
                    Truth {
                        value: excess.value.ln_1p(),
                        error: excess.error / (1.0 + excess.value),
                    }
                } else {
                    log
                };
                Some(log.times(1.0 / (alpha - 1.0)))
            }
            Kind::Chi2 => finite(power(2.0)?),
            Kind::SquaredHellinger => Some(finite(power(0.5)?)?.times(-1.0)),
            Kind::CrossEntropy | Kind::BinnedKl => None,
        }
    }
}

/// The integral of every integrand over a panel, and what rounding may have added.
#[derive(Debug, Clone, Copy, Default)]
struct Values {
    sum: [Sum; INTEGRALS],
    rounding: [f64; INTEGRALS],
}

/// From `start` on, `width` long.
#[derive(Debug, Clone, Copy)]
struct Panel {
    start: Place,
    width: f64,
}

/// Both densities, and what the integrands need to know of them.
struct Pair<'a> {
    p: &'a Line,
    q: &'a Line,
    /// Whether the power integrals are finite.
    finite: [bool; 4],
    /// The logarithms of the largest integrands.
    largest: [f64; 4],
}

/// The divergences between two mixtures on a line.
pub fn truths(p: &Line, q: &Line) -> Truths {
    let (a, b) = (p.widest(), q.widest());
    let precision = |alpha: f64| alpha / (a.2 * a.2) + (1.0 - alpha) / (b.2 * b.2);
    let mut pair = Pair {
        p,
        q,
        finite: ORDERS.map(|alpha| precision(alpha) > 0.0),
        largest: [0.0; 4],
    };
    pair.integrate()
}

impl Pair<'_> {
    fn integrate(&mut self) -> Truths {
        let panels = self.panels();
        self.largest = self.largest(&panels);
        let mut open: Vec<(Panel, [Values; 2])> = panels
            .into_iter()
            .map(|panel| (panel, self.both(panel)))
            .collect();
        let mut scale = [0.0; INTEGRALS];
        for (_, [value, _]) in &open {
            (0..INTEGRALS).for_each(|i| scale[i] += value.sum[i].value().abs());
        }
        let mut total = Values::default();
        let mut panels = open.len();
        while let Some((panel, [value, other])) = open.pop() {
            let differs = |i: usize| {
                let allowed = 2.0 * value.rounding[i] + 1e-18 * scale[i];
                {
                    let agree = (value.sum[i].value() - other.sum[i].value()).abs() <= allowed;
                    !agree
                }
            };
            if panels < MOST_PANELS && (0..INTEGRALS).any(differs) {
                let at = if differs(TV) {
                    self.crossing(panel)
                } else {
                    None
                };
                let first = at.unwrap_or(0.5) * panel.width;
                let middle = panel.start.plus(first);
                let halves = [(panel.start, first), (middle, panel.width - first)];
                for (start, width) in halves {
                    let half = Panel { start, width };
                    open.push((half, self.both(half)));
                }
                panels += 1;
                continue;
            }
            for i in 0..INTEGRALS {
                total.sum[i].add(value.sum[i].value());
                let difference = (value.sum[i].value() - other.sum[i].value()).abs();
                total.rounding[i] += value.rounding[i] + difference;
            }
        }
        self.truths(&total)
    }

    fn truths(&self, total: &Values) -> Truths {
        let truth = |i: usize| {
            let value = total.sum[i].value();
            Truth {
                value,
                error: total.rounding[i] + 4.0 * EPS * value.abs(),
            }
        };
        let power = |i: usize| {
            if !self.finite[i] {
                return Power {
                    log: Truth::INFINITE,
                    excess: Truth::INFINITE,
                };
            }
            let alpha = ORDERS[i];
            let scaled = truth(POWERS + i);
            let log = self.largest[i] + scaled.value.ln();
            let log = Truth {
                value: log,
                error: scaled.error / scaled.value
                    + 2.0 * EPS * (log.abs() + self.largest[i].abs()),
            };
            let excess = if self.overflows(i) {
                let value = log.value.exp();
                Truth {
                    value,
                    error: value * log.error,
                }
            } else {
                truth(ALPHAS + i).times(alpha * (alpha - 1.0))
            };
            Power { log, excess }
        };
        Truths {
            forward: truth(0),
            reverse: truth(1),
            js: Some(truth(2)),
            tv: Some(truth(TV)),
            powers: std::array::from_fn(power),
        }
    }

    /// Whether an α-divergence is better taken from the logarithm of its integral.
    fn overflows(&self, i: usize) -> bool {
        self.largest[i] > 300.0
    }

    fn both(&self, panel: Panel) -> [Values; 2] {
        [self.by(&TANH_SINH, panel), self.by(&GAUSS_LEGENDRE, panel)]
    }

    fn by(&self, rule: &Rule, panel: Panel) -> Values {
        let half = 0.5 * panel.width;
        let middle = panel.start.plus(half);
        let mut values = Values::default();
        let mut exponents = Vec::new();
        for &(x, w) in rule {
            let x = middle.plus(half * x);
            let p = self.p.at(x, &mut exponents);
            let q = self.q.at(x, &mut exponents);
            if p.density == 0.0 && q.density == 0.0 && !self.finite.iter().any(|fine| *fine) {
                continue;
            }
            self.integrands(w * half, p, q, &mut values);
        }
        values
    }

    fn integrands(&self, w: f64, at_p: At, at_q: At, to: &mut Values) {
        let (p, q, log_p, log_q) = (at_p.density, at_q.density, at_p.log, at_q.log);
        let r = log_p - log_q;
        // What rounding does to r, and to the larger density as a share of it.
        let of_r = EPS * (2.0 + log_p.abs() + log_q.abs() + at_p.spread + at_q.spread);
        let of_density = EPS * (3.0 + if p > q { at_p.spread } else { at_q.spread });
        let mut add = |i: usize, value: f64, slope: f64| {
            to.sum[i].add(w * value);
            to.rounding[i] += w * (value.abs() * of_density + slope * of_r);
        };
        let gap = difference(p, q, r).abs();
        let apart = r.abs() >= NEAR;
        let slope = |density: f64| if apart { gap.max(density) } else { gap };
        add(0, kl(p, q, r), slope(p));
        add(1, kl(q, p, -r), slope(q));
        // Far from each other, the log share of the larger hardly moves with r.
        let slope_of_js = gap.min(p.min(q) * (1.0 + r.abs()));
        add(2, jensen_shannon(p, q, r), slope_of_js);
        add(TV, 0.5 * gap, 0.5 * p.min(q));
        for (i, &alpha) in ORDERS.iter().enumerate() {
            if !self.finite[i] {
                continue;
            }
            let log = alpha * log_p + (1.0 - alpha) * log_q;
            let scaled = (log - self.largest[i]).exp();
            add(
                POWERS + i,
                scaled,
                scaled * (alpha.abs() + (1.0 - alpha).abs()),
            );
            if !self.overflows(i) {
                let power = log.exp();
                let value = alpha_divergence(alpha, (p, q, r), power);
                let scale = (alpha * (1.0 - alpha)).abs();
                let slope = if apart {
                    (p.min(q) + power) / scale
                } else {
                    gap
                };
                add(ALPHAS + i, value, slope);
            }
        }
    }

    /// Where p crosses q for the first time between the points of a rule, as a share of the width.
    fn crossing(&self, panel: Panel) -> Option<f64> {
        let mut exponents = Vec::new();
        let mut is_above = |share: f64| {
            let x = panel.start.plus(share * panel.width);
            self.p.at(x, &mut exponents).log > self.q.at(x, &mut exponents).log
        };
        let shares: Vec<f64> = TANH_SINH.iter().map(|(x, _)| 0.5 * (1.0 + x)).collect();
        let above: Vec<bool> = shares.iter().map(|&share| is_above(share)).collect();
        let i = above.windows(2).position(|two| two[0] != two[1])?;
        let (mut low, mut high) = (shares[i], shares[i + 1]);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if is_above(middle) == above[i] {
                low = middle;
            } else {
                high = middle;
            }
        }
        // Not where it has been cut already, or where the two are the same to rounding.
        (1e-6 < low && low < 1.0 - 1e-6).then_some(low)
    }

    /// Where something may be: every component of both, and p^α q^(1−α) far out.
    fn places(&self) -> Vec<(f64, f64)> {
        let (a, b) = (self.p.widest(), self.q.widest());
        let far = ORDERS
            .iter()
            .zip(self.finite)
            .filter(|(_, fine)| *fine)
            .map(|(&alpha, _)| {
                let parts = [(alpha, a), (1.0 - alpha, b)];
                let precision: f64 = parts
                    .iter()
                    .map(|(share, part)| share / (part.2 * part.2))
                    .sum();
                let center: f64 = parts
                    .iter()
                    .map(|(share, part)| share * part.1 / (part.2 * part.2))
                    .sum();
                (center / precision, precision.sqrt().recip())
            });
        let parts = self.p.parts.iter().chain(&self.q.parts);
        parts
            .map(|&(_, mean, std)| (mean, std))
            .chain(far)
            .collect()
    }

    fn panels(&self) -> Vec<Panel> {
        let places = self.places();
        let mut cuts: Vec<Place> = Vec::new();
        for &(mean, std) in &places {
            let center = Place::new(mean);
            cuts.push(center);
            for distance in GRADES.map(|i| 2.0_f64.powi(i)).chain([LAST]) {
                cuts.extend([-1.0, 1.0].map(|sign| center.plus(sign * distance * std)));
            }
        }
        cuts.sort_by(|a, b| a.from(*b).total_cmp(&0.0));
        // Cuts that are much closer than anything there is wide add nothing.
        let finest = places
            .iter()
            .map(|place| place.1)
            .fold(f64::INFINITY, f64::min)
            / 16.0;
        let mut kept: Vec<Place> = Vec::new();
        let last = cuts.last().copied();
        for cut in cuts {
            if kept.last().is_none_or(|last| cut.from(*last) > finest) {
                kept.push(cut);
            }
        }
        kept.extend(last);
        (kept.windows(2))
            .map(|ends| Panel {
                start: ends[0],
                width: ends[1].from(ends[0]),
            })
            .filter(|panel| panel.width > 0.0)
            .collect()
    }

    fn largest(&self, panels: &[Panel]) -> [f64; 4] {
        let mut largest = [f64::NEG_INFINITY; 4];
        let mut exponents = Vec::new();
        for panel in panels {
            for share in [0.0, 0.25, 0.5, 0.75] {
                let x = panel.start.plus(share * panel.width);
                let log_p = self.p.at(x, &mut exponents).log;
                let log_q = self.q.at(x, &mut exponents).log;
                for (largest, &alpha) in largest.iter_mut().zip(&ORDERS) {
                    *largest = largest.max(alpha * log_p + (1.0 - alpha) * log_q);
                }
            }
        }
        largest
    }
}
