//! Which vector instructions to use.

use pulp::{Arch, WithSimd};

/// A vector width. The widest the machine has is the default; a narrower one serves to test it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Width {
    /// The widest that the machine has: AVX-512, AVX2 with FMA, or NEON.
    #[default]
    Widest,
    /// AVX2 with FMA, 256 bits, where the machine has it; scalar elsewhere.
    Avx2,
    /// No explicit vectors and no fused multiply-add.
    Scalar,
}

impl Width {
    /// Every width, some of which may be the same on this machine.
    pub const ALL: [Self; 3] = [Self::Widest, Self::Avx2, Self::Scalar];

    /// The name of the instructions this width comes to on this machine.
    pub fn instructions(self) -> &'static str {
        match self.arch() {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Arch::V4(_) => "AVX-512",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Arch::V3(_) => "AVX2",
            #[cfg(target_arch = "aarch64")]
            Arch::Neon(_) => "NEON",
            Arch::Scalar => "scalar",
            _ => "other",
        }
    }

    fn arch(self) -> Arch {
        match self {
            Self::Widest => Arch::new(),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Self::Avx2 => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
            #[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
            Self::Avx2 => Arch::Scalar,
            Self::Scalar => Arch::Scalar,
        }
    }

    #[inline]
    pub(crate) fn dispatch<Op: WithSimd>(self, op: Op) -> Op::Output {
        self.arch().dispatch(op)
    }
}
