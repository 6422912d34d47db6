//! A Gaussian mixture on the line, and what it looks like from the centre of a short piece.

use std::f64::consts::PI;

/// Half the distance from 1 to the next number: the relative error of one rounding.
pub(super) const UNIT: f64 = f64::EPSILON / 2.0;

/// How far below another term, in nats, one is too small to matter to any digit.
const NEGLIGIBLE: f64 = 60.0;

/// w N(μ, σ²).
#[derive(Debug)]
pub(super) struct Component {
    pub weight: f64,
    pub std: f64,
    /// μ as an exact sum of two numbers: it was moved to another origin.
    mean: [f64; 2],
    /// log(w / (σ √2π)).
    pub log_height: f64,
    /// What the rounding of `log_height` is relative to.
    log_size: f64,
}

impl Component {
    /// `roundings` are those behind the weight.
    pub fn new(weight: f64, mean: [f64; 2], std: f64, roundings: usize) -> Self {
        let parts = [weight.ln(), -std.ln(), -0.5 * (2.0 * PI).ln()];
        Self {
            weight,
            std,
            mean,
            log_height: parts.iter().sum(),
            log_size: parts.iter().map(|part| part.abs()).sum::<f64>() + roundings as f64,
        }
    }

    /// (x − μ) / σ to 5 roundings, however close x is to μ.
    pub fn z(&self, x: f64) -> f64 {
        let [high, low] = difference(x, self.mean[0]);
        (high + (low - self.mean[1])) / self.std
    }

    /// The log of w N(x; μ, σ²).
    pub fn log_density(&self, x: f64) -> f64 {
        let z = self.z(x);
        self.log_height - 0.5 * z * z
    }

    fn seen_from(&self, piece: Piece) -> Parabola {
        let z = self.z(piece.center);
        let reach = piece.half / self.std;
        let [slope, bend] = [-z * reach, -0.5 * reach * reach];
        Parabola {
            log: self.log_height - 0.5 * z * z,
            slope,
            bend,
            // z² is off by 11 roundings, the slope by 7, the bend by 3; each sum adds one.
            rounding: UNIT
                * (8.0 * z * z + 12.0 * slope.abs() - 8.0 * bend + 4.0 * self.log_size + 4.0),
        }
    }
}

/// a − b as a sum of two numbers, exactly (Knuth 1969).
pub(super) fn difference(a: f64, b: f64) -> [f64; 2] {
    let high = a - b;
    let taken = a - high;
    [high, (a - (high + taken)) + (taken - b)]
}

/// The points within `half`, a power of two, of `center`; it and the ends have no rounding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    pub center: f64,
    pub half: f64,
}

impl Piece {
    pub fn ends(self) -> [f64; 2] {
        [self.center - self.half, self.center + self.half]
    }

    /// Its two halves; `None` if their ends are no numbers of this precision.
    pub fn halves(self) -> Option<[Self; 2]> {
        let half = 0.5 * self.half;
        (half > self.center.abs() * 4.0 * f64::EPSILON && half > 1e-280)
            .then(|| [self.center - half, self.center + half].map(|center| Self { center, half }))
    }
}

/// log + slope τ + bend τ² at `center` + τ `half` of a piece: the log of one component.
pub(super) struct Parabola {
    pub log: f64,
    pub slope: f64,
    pub bend: f64,
    /// Bound on the rounding of its value for |τ| ≤ 1.
    pub rounding: f64,
}

impl Parabola {
    fn at(&self, tau: f64) -> f64 {
        self.log + tau * (self.slope + tau * self.bend)
    }

    fn range(&self) -> [f64; 2] {
        let slope = self.slope.abs();
        let top = if slope < -2.0 * self.bend {
            -0.25 * slope * (slope / self.bend)
        } else {
            slope + self.bend
        };
        [
            self.log - slope + self.bend - self.rounding,
            self.log + top + self.rounding,
        ]
    }
}

/// The logs of all components of a mixture on a piece.
pub(super) struct View {
    pub parabolas: Vec<Parabola>,
    /// log density at the centre, and the means of slopes and bends under the shares there.
    pub middle: Parabola,
}

impl View {
    pub fn new(mixture: &[Component], piece: Piece) -> Self {
        let parabolas: Vec<_> = (mixture.iter().map(|one| one.seen_from(piece))).collect();
        let middle = middle(&parabolas);
        Self { parabolas, middle }
    }

    /// Without the components that change no digit of the density anywhere on the piece.
    pub fn trim(&mut self) {
        let floor = (self.parabolas.iter())
            .map(|one| one.range()[0])
            .fold(f64::NEG_INFINITY, f64::max);
        (self.parabolas).retain(|one| one.range()[1] >= floor - NEGLIGIBLE);
    }

    /// log density at τ, and a bound on its rounding.
    pub fn log_density(&self, tau: f64) -> [f64; 2] {
        let at = |one: &Parabola| one.at(tau);
        let top = self
            .parabolas
            .iter()
            .map(at)
            .fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut rounding) = (0.0, 0.0);
        for one in &self.parabolas {
            let share = (at(one) - top).exp();
            sum += share;
            rounding += share * one.rounding;
        }
        let log = top + sum.ln();
        let count = self.parabolas.len() as f64;
        let own = UNIT * (count + 8.0 + top.abs() + log.abs());
        [log, rounding / sum + own]
    }

    /// Bounds on log density over the piece.
    pub fn range(&self) -> [f64; 2] {
        let slack = UNIT * (self.parabolas.len() as f64 + 8.0);
        let ends: Vec<_> = self.parabolas.iter().map(Parabola::range).collect();
        let [low, high] = [0, 1].map(|end| log_sum_exp(ends.iter().map(|range| range[end])));
        [
            low - slack - 4.0 * UNIT * low.abs(),
            high + slack + 4.0 * UNIT * high.abs(),
        ]
    }
}

fn middle(parabolas: &[Parabola]) -> Parabola {
    let log = log_sum_exp(parabolas.iter().map(|one| one.log));
    let mut middle = Parabola {
        log,
        slope: 0.0,
        bend: 0.0,
        rounding: 0.0,
    };
    for one in parabolas {
        let share = (one.log - log).exp();
        // 0 of an infinite slope.
        if share > 0.0 {
            middle.slope += share * one.slope;
            middle.bend += share * one.bend;
            middle.rounding += share * one.rounding;
        }
    }
    middle.rounding += UNIT * (parabolas.len() as f64 + 8.0 + log.abs());
    middle
}

/// log Σ exp.
pub(super) fn log_sum_exp(logs: impl Iterator<Item = f64> + Clone) -> f64 {
    let top = logs.clone().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + logs.map(|log| (log - top).exp()).sum::<f64>().ln()
}
