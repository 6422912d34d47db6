// What is on screen, as plain data, put together from the state, the server's answers, and the fits.

/** @import { DivergenceLabel, Hello, Landscape, Scene, ShownFit, State } from "../types.d.ts" */
/** @import { Trained, Training } from "./training.js" */
/** @import { Replay } from "./replay.js" */
import { divergenceStyles, fitStyles } from "../draw/palette.js";
import { mixtureOfRow } from "../model/parameters.js";
import { fitTitle } from "../model/state.js";
import { pathOver } from "./training.js";

/**
 * Keeps what was made of the same things, so that views see by its identity that nothing has changed.
 */
export class SceneMaker {
  constructor() {
    /** @type {{ inputs: unknown[], fits: ShownFit[] }} */
    this.kept = { inputs: [], fits: [] };
    /** @type {{ inputs: unknown[], styles: Scene["fitStyles"] }} */
    this.keptStyles = { inputs: [], styles: {} };
    /** @type {{ hello: Hello | null, styles: Scene["styles"] }} */
    this.divergences = { hello: null, styles: {} };
  }

  /** @param {Hello} hello */
  styles(hello) {
    if (this.divergences.hello !== hello)
      this.divergences = { hello, styles: divergenceStyles(hello.divergences) };
    return this.divergences.styles;
  }

  /** @param {Hello} hello @param {State["fits"]} fits */
  fitStyles(hello, fits) {
    const inputs = [hello, fits];
    if (!isAlike(inputs, this.keptStyles.inputs))
      this.keptStyles = { inputs, styles: fitStyles(fits, hello.divergences) };
    return this.keptStyles.styles;
  }

  /**
   * The fits to draw: those that train, or else those of the opened run.
   * @param {{ hello: Hello, state: State, landscape: Landscape | null, training: Training, replay: Replay | null }} of
   * @returns {ShownFit[]}
   */
  fits({ hello, state, landscape, training, replay }) {
    // Ways are over what the maps show, which a new choice of parameters changes a moment later.
    const { parameters, component } = landscape ?? state.landscape;
    const isReplay = training.status === "idle" && replay !== null && replay.run.dim === state.dim;
    const inputs = [
      hello,
      parameters.join(),
      component,
      training.version,
      state.fits,
      isReplay,
      isReplay && replay.index,
    ];
    if (isAlike(inputs, this.kept.inputs)) return this.kept.fits;
    let fits;
    if (isReplay) {
      fits = replay.shown({ parameters, component }, (list) => fitStyles(list, hello.divergences));
    } else {
      // A fit that runs keeps its look, also where it has been taken off the list since.
      const known = training.list.map((fit) => ({ id: fit.id, divergence: divergenceOf(fit.id, state) }));
      const styles = fitStyles(known, hello.divergences);
      fits = training.list
        .filter((fit) => fit.q)
        .map((fit) => shownFit(fit, { hello, state, parameters, component, style: styles[fit.id] }));
    }
    this.kept = { inputs, fits };
    return fits;
  }
}

/** @param {unknown[]} a @param {unknown[]} b */
function isAlike(a, b) {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

/** An id begins with its divergence. @param {string} id @param {State} state */
function divergenceOf(id, state) {
  return state.fits.find((fit) => fit.id === id)?.divergence ?? id.replace(/-n\d+$/, "");
}

/**
 * @param {Trained} fit
 * @param {{ hello: Hello, state: State, parameters: [string, string], component: number, style: ShownFit["style"] }} how
 * @returns {ShownFit}
 */
function shownFit(fit, { hello, state, parameters, component, style }) {
  const mixture = /** @type {ShownFit["mixture"]} */ (fit.q);
  const [components, dim] = [mixture.weights.length, mixture.means[0].length];
  const at = Math.min(component, components - 1);
  const divergence = divergenceOf(fit.id, state);
  const label = hello.divergences.find((d) => d.name === divergence);
  const isOver = fit.runs.length > 1 && fit.runs.some((run) => run.optimum !== null);
  return {
    id: fit.id,
    divergence,
    title: titleOf(fit.id, state, label),
    style,
    status: fit.status,
    message: fit.message,
    mixture,
    best: fit.best,
    runs: fit.runs.map((run) => ({
      path: pathOver(run, parameters, at, components, dim),
      optimum: run.optimum,
      hasFailed: run.hasFailed,
    })),
    trace: fit.trace,
    mark: null,
    value: fit.value,
    values: fit.values,
    covered: fit.covered,
    ends: isOver
      ? fit.runs.map((run) => ({
          mixture: mixtureOfRow(run.rows[run.rows.length - 1], dim),
          optimum: run.optimum,
        }))
      : [],
  };
}

/** @param {string} id @param {State} state @param {DivergenceLabel | undefined} label */
function titleOf(id, state, label) {
  const fit = state.fits.find((one) => one.id === id);
  return fit && label ? fitTitle(fit, label) : (label?.title ?? id);
}
