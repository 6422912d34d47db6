//! burn's optimizers as directions.

use burn::tensor::Tensor;

use super::Direction;

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

impl<O: burn::optim::Optimizer> Direction for FromBurn<O> {
    fn direction(&mut self, _: &Tensor<2>, gradient: Tensor<2>, _: &Tensor<2>) -> Tensor<2> {
        // Taken from 0, no digit of the step is lost in θ.
        let (moved, state) =
            (self.optimizer).step(1.0, gradient.zeros_like(), gradient, self.state.take());
        self.state = state;
        moved.neg()
    }
}
