//! Ranks that are processes under MPI.

use std::sync::Arc;

use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator as _, CommunicatorCollectives as _};

use super::Communicator;
use crate::error::{Error, Result};

/// All processes that were started together, until this is dropped: then each waits for the others.
pub struct World {
    _universe: Universe,
}

impl World {
    /// Joins the others; a process that was started alone is one rank.
    ///
    /// # Errors
    /// If it has joined before, or MPI cannot be called from the threads of this process.
    pub fn join() -> Result<Self> {
        let joined = mpi::initialize_with_threading(Threading::Serialized);
        match joined {
            Some((universe, threading)) if threading >= Threading::Serialized => Ok(Self {
                _universe: universe,
            }),
            Some(_) => Err(Error::usage(
                "this MPI does not let several threads of a process call it in turn",
                "use one that does, such as Open MPI",
            )),
            None => Err(Error::usage(
                "this process has joined its MPI world before",
                "run one experiment in each process",
            )),
        }
    }

    /// What connects them.
    pub fn ranks(&self) -> Arc<dyn Communicator> {
        let world = SimpleCommunicator::world();
        let number = |of: i32| usize::try_from(of).unwrap_or(0);
        Arc::new(Ranks {
            rank: number(world.rank()),
            size: number(world.size()).max(1),
        })
    }

    /// Ends all of them, since this one cannot go on.
    pub fn abort(&self, code: u8) -> ! {
        SimpleCommunicator::world().abort(code.into())
    }
}

/// One that panics ends all: the others would wait for it.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.abort(101);
        }
    }
}

#[derive(Debug)]
struct Ranks {
    rank: usize,
    size: usize,
}

impl Communicator for Ranks {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    /// MPI ends all processes where one cannot be reached.
    fn sum(&self, numbers: &mut [f64]) -> Result<()> {
        let own = numbers.to_vec();
        SimpleCommunicator::world().all_reduce_into(&own[..], numbers, SystemOperation::sum());
        Ok(())
    }
}
