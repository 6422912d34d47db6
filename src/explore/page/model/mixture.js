// Mixtures of Gaussians: their components, how they are edited, and the little that drawing needs of them.

/** @import { Gaussian, Mixture, State } from "../types.d.ts" */
import { clamp, snapped, tidy } from "./numbers.js";

const SMALLEST_WEIGHT = 0.01;
const ROOT_2PI = Math.sqrt(2 * Math.PI);

/** @param {Mixture} mixture @param {number} k @returns {Gaussian} */
export function componentOf(mixture, k) {
  return { mean: mixture.means[k], stds: mixture.stds[k], correlation: mixture.correlations[k] };
}

/** @param {Mixture} mixture @param {number} k @param {Partial<Gaussian>} gaussian */
export function setComponent(mixture, k, { mean, stds, correlation }) {
  if (mean) mixture.means[k] = mean;
  if (stds) mixture.stds[k] = stds;
  if (correlation !== undefined) mixture.correlations[k] = correlation;
}

/** @param {number} x @param {number} mean @param {number} std */
export function gaussianDensity(x, mean, std) {
  const z = (x - mean) / std;
  return Math.exp(-0.5 * z * z) / (std * ROOT_2PI);
}

/** @param {number} x @param {Mixture} mixture */
export function mixtureDensity(x, mixture) {
  let sum = 0;
  for (let k = 0; k < mixture.weights.length; k += 1)
    sum += mixture.weights[k] * gaussianDensity(x, mixture.means[k][0], mixture.stds[k][0]);
  return sum;
}

/** @param {Mixture} a @param {Mixture} b */
export function isSameMixture(a, b) {
  const numbers = (/** @type {Mixture} */ m) => [m.weights, m.means, m.stds, m.correlations ?? []].flat(2);
  const [first, second] = [numbers(a), numbers(b)];
  return first.length === second.length && first.every((value, i) => Math.abs(value - second[i]) < 1e-6);
}

// --- weights ---

/**
 * Weights in these proportions that sum to 1, of six decimals: what rounding leaves over goes to the
 * largest of those other than `kept`, which stays as it is.
 * @param {number[]} weights
 */
function summedToOne(weights, kept = -1) {
  const free = weights.map((w, i) => (i === kept ? 0 : w));
  const room = kept < 0 ? 1 : 1 - weights[kept];
  const scale = room / free.reduce((a, b) => a + b, 0);
  const rounded = weights.map((w, i) =>
    i === kept ? w : tidy(Math.max(Number((w * scale).toFixed(6)), 1e-6)),
  );
  const largest = free.indexOf(Math.max(...free));
  const others = rounded.reduce((sum, w, i) => (i === largest ? sum : sum + w), 0);
  rounded[largest] = Number((1 - others).toFixed(9));
  return rounded;
}

/**
 * Sets one weight; the others keep their proportions and all sum to 1.
 * @param {Mixture} mixture @param {number} k @param {number} weight
 */
export function setWeight(mixture, k, weight) {
  const count = mixture.weights.length;
  if (count === 1) {
    mixture.weights = [1];
    return;
  }
  const wanted = tidy(clamp(weight, SMALLEST_WEIGHT, 1 - SMALLEST_WEIGHT * (count - 1)));
  mixture.weights = summedToOne(mixture.weights.with(k, wanted), k);
}

// --- components ---

/** @param {Mixture} mixture @param {State} state */
export function addComponent(mixture, { dim, axes }) {
  const count = mixture.weights.length;
  const share = 1 / (count + 1);
  mixture.weights = summedToOne([...mixture.weights.map((w) => w * (1 - share)), share]);
  const ranges = dim === 1 ? [axes.x] : [axes.x, axes.y];
  // Successive golden-ratio fractions spread new components over the axes without overlaps.
  mixture.means.push(
    ranges.map(([low, high], d) =>
      snapped(low + (high - low) * (0.2 + 0.6 * (((count + d * 0.5) * 0.618) % 1)), high - low),
    ),
  );
  mixture.stds.push(ranges.map(([low, high]) => snapped((high - low) / 20, high - low)));
  mixture.correlations.push(0);
}

/** @param {Mixture} mixture @param {number} k */
export function removeComponent(mixture, k) {
  mixture.weights.splice(k, 1);
  mixture.means.splice(k, 1);
  mixture.stds.splice(k, 1);
  mixture.correlations.splice(k, 1);
  mixture.weights = summedToOne(mixture.weights);
}

/**
 * Gives q as many components: new ones where the axes have room, the last ones go.
 * @param {State} state @param {number} count
 */
export function setComponents(state, count) {
  while (state.q.weights.length < count) addComponent(state.q, state);
  while (state.q.weights.length > count) removeComponent(state.q, state.q.weights.length - 1);
  state.landscape.component = Math.min(state.landscape.component, count - 1);
}
