//! What klfit does from beginning to end: a run, a sweep, a landscape, an estimate, their figures; and what a run
//! would cost.

mod cost;
pub mod estimate;
mod figures;
mod likelihood;
pub mod reduce;
pub mod run;
mod survey;
pub mod sweep;

pub use cost::{FitCost, Time, Untried, cost, cost_of_sweep};
pub use figures::{DrawnFigures, draw_figures, draw_figures_as, draw_sweep_as};
pub use survey::{Survey, survey, survey_run};
