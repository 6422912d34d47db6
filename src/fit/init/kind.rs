//! The table of the rules that draw starts.

use super::StartSettings;

/// Makes an enum of the rules that draw starts, and of others that follow.
macro_rules! starts {
    ($(#[$doc:meta])* pub enum $Kind:ident: $Trait:ident $(+ $Default:ident)? { $($more:tt)* }) => {
        $crate::choice::choices! {
            $(#[$doc])* pub enum $Kind: $Trait $(+ $Default)? {
                /// Random members around the target.
                Random($crate::fit::init::random::Random) = "random",
                /// Members with the target's mean and covariance.
                MomentMatch($crate::fit::init::moments::MomentMatch) = "moment-match",
                /// Clusters of draws of the target.
                KMeans($crate::fit::init::k_means::KMeans) = "k-means",
                /// Gaussians at the modes that climbs find.
                Laplace($crate::fit::init::laplace::Laplace) = "laplace",
                /// Gaussians along climbs, the best of each.
                Pathfinder($crate::fit::init::pathfinder::Pathfinder) = "pathfinder",
                $($more)*
            }
        }
    };
}

pub(crate) use starts;

starts! {
    /// The rules that draw starts.
    #[derive(Copy)]
    pub enum StartRule: StartSettings + Default {}
}
