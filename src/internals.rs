//! What tests and benchmarks reach for below the interface, and what only its parts are made of; none of
//! it is promised.

pub use crate::calculator::read_operand_with;
pub use crate::compute::device::Detected;
pub use crate::compute::kernel;
pub use crate::compute::noise::{Noise, RunKey, Stream};
pub use crate::compute::snapshot::Snapshot;
pub use crate::coordinates::{Coordinates, Support, Variable};
pub use crate::density::family::NotInFamily;
pub use crate::density::{Binned, Density};
pub use crate::density::{Draws, DrawsError, Embedded, ErrorRule, Nodes};
pub use crate::divergence::{
    Attempt, Certified, Divergence, Integrand, Names, Power, PowerFunction, Values,
};
pub use crate::divergence::{
    EstimateMethod, Pointwise, ReadPoints, ReverseKl, Sampled, Side, estimate, gaussian_kl,
    power_integral_diverges, value,
};
pub use crate::estimator::monte_carlo::MonteCarlo;
pub use crate::estimator::quadrature::Quadrature;
pub use crate::estimator::quasi_monte_carlo::QuasiMonteCarlo;
pub use crate::estimator::{Context, Estimator};
pub use crate::estimator::{Problem, Standard, StandardPoints};
pub use crate::explore::State;
pub use crate::external::Answer;
pub use crate::fit::FitState;
pub use crate::fit::init::{duplicate_components, separated};
pub use crate::fit::objective::{Objective, Settled};
pub use crate::fit::stop::{StopMonitor, Verdict};
pub use crate::fit::{Member, optima};
pub use crate::formula::{Formula, FormulaError, printed};
pub use crate::judge::diagnostics::{LEAST_SHARE, REGION_MASS, diagnose};
pub use crate::judge::evaluate::{ALWAYS_REPORTED, Effort, Evaluator, PANELS_DIM};
pub use crate::landscape::Surface;
pub use crate::mixture::natural_values;
pub use crate::optimizer::{Iterate, LossFunction, Moved, Optimizer, Scores};
pub use crate::record::{Checkpoint, LoggedRows, TrajectoryWriter};
pub use crate::report::remarks;
pub use crate::text::{fixed, is_unseen};
