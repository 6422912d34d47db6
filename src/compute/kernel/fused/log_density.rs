//! The log-density, on the CPU and on the devices of CubeCL.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, DispatchDevice, Flex, TensorMetadata, backend_extension};
#[cfg(feature = "gpu")]
use burn::backend::{Cube, ops::FloatTensorOps};
use burn::tensor::{DType, Tensor};

use super::super::cpu::{self, Mixture, Points, Wanted, Width};
#[cfg(feature = "gpu")]
use super::super::cube;
use super::{Form, Number, Numbers, mixture, tensor};

/// Whether a device has the operation for tensors of some shapes, x `[R, S, D]` and log w `[R, K]`.
pub fn is_supported(x: &Tensor<3>, log_weights: &Tensor<2>, form: Form) -> bool {
    if !matches!(x.dtype(), DType::F64 | DType::F32) {
        return false;
    }
    let _ = (log_weights, form);
    match x.device().inner().as_dispatch() {
        DispatchDevice::Flex(_) => true,
        #[cfg(feature = "gpu")]
        DispatchDevice::Cube(_) => {
            form != Form::LowRank && cube::has_log_density(x.dims(), log_weights.dims())
        }
        #[allow(
            unreachable_patterns,
            reason = "which devices there are depends on features"
        )]
        _ => false,
    }
}

/// log Σₖ wₖ N(x; μₖ, Lₖ Lₖᵀ) in nats, `[R, S]`, from x `[R, S, D]`, log w `[R, K]`, μ `[R, K, D]` and
/// the scale in one of its forms. Each part may have R = 1.
pub fn log_density<const N: usize>(
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

/// What burn dispatches.
#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "gpu"))]
trait Operation: Backend {
    fn mixture_log_density(
        x: FloatTensor<Self>,
        log_weights: FloatTensor<Self>,
        means: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        form: Form,
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
}

#[cfg(feature = "gpu")]
impl Operation for Cube {
    fn mixture_log_density(
        x: FloatTensor<Self>,
        log_weights: FloatTensor<Self>,
        means: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        form: Form,
    ) -> FloatTensor<Self> {
        Self::forward(&[x, log_weights, means, scale], form)
    }
}

#[cfg(feature = "gpu")]
impl Kernel for Cube {
    fn forward(parts: &Parts<Self>, _: Form) -> FloatTensor<Self> {
        cube::log_density(parts)
    }

    fn backward(
        parts: &Parts<Self>,
        _: Form,
        value: &FloatTensor<Self>,
        upstream: FloatTensor<Self>,
        needed: [bool; 4],
    ) -> [Option<FloatTensor<Self>>; 4] {
        let (x, rest) = cube::log_density_gradients(parts, value, upstream, needed[0]);
        let [log_weights, means, scale] = rest.map(Some);
        let mut found = [x, log_weights, means, scale];
        for ((found, part), needed) in found.iter_mut().zip(parts).zip(needed) {
            let runs = part.shape()[0];
            *found = found.take().filter(|_| needed).map(|gradient| {
                // A part that serves all runs gets the gradients of all.
                match gradient.shape()[0] == runs {
                    true => gradient,
                    false => Self::float_sum_dim(gradient, 0),
                }
            });
        }
        found
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
}
