// The state: what it is in the other dimension at first, and how its fits are told apart.

/** @import { DivergenceLabel, Estimator, Fit, State } from "../types.d.ts" */

export const VERSION = 2;

/** What the page takes of draws where nothing is said: few, so that their noise is seen. */
export const SAMPLES = 32;

/** @type {Pick<State, "target" | "q" | "axes" | "landscape">} */
const LINE = {
  target: { weights: [0.5, 0.5], means: [[-3], [3]], stds: [[1], [1]], correlations: [0, 0] },
  q: { weights: [1], means: [[1.5]], stds: [[0.6]], correlations: [0] },
  axes: { x: [-10, 10], y: [-10, 10] },
  landscape: {
    component: 0,
    parameters: ["mean", "std"],
    ranges: [
      [-5, 5],
      [0.1, 6],
    ],
  },
};

/** @type {typeof LINE} */
const PLANE = {
  target: {
    weights: [0.4, 0.35, 0.25],
    means: [
      [-2.5, -1],
      [2.5, -1],
      [0, 2.5],
    ],
    stds: [
      [1, 1],
      [0.8, 1.2],
      [1.2, 0.7],
    ],
    correlations: [0.5, 0, -0.4],
  },
  q: { weights: [1], means: [[0.5, 0]], stds: [[1.5, 1.2]], correlations: [0] },
  axes: { x: [-7.5, 7.5], y: [-5, 5] },
  landscape: {
    component: 0,
    parameters: ["mean1", "mean2"],
    ranges: [
      [-5, 5],
      [-5, 5],
    ],
  },
};

/** The state of the other dimension, the first time a person asks for it. @param {State} state @returns {State} */
export function freshState(/** @type {number} */ dim, state) {
  const { fits, optimizer, restarts } = state;
  return structuredClone({ version: VERSION, dim, restarts, fits, optimizer, ...(dim === 1 ? LINE : PLANE) });
}

/** Whether two are the same, in any order of their keys. @param {unknown} a @param {unknown} b */
export function isSame(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * A copy that is changed; parts that stay the same stay the same objects, by which views see what changed.
 * @param {State} state @param {(next: State) => void} change @returns {State}
 */
export function changed(state, change) {
  const next = structuredClone(state);
  change(next);
  return sharing(next, state);
}

/** `next`, with the parts of `old` that it repeats. @param {State} next @param {State} old */
export function sharing(next, old) {
  const kept = Object.entries(old).filter(([key, part]) => isSame(part, Object.entries(next).find(([k]) => k === key)?.[1]));
  return Object.assign(next, Object.fromEntries(kept));
}

// --- fits ---

/** What is fitted, each once, in the order of the fits. @param {State} state */
export function divergencesOf(state) {
  return [...new Set(state.fits.map((fit) => fit.divergence))];
}

/** An id that no other fit has. @param {string} divergence @param {Fit[]} fits */
function freeId(divergence, fits) {
  let id = divergence;
  for (let n = 2; fits.some((fit) => fit.id === id); n += 1) id = `${divergence}-n${n}`;
  return id;
}

/** @param {State} state @param {string} divergence @param {Estimator} estimator */
export function addFit(state, divergence, estimator) {
  state.fits.push({ id: freeId(divergence, state.fits), divergence, estimator });
}

/** @param {string} type @param {string} gradient @returns {Estimator} */
export function estimatorOf(type, gradient, samples = SAMPLES) {
  return type === "quadrature" ? { type } : { type, gradient, samples };
}

/** One of its names in a list. @param {Estimator} estimator */
export function estimatorKey({ type, gradient }) {
  return `${type}/${gradient ?? "pathwise"}`;
}

/** @param {Estimator} estimator @param {DivergenceLabel} label */
export function estimatorTitle(estimator, label) {
  const key = estimatorKey(estimator);
  return label.estimators.find((one) => estimatorKey(one) === key)?.title ?? estimator.type;
}

/** What a fit is called: its divergence, and its estimator where that is not the exact one. */
export function fitTitle(/** @type {Fit} */ fit, /** @type {DivergenceLabel} */ label) {
  if (fit.estimator.type === "quadrature") return label.title;
  return `${label.title}, ${estimatorTitle(fit.estimator, label).replace(/^draws, /, "")}`;
}
