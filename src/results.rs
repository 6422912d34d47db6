//! What is known of a run, beyond a [`Summary`](crate::Summary) of each fit: the parts of a summary, rows
//! of a trajectory, points of a sweep.

pub use crate::density::target::{
    CoordinateOfX, Dependence, HeldOutSummary, HistogramSummary, MomentsOfX, Relation,
    SamplesSummary, StudentTSummary, TargetSummary, UnnormalizedSummary, WeightsSummary,
};
pub use crate::divergence::Estimate;
pub use crate::fit::{BestIterate, Evaluations, Falling};
pub use crate::jobs::estimate::Estimated;
pub use crate::jobs::sweep::Swept;
pub use crate::jobs::{FitCost, Time, Untried};
pub use crate::judge::criteria::Criteria;
pub use crate::judge::diagnostics::{Diagnostics, ModeOfTarget, ModesCovered, Psis, Reading};
pub use crate::judge::of_x::{OfX, Quantiles};
pub use crate::record::{
    Candidate, Choice, Criterion, GradientVariance, KnownOptimumSummary, Optimum, Rest, Row,
    Trajectory, Versions,
};
pub use crate::run_folder::{FinishedFit, SweptPoint, Unfinished};
