//! What the page and the server say to each other: JSON, one message at a time.

use serde::{Deserialize, Serialize};

use super::state::{EstimatorLabel, MixtureState, State};

/// From the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum Request {
    View(ViewRequest),
    Run {
        id: u64,
        state: State,
        /// Whether to wait before the first step.
        #[serde(default)]
        paused: bool,
        /// How fast, as of [`Request::Speed`].
        #[serde(default = "normal_speed")]
        speed: f64,
    },
    /// How many times as many steps are taken in a second as it takes to see a whole fit at leisure.
    Speed {
        speed: f64,
    },
    Pause,
    Resume,
    Step,
    Stop,
    Config {
        id: u64,
        state: State,
    },
    Figure {
        id: u64,
        state: State,
        #[serde(default)]
        shown: Shown,
        format: Format,
    },
    /// The optima from reverse KL to forward KL.
    Morph {
        id: u64,
        state: State,
        /// Where it begins, if not at the start.
        q: Option<MixtureState>,
    },
    /// Draws of q, and what they say of the gradient of reverse KL.
    Draws {
        id: u64,
        state: State,
        q: Option<MixtureState>,
        /// How many.
        count: usize,
        /// Which of all the sets that there are.
        #[serde(default)]
        set: u64,
    },
    /// The page that plays a recording, which the page puts in.
    Player {
        id: u64,
    },
}

/// What is to be seen.
#[derive(Debug, Deserialize)]
pub(super) struct ViewRequest {
    pub id: u64,
    pub state: State,
    /// Where q is, if not at the start.
    pub q: Option<MixtureState>,
    pub landscape: Detail,
    /// Whether the integrals of the integrands are wanted too.
    #[serde(default)]
    pub totals: bool,
    /// How sure the values must be.
    #[serde(default)]
    pub values: Sureness,
}

fn normal_speed() -> f64 {
    1.0
}

/// How sure values must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sureness {
    /// With what they lie between for certain.
    #[default]
    Sure,
    /// By a rough rule, for what moves.
    Quick,
}

/// How fine a landscape is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Detail {
    None,
    Coarse,
    Fine,
}

/// The file of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Format {
    Svg,
    Png,
}

/// What is on screen besides the state.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    /// The q that is shown, where it is a fit's.
    pub q: Option<MixtureState>,
    #[serde(default)]
    pub fits: Vec<ShownFit>,
}

/// A fit as the page draws it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShownFit {
    pub title: String,
    pub divergence: String,
    /// Its best run.
    pub q: MixtureState,
    /// Where other runs ended, one for each optimum.
    pub others: Vec<MixtureState>,
    /// The best run's way over the landscapes, and those of others.
    pub path: Vec<[f64; 2]>,
    pub paths: Vec<Vec<[f64; 2]>>,
}

/// From the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(super) enum Reply {
    Hello(Box<Hello>),
    View(Box<StateView>),
    Progress {
        fits: Vec<FitProgress>,
    },
    Config {
        id: u64,
        name: &'static str,
        toml: String,
    },
    Figure {
        id: u64,
        name: &'static str,
        mime: &'static str,
        /// In base64.
        data: String,
    },
    Morph {
        id: u64,
        ms: f64,
        stops: Vec<MorphStop>,
        jumps: Vec<Jump>,
    },
    Draws {
        id: u64,
        x: Vec<f64>,
        rules: Vec<DrawnRule>,
        /// The push on μ and on σ by quadrature.
        exact: [f64; 2],
    },
    Player {
        id: u64,
        name: &'static str,
        html: String,
    },
    Error {
        id: Option<u64>,
        message: String,
        help: Option<String>,
    },
}

/// The first message.
#[derive(Debug, Serialize)]
pub(super) struct Hello {
    pub version: &'static str,
    pub divergences: Vec<DivergenceLabel>,
    pub optimizers: Vec<&'static str>,
    pub limits: Limits,
    pub state: State,
    pub run: Option<Replay>,
}

#[derive(Debug, Serialize)]
pub(super) struct DivergenceLabel {
    pub name: String,
    pub title: String,
    pub symbol: String,
    pub in_nats: bool,
    /// Those that go with it.
    pub estimators: Vec<EstimatorLabel>,
}

#[derive(Debug, Serialize)]
pub(super) struct Limits {
    pub components: usize,
    pub q_components: usize,
    pub restarts: usize,
    pub steps: usize,
    pub fits: usize,
}

/// All there is to see of a state.
#[derive(Debug, Serialize)]
pub(super) struct StateView {
    pub id: u64,
    /// How long it took.
    pub ms: f64,
    pub densities: Densities,
    pub values: Vec<ValueView>,
    /// Which of the modes of p are covered by q; empty where they are not looked for.
    pub covered: Vec<bool>,
    pub landscape: Option<LandscapeView>,
}

/// Densities on a line, or on a grid whose rows go with y; to the digits that a picture takes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Densities {
    Line {
        x: Vec<f64>,
        p: Vec<f32>,
        q: Vec<f32>,
        integrands: Vec<Curve>,
    },
    Plane {
        x: Vec<f64>,
        y: Vec<f64>,
        p: Vec<f32>,
        q: Vec<f32>,
    },
}

#[derive(Debug, Serialize)]
pub(super) struct Curve {
    pub name: String,
    pub symbol: String,
    pub values: Vec<f32>,
    /// Their integral up to each place, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<Vec<f32>>,
}

/// A divergence between p and q; null where it is infinite or not known.
#[derive(Debug, Serialize)]
pub(super) struct ValueView {
    pub name: String,
    pub symbol: String,
    pub value: Option<f64>,
    pub error: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct LandscapeView {
    pub parameters: [String; 2],
    /// Of which component of q.
    pub component: usize,
    pub titles: [String; 2],
    pub columns: Vec<f64>,
    pub rows: Vec<f64>,
    pub surfaces: Vec<SurfaceView>,
}

#[derive(Debug, Serialize)]
pub(super) struct SurfaceView {
    pub name: String,
    pub symbol: String,
    /// Row after row; null where it is infinite or no density.
    pub log10: Vec<Option<f32>>,
    pub optima: Vec<OptimumView>,
}

#[derive(Debug, Serialize)]
pub(super) struct OptimumView {
    pub at: [f64; 2],
    pub value: f64,
    pub is_best: bool,
}

/// What is new of a fit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct FitProgress {
    /// Of [`FitState`](super::state::FitState).
    pub id: String,
    pub status: Status,
    pub step: usize,
    /// The divergence of the best run.
    pub value: Option<f64>,
    /// Which run is the best.
    pub best: usize,
    /// Where that is.
    pub q: Option<MixtureState>,
    /// The divergences between p and that, by their names.
    pub values: Vec<(String, Option<f64>)>,
    /// Which of the modes of p it covers.
    pub covered: Vec<bool>,
    pub runs: Vec<RunProgress>,
    /// The step and the divergence of the best run, at each record.
    pub trace: Vec<(usize, Option<f64>)>,
    pub message: Option<String>,
    /// Whether this is the first of a fit.
    pub restart: bool,
}

impl FitProgress {
    /// Of a fit of so many runs that begins.
    pub fn new(id: String, runs: usize) -> Self {
        Self {
            id,
            status: Status::Running,
            step: 0,
            value: None,
            best: 0,
            q: None,
            values: Vec::new(),
            covered: Vec::new(),
            runs: vec![RunProgress::default(); runs],
            trace: Vec::new(),
            message: None,
            restart: true,
        }
    }

    /// Of one that could not.
    pub fn failed(id: String, message: String) -> Self {
        Self {
            status: Status::Failed,
            message: Some(message),
            ..Self::new(id, 0)
        }
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.status, Status::Done | Status::Failed)
    }

    /// What was new is so no longer.
    pub fn forget(&mut self) {
        self.trace.clear();
        self.restart = false;
        for run in &mut self.runs {
            run.rows.clear();
        }
    }
}

/// What is new of one run of a fit.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct RunProgress {
    /// Where it was at each record since the last message: weights where there are several, then means,
    /// standard deviations and correlations, rounded. Of many runs the last alone.
    pub rows: Vec<Vec<f64>>,
    pub value: Option<f64>,
    /// Once all have ended: the place of its optimum among those of its fit, the best first.
    pub optimum: Option<usize>,
    pub has_failed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Status {
    Running,
    Paused,
    Done,
    Failed,
}

/// The optimum of the α-divergence of one order, on the path from reverse KL.
#[derive(Debug, Serialize)]
pub(super) struct MorphStop {
    /// 0 is reverse KL, and 1 forward KL.
    pub alpha: f64,
    pub q: MixtureState,
    /// D_α.
    pub value: Option<f64>,
    /// Both KLs, by their names.
    pub values: Vec<(String, Option<f64>)>,
    /// Which of the components of p it covers.
    pub covered: Vec<bool>,
}

/// What draws say by one rule for the gradient.
#[derive(Debug, Serialize)]
pub(super) struct DrawnRule {
    pub gradient: &'static str,
    /// The push of each draw on μ and on σ.
    pub pushes: Vec<[f64; 2]>,
    /// Of the first 2, 4, 8, … draws.
    pub means: Vec<MeanPush>,
}

/// The mean push of some draws.
#[derive(Debug, Serialize)]
pub(super) struct MeanPush {
    pub draws: usize,
    pub mean: [f64; 2],
    /// Its standard error.
    pub error: [f64; 2],
}

/// Two orders between which a path of optima ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Jump {
    pub left: f64,
    pub right: f64,
}

/// A finished run, to go through step by step.
#[derive(Debug, Clone, Serialize)]
pub struct Replay {
    pub(super) name: String,
    pub(super) dim: usize,
    pub(super) target: MixtureState,
    pub(super) fits: Vec<ReplayFit>,
}

/// The best run of one of its fits.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ReplayFit {
    pub label: String,
    pub divergence: String,
    pub symbol: String,
    pub steps: Vec<usize>,
    pub q: Vec<MixtureState>,
    pub values: Vec<Option<f64>>,
}

/// JSON has no infinities.
pub(super) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
