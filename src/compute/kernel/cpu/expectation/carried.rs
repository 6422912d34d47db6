//! Standard points carried into the components of q, as points of x that a function is asked about.

use super::super::block::samples_per_block;
use super::super::factors::of_run;
use super::super::inputs::{Mixture, Scale};
use super::super::normals::normals;
use super::super::packed::{Packed, packed_len};
use super::super::placement::{Component, carry};
use super::super::schedule::cut;
use super::super::scratch::{padded, take, with_scratch};
use super::super::width::Width;
use super::{Nodes, StandardPoints};

/// Makes some of the points of all runs `[R, K M, D]`, from one on, where a pass in 64 bits has them. Those of a component
/// without weight, which may be of any scale, are 0.
pub fn carried(
    width: Width,
    q: &Mixture<'_, f64>,
    nodes: Nodes<'_>,
    first: usize,
    points: &mut [f64],
) {
    let (k, dim, m) = (q.components, q.dim, nodes.weights.len());
    let z_dim = q.scale.standard_dim(dim);
    let block = samples_per_block(z_dim);
    let (packed, packed_z) = (packed_len(dim, block), packed_len(z_dim, block));
    let len = padded::<f64>(packed) + padded::<f64>(packed_z) + padded::<f64>(block * z_dim);
    with_scratch(len, |scratch| {
        let mut memory = scratch;
        let mut moved = Packed {
            dim,
            count: 0,
            values: take(&mut memory, packed),
        };
        let mut standard = Packed {
            dim: z_dim,
            count: 0,
            values: take(&mut memory, packed_z),
        };
        let made = take(&mut memory, block * z_dim);
        let (mut at, mut rest) = (first, points);
        while !rest.is_empty() {
            let place @ [run, stratum, node] = [at / (k * m), at / m % k, at % m];
            let count = (m - node).min(block).min(rest.len() / dim);
            let x = cut(&mut rest, count * dim);
            at += count;
            if of_run(q.log_weights, run, k)[stratum].exp() == 0.0 {
                x.fill(0.0);
                continue;
            }
            let made = &mut made[..count * z_dim];
            standard.fill(width, nodes.z.of(place, [k, m, z_dim], made, width));
            carry(width, component(q, run, stratum), &standard, &mut moved);
            moved.write(width, x, false);
        }
    });
}

impl<'a> StandardPoints<'a> {
    /// Whether all runs have the same.
    pub(super) fn are_shared(&self) -> bool {
        match self {
            Self::Shared(_) => true,
            Self::Each(_) => false,
            Self::Random { keys, .. } => keys.len() == 1,
        }
    }

    /// Some z `[N, D′]` of K strata of M points: from a place on, of a run and a stratum, as many as there is room for in
    /// `made`, which random ones are made in.
    pub(super) fn of<'m>(
        self,
        [run, stratum, node]: [usize; 3],
        [k, m, z_dim]: [usize; 3],
        made: &'m mut [f64],
        width: Width,
    ) -> &'m [f64]
    where
        'a: 'm,
    {
        let here = node * z_dim..node * z_dim + made.len();
        match self {
            StandardPoints::Shared(z) => &z[here],
            StandardPoints::Each(z) => &of_run(z, run, k * m * z_dim)[stratum * m * z_dim..][here],
            StandardPoints::Random { keys, stream } => {
                let key = of_run(keys, run, 1)[0];
                let first = (stratum * m + node) * z_dim;
                normals(width, key, stream, first as u64, made);
                made
            }
        }
    }
}

/// One component of a run as it was given.
pub(super) fn component<'a, T: Copy>(q: &Mixture<'a, T>, run: usize, k: usize) -> Component<'a, T> {
    let (count, dim) = (q.components, q.dim);
    let per_component = q.scale.len_per_component(dim);
    let one = |values| &of_run(values, run, count * per_component)[k * per_component..];
    Component {
        mean: &of_run(q.means, run, count * dim)[k * dim..][..dim],
        scale: match q.scale {
            // In one dimension every scale is diagonal.
            Scale::Tril(values) if dim > 1 => Scale::Tril(&one(values)[..per_component]),
            Scale::Tril(values) | Scale::Diagonal(values) => {
                Scale::Diagonal(&one(values)[..per_component])
            }
            Scale::Isotropic(values) => Scale::Isotropic(&one(values)[..per_component]),
            Scale::LowRank { values, rank } => Scale::LowRank {
                values: &one(values)[..per_component],
                rank,
            },
        },
    }
}
