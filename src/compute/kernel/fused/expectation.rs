//! Expectations of functions of two log-densities, on the CPU in 64 bits.

use std::iter;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Shape, Tensor};

use super::super::cpu::{self, Expectation, Expected, Wanted, Width};
use super::{Form, Numbers, mixture, tensor};

/// Σ w f(log p, log q), `[R]`, from log w `[R, K]`, μ `[R, K, D]` and the scale of q, in 64 bits; each
/// part may have R = 1.
pub fn expectation<const N: usize>(
    log_weights: Tensor<2>,
    means: Tensor<3>,
    scale: Tensor<N>,
    form: Form,
    what: Expectation<'_>,
) -> Tensor<1> {
    Tensor::from_dispatch(<Dispatch as Operation>::mixture_expectation(
        log_weights.into_dispatch(),
        means.into_dispatch(),
        scale.into_dispatch(),
        form,
        what,
    ))
}

/// What burn dispatches.
#[backend_extension(Autodiff, Flex)]
trait Operation: Backend {
    fn mixture_expectation(
        log_weights: FloatTensor<Self>,
        means: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        form: Form,
        what: Expectation<'_>,
    ) -> FloatTensor<Self>;
}

/// What a backend computes itself.
trait Kernel: Backend {
    /// The expectations of a mixture's three parts, and the gradients of each with respect to them,
    /// with a run axis of R; none if they are not wanted.
    fn expectation(
        parts: [FloatTensor<Self>; 3],
        form: Form,
        what: Expectation<'_>,
        wants_gradients: bool,
    ) -> (FloatTensor<Self>, Vec<FloatTensor<Self>>);
}

impl Operation for Flex {
    fn mixture_expectation(
        log_weights: FlexTensor,
        means: FlexTensor,
        scale: FlexTensor,
        form: Form,
        what: Expectation<'_>,
    ) -> FlexTensor {
        Self::expectation([log_weights, means, scale], form, what, false).0
    }
}

impl Kernel for Flex {
    fn expectation(
        parts: [FlexTensor; 3],
        form: Form,
        what: Expectation<'_>,
        wants_gradients: bool,
    ) -> (FlexTensor, Vec<FlexTensor>) {
        let shapes = parts.each_ref().map(|part| part.shape().to_vec());
        let parts = parts.each_ref().map(Numbers::new);
        let q = mixture(
            &shapes[1],
            &shapes[2],
            form,
            parts.each_ref().map(Numbers::slice),
        );
        let wanted = if wants_gradients {
            Wanted::ALL
        } else {
            Wanted::default()
        };
        let found = cpu::expectation::<f64>(Width::Widest, &q, what, wanted);
        let Expected { values, gradients } =
            found.unwrap_or_else(|error| panic!("expectation under mixtures: {error}"));
        let runs = values.len();
        let lists = [gradients.log_weights, gradients.means, gradients.scale];
        let with_runs = (lists.into_iter().zip(shapes)).map(|(list, mut shape)| {
            shape[0] = runs;
            tensor(list, &shape)
        });
        let gradients = wants_gradients.then(|| with_runs.collect());
        (tensor(values, &[runs]), gradients.unwrap_or_default())
    }
}

/// The step of the backward pass of an expectation, whose gradient is known already.
#[derive(Debug)]
struct Known;

impl<B: Kernel> Backward<B, 3> for Known {
    /// The gradient with respect to each part, and the runs of the part.
    type State = (Vec<FloatTensor<B>>, [usize; 3]);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let upstream = gradients.consume::<B>(&ops.node);
        let runs = upstream.shape()[0];
        let (known, part_runs) = ops.state;
        for ((parent, known), part_runs) in ops.parents.into_iter().zip(known).zip(part_runs) {
            let Some(parent) = parent else { continue };
            let rank = known.shape().num_dims();
            let per_run = iter::once(runs).chain(iter::repeat_n(1, rank - 1));
            let upstream = B::float_reshape(upstream.clone(), Shape::from_iter(per_run));
            let gradient = B::float_mul(known, upstream);
            // A part that serves all runs gets the gradients of all.
            let gradient = match part_runs {
                1 if runs != 1 => B::float_sum_dim(gradient, 0),
                _ => gradient,
            };
            gradients.register::<B>(parent.id, gradient);
        }
    }
}

impl<B: Kernel, C: CheckpointStrategy> Operation for Autodiff<B, C> {
    fn mixture_expectation(
        log_weights: FloatTensor<Self>,
        means: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        form: Form,
        what: Expectation<'_>,
    ) -> FloatTensor<Self> {
        let (log_weights, of_log_weights) = log_weights.into_parts();
        let (means, of_means) = means.into_parts();
        let (scale, of_scale) = scale.into_parts();
        let (parts, nodes) = (
            [log_weights, means, scale],
            [of_log_weights, of_means, of_scale],
        );
        let runs = parts.each_ref().map(|part| part.shape()[0]);
        let step = Backward::<B, 3>::prepare::<C>(Known, nodes);
        match step.compute_bound().stateful() {
            OpsKind::Tracked(step) => {
                let (values, gradients) = B::expectation(parts, form, what, true);
                step.finish((gradients, runs), values)
            }
            OpsKind::UnTracked(step) => step.finish(B::expectation(parts, form, what, false).0),
        }
    }
}
