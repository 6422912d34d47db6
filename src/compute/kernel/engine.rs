//! What averages functions of log p and log q without a graph: the CPU, or a device with code of its own.

use burn::backend::DispatchDevice;
use burn::tensor::DType;

use super::cpu::{self, Expectation, Expected, Mixture, Wanted, Width};
use super::formula::Formula;
#[cfg(feature = "gpu")]
use super::{cpu::expectation_elsewhere, cube::Cube};
use crate::compute::device::Numerics;

/// Where sums over points are made.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    /// On the CPU, in 64 bits or in 32.
    Cpu { is_double: bool },
    /// On a device that CubeCL makes code for.
    #[cfg(feature = "gpu")]
    Cube(Cube),
}

impl Engine {
    /// The CPU, in 64 bits.
    pub const DOUBLE: Self = Self::Cpu { is_double: true };

    /// That of a device and a precision; `None` where there is but the graph.
    pub fn of(numerics: &Numerics) -> Option<Self> {
        let is_double = numerics.dtype() == DType::F64;
        match numerics.device().clone().inner().as_dispatch() {
            DispatchDevice::Flex(_) => Some(Self::Cpu { is_double }),
            #[cfg(feature = "gpu")]
            DispatchDevice::Cube(device) => Some(Self::Cube(Cube::new(device, is_double))),
            #[allow(
                unreachable_patterns,
                reason = "which devices there are depends on features"
            )]
            _ => None,
        }
    }

    /// Whether it has code for covariances of low rank, and for densities that are functions of the host.
    pub fn takes_all(&self) -> bool {
        match self {
            Self::Cpu { .. } => true,
            #[cfg(feature = "gpu")]
            Self::Cube(_) => false,
        }
    }

    /// Σ w f(log p, log q) of R mixtures q with its gradients; `None` where the device has no code for it, or failed.
    /// `formula` is f written down, which a device other than the CPU needs if it is not affine.
    #[cfg_attr(
        not(feature = "gpu"),
        expect(unused_variables, reason = "the CPU takes f as it is")
    )]
    pub fn expectation(
        &self,
        q: &Mixture<'_, f64>,
        what: Expectation<'_>,
        wanted: Wanted,
        formula: Option<&dyn Fn() -> Formula>,
    ) -> Option<Expected> {
        match self {
            Self::Cpu { is_double } => match is_double {
                true => cpu::expectation::<f64>(Width::Widest, q, what, wanted),
                false => cpu::expectation::<f32>(Width::Widest, q, what, wanted),
            }
            .ok(),
            #[cfg(feature = "gpu")]
            Self::Cube(cube) => {
                expectation_elsewhere(q, what, wanted, |request| cube.sums(request, formula))
            }
        }
    }
}
