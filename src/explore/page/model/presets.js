// Targets to begin with, each with a q and axes that suit it.

/** @import { Mixture, Preset, State } from "../types.d.ts" */

/**
 * A mixture on the line, of [weight, mean, std].
 * @param {...[number, number, number]} parts @returns {Mixture}
 */
export function line(...parts) {
  return {
    weights: parts.map(([weight]) => weight),
    means: parts.map(([, mean]) => [mean]),
    stds: parts.map(([, , std]) => [std]),
    correlations: parts.map(() => 0),
  };
}

/**
 * A mixture in the plane, of [weight, mean, mean, std, std, correlation].
 * @param {...[number, number, number, number, number, number]} parts @returns {Mixture}
 */
export function plane(...parts) {
  return {
    weights: parts.map(([weight]) => weight),
    means: parts.map(([, a, b]) => [a, b]),
    stds: parts.map(([, , , s, t]) => [s, t]),
    correlations: parts.map((part) => part[5]),
  };
}

/** The standard deviations whose equal mixture is near Student's t with two degrees of freedom. */
const TAILS = [0.616, 0.806, 0.986, 1.2, 1.5, 2.04, 3.67];

/** @param {number} x @param {number} [y] @returns {State["axes"]} */
const axes = (x, y = x) => ({ x: [-x, x], y: [-y, y] });

/**
 * @param {string} id @param {string} title @param {Mixture} target @param {Mixture} q @param {number} reach
 * @returns {Preset}
 */
const onLine = (id, title, target, q, reach = 10) => ({
  id,
  title,
  target,
  q,
  axes: axes(reach),
  ranges: [
    [-reach / 2, reach / 2],
    [0.1, 0.6 * reach],
  ],
});

/** @param {string} id @param {string} title @param {Mixture} target @param {Mixture} q @returns {Preset} */
const onPlane = (id, title, target, q) => ({
  id,
  title,
  target,
  q,
  axes: axes(7.5, 5),
  ranges: [
    [-5, 5],
    [-5, 5],
  ],
});

const NARROW = line([1, 1.5, 0.6]);
const ROUND = plane([1, 0.8, 0.3, 0.8, 0.8, 0]);

/** @type {Record<number, Preset[]>} */
const PRESETS = {
  1: [
    onLine("far", "Two bumps", line([0.5, -3, 1], [0.5, 3, 1]), NARROW),
    onLine("near", "Close together", line([0.5, -1.3, 1], [0.5, 1.3, 1]), NARROW, 8),
    onLine("unequal", "Unequal", line([0.75, -2.5, 1.2], [0.25, 3, 0.6]), line([1, 1, 0.8])),
    onLine("three", "Three", line([0.3, -5, 0.9], [0.4, 0, 0.9], [0.3, 5, 0.9]), line([1, 0.5, 0.5])),
    onLine(
      "tails",
      "Heavy tails",
      line(...TAILS.map((std) => /** @type {[number, number, number]} */ ([1 / TAILS.length, 0, std]))),
      line([1, 1.5, 0.6]),
    ),
    onLine("spike", "Spike on slab", line([0.4, 0, 0.15], [0.6, 0, 3]), line([1, 1, 1.2]), 8),
    onLine("hard", "A hard start", line([0.5, -3, 1], [0.5, 3, 1]), line([1, 1, 2.5])),
  ],
  2: [
    onPlane(
      "far",
      "Two bumps",
      plane([0.5, -2.6, 0, 0.9, 0.9, 0], [0.5, 2.6, 0, 0.9, 0.9, 0]),
      plane([1, 1.5, 0.3, 0.6, 0.6, 0]),
    ),
    onPlane("near", "Close together", plane([0.5, -1.1, 0, 0.9, 0.9, 0], [0.5, 1.1, 0, 0.9, 0.9, 0]), ROUND),
    onPlane(
      "unequal",
      "Unequal",
      plane([0.7, -2.2, -0.8, 1.2, 0.9, 0.4], [0.3, 2.6, 1.2, 0.6, 0.6, 0]),
      ROUND,
    ),
    onPlane(
      "three",
      "Three",
      plane([0.4, -2.5, -1, 1, 1, 0.5], [0.35, 2.5, -1, 0.8, 1.2, 0], [0.25, 0, 2.5, 1.2, 0.7, -0.4]),
      plane([1, 0.8, -0.4, 0.8, 0.8, 0]),
    ),
    onPlane(
      "banana",
      "Banana",
      plane(
        [0.0477, -3.2, 2.1, 0.469, 0.893, -0.637],
        [0.0835, -2.4, 0.304, 0.532, 0.857, -0.706],
        [0.1246, -1.6, -0.976, 0.567, 0.673, -0.691],
        [0.1584, -0.8, -1.74, 0.533, 0.429, -0.47],
        [0.1716, 0, -2, 0.5, 0.34, 0],
        [0.1584, 0.8, -1.74, 0.533, 0.429, 0.47],
        [0.1246, 1.6, -0.976, 0.567, 0.673, 0.691],
        [0.0835, 2.4, 0.304, 0.532, 0.857, 0.706],
        [0.0477, 3.2, 2.1, 0.469, 0.893, 0.637],
      ),
      plane([1, 0.5, 0.5, 0.8, 0.8, 0]),
    ),
    onPlane("donut", "Donut", donut(), plane([1, 1, 0.6, 0.7, 0.7, 0])),
    onPlane(
      "tails",
      "Heavy tails",
      plane(
        ...TAILS.map(
          (std) =>
            /** @type {[number, number, number, number, number, number]} */ ([
              1 / TAILS.length,
              0,
              0,
              std,
              std,
              0,
            ]),
        ),
      ),
      ROUND,
    ),
    onPlane(
      "hard",
      "A hard start",
      plane([0.5, -2.6, 0, 0.9, 0.9, 0], [0.5, 2.6, 0, 0.9, 0.9, 0]),
      plane([1, 0.4, 0.2, 2.2, 0.9, 0]),
    ),
    onPlane("spike", "Spike on slab", plane([0.4, 0, 0, 0.25, 0.25, 0], [0.6, 0, 0, 2.2, 1.6, 0]), ROUND),
  ],
};

/** A ring of twelve Gaussians, each along it. @returns {Mixture} */
function donut() {
  const [count, radius, along, across] = [12, 2.6, 0.75, 0.32];
  const tidy = (/** @type {number} */ x) => Number(x.toFixed(3)) + 0;
  const parts = Array.from({ length: count }, (_, k) => {
    const angle = (2 * Math.PI * k) / count;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const a = (across * c) ** 2 + (along * s) ** 2;
    const d = (across * s) ** 2 + (along * c) ** 2;
    const b = (across ** 2 - along ** 2) * c * s;
    return /** @type {[number, number, number, number, number, number]} */ ([
      1 / count,
      tidy(radius * c),
      tidy(radius * s),
      tidy(Math.sqrt(a)),
      tidy(Math.sqrt(d)),
      tidy(b / Math.sqrt(a * d)),
    ]);
  });
  return plane(...parts);
}

/** @param {number} dim */
export function presets(dim) {
  return PRESETS[dim];
}

/**
 * Sets what a preset sets; fits, optimizer and starts stay as they are.
 * @param {State} state @param {Preset} preset
 */
export function applyPreset(state, { target, q, axes: reach, ranges }) {
  const parameters = state.dim === 1 ? ["mean", "std"] : ["mean1", "mean2"];
  Object.assign(state, structuredClone({ target, q, axes: reach }));
  state.landscape = {
    component: 0,
    parameters: [parameters[0], parameters[1]],
    ranges: structuredClone(ranges),
  };
}
