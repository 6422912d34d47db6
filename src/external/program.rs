//! A program in a process of its own that answers batches of points, started again once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::answer::Answer;
use super::process::{Broken, Invocation, Process};

/// It is started once, started again once if it ends or breaks the protocol, and ended when this is dropped.
pub(super) struct Program {
    invocation: Invocation,
    running: Mutex<Option<Running>>,
}

/// The process, and whether it is the second.
struct Running {
    process: Process,
    is_second: bool,
}

impl Program {
    pub fn new(invocation: Invocation) -> Self {
        Self {
            invocation,
            running: Mutex::new(None),
        }
    }

    pub fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts it, and asks it for some points.
    pub fn start(&self, points: &[f64], dim: usize) -> Result<Answer, Broken> {
        let mut process = Process::start(&self.invocation)?;
        let answer = process.ask(points, dim)?;
        *self.running() = Some(Running {
            process,
            is_second: false,
        });
        Ok(answer)
    }

    /// Log p at some points x `[N, D]`, from the second process if need be; `None` where it was not started.
    pub fn ask(&self, x: &[f64], dim: usize, has_gradient: bool) -> Result<Option<Answer>, Broken> {
        let mut held = self.running();
        let Some(running) = held.as_mut() else {
            return Ok(None);
        };
        loop {
            let broken = match running.process.ask(x, dim) {
                Ok(answer) if answer.has_gradient() == has_gradient => return Ok(Some(answer)),
                Ok(_) => Broken::changed(&format!("`{}`", self.invocation.typed())),
                Err(broken) => broken,
            };
            let again = match running.is_second || broken.is_late {
                true => Err(broken),
                false => Process::start(&self.invocation),
            };
            match again {
                Ok(process) => {
                    *running = Running {
                        process,
                        is_second: true,
                    }
                }
                Err(broken) => {
                    running.process.end();
                    return Err(broken);
                }
            }
        }
    }
}
