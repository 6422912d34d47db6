//! Numbers in the memory of a device.

use cubecl::client::Client;
use cubecl::prelude::*;
use cubecl::server::Handle;

use super::super::resident::Resident;

/// A type that a device computes in.
pub trait Number: Float + CubeElement + bytemuck::Pod {
    /// The nearest.
    fn nearest(number: f64) -> Self;
    /// As it is.
    fn exact(self) -> f64;
}

impl Number for f32 {
    fn nearest(number: f64) -> Self {
        number as Self
    }

    fn exact(self) -> f64 {
        self.into()
    }
}

impl Number for f64 {
    fn nearest(number: f64) -> Self {
        number
    }

    fn exact(self) -> f64 {
        self
    }
}

/// Some numbers on a device.
#[derive(Debug, Clone)]
pub struct Buffer {
    handle: Handle,
    len: usize,
}

impl Buffer {
    /// A copy of what is on the host. No buffer is empty, since devices know none.
    pub fn new<T: Number>(client: &Client, numbers: &[f64]) -> Self {
        let nearest: Vec<T> = numbers.iter().map(|&number| T::nearest(number)).collect();
        match nearest.is_empty() {
            true => Self::of(client, &[T::nearest(0.0)]),
            false => Self::of(client, &nearest),
        }
    }

    /// A copy of what is on the host.
    pub fn of<T: bytemuck::Pod>(client: &Client, numbers: &[T]) -> Self {
        Self {
            handle: client.create_from_slice(bytemuck::cast_slice(numbers)),
            len: numbers.len(),
        }
    }

    /// Room for numbers that a kernel writes.
    pub fn room<T: Number>(client: &Client, len: usize) -> Self {
        Self {
            handle: client.empty(len * size_of::<T>()),
            len,
        }
    }

    /// As a kernel takes it.
    pub fn arg(&self) -> BufferArg {
        let binding = TensorBinding {
            handle: self.handle.clone().binding(),
            strides: [1].into(),
            shape: [self.len].into(),
            tiling: Default::default(),
        };
        binding.into_tensor_arg().into_buffer_arg()
    }

    /// Read back; `None` if the device failed.
    pub fn read<T: Number>(self, client: &Client) -> Option<Vec<f64>> {
        let bytes = client.read_one(self.handle).ok()?;
        let numbers: &[T] = bytemuck::try_cast_slice(&bytes).ok()?;
        Some(numbers.iter().map(|number| number.exact()).collect())
    }
}

/// Copies of what stays the same from call to call, of one device.
#[derive(Debug)]
struct Copies {
    of: DeviceKey,
    buffers: Vec<Buffer>,
}

/// Which device, and whether its numbers are of double precision.
pub type DeviceKey = (cubecl::Device, bool);

impl Resident {
    /// The copies that `make` gives, which it does but once for the first device that asks.
    pub(super) fn buffers(&self, of: &DeviceKey, make: impl Fn() -> Vec<Buffer>) -> Vec<Buffer> {
        let copies = self.get(|| Copies {
            of: of.clone(),
            buffers: make(),
        });
        match copies {
            Some(copies) if copies.of == *of => copies.buffers.clone(),
            _ => make(),
        }
    }
}
