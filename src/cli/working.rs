//! A word on what goes on, where nothing else is said for a second.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Verbosity;
use super::output::to_stderr;

/// Who waits this long wants to know for what.
const SILENCE: Duration = Duration::from_secs(1);

/// Work that is named on standard error unless it is over within a second.
#[derive(Debug)]
pub struct Working(Option<(Sender<()>, JoinHandle<()>)>);

impl Verbosity {
    /// Begins work, which lasts as long as what is returned.
    #[must_use]
    pub fn working(self, what: impl Into<String>) -> Working {
        if self.quiet {
            return Working(None);
        }
        let (over, ends) = mpsc::channel();
        let what = what.into();
        let wait = move || {
            if ends.recv_timeout(SILENCE) == Err(RecvTimeoutError::Timeout) {
                to_stderr(format_args!("{what} …"));
            }
        };
        // Without a thread to wait nothing is said.
        let waiting = thread::Builder::new().spawn(wait);
        Working(waiting.ok().map(|waiting| (over, waiting)))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some((over, waiting)) = self.0.take() {
            drop(over);
            // It has said what it had to before anything else is.
            _ = waiting.join();
        }
    }
}
