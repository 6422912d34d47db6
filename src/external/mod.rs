//! A log-density that others compute: a program in another language, in a process of its own, or a function of the
//! program that this library is part of.

mod answer;
mod called;
mod process;
mod program;

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::coordinates::{Coordinates, Support};
use crate::error::{Error, Refusal};
use crate::given::{LogDensity, Take};
use called::Called;
use process::Broken;
use program::Program;

pub use answer::Answer;
pub use process::Invocation;

/// Points of one batch for a program, at most: what is said is worth the waking of it …
const BATCH: usize = 1 << 15;
/// … and for a function so many coordinates, if that is not too few points: what is a little less than 128 KiB is in a
/// fast cache, and below what some allocators take from the system anew each time.
const CALL: usize = (1 << 14) - (1 << 8);
const LEAST_CALL: usize = 1 << 10;
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

/// A log-density in nats, up to a constant, of D coordinates, that others compute.
///
/// A batch of N points x goes to the standard input of a program as an array in NumPy's file format, of shape N × D. For
/// each it writes an array to its standard output: log p, of shape N, or log p and its gradient, of shape N × (1 + D).
/// A function is called with the same, and answers with the same. Each coordinate x is carried to the whole line by its
/// [`Support`], as that of a formula is.
pub struct External {
    source: Source,
    coordinates: Coordinates,
    has_gradient: OnceLock<bool>,
    failure: OnceLock<Broken>,
}

/// What answers.
enum Source {
    Program(Program),
    Function(Called),
}

/// What it is, and not what was done with it.
impl fmt::Debug for External {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut external = f.debug_struct("External");
        match &self.source {
            Source::Program(program) => external.field("program", program.invocation()),
            Source::Function(called) => external.field("function", &called.name),
        };
        (external.field("coordinates", &self.coordinates)).finish()
    }
}

impl PartialEq for External {
    /// Whether they are the same program at the same place, or the same function: what they compute is not known.
    fn eq(&self, other: &Self) -> bool {
        let is_same = match (&self.source, &other.source) {
            (Source::Program(one), Source::Program(other)) => {
                one.invocation() == other.invocation()
            }
            (Source::Function(one), Source::Function(other)) => {
                one.name == other.name && Arc::ptr_eq(&one.function, &other.function)
            }
            _ => false,
        };
        is_same && self.coordinates == other.coordinates
    }
}

impl External {
    /// A program that has yet to be [started](External::start).
    ///
    /// # Errors
    /// Unless programs are [allowed](allow_commands).
    pub fn program(invocation: Invocation, coordinates: Coordinates) -> Result<Self, Refusal> {
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
        Ok(Self::new(
            Source::Program(Program::new(invocation)),
            coordinates,
        ))
    }

    /// A function with a name to be told by.
    pub fn function(
        name: impl Into<String>,
        function: Arc<dyn LogDensity>,
        coordinates: Coordinates,
    ) -> Self {
        let name = name.into();
        Self::new(Source::Function(Called { name, function }), coordinates)
    }

    fn new(source: Source, coordinates: Coordinates) -> Self {
        Self {
            source,
            coordinates,
            has_gradient: OnceLock::new(),
            failure: OnceLock::new(),
        }
    }

    /// Starts it, and asks it for two points.
    ///
    /// # Errors
    /// If it cannot be started, or does not keep to the protocol.
    pub fn start(&self) -> Result<(), Refusal> {
        let dim = self.coordinates.dim();
        let mut points = vec![0.0; 2 * dim];
        points[dim..].fill(0.5);
        self.coordinates.apply(&mut points);
        let asked = match &self.source {
            Source::Program(program) => {
                (program.start(&points, dim)).map(|answer| answer.parted().gradient.is_some())
            }
            Source::Function(function) => function.ask(&points, dim, &mut |_, _| {}),
        };
        let has_gradient =
            asked.map_err(|broken| Refusal::new(self.key(), broken.message, broken.help))?;
        self.has_gradient.get_or_init(|| has_gradient);
        Ok(())
    }

    /// The key of a config that names it.
    pub fn key(&self) -> &'static str {
        match &self.source {
            Source::Program(_) => "command",
            Source::Function(_) => "function",
        }
    }

    /// What it is, in a word.
    pub fn kind(&self) -> &'static str {
        match &self.source {
            Source::Program(_) => "program",
            Source::Function(_) => "function",
        }
    }

    /// The command as one would type it, or the name of the function.
    pub fn text(&self) -> String {
        match &self.source {
            Source::Program(program) => program.invocation().typed(),
            Source::Function(function) => function.name.clone(),
        }
    }

    /// Its coordinates.
    pub fn coordinates(&self) -> &Coordinates {
        &self.coordinates
    }

    /// Whether it tells the gradient: known once it was [started](External::start).
    pub fn has_gradient(&self) -> bool {
        self.has_gradient.get().is_some_and(|has| *has)
    }

    /// Why there are no numbers any more: the program failed again after it was started again, or the function did.
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
        let batch = self.at_once();
        for (i, values) in values.chunks_mut(batch).enumerate() {
            let rows = i * batch * dim..(i * batch + values.len()) * dim;
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

    /// The log-density of u at some points; its gradient is not asked for where there is none.
    fn batch(&self, u: &[f64], values: &mut [f64], mut gradient: Option<&mut [f64]>) {
        let mut x = Cow::Borrowed(u);
        if !self.coordinates.is_unbounded() {
            self.coordinates.apply(x.to_mut());
        }
        let is_told = self.ask(&x, &mut |log_p, by_x| {
            values.copy_from_slice(log_p);
            if let Some((slots, by_x)) = gradient.as_deref_mut().zip(by_x) {
                slots.copy_from_slice(by_x);
            }
        });
        if !is_told {
            values.fill(f64::NAN);
            if let Some(gradient) = gradient {
                gradient.fill(f64::NAN);
            }
        } else if !self.coordinates.is_unbounded() {
            self.carry(u, values, gradient);
        }
    }

    /// Turns the log-density of x, and its gradient by x, into those of u: log p(T(u)) + log |T′(u)|.
    fn carry(&self, u: &[f64], values: &mut [f64], gradient: Option<&mut [f64]>) {
        let supports: Vec<Support> = self.coordinates.supports().collect();
        for (value, u) in values.iter_mut().zip(u.chunks_exact(supports.len())) {
            let slopes = supports.iter().zip(u);
            *value += slopes
                .map(|(support, u)| support.log_slope(*u))
                .sum::<f64>();
        }
        let slots = gradient.into_iter().flatten().zip(u);
        for ((slot, u), support) in slots.zip(supports.iter().cycle()) {
            if *support != Support::Real {
                *slot = *slot * support.slope(*u) + support.turn(*u);
            }
        }
    }

    /// Points that are asked about at once, at most.
    pub fn at_once(&self) -> usize {
        match &self.source {
            Source::Program(_) => BATCH,
            Source::Function(_) => (CALL / self.coordinates.dim()).max(LEAST_CALL),
        }
    }

    /// Central differences, as many points at once as go into a batch.
    fn differences(&self, u: &[f64], gradient: &mut [f64]) {
        let dim = self.coordinates.dim();
        let step = |u: f64| STEP * (1.0 + u.abs());
        let rows = (self.at_once() / (2 * dim)).max(1) * dim;
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

    /// Hands log p at some points x `[N, D]` to `take`; whether it could, which it cannot once it has failed.
    fn ask(&self, x: &[f64], take: Take<'_>) -> bool {
        if self.failure.get().is_some() {
            return false;
        }
        let (dim, has_gradient) = (self.coordinates.dim(), self.has_gradient());
        let asked = match &self.source {
            Source::Program(program) => (program.ask(x, dim, has_gradient)).map(|answer| {
                answer.map(Answer::parted).is_some_and(|answer| {
                    take(&answer.values, answer.gradient.as_deref());
                    true
                })
            }),
            Source::Function(function) => {
                (function.ask_again(x, dim, has_gradient, take)).map(|()| true)
            }
        };
        asked.unwrap_or_else(|broken| {
            self.failure.get_or_init(|| broken);
            false
        })
    }
}
