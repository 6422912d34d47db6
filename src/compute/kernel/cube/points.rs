//! The points of a call on a device, with p and log p there.

use super::super::cpu::{Nodes, Prepared, Request, Sites, StandardPoints, Under};
use super::buffers::{Buffer, Number};
use super::mixture::{Layout, NOTHING};
use super::spec::Source;
use super::{Cube, layout, packed};

/// What a kernel reads besides q.
pub struct Placed {
    pub source: Source,
    pub p: Buffer,
    pub p_layout: Layout,
    pub points: Buffer,
    pub weights: Buffer,
    pub log_p: Buffer,
    /// Pairs of words, the low ones first.
    pub keys: Buffer,
    pub stream: u64,
    pub strides: Strides,
}

/// From run to run in each buffer, 0 where one serves all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Strides {
    pub x_run: usize,
    /// From component to component.
    pub x_stratum: usize,
    pub weights_run: usize,
    pub log_p_run: usize,
    pub key_run: usize,
}

impl Placed {
    /// Brings the points to the device; `None` where p is a function of the host, or of low rank.
    pub fn new<T: Number>(cube: &Cube, request: &Request<'_>) -> Option<Self> {
        let client = &cube.client;
        let (k, dim) = (request.shape.components, request.shape.dim);
        match request.what.sites {
            Sites::Own(_) => None,
            Sites::At {
                x,
                weights,
                log_p,
                resident,
            } => {
                let copy = || {
                    let finite = |&log: &f64| {
                        if log == f64::NEG_INFINITY {
                            NOTHING.into()
                        } else {
                            log
                        }
                    };
                    let log_p: Vec<f64> = log_p.iter().map(finite).collect();
                    vec![
                        Buffer::new::<T>(client, x.values),
                        Buffer::new::<T>(client, weights),
                        Buffer::new::<T>(client, &log_p),
                    ]
                };
                let buffers = match resident {
                    Some(resident) => resident.buffers(&cube.key(), copy),
                    None => copy(),
                };
                let [points, weights_there, log_p_there] = buffers.try_into().ok()?;
                let per_run = |len: usize| if len == x.samples { 0 } else { x.samples };
                Some(Self {
                    source: Source::Fixed,
                    p: Buffer::new::<T>(client, &[]),
                    p_layout: Layout {
                        components: 0,
                        dim,
                        is_full: false,
                    },
                    points,
                    weights: weights_there,
                    log_p: log_p_there,
                    keys: Buffer::of(client, &[0_u32; 2]),
                    stream: 0,
                    strides: Strides {
                        x_run: if x.runs == 1 { 0 } else { x.samples * dim },
                        weights_run: per_run(weights.len()),
                        log_p_run: per_run(log_p.len()),
                        ..Strides::default()
                    },
                })
            }
            Sites::Along {
                nodes,
                p: Under::Mixture(p),
                ..
            } => Self::carried::<T>(cube, nodes, p, [k, dim]),
            Sites::Under { nodes, p } => {
                let k = p.components().constants.len();
                Self::carried::<T>(cube, nodes, p, [k, dim])
            }
            Sites::Along {
                p: Under::Function { .. },
                ..
            } => None,
        }
    }

    /// Standard points that are carried into K components.
    fn carried<T: Number>(
        cube: &Cube,
        Nodes { z, weights }: Nodes<'_>,
        p: &Prepared<f64>,
        [k, dim]: [usize; 2],
    ) -> Option<Self> {
        let (client, components) = (&cube.client, p.components());
        let p_layout = layout(&components)?;
        let copy = || vec![Buffer::new::<T>(client, &packed(&components, p_layout))];
        let [on_device] = p.resident().buffers(&cube.key(), copy).try_into().ok()?;
        let m = weights.len();
        let mut placed = Self {
            source: Source::Given,
            p: on_device,
            p_layout,
            points: Buffer::new::<T>(client, &[]),
            weights: Buffer::new::<T>(client, weights),
            log_p: Buffer::new::<T>(client, &[]),
            keys: Buffer::of(client, &[0_u32; 2]),
            stream: 0,
            strides: Strides::default(),
        };
        match z {
            StandardPoints::Shared(z) => placed.points = Buffer::new::<T>(client, z),
            StandardPoints::Each(z) => {
                placed.points = Buffer::new::<T>(client, z);
                placed.strides.x_stratum = m * dim;
                if z.len() > k * m * dim {
                    placed.strides.x_run = k * m * dim;
                }
            }
            StandardPoints::Random { keys, stream } => {
                let words: Vec<u32> = (keys.iter())
                    .flat_map(|&key| [key as u32, (key >> 32) as u32])
                    .collect();
                placed.source = Source::Random;
                placed.keys = Buffer::of(client, &words);
                placed.stream = stream;
                placed.strides.x_stratum = m * dim;
                placed.strides.key_run = if keys.len() == 1 { 0 } else { 2 };
            }
        }
        Some(placed)
    }
}
