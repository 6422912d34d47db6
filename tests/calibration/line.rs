//! Mixtures on a line, evaluated at places in doubled precision.

use std::f64::consts::TAU;

use super::rules::{Place, Sum};

/// One component: its weight, mean and standard deviation.
pub type Part = (f64, f64, f64);

/// A mixture on a line, ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Line {
    pub parts: Vec<Part>,
    /// w / (σ √2π), and its logarithm.
    heights: Vec<(f64, f64)>,
}

impl Line {
    pub fn new(parts: &[Part]) -> Self {
        let mut total = Sum::default();
        parts.iter().for_each(|part| total.add(part.0));
        let height = |&(weight, _, std): &Part| {
            let height = weight / total.value() / (std * TAU.sqrt());
            (height, height.ln())
        };
        Self {
            parts: parts.to_vec(),
            heights: parts.iter().map(height).collect(),
        }
    }

    /// Of a mixture on a line.
    pub fn of(mixture: &klfit::Mixture) -> Self {
        let parts: Vec<Part> = (0..mixture.components())
            .map(|k| {
                let std = mixture.scale_trils()[k][(0, 0)];
                (mixture.weights()[k], mixture.means()[k][0], std)
            })
            .collect();
        Self::new(&parts)
    }

    /// As klfit knows it.
    pub fn mixture(&self) -> klfit::Mixture {
        let column = |f: fn(&Part) -> f64| self.parts.iter().map(f).collect::<Vec<f64>>();
        let rows = |f: fn(&Part) -> f64| self.parts.iter().map(|part| vec![f(part)]).collect();
        let total: f64 = self.parts.iter().map(|part| part.0).sum();
        klfit::Mixture::from_stds(
            column(|part| part.0)
                .iter()
                .map(|weight| weight / total)
                .collect(),
            rows(|part| part.1),
            rows(|part| part.2),
        )
        .unwrap()
    }

    pub fn widest(&self) -> Part {
        let parts = self.parts.iter().filter(|part| part.0 > 0.0);
        *parts.max_by(|a, b| a.2.total_cmp(&b.2)).unwrap()
    }

    /// The density and its logarithm; `exponents` is room to work in.
    pub fn at(&self, x: Place, exponents: &mut Vec<f64>) -> At {
        exponents.clear();
        let mut best = (f64::NEG_INFINITY, 0, 0.0);
        for (k, (&(_, mean, std), &(_, log_height))) in
            self.parts.iter().zip(&self.heights).enumerate()
        {
            let z = x.minus(mean) / std;
            let exponent = log_height - 0.5 * z * z;
            exponents.push(exponent);
            if exponent > best.0 {
                best = (exponent, k, z);
            }
        }
        let (log, leader, z) = best;
        let mut others = 0.0;
        for (k, exponent) in exponents.iter().enumerate() {
            if k != leader && exponent - log > -60.0 {
                others += (exponent - log).exp();
            }
        }
        let density = self.heights[leader].0 * (-0.5 * z * z).exp() * (1.0 + others);
        At {
            density,
            log: log + others.ln_1p(),
            spread: 0.5 * z * z,
        }
    }
}

/// A density at a place.
#[derive(Debug, Clone, Copy)]
pub struct At {
    pub density: f64,
    pub log: f64,
    /// ½ z² of the component that leads there, which is what rounding grows with.
    pub spread: f64,
}
