//! Ranks that are threads of this process, for tests.

use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use super::Communicator;
use crate::error::Result;

#[derive(Debug)]
struct Shared {
    barrier: Barrier,
    numbers: Mutex<Vec<Vec<f64>>>,
}

#[derive(Debug)]
struct Thread {
    rank: usize,
    size: usize,
    shared: Arc<Shared>,
}

impl Communicator for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn sum(&self, numbers: &mut [f64]) -> Result<()> {
        self.shared.numbers.lock().unwrap()[self.rank] = numbers.to_vec();
        self.shared.barrier.wait();
        {
            let all = self.shared.numbers.lock().unwrap();
            for (i, number) in numbers.iter_mut().enumerate() {
                assert!(all.iter().all(|of_rank| of_rank.len() == all[0].len()));
                *number = all.iter().map(|of_rank| of_rank[i]).sum();
            }
        }
        self.shared.barrier.wait();
        Ok(())
    }
}

/// What comes of the same work on so many ranks.
pub fn run<T: Send>(size: usize, work: impl Fn(Arc<dyn Communicator>) -> T + Sync) -> Vec<T> {
    let shared = Arc::new(Shared {
        barrier: Barrier::new(size),
        numbers: Mutex::new(vec![Vec::new(); size]),
    });
    thread::scope(|scope| {
        let threads: Vec<_> = (0..size)
            .map(|rank| {
                let shared = Arc::clone(&shared);
                let work = &work;
                scope.spawn(move || work(Arc::new(Thread { rank, size, shared })))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}
