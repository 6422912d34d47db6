//! The log-density as one operation of burn with a backward of its own, on the backends that have it.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Element, Tensor, TensorData};

use super::cpu::{self, Mixture, Points, Real, Scale, Wanted, Width};

/// Whether the backend of a tensor has the operation.
pub(super) fn is_there(x: &Tensor<3>) -> bool {
    matches!(x.dtype(), DType::F64 | DType::F32)
        && matches!(x.device().inner().as_dispatch(), DispatchDevice::Flex(_))
}

/// log Σₖ wₖ N(x; μₖ, Lₖ Lₖᵀ) in nats, `[R, S]`, from x `[R, S, D]`, log w `[R, K]`, μ `[R, K, D]` and
/// the scale: L `[R, K, D, D]`, or standard deviations `[R, K, D]`. Each part may have R = 1.
pub(super) fn log_density<const N: usize>(
    x: Tensor<3>,
    log_weights: Tensor<2>,
    means: Tensor<3>,
    scale: Tensor<N>,
) -> Tensor<2> {
    Tensor::from_dispatch(<Dispatch as Operation>::mixture_log_density(
        x.into_dispatch(),
        log_weights.into_dispatch(),
        means.into_dispatch(),
        scale.into_dispatch(),
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
    ) -> FloatTensor<Self>;
}

/// The parts of the operation, in the order of its arguments.
type Parts<B> = [FloatTensor<B>; 4];

/// What a backend computes itself.
trait Kernel: Backend {
    fn forward(parts: &Parts<Self>) -> FloatTensor<Self>;

    /// The gradients that are needed of Σ upstream · value.
    fn backward(
        parts: &Parts<Self>,
        value: &FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        needed: [bool; 4],
    ) -> [Option<FloatTensor<Self>>; 4];
}

impl Operation for Flex {
    fn mixture_log_density(
        x: FlexTensor,
        log_weights: FlexTensor,
        means: FlexTensor,
        scale: FlexTensor,
    ) -> FlexTensor {
        Self::forward(&[x, log_weights, means, scale])
    }
}

impl Kernel for Flex {
    fn forward(parts: &Parts<Self>) -> FlexTensor {
        match parts[0].dtype() {
            DType::F32 => forward::<f32>(parts),
            _ => forward::<f64>(parts),
        }
    }

    fn backward(
        parts: &Parts<Self>,
        value: &FlexTensor,
        upstream: FlexTensor,
        needed: [bool; 4],
    ) -> [Option<FlexTensor>; 4] {
        match parts[0].dtype() {
            DType::F32 => backward::<f32>(parts, value, upstream, needed),
            _ => backward::<f64>(parts, value, upstream, needed),
        }
    }
}

/// A type that both sides have.
trait Number: Real + Element + bytemuck::Pod {}
impl Number for f32 {}
impl Number for f64 {}

/// Contiguous numbers of a tensor.
struct Numbers(FlexTensor);

impl Numbers {
    fn of(tensor: &FlexTensor) -> Self {
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
}

impl Call {
    fn new(parts: &Parts<Flex>) -> Self {
        Self {
            parts: parts.each_ref().map(Numbers::of),
            shapes: parts.each_ref().map(|part| part.shape().to_vec()),
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
        let scale = self.parts[3].slice();
        Mixture {
            components: self.shapes[2][1],
            dim: self.shapes[2][2],
            log_weights: self.parts[1].slice(),
            means: self.parts[2].slice(),
            scale: match self.shapes[3].len() {
                4 => Scale::Tril(scale),
                _ => Scale::Diagonal(scale),
            },
        }
    }

    /// R of the result.
    fn runs(&self) -> usize {
        let runs = self.shapes.iter().map(|shape| shape[0]);
        runs.max().unwrap_or(1)
    }
}

fn tensor<T: Element>(values: Vec<T>, shape: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.to_vec()))
}

fn forward<T: Number>(parts: &Parts<Flex>) -> FlexTensor {
    let call = Call::new(parts);
    let shape = [call.runs(), call.shapes[0][1]];
    let value = cpu::log_density(Width::Widest, call.points::<T>(), &call.mixture());
    // Shapes that do not fit are a mistake of the caller, as in any operation of burn.
    let value = value.unwrap_or_else(|error| panic!("mixture log-density: {error}"));
    tensor(value, &shape)
}

fn backward<T: Number>(
    parts: &Parts<Flex>,
    value: &FlexTensor,
    upstream: FlexTensor,
    needed: [bool; 4],
) -> [Option<FlexTensor>; 4] {
    let call = Call::new(parts);
    let [x, log_weights, means, scale] = needed;
    let wanted = Wanted {
        x,
        log_weights,
        means,
        scale,
    };
    let (value, upstream) = (Numbers::of(value), Numbers::of(&upstream));
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

/// The step of the backward pass.
#[derive(Debug)]
struct LogDensity;

impl<B: Kernel> Backward<B, 4> for LogDensity {
    type State = (Parts<B>, FloatTensor<B>);

    fn backward(self, ops: Ops<Self::State, 4>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let upstream = gradients.consume::<B>(&ops.node);
        let needed = ops.parents.each_ref().map(Option::is_some);
        let (parts, value) = ops.state;
        let found = B::backward(&parts, &value, upstream, needed);
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
    ) -> FloatTensor<Self> {
        let (x, of_x) = x.into_parts();
        let (log_weights, of_log_weights) = log_weights.into_parts();
        let (means, of_means) = means.into_parts();
        let (scale, of_scale) = scale.into_parts();
        let (parts, nodes) = (
            [x, log_weights, means, scale],
            [of_x, of_log_weights, of_means, of_scale],
        );
        let value = B::forward(&parts);
        let step = Backward::<B, 4>::prepare::<C>(LogDensity, nodes);
        match step.compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish((parts, value.clone()), value),
            OpsKind::UnTracked(step) => step.finish(value),
        }
    }
}
