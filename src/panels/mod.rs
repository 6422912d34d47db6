//! Integrals over x that see both densities: Gauss–Legendre rules on panels that are graded around
//! every component of p and of q.
//!
//! Points that follow one density miss what the other has between them, and so does every error
//! estimate that looks at the same points. Here the panels end where either density has its components
//! and where one of them takes over from another, so that widths may differ by any factor; the points
//! stay where they are while a gradient is taken, and it goes through q. In the plane the panels lie on
//! lines, of which every one is a one-dimensional problem of its own: a mixture of Gaussians, or of
//! Student-t distributions, has conditional densities of the same kind, however narrow and oblique its
//! components.

mod bump;
mod corners;
mod effort;
mod feature;
mod host;
mod integrand;
mod integrate;
mod legendre;
mod lines;
mod mesh;
mod pair;
mod panel;
mod parts;
mod placed;
mod shape;
mod sites;
mod terms;

pub(crate) use effort::PanelEffort;
pub(crate) use host::{Host, divergences, expectations, points};
pub(crate) use integrand::{Expected, integrand_and_slope};
pub(crate) use integrate::laid;
pub(crate) use legendre::LegendreOrder;
pub(crate) use pair::DensityPair;
pub(crate) use shape::Shape;
pub(crate) use sites::Sites;
