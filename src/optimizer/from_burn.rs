//! burn's optimizers as directions.

use burn::optim::momentum::MomentumState;
use burn::optim::{
    AdamState, AdamWState, AdaptiveMomentumState, CenteredState, RecordState, RmsPropMomentumState,
    RmsPropState, SgdState, SquareAvgState, StateSink,
};
use burn::tensor::Tensor;

use super::Direction;
use crate::compute::device::Numerics;
use crate::compute::snapshot::Snapshot;
use crate::error::{Error, Result};

/// An optimizer of burn with its state.
///
/// burn's step has one learning rate for all; with rate 1 it gives the direction, which each run
/// then takes at its own rate. Every rule used here is linear in the rate.
pub(super) struct FromBurn<O: burn::optim::Optimizer> {
    optimizer: O,
    state: Option<O::State<2>>,
}

impl<O: burn::optim::Optimizer> FromBurn<O> {
    pub fn new(optimizer: O) -> Self {
        Self {
            optimizer,
            state: None,
        }
    }
}

impl<O: burn::optim::Optimizer> Direction for FromBurn<O>
where
    O::State<2>: Saved,
{
    fn direction(&mut self, _: &Tensor<2>, gradient: Tensor<2>, _: &Tensor<2>) -> Tensor<2> {
        // Taken from 0, no digit of the step is lost in θ.
        let (moved, state) =
            (self.optimizer).step(1.0, gradient.zeros_like(), gradient, self.state.take());
        self.state = state;
        moved.neg()
    }

    fn snapshot(&self) -> Result<Snapshot> {
        let (mut snapshot, mut sink) = (Snapshot::default(), StateSink::default());
        if let Some(state) = &self.state {
            state.state_flatten("", &mut sink);
        }
        for (name, data) in sink.tensors {
            let shape = data.shape().to_vec();
            snapshot.put(name, &shape, data.iter::<f64>().collect());
        }
        for (name, count) in sink.scalars {
            let count = u64::try_from(count).map_err(|_| {
                let message = format!("the optimizer's `{name}` is no count");
                Error::numerical(message, "leave out [checkpoint]")
            })?;
            snapshot.put_count(name, count);
        }
        Ok(snapshot)
    }

    fn restore(
        &mut self,
        snapshot: &Snapshot,
        shape: [usize; 2],
        numerics: &Numerics,
    ) -> Result<()> {
        self.state = match snapshot.is_empty() {
            true => None,
            false => Some(Saved::load(snapshot, shape, numerics)?),
        };
        Ok(())
    }
}

/// A state that is made of its numbers again, in their own precision: burn would take the device's.
pub(super) trait Saved: Sized {
    fn load(snapshot: &Snapshot, shape: [usize; 2], numerics: &Numerics) -> Result<Self>;
}

impl Saved for AdaptiveMomentumState<2> {
    fn load(snapshot: &Snapshot, shape: [usize; 2], numerics: &Numerics) -> Result<Self> {
        Ok(Self::new(
            usize::try_from(snapshot.count("time")?).unwrap_or(usize::MAX),
            snapshot.tensor("moment_1", shape, numerics)?,
            snapshot.tensor("moment_2", shape, numerics)?,
        ))
    }
}

impl Saved for AdamState<2> {
    fn load(snapshot: &Snapshot, shape: [usize; 2], numerics: &Numerics) -> Result<Self> {
        let momentum = Saved::load(&snapshot.part("momentum"), shape, numerics)?;
        Ok(Self::new(momentum))
    }
}

impl Saved for AdamWState<2> {
    fn load(snapshot: &Snapshot, shape: [usize; 2], numerics: &Numerics) -> Result<Self> {
        let momentum = Saved::load(&snapshot.part("momentum"), shape, numerics)?;
        Ok(Self::new(momentum))
    }
}

impl Saved for SgdState<2> {
    fn load(snapshot: &Snapshot, shape: [usize; 2], numerics: &Numerics) -> Result<Self> {
        let velocity = snapshot.tensor("momentum.velocity", shape, numerics)?;
        Ok(Self::new(Some(MomentumState::new(velocity))))
    }
}

impl Saved for RmsPropState<2> {
    fn load(snapshot: &Snapshot, shape: [usize; 2], numerics: &Numerics) -> Result<Self> {
        let tensor = |name: &str| snapshot.tensor(name, shape, numerics);
        let optional = |name: &str| match snapshot.find(name) {
            Some(_) => tensor(name).map(Some),
            None => Ok(None),
        };
        Ok(Self::new(
            SquareAvgState::new(tensor("square_avg.square_avg")?),
            CenteredState::new(optional("centered.grad_avg")?, tensor("centered.avg")?),
            optional("momentum.buf")?.map(RmsPropMomentumState::new),
        ))
    }
}
