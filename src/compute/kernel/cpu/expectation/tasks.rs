//! The work of one call: cut into tasks, done block by block, and added up in one order.

use rayon::prelude::*;

use super::super::block::samples_per_block;
use super::super::factors::of_run;
use super::super::gradients::{Gradients, of_run_mut};
use super::super::inputs::Scale;
use super::super::log_density::nanoseconds;
use super::super::retained::block_len;
use super::super::schedule::{Stretch, Work, cut, run, run_as_made};
use super::super::scratch::with_scratch;
use super::block::{Block, Memory};
use super::call::Call;
use super::numbers::Number;
use super::portions::{Asking, Job, Portion};
use super::told::{Asked, Told};
use super::{Fixed, Sites, Under};

/// Points that are made by one thread, where one question is about them all.
const MADE_TOGETHER: usize = 4096;

impl<T: Number> Call<'_, T> {
    /// Adds to the values `[R]` and the gradients of all runs.
    pub fn run(&self, values: &mut [T], gradients: &mut Gradients<T>) {
        self.run_as(values, gradients, |nanoseconds, tasks| {
            run(nanoseconds, tasks, |(stretch, sums)| {
                self.stretch(stretch, Told::default(), sums);
            });
        });
    }

    /// The same where p is by a function of the points `[R, S, D]`.
    pub fn run_by(&self, asked: Asked<'_>, values: &mut [T], gradients: &mut Gradients<T>) {
        let points = self.shape.runs * self.shape.samples;
        self.run_as(values, gradients, |nanoseconds, tasks| {
            match points <= asked.at_once {
                // By one question, which may take all threads by itself.
                true => self.ask_once(asked, nanoseconds, tasks),
                false => self.ask_by_portions(asked, nanoseconds, tasks),
            }
        });
    }

    fn ask_once(&self, asked: Asked<'_>, nanoseconds: f64, tasks: Vec<(&Stretch, &mut [T])>) {
        let dim = asked.dim;
        let points: usize = tasks.iter().map(|(stretch, _)| stretch.len()).sum();
        with_scratch(points * (dim + asked.width()), |memory| {
            let (x, memory) = memory.split_at_mut(points * dim);
            let parts = x.par_chunks_mut(MADE_TOGETHER * dim).enumerate();
            parts.for_each(|(at, x)| (asked.make)(at * MADE_TOGETHER, x));
            asked.ask(x, memory);
            let told = asked.told(points, memory);
            let mut next = 0;
            let tasks = (tasks.into_iter())
                .map(|(stretch, sums)| {
                    let first = next;
                    next += stretch.len();
                    (told.part(first, stretch.len()), stretch, sums)
                })
                .collect();
            run(nanoseconds, tasks, |(told, stretch, sums)| {
                self.stretch(stretch, told, sums);
            });
        });
    }

    fn ask_by_portions(
        &self,
        asked: Asked<'_>,
        nanoseconds: f64,
        tasks: Vec<(&Stretch, &mut [T])>,
    ) {
        let len = |(stretch, _): &(&Stretch, _)| stretch.len();
        let portions = Portion::all(tasks.iter().map(len), asked.at_once);
        with_scratch(Portion::memory(&portions, &asked), |memory| {
            let asking = Asking::new(asked, &portions, memory);
            let pending = asking.pending(&portions);
            let jobs = asking.jobs(&pending, tasks, len);
            run_as_made(nanoseconds, jobs, |job| match job {
                Job::Make(portion) => asking.make(portion),
                Job::Do(answer, first, (stretch, sums)) => {
                    let told = asking.told(&answer, first, stretch.len());
                    self.stretch(stretch, told, sums);
                }
            });
        });
    }

    /// Hands the tasks, with memory for their sums, to `work`, and adds up what they made.
    fn run_as(
        &self,
        values: &mut [T],
        gradients: &mut Gradients<T>,
        work_off: impl FnOnce(f64, Vec<(&Stretch, &mut [T])>),
    ) {
        let work = self.work();
        let stretches = work.stretches();
        let total: usize = (stretches.iter())
            .map(|stretch| stretch.runs.len() * self.sums_len(stretch))
            .sum();
        with_scratch(total, |sums| {
            let mut rest = &mut *sums;
            let tasks = (stretches.iter())
                .map(|stretch| {
                    let len = stretch.runs.len() * self.sums_len(stretch);
                    (stretch, cut(&mut rest, len))
                })
                .collect();
            work_off(work.total(), tasks);
            self.collect(&stretches, sums, values, gradients);
        });
    }

    fn work(&self) -> Work {
        let (shape, dim) = (&self.shape, self.shape.dim);
        // Forward, and backward at one and a half times as much.
        let factor = if self.wants_gradients { 2.5 } else { 1.0 };
        let of_gradients = match self.what.sites {
            Sites::Under { .. } => 1.0,
            _ => factor,
        };
        let of_q = shape.components as f64 * nanoseconds(&self.q.scale, dim) * factor;
        let of_p = match self.what.sites {
            Sites::At { .. } | Sites::Own(_) => 0.0,
            Sites::Along {
                p: Under::Function { .. },
                ..
            } => 3.0 * dim as f64,
            Sites::Along {
                p: Under::Mixture(p),
                ..
            }
            | Sites::Under { p, .. } => {
                let components = p.components();
                let scale: Scale<'_, f64> = match (components.rank, components.factors) {
                    (0, []) => Scale::Diagonal(&[]),
                    (0, _) => Scale::Tril(&[]),
                    (rank, _) => Scale::LowRank { values: &[], rank },
                };
                let of_one = nanoseconds(&scale, dim) * of_gradients;
                components.constants.len() as f64 * of_one + 3.0 * dim as f64
            }
        };
        let mut work = Work {
            runs: shape.runs,
            samples: shape.samples,
            block: samples_per_block(dim),
            nanoseconds: of_q + of_p + 1.0,
            most_pieces: usize::MAX,
            all_runs: false,
        };
        let sums = self.sizes.density.total() + self.sizes.placed;
        let per_run = work.total() / shape.runs.max(1) as f64;
        // A piece more costs about a nanosecond for each of its sums: that may take a twentieth.
        work.most_pieces = ((0.05 * per_run / sums.max(1) as f64) as usize).max(2);
        work
    }

    /// The components that the points of a task are carried into.
    fn strata(&self, stretch: &Stretch) -> std::ops::Range<usize> {
        match self.what.sites {
            Sites::Along { nodes, .. } => {
                let m = nodes.weights.len().max(1);
                stretch.samples.start / m..stretch.samples.end.div_ceil(m)
            }
            // The others are carried into none of q.
            Sites::At { .. } | Sites::Own(_) | Sites::Under { .. } => 0..0,
        }
    }

    /// The numbers that a task adds up for each of its runs: Σ w f, and what its gradients need.
    fn sums_len(&self, stretch: &Stretch) -> usize {
        1 + self.sizes.density.total() + self.strata(stretch).len() * self.sizes.placed
    }

    /// How many samples go together.
    fn block(&self, stretch: &Stretch) -> usize {
        let dim = self.shape.dim;
        let components = self.shape.components.max(self.what.sites.of_p());
        // Standard points may have more dimensions than x, and less room.
        let most = samples_per_block(self.standard_dim);
        (block_len::<T>(components, dim).min(most)).min(stretch.samples.len())
    }

    /// Block by block, each in all the runs: what they have in common is made once.
    fn stretch(&self, stretch: &Stretch, told: Told<'_>, sums: &mut [T]) {
        sums.fill(T::ZERO);
        let (block, per_run) = (self.block(stretch), self.sums_len(stretch));
        let first_stratum = self.strata(stretch).start;
        Memory::with(self, block, |memory| {
            let mut start = stretch.samples.start;
            while start < stretch.samples.end {
                let most = (stretch.samples.end - start).min(block);
                let (first, samples) = (start, start..start + self.most_together(start, most));
                start = samples.end;
                let of_runs = stretch.runs.clone().zip(sums.chunks_exact_mut(per_run));
                for (i, (run, sums)) in of_runs.enumerate() {
                    let (value, rest) = sums.split_at_mut(1);
                    let (density, placed) = rest.split_at_mut(self.sizes.density.total());
                    let work = Block {
                        call: self,
                        run,
                        samples: samples.clone(),
                        is_first: i == 0,
                        told: told.part(
                            i * stretch.samples.len() + first - stretch.samples.start,
                            samples.len(),
                        ),
                    };
                    match self.what.sites {
                        Sites::At {
                            x, weights, log_p, ..
                        } => {
                            let [all, dim] = [self.shape.samples, self.shape.dim];
                            let of_run = Fixed {
                                x: of_run(x.values, run, all * dim),
                                weights: of_run(weights, run, all),
                                log_p: of_run(log_p, run, all),
                            };
                            let share = work.fixed(of_run, x.runs == 1, memory, density);
                            value[0] += T::from_f64(share);
                        }
                        Sites::Own(of_runs) => {
                            let of_run = of_runs[if of_runs.len() == 1 { 0 } else { run }];
                            let share = work.fixed(of_run, false, memory, density);
                            value[0] += T::from_f64(share);
                        }
                        Sites::Under { nodes, p } => {
                            let share = work.under(nodes, p, memory, density);
                            value[0] += T::from_f64(share);
                        }
                        Sites::Along { nodes, p, .. } => {
                            let stratum = first / nodes.weights.len();
                            let at = (stratum - first_stratum) * self.sizes.placed;
                            let placed = &mut placed[at..][..self.sizes.placed];
                            let share = work.along(nodes, p, memory, density, placed);
                            value[0] += T::from_f64(share);
                        }
                    }
                }
            }
        });
    }

    /// How many of the samples from `start` on go together: carried ones those of one component at most.
    fn most_together(&self, start: usize, most: usize) -> usize {
        match self.what.sites.nodes() {
            None => most,
            Some(nodes) => most.min(nodes.weights.len() - start % nodes.weights.len()),
        }
    }

    /// Adds up the tasks, in their order.
    fn collect(
        &self,
        stretches: &[Stretch],
        sums: &mut [T],
        values: &mut [T],
        gradients: &mut Gradients<T>,
    ) {
        let mut rest = sums;
        let mut pending: Option<(usize, &mut [T])> = None;
        for stretch in stretches {
            for run in stretch.runs.clone() {
                let piece = cut(&mut rest, self.sums_len(stretch));
                let (value, piece) = piece.split_at_mut(1);
                let (density, placed) = piece.split_at_mut(self.sizes.density.total());
                values[run] += value[0];
                if self.sizes.placed > 0 {
                    let strata = self.strata(stretch).zip(placed.chunks(self.sizes.placed));
                    for (k, placed) in strata {
                        self.add_placed(gradients, run, k, placed);
                    }
                }
                match &mut pending {
                    Some((pending, sums)) if *pending == run => {
                        for (sum, &piece) in sums.iter_mut().zip(&*density) {
                            *sum += piece;
                        }
                    }
                    _ => {
                        if let Some((run, sums)) = pending.replace((run, density)) {
                            self.add_density(gradients, run, sums);
                        }
                    }
                }
            }
        }
        if let Some((run, sums)) = pending {
            self.add_density(gradients, run, sums);
        }
    }

    pub(super) fn add_density(&self, gradients: &mut Gradients<T>, run: usize, sums: &mut [T]) {
        if self.sizes.density.total() > 0 {
            let components = self.factors.run(run);
            gradients.add(&components, self.q, run, self.sizes.density, sums);
        }
    }

    pub(super) fn add_placed(
        &self,
        gradients: &mut Gradients<T>,
        run: usize,
        k: usize,
        placed: &[T],
    ) {
        let (count, dim) = (self.shape.components, self.shape.dim);
        let (share, rest) = placed.split_at(1);
        let (mean, squares) = rest.split_at(dim);
        let add = |gradient: &mut [T], sums: &[T]| {
            for (gradient, &sum) in gradient.iter_mut().zip(sums) {
                *gradient += sum;
            }
        };
        if !gradients.log_weights.is_empty() {
            add(
                &mut of_run_mut(&mut gradients.log_weights, run, count)[k..],
                share,
            );
        }
        if !gradients.means.is_empty() {
            add(
                &mut of_run_mut(&mut gradients.means, run, count * dim)[k * dim..],
                mean,
            );
        }
        if !gradients.scale.is_empty() {
            let per_component = self.q.scale.len_per_component(dim);
            let scale = of_run_mut(&mut gradients.scale, run, count * per_component);
            let scale = &mut scale[k * per_component..][..per_component];
            match self.q.scale {
                Scale::Tril(_) => {
                    let rows = scale.chunks_exact_mut(dim).zip(squares.chunks_exact(dim));
                    for (i, (scale, squares)) in rows.enumerate() {
                        add(&mut scale[..=i], squares);
                    }
                }
                Scale::Diagonal(_) | Scale::LowRank { .. } => add(scale, squares),
                Scale::Isotropic(_) => {
                    let mut sum = T::ZERO;
                    squares.iter().for_each(|&square| sum += square);
                    scale[0] += sum;
                }
            }
        }
    }
}
