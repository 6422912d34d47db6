//! Every rule against its formula.

mod first_order;
mod lbfgs;
mod natural_gradient;

use super::adam::AdamConfig;
use super::adamw::AdamWConfig;
use super::lbfgs::LbfgsConfig;
use super::natural_gradient::NaturalGradientConfig;
use super::rmsprop::RmsPropConfig;
use super::sgd::SgdConfig;
use super::*;
use crate::compute::device::Numerics;
use crate::density::family::{Family, FamilyConfig};

/// No first-order rule looks around.
struct Nowhere;

impl LossFunction for Nowhere {
    fn value_and_gradient(&self, _: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        panic!("a first-order rule looked around")
    }
}

fn rule(rule: OptimizerRule) -> OptimizerConfig {
    rule.into()
}
