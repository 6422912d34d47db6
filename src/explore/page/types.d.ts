// What the page's modules pass to each other. Nothing of it is loaded by the browser.

import type { Lesson } from "./model/lessons.js";

/** A mixture of K Gaussians in D dimensions: p as well as q. */
export interface Mixture {
  weights: number[];
  means: number[][];
  stds: number[][];
  /** Of the two coordinates of each component; 0 in 1-D. */
  correlations: number[];
}

/** One of its components. */
export interface Gaussian {
  mean: number[];
  stds: number[];
  correlation: number;
}

export interface Estimator {
  type: string;
  gradient?: string;
  samples?: number;
}

/** What is fitted: told from the others by its id. */
export interface Fit {
  id: string;
  divergence: string;
  estimator: Estimator;
}

export type Range = [number, number];

export interface Optimizer {
  type: string;
  learning_rate: number;
  steps: number;
}

export interface LandscapeChoice {
  component: number;
  parameters: [string, string];
  ranges: [Range, Range];
}

/** Everything a person has chosen: what a link holds. */
export interface State {
  version: number;
  dim: number;
  target: Mixture;
  q: Mixture;
  restarts: number;
  fits: Fit[];
  optimizer: Optimizer;
  axes: { x: Range; y: Range };
  landscape: LandscapeChoice;
}

// --- what the server says ---

export interface EstimatorLabel {
  type: string;
  gradient: string;
  title: string;
}

export interface DivergenceLabel {
  name: string;
  title: string;
  symbol: string;
  in_nats: boolean;
  estimators: EstimatorLabel[];
}

export interface Limits {
  components: number;
  q_components: number;
  restarts: number;
  steps: number;
  fits: number;
}

export interface Hello {
  version: string;
  divergences: DivergenceLabel[];
  optimizers: string[];
  limits: Limits;
  state: State;
  run: Run | null;
}

/** A finished run. */
export interface Run {
  name: string;
  dim: number;
  target: Mixture;
  fits: RunFit[];
}

export interface RunFit {
  label: string;
  divergence: string;
  symbol: string;
  steps: number[];
  q: Mixture[];
  values: (number | null)[];
}

export interface Curve {
  name: string;
  symbol: string;
  values: number[];
  /** Their integral up to each place, where it was asked for. */
  totals?: number[];
}

/** On a line, or on a grid whose rows go with y. */
export interface Densities {
  x: number[];
  y?: number[];
  p: number[];
  q: number[];
  integrands?: Curve[];
}

export interface Value {
  name: string;
  symbol: string;
  value: number | null;
  error: number | null;
  lower: number | null;
  upper: number | null;
}

export interface Optimum {
  at: [number, number];
  value: number;
  is_best: boolean;
}

export interface Surface {
  name: string;
  symbol: string;
  /** Row after row; null where it is infinite or no density. */
  log10: (number | null)[];
  optima: Optimum[];
}

export interface Landscape {
  parameters: [string, string];
  component: number;
  titles: [string, string];
  columns: number[];
  rows: number[];
  surfaces: Surface[];
}

export interface View {
  id: number;
  ms: number;
  densities: Densities;
  values: Value[];
  covered: boolean[];
  landscape: Landscape | null;
}

/** The optimum of the α-divergence of one order. */
export interface AlphaStop {
  alpha: number;
  q: Mixture;
  value: number | null;
  values: [string, number | null][];
  covered: boolean[];
}

/** Two orders between which a path of optima ends. */
export interface Jump {
  left: number;
  right: number;
}

export interface RunNews {
  rows: number[][];
  value: number | null;
  optimum: number | null;
  has_failed: boolean;
}

export interface FitNews {
  id: string;
  status: "running" | "paused" | "done" | "failed";
  step: number;
  value: number | null;
  best: number;
  q: Mixture | null;
  values: [string, number | null][];
  covered: boolean[];
  runs: RunNews[];
  trace: [number, number | null][];
  message: string | null;
  restart: boolean;
}

export type Reply =
  | ({ type: "hello" } & Hello)
  | ({ type: "view" } & View)
  | { type: "progress"; fits: FitNews[] }
  | { type: "config"; id: number; name: string; toml: string }
  | { type: "figure"; id: number; name: string; mime: string; data: string }
  | { type: "morph"; id: number; ms: number; stops: AlphaStop[]; jumps: Jump[] }
  | { type: "draws"; id: number; x: number[]; rules: DrawnRule[]; exact: [number, number] }
  | { type: "player"; id: number; name: string; html: string }
  | { type: "error"; id: number | null; message: string; help: string | null };

// --- what the views draw ---

/** The name of a colour in the palette, and the dashes of a line. */
export interface Style {
  slot: string;
  dash: number[];
}

/** One run of a fit over the landscape's parameters. */
export interface ShownRun {
  path: [number, number][];
  /** The optimum it ended at, the best of its fit being 0. */
  optimum: number | null;
  hasFailed: boolean;
}

/** A fit as it is drawn. */
export interface ShownFit {
  id: string;
  divergence: string;
  title: string;
  style: Style;
  status: string;
  message: string | null;
  /** The best run's q. */
  mixture: Mixture;
  best: number;
  runs: ShownRun[];
  trace: [number, number | null][];
  /** The step of `trace` that is shown, where that is not the last. */
  mark: number | null;
  value: number | null;
  values: [string, number | null][];
  covered: boolean[];
  /** Where every run is, once all have ended. */
  ends: { mixture: Mixture; optimum: number | null }[];
}

/** What draws say by one rule for the gradient: the push of each on μ and σ, and the mean of the first 2, 4, 8, … */
export interface DrawnRule {
  gradient: string;
  pushes: [number, number][];
  means: { draws: number; mean: [number, number]; error: [number, number] }[];
}

/** Draws of the shown q, as their panel draws them. */
export interface ShownDraws {
  isOpen: boolean;
  count: number;
  drawn: { x: number[]; rules: DrawnRule[]; exact: [number, number] } | null;
  problem: string | null;
}

/** The path from reverse KL to forward KL, as its panel draws it. */
export interface ShownAlpha {
  isOpen: boolean;
  /** Whether the q on it is the one that is shown. */
  isShown: boolean;
  path: { stops: AlphaStop[]; jumps: Jump[] } | null;
  problem: string | null;
  place: number;
}

/** Where the best run of a fit was at each step. */
export interface Way {
  steps: number[];
  q: Mixture[];
}

/** What of a view a recording keeps: integrands as whole numbers of a unit. */
export interface RecordedView {
  values: Value[];
  covered: boolean[];
  integrands: RecordedCurve[];
}

/** A curve as whole numbers of a unit; and what of it is on screen, the integrand or its integral. */
export interface RecordedCurve {
  name: string;
  symbol: string;
  unit: number;
  parts: number[];
  totals?: { unit: number; parts: number[] };
}

/** A fit as it ended, the steps at which its runs have places, and its q and what that is worth at those of the recording. */
export interface RecordedFit {
  fit: ShownFit;
  steps: number[];
  q: Mixture[];
  views: RecordedView[];
}

/** What a saved page plays. */
export interface Recording {
  hello: Pick<Hello, "version" | "divergences">;
  state: State;
  shownId: string;
  showsTotals: boolean;
  steps: number[];
  own: RecordedView & { densities: Densities };
  landscape: Landscape | null;
  fits: RecordedFit[];
}

/** Everything on screen, as plain data: a view needs nothing else. */
export interface Scene {
  hello: Hello;
  state: State;
  /** The q that is shown … */
  q: Mixture;
  /** … and whose it is: "own", or the id of a fit. */
  shownId: string;
  view: View | null;
  landscape: Landscape | null;
  /** Whether the landscape is the fine one of the present state. */
  isFine: boolean;
  fits: ShownFit[];
  /** How each of the state's fits is drawn, whether it runs or not. */
  fitStyles: Record<string, Style>;
  /** How each divergence is drawn. */
  styles: Record<string, Style>;
  training: { status: string; step: number; planned: number; isStopped: boolean };
  replay: { name: string; step: number; index: number; steps: number[]; target: Mixture } | null;
  isReplayShown: boolean;
  alpha: ShownAlpha;
  draws: ShownDraws;
  /** Whether the integrals of the integrands stand in their place. */
  showsTotals: boolean;
  /** The lesson that is on. */
  lesson: Lesson | null;
  isConnected: boolean;
  /** Whether it is a recording, which can be looked at alone. */
  isRecorded?: boolean;
  messages: string[];
  answerMs: number | null;
  speed: number;
  canUndo: boolean;
  canRedo: boolean;
  isMoving: boolean;
}

export interface Palette {
  isDark: boolean;
  font: string;
  muted: string;
  axis: string;
  ink: string;
  halo: string;
  p: string;
  pFill: string;
  q: string;
  qFill: string;
  series: Record<string, string>;
  basins: string[];
  map: { ink: string; halo: string; q: string; series: Record<string, string> };
}

/** A rectangle in CSS pixels. */
export interface Frame {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Tick {
  value: number;
  text: string;
}

export interface Scale {
  (value: number): number;
  invert(pixel: number): number;
  ticks(count: number): Tick[];
  low: number;
  high: number;
  from: number;
  to: number;
}

/** A place that can be dragged, or moved with the keyboard. */
export interface Handle {
  key: string;
  kind: "dot" | "width";
  tone: "p" | "q";
  x: number;
  y: number;
  hidden?: boolean;
  /** Drawn small, so that it does not hide those beside it. */
  small?: boolean;
  value: number;
  low: number;
  high: number;
  label: string;
  text: string;
  drag(px: number, py: number): void;
  nudge(dx: number, dy: number): void;
  hold?(isHeld: boolean): void;
}

/** What a target to begin with sets. */
export interface Preset {
  id: string;
  title: string;
  target: Mixture;
  q: Mixture;
  axes: State["axes"];
  ranges: [Range, Range];
}

/** What a person may do; the views call nothing else. */
export interface Actions {
  /** Changes of one `tag` that follow each other closely are undone together. */
  edit(change: (state: State) => void, tag?: string): void;
  /** Changes q; if that of a fit is shown, a copy of it becomes the person's own. */
  editQ(change: (q: Mixture, state: State) => void, tag?: string): void;
  /** A target to begin with, and its q. */
  choose(preset: Preset): void;
  /** A lesson's state under its link; without one, back to what there was. */
  beginLesson(lesson: Lesson | null): void;
  /** Back to where the page begins. */
  finishLessons(): void;
  showQ(id: string): void;
  run(isPaused?: boolean): void;
  pauseOrResume(): void;
  step(): void;
  reset(): void;
  undo(): void;
  redo(): void;
  setDim(dim: number): void;
  setSpeed(speed: number): void;
  scrub(index: number): void;
  showTotals(isOn: boolean): void;
  /** Follows the path from reverse KL to forward KL, or no longer. */
  openAlpha(isOpen: boolean): void;
  /** Shows draws of q, or no longer; so many of them; others. */
  openDraws(isOpen: boolean): void;
  countDraws(count: number): void;
  drawAgain(): void;
  /** Shows the q at one of its stops. */
  moveAlpha(place: number): void;
  hold(isHeld: boolean): void;
  save(kind: "config" | "svg" | "png" | "page"): void;
  copyLink(): void;
  say(text: string): void;
  redraw(): void;
}

/** A part of the page that draws a scene. */
export interface Part {
  draw(scene: Scene, palette: Palette): void;
}
