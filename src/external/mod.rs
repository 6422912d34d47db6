//! A log-density that a program in another language computes, in a process of its own.

mod answer;
mod process;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::coordinates::{Coordinates, Support};
use crate::error::{Error, Refusal};
use crate::text;
use process::{Broken, Process};

pub use answer::Answer;

/// Points of one batch, at most.
const BATCH: usize = 1 << 15;
/// The step of a difference, in units of 1 + |u|: about ε^⅓.
const STEP: f64 = 6e-6;

/// Whether configs may start programs.
static ALLOWED: AtomicBool = AtomicBool::new(false);

/// Lets configs start the programs they name, from now on and in all of this process.
///
/// A program may do whatever its user may. Without this call a target by a program is refused, with what it would
/// have started.
pub fn allow_commands() {
    ALLOWED.store(true, Ordering::Relaxed);
}

/// What is started, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The folder it works in.
    pub folder: PathBuf,
    /// How long it may take for one batch of points.
    pub timeout: Duration,
}

impl Invocation {
    /// As one would type it.
    pub fn typed(&self) -> String {
        let words: Vec<_> = (self.command.iter())
            .map(|word| text::shell_word(word))
            .collect();
        words.join(" ")
    }
}

/// A log-density in nats, up to a constant, of D coordinates, by a program.
///
/// A batch of N points x goes to its standard input as an array in NumPy's file format, of shape N × D. For each it
/// writes an array to its standard output: log p, of shape N, or log p and its gradient, of shape N × (1 + D). Each
/// coordinate x is carried to the whole line by its [`Support`], as that of a formula is.
///
/// It is started once, started again once if it ends or breaks the protocol, and ended when this is dropped.
#[derive(Debug)]
pub struct External {
    invocation: Invocation,
    coordinates: Coordinates,
    has_gradient: OnceLock<bool>,
    running: Mutex<Option<Running>>,
    failure: OnceLock<Broken>,
}

/// The process, and whether it is the second.
#[derive(Debug)]
struct Running {
    process: Process,
    is_second: bool,
}

impl PartialEq for External {
    /// Whether they are the same program at the same place: what it computes is not known.
    fn eq(&self, other: &Self) -> bool {
        self.invocation == other.invocation && self.coordinates == other.coordinates
    }
}

impl External {
    /// A program that has yet to be [started](External::start).
    ///
    /// # Errors
    /// Unless programs are [allowed](allow_commands).
    pub fn new(invocation: Invocation, coordinates: Coordinates) -> Result<Self, Refusal> {
        if !ALLOWED.load(Ordering::Relaxed) {
            return Err(Refusal::new(
                "command",
                format!(
                    "would start `{}` in {}, which may do whatever you may",
                    invocation.typed(),
                    invocation.folder.display()
                ),
                "look at what it does; if you trust it, add --allow-commands",
            ));
        }
        Ok(Self {
            has_gradient: OnceLock::new(),
            running: Mutex::new(None),
            failure: OnceLock::new(),
            invocation,
            coordinates,
        })
    }

    /// Starts it, and asks it for two points.
    ///
    /// # Errors
    /// If it cannot be started, or does not keep to the protocol.
    pub fn start(&self) -> Result<(), Refusal> {
        let dim = self.coordinates.dim();
        let refused = |broken: Broken| Refusal::new("command", broken.message, broken.help);
        let mut process = Process::start(&self.invocation).map_err(refused)?;
        let mut points = vec![0.0; 2 * dim];
        points[dim..].fill(0.5);
        self.coordinates.apply(&mut points);
        let answer = process.ask(&points, dim).map_err(refused)?;
        self.has_gradient.get_or_init(|| answer.width > 1);
        *self.running() = Some(Running {
            process,
            is_second: false,
        });
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is started.
    pub fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Its coordinates.
    pub fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// Whether it tells the gradient: known once it was started.
    pub fn has_gradient(&self) -> bool {
        self.has_gradient.get().is_some_and(|has| *has)
    }

    /// Why there are no numbers any more: the program failed again after it was started again.
    ///
    /// # Errors
    /// If there are none.
    pub fn check(&self) -> Result<(), Error> {
        match self.failure.get() {
            None => Ok(()),
            Some(broken) => Err(Error::numerical(
                broken.message.clone(),
                broken.help.clone(),
            )),
        }
    }

    /// The log-density of u in nats at N points `[N, D]`, and its gradient `[N, D]` where that is asked for: by
    /// differences where the program gives none. All are NaN once it has [failed](External::check).
    pub fn evaluate(&self, u: &[f64], values: &mut [f64], mut gradient: Option<&mut [f64]>) {
        let dim = self.coordinates.dim();
        for (i, values) in values.chunks_mut(BATCH).enumerate() {
            let rows = i * BATCH * dim..(i * BATCH + values.len()) * dim;
            let u = &u[rows.clone()];
            let slots = gradient.as_mut().map(|gradient| &mut gradient[rows]);
            match slots {
                Some(slots) if !self.has_gradient() => {
                    self.batch(u, values, None);
                    self.differences(u, slots);
                }
                slots => self.batch(u, values, slots),
            }
        }
    }

    fn batch(&self, u: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        let dim = self.coordinates.dim();
        let supports: Vec<Support> = self.coordinates.supports().collect();
        let mut x = u.to_vec();
        self.coordinates.apply(&mut x);
        let Some(answer) = self.ask(&x) else {
            values.fill(f64::NAN);
            if let Some(gradient) = gradient {
                gradient.fill(f64::NAN);
            }
            return;
        };
        let rows = answer.values.chunks_exact(answer.width);
        for ((value, row), u) in values.iter_mut().zip(rows.clone()).zip(u.chunks_exact(dim)) {
            let slopes = supports.iter().zip(u);
            *value = row[0]
                + slopes
                    .map(|(support, u)| support.log_slope(*u))
                    .sum::<f64>();
        }
        let Some(gradient) = gradient else { return };
        for ((slots, row), u) in gradient
            .chunks_exact_mut(dim)
            .zip(rows)
            .zip(u.chunks_exact(dim))
        {
            for (((slot, by_x), support), u) in
                slots.iter_mut().zip(&row[1..]).zip(&supports).zip(u)
            {
                *slot = match support {
                    Support::Real => *by_x,
                    // d/du of log p(T(u)) + log |T′(u)|.
                    bounded => by_x * bounded.slope(*u) + bounded.turn(*u),
                };
            }
        }
    }

    /// Central differences, as many points at once as go into a batch.
    fn differences(&self, u: &[f64], gradient: &mut [f64]) {
        let dim = self.coordinates.dim();
        let step = |u: f64| STEP * (1.0 + u.abs());
        let rows = (BATCH / (2 * dim)).max(1) * dim;
        for (u, gradient) in u.chunks(rows).zip(gradient.chunks_mut(rows)) {
            let moved: Vec<f64> = (u.chunks_exact(dim))
                .flat_map(|point| (0..2 * dim).map(move |i| (point, i)))
                .flat_map(|(point, i)| {
                    let mut moved = point.to_vec();
                    let by = step(point[i / 2]);
                    moved[i / 2] += if i % 2 == 0 { by } else { -by };
                    moved
                })
                .collect();
            let mut values = vec![0.0; moved.len() / dim];
            self.batch(&moved, &mut values, None);
            let pairs = values.chunks_exact(2);
            for ((slot, pair), u) in gradient.iter_mut().zip(pairs).zip(u) {
                *slot = (pair[0] - pair[1]) / (2.0 * step(*u));
            }
        }
    }

    /// Log p at some points x `[N, D]`, from the second process if need be.
    fn ask(&self, x: &[f64]) -> Option<Answer> {
        if self.failure.get().is_some() {
            return None;
        }
        let dim = self.coordinates.dim();
        let mut held = self.running();
        let running = held.as_mut()?;
        let keeps = |answer: &Answer| (answer.width > 1) == self.has_gradient();
        let changed = || {
            let typed = self.invocation.typed();
            Broken::new(
                format!(
                    "`{typed}` answered with a gradient at one time and without one at another"
                ),
                "answer every batch in the same way",
            )
        };
        loop {
            let asked = running.process.ask(x, dim);
            let broken = match asked {
                Ok(answer) if keeps(&answer) => return Some(answer),
                Ok(_) => changed(),
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
                    self.failure.get_or_init(|| broken);
                    return None;
                }
            }
        }
    }
}
