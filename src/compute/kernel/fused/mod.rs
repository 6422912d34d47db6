//! The log-density, and expectations of functions of two, each as one operation of burn with a backward
//! of its own, on the backends that have it.

mod expectation;
mod log_density;

use burn::backend::DispatchDevice;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Device, Element, TensorData};

use super::cpu::{Mixture, Real, Scale};

pub(super) use expectation::expectation;
pub(super) use log_density::{is_supported, log_density};

/// Whether tensors of a device are in the memory of this process: those of the CPU are.
pub(super) fn is_on_host(device: &Device) -> bool {
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
