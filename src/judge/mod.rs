//! How well a fit did: its divergences, what they do not show, and the best there is.

pub mod criteria;
pub mod diagnostics;
pub mod evaluate;
pub mod known_optimum;
pub mod of_x;
