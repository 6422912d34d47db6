// The state: what it is in the other dimension at first, and how its fits are told apart.

/** @import { DivergenceLabel, Estimator, Fit, State } from "../types.d.ts" */
import { applyPreset, presets } from "./presets.js";

export const VERSION = 2;

/** What the page takes of draws where nothing is said: few, so that their noise is seen. */
export const SAMPLES = 32;

/**
 * The state of the other dimension, the first time a person asks for it.
 * @param {State} state @returns {State}
 */
export function freshState(/** @type {number} */ dim, state) {
  const next = { ...structuredClone(state), dim };
  applyPreset(next, presets(dim)[0]);
  return next;
}

/** Whether two are the same, key for key. @param {unknown} a @param {unknown} b */
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
  const kept = Object.entries(old).filter(([key, part]) =>
    isSame(part, Object.entries(next).find(([k]) => k === key)?.[1]),
  );
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
