//! Work beside the interpreter: other threads of Python go on, Ctrl-C is heard, and no panic crosses.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use klfit::WorkObserver;
use pyo3::prelude::*;

use crate::errors::{exception, raised};

/// Signals are looked for this often.
const PAUSE: Duration = Duration::from_millis(20);

/// Work that is over at once, in this thread.
pub fn briefly<T: Send>(py: Python, work: impl FnOnce() -> T + Send) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work)))
        .map_err(|panic| broken(&*panic))
}

/// The same, of what can go wrong.
pub fn attempted<T: Send>(
    py: Python,
    work: impl FnOnce() -> klfit::Result<T> + Send,
) -> PyResult<T> {
    briefly(py, work)?.map_err(raised)
}

/// Work that may take long, in a thread of its own. On Ctrl-C it is left to itself, and ends when it next says how far
/// it is.
pub fn interruptible<T: Send + 'static>(
    py: Python,
    work: impl FnOnce(&Watched) -> klfit::Result<T> + Send + 'static,
) -> PyResult<T> {
    let watched = Watched::default();
    let (done, mut results) = channel();
    let watching = watched.clone();
    let begun = thread::Builder::new()
        .name("klfit".to_owned())
        .spawn(move || {
            // What is called here finds this thread known to the interpreter, which would make it known for every call.
            Python::attach(|py| {
                py.detach(|| {
                    let result = catch_unwind(AssertUnwindSafe(|| work(&watching)));
                    if watching.is_left() {
                        drop(result);
                        // Nobody waits, and the interpreter may be ending: a thread that comes back to it then is torn down
                        // where it stands.
                        loop {
                            thread::park();
                        }
                    }
                    let _ = done.send(result);
                });
            });
        });
    begun.map_err(|error| {
        let help = "close other programs, or ask for less at once";
        exception(
            "FileError",
            format!("no thread could be begun: {error}"),
            Some(help.to_owned()),
        )
    })?;
    loop {
        let (waited, found) = py.detach(move || {
            let found = results.recv_timeout(PAUSE);
            (results, found)
        });
        results = waited;
        match found {
            Ok(Ok(result)) => return result.map_err(raised),
            Ok(Err(panic)) => return Err(broken(&*panic)),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(signal) = py.check_signals() {
                    watched.leave();
                    return Err(signal);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Err(broken(&"it ended without a word")),
        }
    }
}

/// Whether work is waited for still.
#[derive(Debug, Clone, Default)]
pub struct Watched(Arc<AtomicBool>);

impl Watched {
    /// Nobody waits any more.
    pub fn leave(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether nobody waits any more.
    pub fn is_left(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends the work of this thread if nobody waits for it.
    pub fn look(&self) {
        if self.is_left() {
            resume_unwind(Box::new("left"));
        }
    }
}

impl WorkObserver for Watched {
    fn done(&mut self, _: &str, _: usize, _: usize) {
        self.look();
    }
}

/// A panic as an exception.
pub fn broken(panic: &(dyn Any + Send)) -> PyErr {
    let said = (panic.downcast_ref::<&str>().copied())
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it broke down");
    exception(
        "Error",
        format!("a fault of klfit: {said}"),
        Some("report it, with what was asked".to_owned()),
    )
}
