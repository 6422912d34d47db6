//! Processes that do one run together, each with rows of its own: what they add up.

#[cfg(feature = "mpi")]
pub(crate) mod mpi;
#[cfg(test)]
pub(crate) mod threads;

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::sync::Arc;

use crate::error::{Error, Result};

/// The connection to the processes that do a run together, which are its ranks.
///
/// All ranks take the same steps. Whoever asks for a sum waits until all have, so each must ask for the same ones in
/// the same order: what any of them decides by must come from sums, or be the same for all.
pub trait Communicator: Debug + Send + Sync {
    /// The number of this process among them, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Replaces numbers by their sums over all ranks, which are the same everywhere to the bit.
    ///
    /// # Errors
    /// If one of them cannot be reached.
    fn sum(&self, numbers: &mut [f64]) -> Result<()>;
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn Communicator>>> = const { RefCell::new(None) };
    static HAVE_FAILED: Cell<bool> = const { Cell::new(false) };
}

/// The ranks that the rows which this thread opens are shared among; none where it is alone.
pub(crate) fn current() -> Option<Arc<dyn Communicator>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Calls `work`, in which the rows of tables in parts that this thread opens are shared among ranks: each reads its own
/// parts. What is called on every rank must be the same.
pub fn among<T>(ranks: Arc<dyn Communicator>, work: impl FnOnce() -> T) -> T {
    with(Some(ranks), work)
}

/// Calls `work`, in which this thread opens all parts of a table by itself.
pub(crate) fn alone<T>(work: impl FnOnce() -> T) -> T {
    with(None, work)
}

fn with<T>(ranks: Option<Arc<dyn Communicator>>, work: impl FnOnce() -> T) -> T {
    /// Puts back what was there, whatever becomes of the work.
    struct Before(Option<Arc<dyn Communicator>>);
    impl Drop for Before {
        fn drop(&mut self) {
            CURRENT.set(self.0.take());
        }
    }
    let _before = Before(CURRENT.replace(ranks));
    work()
}

/// As many numbers of each rank, in the order of ranks.
///
/// # Errors
/// If a rank cannot be reached.
pub(crate) fn gathered(ranks: &dyn Communicator, own: &[f64]) -> Result<Vec<Vec<f64>>> {
    if own.is_empty() {
        return Ok(vec![Vec::new(); ranks.size()]);
    }
    let mut all = vec![0.0; own.len() * ranks.size()];
    all[own.len() * ranks.rank()..][..own.len()].copy_from_slice(own);
    ranks.sum(&mut all)?;
    Ok(all.chunks_exact(own.len()).map(<[f64]>::to_vec).collect())
}

/// Whether the last thing that the ranks of this thread had to agree on has failed, so that all have its error.
#[cfg(feature = "mpi")]
pub(crate) fn have_failed_together() -> bool {
    HAVE_FAILED.get()
}

/// What came of something on this rank, if all have succeeded; or else the error of the first that has not, on all.
///
/// # Errors
/// That one, or if a rank cannot be reached.
pub(crate) fn agreed<T>(ranks: &dyn Communicator, own: Result<T>) -> Result<T> {
    let failed = gathered(ranks, &[f64::from(u8::from(own.is_err()))])?;
    let Some(first) = failed.iter().position(|failed| failed[0] > 0.0) else {
        HAVE_FAILED.set(false);
        return own;
    };
    HAVE_FAILED.set(true);
    // Its words, a byte for each number.
    let words = own.err().filter(|_| first == ranks.rank()).map(|error| {
        let help = error.help().unwrap_or_default();
        [error.to_string(), help]
    });
    let mut lengths = [0.0; 2];
    if let Some(words) = &words {
        lengths = words.each_ref().map(|words| words.len() as f64);
    }
    ranks.sum(&mut lengths)?;
    let mut bytes: Vec<f64> = match &words {
        Some(words) => words.concat().bytes().map(f64::from).collect(),
        None => vec![0.0; lengths.iter().sum::<f64>() as usize],
    };
    ranks.sum(&mut bytes)?;
    let bytes: Vec<u8> = bytes.iter().map(|&byte| byte as u8).collect();
    let (message, help) = bytes.split_at(lengths[0] as usize);
    Err(Error::usage(
        String::from_utf8_lossy(message),
        String::from_utf8_lossy(help),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ranks_have_the_same_sums_and_errors() {
        let found = threads::run(3, |ranks| {
            let rank = ranks.rank();
            let mut numbers = [1.0, rank as f64];
            ranks.sum(&mut numbers).unwrap();
            assert_eq!(numbers, [3.0, 3.0]);
            let all = gathered(&*ranks, &[rank as f64 + 0.5]).unwrap();
            assert_eq!(all, [[0.5], [1.5], [2.5]]);
            assert_eq!(agreed(&*ranks, Ok(rank)).unwrap(), rank);
            let own = match rank {
                0 => Ok(()),
                _ => Err(Error::usage(format!("rank {rank} is ill"), "heal it")),
            };
            let error = agreed(&*ranks, own).unwrap_err();
            (error.to_string(), error.help().unwrap())
        });
        assert_eq!(
            found,
            vec![("rank 1 is ill".to_owned(), "heal it".to_owned()); 3]
        );
    }

    #[test]
    fn a_thread_is_alone_again_afterwards() {
        threads::run(2, |ranks| {
            assert!(current().is_none());
            among(ranks, || {
                assert_eq!(current().unwrap().size(), 2);
                alone(|| assert!(current().is_none()));
                assert!(current().is_some());
            });
            assert!(current().is_none());
        });
    }
}
