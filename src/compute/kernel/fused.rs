//! The log-density, and expectations of functions of two, each as one operation of burn with a backward
//! of its own, on the backends that have it.

use std::iter;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Device, Element, Shape, Tensor, TensorData};

use super::cpu::{self, Expectation, Expected, Mixture, Points, Real, Scale, Wanted, Width};

/// Whether the backend of a tensor has the operation.
pub(super) fn is_supported(x: &Tensor<3>) -> bool {
    matches!(x.dtype(), DType::F64 | DType::F32) && is_fused(&x.device())
}

/// Whether a device does the log-density in one operation: the CPU does.
pub(super) fn is_fused(device: &Device) -> bool {
    matches!(
        device.clone().inner().as_dispatch(),
        DispatchDevice::Flex(_)
    )
}

/// Which numbers a scale is given by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// L, `[R, K, D, D]`.
    Tril,
    /// Standard deviations, `[R, K, D]`.
    Diagonal,
    /// σ and U, `[R, K, D, 1 + r]`.
    LowRank,
}

/// log Σₖ wₖ N(x; μₖ, Lₖ Lₖᵀ) in nats, `[R, S]`, from x `[R, S, D]`, log w `[R, K]`, μ `[R, K, D]` and
/// the scale in one of its forms. Each part may have R = 1.
pub(super) fn log_density<const N: usize>(
    x: Tensor<3>,
    log_weights: Tensor<2>,
    means: Tensor<3>,
    scale: Tensor<N>,
    form: Form,
) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Operation>::mixture_log_density(
        x.into_dispatch(),
        log_weights.into_dispatch(),
        means.into_dispatch(),
        scale.into_dispatch(),
        form,
    ))
}

/// Σ w f(log p, log q), `[R]`, from log w `[R, K]`, μ `[R, K, D]` and the scale of q, in 64 bits; each
/// part may have R = 1.
pub(super) fn expectation<const N: usize>(
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
    fn mixture_log_density(
        x: FloatTensor<Self>,
        log_weights: FloatTensor<Self>,
        means: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        form: Form,
    ) -> FloatTensor<Self>;

    fn mixture_expectation(
        log_weights: FloatTensor<Self>,
        means: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        form: Form,
        what: Expectation<'_>,
    ) -> FloatTensor<Self>;
}

/// The parts of the operation, in the order of its arguments.
type Parts<B> = [FloatTensor<B>; 4];

/// What a backend computes itself.
trait Kernel: Backend {
    fn forward(parts: &Parts<Self>, form: Form) -> FloatTensor<Self>;

    /// The gradients that are needed of Σ upstream · value.
    fn backward(
        parts: &Parts<Self>,
        form: Form,
        value: &FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        needed: [bool; 4],
    ) -> [Option<FloatTensor<Self>>; 4];

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
    fn mixture_log_density(
        x: FlexTensor,
        log_weights: FlexTensor,
        means: FlexTensor,
        scale: FlexTensor,
        form: Form,
    ) -> FlexTensor {
        Self::forward(&[x, log_weights, means, scale], form)
    }

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
    fn forward(parts: &Parts<Self>, form: Form) -> FlexTensor {
        match parts[0].dtype() {
            DType::F32 => forward::<f32>(parts, form),
            _ => forward::<f64>(parts, form),
        }
    }

    fn backward(
        parts: &Parts<Self>,
        form: Form,
        value: &FlexTensor,
        upstream: FlexTensor,
        needed: [bool; 4],
    ) -> [Option<FlexTensor>; 4] {
        match parts[0].dtype() {
            DType::F32 => backward::<f32>(parts, form, value, upstream, needed),
            _ => backward::<f64>(parts, form, value, upstream, needed),
        }
    }

    fn expectation(
        parts: [FlexTensor; 3],
        form: Form,
        what: Expectation<'_>,
        wants_gradients: bool,
    ) -> (FlexTensor, Vec<FlexTensor>) {
        expectation_of(parts, form, what, wants_gradients)
    }
}

/// A type that both sides have.
trait Number: Real + Element + bytemuck::Pod {}
impl Number for f32 {}
impl Number for f64 {}

/// Contiguous numbers of a tensor.
struct Numbers(FlexTensor);

impl Numbers {
    fn new(tensor: &FlexTensor) -> Self {
        Self(tensor.clone().to_contiguous())
    }

    /// Empty if the type is another one, which the dispatch on it rules out.
    fn slice<T: Number>(&self) -> &[T] {
        self.0.as_slice::<T>().unwrap_or(&[])
    }
}

/// The four parts in contiguous memory, with their shapes.
struct Call {
    parts: [Numbers; 4],
    shapes: [Vec<usize>; 4],
    form: Form,
}

impl Call {
    fn new(parts: &Parts<Flex>, form: Form) -> Self {
        Self {
            parts: parts.each_ref().map(Numbers::new),
            shapes: parts.each_ref().map(|part| part.shape().to_vec()),
            form,
        }
    }

    fn points<T: Number>(&self) -> Points<'_, T> {
        Points {
            runs: self.shapes[0][0],
            samples: self.shapes[0][1],
            values: self.parts[0].slice(),
        }
    }

    fn mixture<T: Number>(&self) -> Mixture<'_, T> {
        let [_, parts @ ..] = &self.parts;
        mixture(
            &self.shapes[2],
            &self.shapes[3],
            self.form,
            parts.each_ref().map(Numbers::slice),
        )
    }

    /// R of the result.
    fn runs(&self) -> usize {
        let runs = self.shapes.iter().map(|shape| shape[0]);
        runs.max().unwrap_or(1)
    }
}

/// A mixture of its log weights, means and scale, whose shapes tell what they are.
fn mixture<'a, T: Number>(
    means: &[usize],
    scale: &[usize],
    form: Form,
    [log_weights, mean_values, scale_values]: [&'a [T]; 3],
) -> Mixture<'a, T> {
    Mixture {
        components: means[1],
        dim: means[2],
        log_weights,
        means: mean_values,
        scale: match form {
            Form::Tril => Scale::Tril(scale_values),
            Form::Diagonal => Scale::Diagonal(scale_values),
            Form::LowRank => Scale::LowRank {
                values: scale_values,
                rank: scale[3] - 1,
            },
        },
    }
}

fn tensor<T: Element>(values: Vec<T>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}

fn forward<T: Number>(parts: &Parts<Flex>, form: Form) -> FlexTensor {
    let call = Call::new(parts, form);
    let shape = [call.runs(), call.shapes[0][1]];
    let value = cpu::log_density(Width::Widest, call.points::<T>(), &call.mixture());
    // Shapes that do not fit are a mistake of the caller, as in any operation of burn.
    let value = value.unwrap_or_else(|error| panic!("mixture log-density: {error}"));
    tensor(value, &shape)
}

fn backward<T: Number>(
    parts: &Parts<Flex>,
    form: Form,
    value: &FlexTensor,
    upstream: FlexTensor,
    needed: [bool; 4],
) -> [Option<FlexTensor>; 4] {
    let call = Call::new(parts, form);
    let [x, log_weights, means, scale] = needed;
    let wanted = Wanted {
        x,
        log_weights,
        means,
        scale,
    };
    let (value, upstream) = (Numbers::new(value), Numbers::new(&upstream));
    let found = cpu::gradients(
        Width::Widest,
        call.points::<T>(),
        &call.mixture(),
        Some(value.slice()),
        upstream.slice(),
        wanted,
    );
    let found = found.unwrap_or_else(|error| panic!("gradients of the log-density: {error}"));
    let lists = [found.x, found.log_weights, found.means, found.scale];
    let mut gradients = [const { None }; 4];
    for ((gradient, list), (needed, shape)) in
        (gradients.iter_mut().zip(lists)).zip(needed.into_iter().zip(&call.shapes))
    {
        *gradient = needed.then(|| tensor(list, shape));
    }
    gradients
}

fn expectation_of(
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
    let found = cpu::expectation(Width::Widest, &q, what, wanted);
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

/// The step of the backward pass of the log-density.
#[derive(Debug)]
struct LogDensity;

impl<B: Kernel> Backward<B, 4> for LogDensity {
    type State = (Parts<B>, Form, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let upstream = gradients.consume::<B>(&ops.node);
        let needed = ops.parents.each_ref().map(Option::is_some);
        let (parts, form, value) = ops.state;
        let found = B::backward(&parts, form, &value, upstream, needed);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: Kernel, C: CheckpointStrategy> Operation for Autodiff<B, C> {
    fn mixture_log_density(
        x: FloatTensor<Self>,
        log_weights: FloatTensor<Self>,
        means: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        form: Form,
    ) -> FloatTensor<Self> {
        let (x, of_x) = x.into_parts();
        let (log_weights, of_log_weights) = log_weights.into_parts();
        let (means, of_means) = means.into_parts();
        let (scale, of_scale) = scale.into_parts();
        let (parts, nodes) = (
            [x, log_weights, means, scale],
            [of_x, of_log_weights, of_means, of_scale],
        );
        let value = B::forward(&parts, form);
        let step = Backward::<B, 4>::prepare::<C>(LogDensity, nodes);
        match step.compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish((parts, form, value.clone()), value),
            OpsKind::UnTracked(step) => step.finish(value),
        }
    }
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
