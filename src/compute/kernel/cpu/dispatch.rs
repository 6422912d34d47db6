//! Which code a component is worked on by: that of its kind of scale and of its dimensions.

/// Calls `$run!` with the [`Component`](super::components::Component) type that some components are worked on as.
macro_rules! for_component {
    ($components:expr, $run:ident) => {
        match ($components.factors.is_empty(), $components.dim) {
            _ if $components.rank > 0 => {
                $run!($crate::compute::kernel::cpu::low_rank::LowRank<'_, T>)
            }
            (true, 1) => $run!($crate::compute::kernel::cpu::diagonal::Diagonal<'_, T, 1>),
            (true, _) => $run!($crate::compute::kernel::cpu::diagonal::Diagonal<'_, T, 0>),
            (false, 2) => $run!($crate::compute::kernel::cpu::full::Full<'_, T, 2>),
            (false, 3) => $run!($crate::compute::kernel::cpu::full::Full<'_, T, 3>),
            (false, _) => $run!($crate::compute::kernel::cpu::full::Full<'_, T, 0>),
        }
    };
}
pub(crate) use for_component;
