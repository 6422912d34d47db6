//! Fits that train side by side, on a thread of their own.

mod lane;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use self::lane::Lane;
use super::protocol::Reply;
use super::save;
use super::state::State;
use crate::compute::device::Numerics;
use crate::density::target::Target;
use crate::error::Result;
use crate::fit::{LogConfig, Plan};
use crate::mixture::Mixture;

/// Between two messages to the page.
const FRAME: Duration = Duration::from_millis(33);
/// The longest time between two steps that one waits for.
const LONGEST_FRAME: Duration = Duration::from_secs(2);
/// How many times as fast as at leisure, and how slow.
const SPEEDS: (f64, f64) = (1e-3, 1e4);
/// Draws for the logged divergences, which take none in one or two dimensions.
const SAMPLES: usize = 64;

/// What a page may ask of its fits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Control {
    Pause,
    Resume,
    Step,
    Speed(f64),
}

/// Fits that train; they stop when this is dropped.
#[derive(Debug)]
pub(super) struct Training {
    control: Sender<Control>,
}

impl Training {
    /// Starts the fits of a state; `paused` ones wait for a step. Progress goes to `replies`.
    ///
    /// # Errors
    /// If the state cannot be fitted.
    pub fn start(
        state: &State,
        paused: bool,
        speed: f64,
        replies: mpsc::Sender<Reply>,
    ) -> Result<Self> {
        let (experiment, mixture) = (save::experiment(state)?, state.target()?);
        let ids: Vec<String> = state.fits.iter().map(|fit| fit.id.clone()).collect();
        let pace = Pace::new(state.stride(), speed);
        let (control, orders) = channel();
        thread::spawn(move || {
            let numerics = Numerics::cpu();
            let target = Target::new(experiment.target.clone(), &numerics);
            let course = Course::new(
                &ids,
                &experiment.plans,
                (&mixture, &target),
                &numerics,
                pace,
            );
            match course {
                Ok(mut course) => course.run(paused, &orders, &replies),
                Err(error) => _ = replies.blocking_send(failure(None, &error)),
            }
        });
        Ok(Self { control })
    }

    /// Passes a control on; fits that have ended do not receive it.
    pub fn send(&self, control: Control) {
        _ = self.control.send(control);
    }
}

/// An error as the page shows it.
pub(super) fn failure(id: Option<u64>, error: &crate::error::Error) -> Reply {
    Reply::Error {
        id,
        message: error.to_string(),
        help: error.help(),
    }
}

/// How many steps are taken between two messages, and how long that is.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Steps between two records.
    stride: usize,
    steps: usize,
    frame: Duration,
}

impl Pace {
    fn new(stride: usize, speed: f64) -> Self {
        let speed = if speed.is_finite() { speed } else { 1.0 };
        let steps = stride as f64 * speed.clamp(SPEEDS.0, SPEEDS.1);
        let frame = match steps {
            // Slower than a step at a time.
            steps if steps < 1.0 => FRAME.div_f64(steps).min(LONGEST_FRAME),
            _ => FRAME,
        };
        Self {
            stride,
            steps: (steps.round() as usize).max(1),
            frame,
        }
    }

    fn at(self, speed: f64) -> Self {
        Self::new(self.stride, speed)
    }

    /// Steps between two records, so that each message has one.
    fn every(self) -> usize {
        self.stride.min(self.steps)
    }
}

/// All fits with what the page knows of them.
struct Course<'a> {
    lanes: Vec<Lane<'a>>,
    pace: Pace,
}

impl<'a> Course<'a> {
    fn new(
        ids: &[String],
        plans: &'a [Plan],
        target: (&'a Mixture, &'a Target),
        numerics: &'a Numerics,
        pace: Pace,
    ) -> Result<Self> {
        let log = LogConfig {
            every: Some(pace.stride),
            samples: SAMPLES,
            ..LogConfig::default()
        };
        let lanes =
            (ids.iter().zip(plans)).map(|(id, plan)| Lane::new(id, plan, target, numerics, log));
        Ok(Self {
            lanes: lanes.collect::<Result<_>>()?,
            pace,
        })
    }

    /// Trains until all have ended or nobody listens any more.
    fn run(&mut self, paused: bool, orders: &Receiver<Control>, replies: &mpsc::Sender<Reply>) {
        let mut is_paused = paused;
        // The start is a step to see too.
        self.advance(1, 1);
        loop {
            let begun = Instant::now();
            if self.report(is_paused, replies).is_err() || self.has_ended() {
                return;
            }
            let mut is_news = false;
            while !is_news {
                let wait = match is_paused {
                    true => Duration::MAX,
                    false => (begun + self.pace.frame).saturating_duration_since(Instant::now()),
                };
                match orders.recv_timeout(wait) {
                    Ok(Control::Pause) => (is_paused, is_news) = (true, true),
                    Ok(Control::Resume) => is_paused = false,
                    Ok(Control::Speed(speed)) => self.pace = self.pace.at(speed),
                    Ok(Control::Step) => {
                        (is_paused, is_news) = (true, true);
                        self.advance(1, 1);
                    }
                    Err(RecvTimeoutError::Timeout) => {
                        is_news = true;
                        self.advance(self.pace.steps, self.pace.every());
                    }
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        }
    }

    fn has_ended(&self) -> bool {
        self.lanes.iter().all(Lane::has_ended)
    }

    /// Takes steps in every fit, with a record after every so many; for as long as a frame takes at most.
    fn advance(&mut self, steps: usize, every: usize) {
        let begun = Instant::now();
        for taken in 0..steps {
            for lane in &mut self.lanes {
                lane.advance(every);
            }
            // What takes long is shown on the way.
            if taken > 0 && begun.elapsed() > 2 * FRAME {
                break;
            }
        }
    }

    /// Sends what is new, and forgets it.
    fn report(&mut self, is_paused: bool, replies: &mpsc::Sender<Reply>) -> Result<(), ()> {
        let fits = (self.lanes.iter_mut())
            .map(|lane| lane.news(is_paused))
            .collect();
        replies
            .blocking_send(Reply::Progress { fits })
            .map_err(|_| ())
    }
}
