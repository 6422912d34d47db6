//! Fits that train side by side, on a thread of their own.

mod lane;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use self::lane::Lane;
use super::protocol::{FitProgress, Reply, Status};
use super::save;
use super::state::State;
use crate::compute::device::Numerics;
use crate::density::target::{Target, TargetModel};
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
        let (experiment, p) = (save::experiment(state)?, state.target()?);
        let pace = Pace::new(state.stride(), speed);
        let (control, orders) = channel();
        let ids: Vec<String> = state.fits.iter().map(|fit| fit.id.clone()).collect();
        thread::spawn(move || {
            let workers = (ids.into_iter().zip(experiment.plans))
                .map(|(id, plan)| Worker::new(id, plan, experiment.target.clone(), p.clone(), pace))
                .collect();
            let mut course = Course {
                workers,
                fits: Vec::new(),
                pace,
            };
            course.run(paused, &orders, &replies);
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

/// Steps to take, with a record after every so many.
struct Advance {
    steps: usize,
    every: usize,
}

/// A fit on a thread of its own, which ends with this.
struct Worker {
    orders: Sender<Advance>,
    news: Receiver<FitProgress>,
}

impl Worker {
    fn new(id: String, plan: Plan, target: TargetModel, p: Mixture, pace: Pace) -> Self {
        let (orders, received) = channel::<Advance>();
        let (tell, news) = channel();
        let log = LogConfig {
            every: Some(pace.stride),
            samples: SAMPLES,
            ..LogConfig::default()
        };
        thread::spawn(move || {
            let numerics = Numerics::cpu();
            let target = Target::new(target, &numerics);
            let mut lane = match Lane::new(&id, &plan, (&p, &target), &numerics, log) {
                Ok(lane) => lane,
                Err(error) => {
                    _ = tell.send(FitProgress::failed(id, error.to_string()));
                    return;
                }
            };
            for Advance { steps, every } in received {
                let begun = Instant::now();
                for _ in 0..steps {
                    lane.advance(every);
                    // What takes long is shown on the way.
                    if begun.elapsed() > FRAME {
                        break;
                    }
                }
                if tell.send(lane.news()).is_err() {
                    return;
                }
            }
        });
        Self { orders, news }
    }
}

/// All fits with what the page has last heard of them.
struct Course {
    workers: Vec<Worker>,
    fits: Vec<FitProgress>,
    pace: Pace,
}

impl Course {
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
        self.fits.iter().all(FitProgress::has_ended)
    }

    /// Lets every fit take steps, all at once, for about as long as a frame at most.
    fn advance(&mut self, steps: usize, every: usize) {
        for worker in &self.workers {
            // One that could not begin takes no orders, and has said why.
            _ = worker.orders.send(Advance { steps, every });
        }
        let heard: Vec<_> = (self.workers.iter())
            .map(|worker| worker.news.recv().ok())
            .collect();
        if self.fits.is_empty() {
            self.fits = heard.into_iter().flatten().collect();
            return;
        }
        for (fit, news) in self.fits.iter_mut().zip(heard) {
            match news {
                Some(news) => *fit = news,
                None => fit.forget(),
            }
        }
    }

    /// Sends what is new, and forgets it.
    fn report(&mut self, is_paused: bool, replies: &mpsc::Sender<Reply>) -> Result<(), ()> {
        let mut fits = self.fits.clone();
        for fit in &mut fits {
            if is_paused && fit.status == Status::Running {
                fit.status = Status::Paused;
            }
        }
        for fit in &mut self.fits {
            fit.forget();
        }
        replies
            .blocking_send(Reply::Progress { fits })
            .map_err(|_| ())
    }
}
