//! Where the arithmetic happens: a backend of burn, chosen at run time, and a precision.

use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::choice::choices;
use crate::error::{Error, Result};

choices! {
    /// The backends a config may name; each has a Cargo feature of its name.
    #[derive(Default)]
    pub enum Backend {
        /// burn's CPU backend; always there.
        #[default]
        Flex = "flex",
        /// burn's older CPU backend, in builds with the Cargo feature `ndarray`.
        NdArray = "ndarray",
        /// Any GPU with Vulkan, Metal or DirectX 12, in builds with the Cargo feature `wgpu`.
        Wgpu = "wgpu",
        /// An NVIDIA GPU, in builds with the Cargo feature `cuda`.
        Cuda = "cuda",
    }
}

/// What a backend found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detected {
    /// This klfit was built without it.
    NotCompiledIn,
    /// No device, or a driver that does not start.
    Nothing,
    /// At least one device.
    Devices(Vec<DeviceInfo>),
}

/// One device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceInfo {
    /// What its driver calls it.
    pub name: String,
    /// Whether it has 64-bit floating point.
    pub has_f64: bool,
}

impl Backend {
    /// Looks for its devices.
    pub fn detect(self) -> Detected {
        if !self.is_compiled_in() {
            return Detected::NotCompiledIn;
        }
        let Ok(device) = self.device() else {
            return Detected::Nothing;
        };
        let cpu = format!(
            "CPU, {}",
            crate::text::count(
                std::thread::available_parallelism().map_or(1, usize::from),
                "thread"
            )
        );
        let name = match self {
            Self::Flex | Self::NdArray => cpu,
            Self::Wgpu | Self::Cuda => gpu_name(&device),
        };
        Detected::Devices(vec![DeviceInfo {
            name,
            has_f64: self.computes_f64(&device),
        }])
    }

    /// Whether this klfit was built with it.
    pub fn is_compiled_in(self) -> bool {
        match self {
            Self::Flex => true,
            Self::NdArray => cfg!(feature = "ndarray"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
        }
    }

    /// Whether a device of it computes in 64 bits. What `wgpu` drives may hold such numbers and add
    /// them, but has no exponentials of them: those of SPIR-V take 16 or 32 bits (GLSL.std.450, Exp
    /// and Log), and Metal and DirectX have none either. A driver that is asked for one breaks down.
    fn computes_f64(self, device: &Device) -> bool {
        match self {
            Self::Wgpu => false,
            Self::Flex | Self::NdArray | Self::Cuda => device.supports_dtype(DType::F64),
        }
    }

    fn device(self) -> Result<Device> {
        match self {
            Self::Flex => Ok(Device::flex()),
            #[cfg(feature = "ndarray")]
            #[allow(deprecated)]
            // burn names flex as its successor; users may still ask for it
            Self::NdArray => Ok(Device::ndarray()),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => first_of(self, burn::tensor::DeviceType::Wgpu, || {
                Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)
            }),
            #[cfg(feature = "cuda")]
            Self::Cuda => first_of(self, burn::tensor::DeviceType::Cuda, || Device::cuda(0)),
            #[allow(unreachable_patterns)]
            absent => Err(Error::usage(
                format!(
                    "the backend \"{}\" was not compiled into this klfit",
                    absent.name()
                ),
                format!(
                    "build it with `cargo build --release --features {}`, or choose the backend \
                     \"flex\"",
                    absent.name()
                ),
            )),
        }
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn gpu_name(device: &Device) -> String {
    let identity = device.identity();
    identity.map_or_else(|| "GPU".to_owned(), |identity| identity.name)
}

#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
fn gpu_name(_: &Device) -> String {
    "GPU".to_owned()
}

/// The default device of a GPU backend, if the machine has any; asking burn for one that is not
/// there panics inside the driver's start-up, so that is caught and said.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first_of(
    backend: Backend,
    kind: burn::tensor::DeviceType,
    open: impl FnOnce() -> Device + std::panic::UnwindSafe,
) -> Result<Device> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let opened = std::panic::catch_unwind(move || {
        let found = Device::enumerate(kind).into_vec();
        (!found.is_empty()).then(|| {
            let device = open();
            let probe = Tensor::<1>::ones([1], &device).into_data();
            drop(probe);
            device
        })
    });
    std::panic::set_hook(hook);
    match opened {
        Ok(Some(device)) => Ok(device),
        _ => Err(Error::usage(
            format!(
                "the backend \"{}\" found no device on this machine",
                backend.name()
            ),
            "check the driver, or choose the backend \"flex\", which runs on any CPU",
        )),
    }
}

choices! {
    /// The precision of every tensor of an experiment.
    #[derive(Default)]
    pub enum Precision {
        /// 32-bit floating point.
        F32 = "f32",
        /// 64-bit floating point.
        #[default]
        F64 = "f64",
    }
}

/// `[device]` of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, expecting = "a section")]
pub struct DeviceConfig {
    /// The backend.
    pub backend: Backend,
    /// The precision.
    pub precision: Precision,
}

/// A device and a precision: what it takes to make a tensor.
#[derive(Debug, Clone)]
pub struct Numerics {
    device: Device,
    dtype: DType,
}

impl Numerics {
    /// Opens the device.
    ///
    /// # Errors
    /// If the backend was not compiled in, finds no device, or lacks the precision.
    pub fn open(config: DeviceConfig) -> Result<Self> {
        let device = config.backend.device()?;
        let dtype = match config.precision {
            Precision::F32 => DType::F32,
            Precision::F64 => DType::F64,
        };
        if dtype == DType::F64 && !config.backend.computes_f64(&device) {
            return Err(Error::usage(
                format!(
                    "the backend \"{}\" does not compute in 64 bits on this machine",
                    config.backend.name()
                ),
                "set `precision = \"f32\"` under [device], or choose the backend \"flex\"",
            ));
        }
        Ok(Self { device, dtype })
    }

    /// The CPU in 64 bits, which every build has.
    pub fn cpu() -> Self {
        Self {
            device: Device::flex(),
            dtype: DType::F64,
        }
    }

    /// The device, without autodiff.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The type of every number.
    pub(crate) fn dtype(&self) -> DType {
        self.dtype
    }

    /// The distance from 1 to the next number.
    pub fn epsilon(&self) -> f64 {
        match self.dtype {
            DType::F32 => f32::EPSILON.into(),
            _ => f64::EPSILON,
        }
    }

    /// The least positive number with all its digits.
    pub fn least(&self) -> f64 {
        match self.dtype {
            DType::F32 => f32::MIN_POSITIVE.into(),
            _ => f64::MIN_POSITIVE,
        }
    }

    /// A constant tensor from host numbers in row-major order.
    pub fn tensor<const N: usize>(&self, numbers: Vec<f64>, shape: [usize; N]) -> Tensor<N> {
        let data = TensorData::new(numbers, shape).convert_dtype(self.dtype);
        Tensor::from_data(data, (&self.device, self.dtype))
    }

    /// Reads a tensor back as f64 in row-major order.
    ///
    /// # Errors
    /// If the device failed while computing it.
    pub fn read<const N: usize>(tensor: Tensor<N>) -> Result<Vec<f64>> {
        tensor.try_into_vec_as::<f64>().map_err(|error| {
            Error::numerical(
                format!("the device could not return a result: {error:?}"),
                "try the backend \"flex\", or fewer restarts or samples if memory ran out",
            )
        })
    }
}
