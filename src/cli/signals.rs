//! Ctrl-C and SIGTERM: the first ends a run after the step it is at, the second at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::{Error, Result};

/// What shells add to the number of the signal that ended a program.
const BY_SIGNAL: u8 = 128;

/// Listens from when it is made.
#[derive(Debug, Clone)]
pub struct Signals {
    /// The number of the first signal; 0 before.
    first: Arc<AtomicUsize>,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// If the system does not let it.
    pub fn listen() -> Result<Self> {
        let (first, once) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        for signal in [SIGINT, SIGTERM] {
            let listen = || {
                // In this order: the flag is not yet up when the first one comes.
                let status = i32::from(BY_SIGNAL) + signal;
                flag::register_conditional_shutdown(signal, status, Arc::clone(&once))?;
                flag::register(signal, Arc::clone(&once))?;
                flag::register_usize(signal, Arc::clone(&first), signal as usize)
            };
            listen().map_err(Error::io("listen to", Path::new("Ctrl-C")))?;
        }
        Ok(Self { first })
    }

    /// Whether one has come.
    pub fn is_received(&self) -> bool {
        self.first.load(Ordering::Relaxed) != 0
    }

    /// The exit code of a program that one has ended.
    pub fn exit_code(&self) -> u8 {
        BY_SIGNAL + self.first.load(Ordering::Relaxed) as u8
    }
}
