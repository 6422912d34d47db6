//! Fits that train side by side, on a thread of their own.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::protocol::{FitProgress, Reply, Status, finite};
use super::save;
use super::state::{Point, State};
use super::view::coordinates;
use crate::compute::device::Numerics;
use crate::density::target::Target;
use crate::error::Result;
use crate::fit::{Fit, LogConfig, Plan, Record};
use crate::mixture::Parameter;

/// Between two messages to the page.
const FRAME: Duration = Duration::from_millis(33);
/// A fit takes about this many frames, so that one can watch it.
const FRAMES: usize = 150;
/// Draws for the logged divergences, which take none in one or two dimensions.
const SAMPLES: usize = 64;

/// What a page may ask of its fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Pause,
    Resume,
    Step,
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
    pub fn start(state: &State, paused: bool, replies: mpsc::Sender<Reply>) -> Result<Self> {
        let experiment = save::experiment(state)?;
        let parameters = state.parameters()?.map(|(parameter, _)| parameter);
        let (control, orders) = channel();
        thread::spawn(move || {
            let numerics = Numerics::cpu();
            let target = Target::new(experiment.target.clone(), &numerics);
            let course = Course::new(&experiment.plans, &target, &numerics, parameters);
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

/// All fits with what the page knows of them.
struct Course<'a> {
    lanes: Vec<Lane<'a>>,
    parameters: [Parameter; 2],
    /// Steps of each between two messages.
    stride: usize,
}

struct Lane<'a> {
    plan: &'a Plan,
    fit: Fit<'a>,
    progress: FitProgress,
}

impl<'a> Course<'a> {
    fn new(
        plans: &'a [Plan],
        target: &'a Target,
        numerics: &Numerics,
        parameters: [Parameter; 2],
    ) -> Result<Self> {
        let log = LogConfig {
            every: Some(1),
            samples: SAMPLES,
            ..LogConfig::default()
        };
        let lanes = plans.iter().map(|plan| {
            Ok(Lane {
                plan,
                fit: Fit::new(plan, target, numerics, log, 0)?,
                progress: FitProgress {
                    name: plan.divergence.name(),
                    status: Status::Running,
                    step: 0,
                    value: None,
                    q: None,
                    path: Vec::new(),
                    trace: Vec::new(),
                    message: None,
                    restart: true,
                },
            })
        });
        let steps = plans.iter().map(|plan| plan.optimizer.steps).max();
        Ok(Self {
            lanes: lanes.collect::<Result<_>>()?,
            parameters,
            stride: steps.unwrap_or(1).div_ceil(FRAMES),
        })
    }

    /// Trains until all have ended or nobody listens any more.
    fn run(&mut self, paused: bool, orders: &Receiver<Control>, replies: &mpsc::Sender<Reply>) {
        let mut is_paused = paused;
        // The start is a step to see too.
        self.advance(1);
        loop {
            if self.report(is_paused, replies).is_err() || self.has_ended() {
                return;
            }
            let deadline = Instant::now() + FRAME;
            let mut steps = 0;
            while steps == 0 {
                let wait = match is_paused {
                    true => Duration::MAX,
                    false => deadline.saturating_duration_since(Instant::now()),
                };
                match orders.recv_timeout(wait) {
                    Ok(Control::Pause) => {
                        is_paused = true;
                        break;
                    }
                    Ok(Control::Resume) => is_paused = false,
                    Ok(Control::Step) => (is_paused, steps) = (true, 1),
                    Err(RecvTimeoutError::Timeout) => steps = self.stride,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            self.advance(steps);
        }
    }

    fn has_ended(&self) -> bool {
        let is_over = |lane: &Lane| matches!(lane.progress.status, Status::Done | Status::Failed);
        self.lanes.iter().all(is_over)
    }

    fn advance(&mut self, steps: usize) {
        for lane in &mut self.lanes {
            for _ in 0..steps {
                if matches!(lane.progress.status, Status::Done | Status::Failed) {
                    break;
                }
                match lane.fit.next() {
                    Some(Ok(record)) => lane.take(&record, self.parameters),
                    Some(Err(error)) => {
                        lane.progress.status = Status::Failed;
                        lane.progress.message = Some(error.to_string());
                    }
                    None => lane.progress.status = Status::Done,
                }
                if lane.progress.step >= lane.plan.optimizer.steps
                    && lane.progress.status == Status::Running
                {
                    lane.progress.status = Status::Done;
                }
            }
        }
    }

    /// Sends what is new, and forgets it.
    fn report(&mut self, is_paused: bool, replies: &mpsc::Sender<Reply>) -> Result<(), ()> {
        let fits = (self.lanes.iter_mut())
            .map(|lane| {
                let mut news = lane.progress.clone();
                if is_paused && news.status == Status::Running {
                    news.status = Status::Paused;
                }
                lane.progress.path.clear();
                lane.progress.trace.clear();
                lane.progress.restart = false;
                news
            })
            .collect();
        replies
            .blocking_send(Reply::Progress { fits })
            .map_err(|_| ())
    }
}

impl Lane<'_> {
    fn take(&mut self, record: &Record, parameters: [Parameter; 2]) {
        let run = &record.runs[0];
        let value = finite(run.evaluation.estimate(self.plan.divergence).value);
        let progress = &mut self.progress;
        progress.step = run.step_of(record.step);
        progress.value = value;
        progress.q = Some(Point::from_mixture(&run.mixture));
        progress.path.push(coordinates(&run.mixture, parameters));
        progress.trace.push((progress.step, value));
        match &run.stop {
            Some(stop) if stop.is_failure() => {
                progress.status = Status::Failed;
                progress.message = Some(stop.to_string());
            }
            Some(_) => progress.status = Status::Done,
            None => {}
        }
    }
}
