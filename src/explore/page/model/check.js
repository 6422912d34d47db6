// Checking what came from outside: a link may have been cut, or made by someone else.

/** @import { Estimator, Fit, Hello, LandscapeChoice, Mixture, Optimizer, Range, State } from "../types.d.ts" */
import { isStd, parameterNames } from "./parameters.js";
import { VERSION } from "./state.js";

/** @param {unknown} value @returns {value is number} */
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
/** @param {unknown} list @param {number} count @returns {list is number[]} */
const isNumbers = (list, count) => Array.isArray(list) && list.length === count && list.every(isNumber);
/** @param {unknown} range @returns {range is Range} */
const isRange = (range) => isNumbers(range, 2) && range[0] < range[1];
/** @param {unknown} value @param {number} least @param {number} most */
const isCount = (value, least, most) =>
  isNumber(value) && Number.isInteger(value) && value >= least && value <= most;

/** @param {unknown} condition @returns {asserts condition} */
function wanted(condition) {
  if (!condition) throw new Error("not a state of this page");
}

/** @param {Mixture} mixture @param {number} dim @param {number} most @returns {Mixture} */
function checkedMixture({ weights, means, stds, correlations }, dim, most) {
  const count = weights.length;
  wanted(count >= 1 && count <= most);
  wanted(isNumbers(weights, count) && weights.every((w) => w > 0));
  wanted(isNumbers(correlations, count) && correlations.every((r) => Math.abs(r) < 1));
  for (const lists of [means, stds])
    wanted(Array.isArray(lists) && lists.length === count && lists.every((list) => isNumbers(list, dim)));
  wanted(stds.every((list) => list.every((s) => s > 0)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return {
    weights: Math.abs(sum - 1) < 1e-6 ? [...weights] : weights.map((w) => w / sum),
    means: means.map((m) => [...m]),
    stds: stds.map((s) => [...s]),
    correlations: [...correlations],
  };
}

/**
 * @param {LandscapeChoice} landscape @param {number} dim @param {number} components
 * @returns {LandscapeChoice}
 */
function checkedLandscape({ component, parameters, ranges }, dim, components) {
  const [first, second] = parameters;
  const known = parameterNames(dim);
  wanted(isCount(component, 0, components - 1));
  wanted(parameters.length === 2 && first !== second && known.includes(first) && known.includes(second));
  wanted(ranges.length === 2 && ranges.every(isRange));
  ranges.forEach((range, i) => wanted(!isStd(parameters[i]) || range[0] > 0));
  return { component, parameters: [first, second], ranges: [[...ranges[0]], [...ranges[1]]] };
}

/** @param {Optimizer} optimizer @param {Hello} hello @returns {Optimizer} */
function checkedOptimizer({ type, learning_rate: rate, steps }, hello) {
  wanted(hello.optimizers.includes(type) && isNumber(rate) && rate > 0);
  wanted(isCount(steps, 1, hello.limits.steps));
  return { type, learning_rate: rate, steps };
}

/** @param {Estimator} estimator @returns {Estimator} */
function checkedEstimator({ type, gradient, samples }) {
  wanted(typeof type === "string" && (gradient === undefined || typeof gradient === "string"));
  wanted(samples === undefined || isCount(samples, 2, 4096));
  return {
    type,
    ...(gradient === undefined ? {} : { gradient }),
    ...(samples === undefined ? {} : { samples }),
  };
}

/** @param {Fit[]} fits @param {Hello} hello @returns {Fit[]} */
function checkedFits(fits, hello) {
  wanted(Array.isArray(fits) && fits.length >= 1 && fits.length <= hello.limits.fits);
  wanted(new Set(fits.map((fit) => fit.id)).size === fits.length);
  const names = hello.divergences.map((d) => d.name);
  return fits.map(({ id, divergence, estimator }) => {
    wanted(typeof id === "string" && /^[\w.-]{1,40}$/.test(id) && names.includes(divergence));
    return { id, divergence, estimator: checkedEstimator(estimator) };
  });
}

/**
 * A state rebuilt from `candidate` key by key, or null if anything in it is not as it should be.
 * @param {any} candidate @param {Hello} hello @returns {State | null}
 */
export function checkedState(candidate, hello) {
  try {
    const { dim, axes } = candidate;
    wanted(candidate.version === VERSION && (dim === 1 || dim === 2));
    wanted(isRange(axes.x) && isRange(axes.y));
    wanted(isCount(candidate.restarts, 1, hello.limits.restarts));
    const q = checkedMixture(candidate.q, dim, hello.limits.q_components);
    return {
      version: VERSION,
      dim,
      target: checkedMixture(candidate.target, dim, hello.limits.components),
      q,
      restarts: candidate.restarts,
      fits: checkedFits(candidate.fits, hello),
      optimizer: checkedOptimizer(candidate.optimizer, hello),
      axes: { x: [axes.x[0], axes.x[1]], y: [axes.y[0], axes.y[1]] },
      landscape: checkedLandscape(candidate.landscape, dim, q.weights.length),
    };
  } catch {
    return null;
  }
}
