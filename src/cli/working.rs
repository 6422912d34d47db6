//! A word on what goes on, where nothing else is said for a second.

use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::Verbosity;
use super::output::to_stderr;
use crate::progress::WorkObserver;
use crate::text;

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

/// Work that is counted: a bar with the time that is left, on a terminal; elsewhere as [`Working`].
#[derive(Debug)]
pub struct Counting {
    bar: Option<ProgressBar>,
    /// What it counts, once there is something.
    what: String,
    /// What is said where there is no bar, or nothing to be counted yet.
    working: Option<Working>,
}

impl Verbosity {
    /// Begins work that will be counted, which lasts as long as what is returned.
    #[must_use]
    pub fn counting(self, what: impl Into<String>) -> Counting {
        let has_bar = std::io::stderr().is_terminal() && !self.quiet;
        Counting {
            bar: has_bar.then(ProgressBar::hidden),
            what: String::new(),
            working: Some(self.working(what)),
        }
    }
}

impl WorkObserver for Counting {
    fn done(&mut self, what: &str, done: usize, of: usize) {
        let Some(bar) = &mut self.bar else {
            return;
        };
        if self.what != what {
            self.working = None;
            what.clone_into(&mut self.what);
            bar.finish_and_clear();
            *bar = ProgressBar::new(of as u64);
            let template = "{msg} {wide_bar:.cyan/dim} {pos}/{len}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━━─"));
            }
            bar.set_message(text::shown(what).into_owned());
        }
        bar.set_position(done as u64);
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
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
