// The state that is shared with the server and saved in the link, and the little that the page
// itself must know about Gaussians in order to draw handles and ellipses.

export const SMALLEST_STD = 0.01;
export const LARGEST_CORRELATION = 0.99;
const SMALLEST_WEIGHT = 0.01;

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

// --- parameters of q -------------------------------------------------------------------------

export function parameterNames(dim) {
  return dim === 1 ? ["mean", "std"] : ["mean1", "mean2", "std1", "std2", "correlation"];
}

const PARAMETER_TITLES = {
  mean: "mean μ",
  std: "standard deviation σ",
  mean1: "mean μ₁",
  mean2: "mean μ₂",
  std1: "standard deviation σ₁",
  std2: "standard deviation σ₂",
  correlation: "correlation ρ",
};

export function parameterTitle(name) {
  return PARAMETER_TITLES[name] ?? name;
}

export function isStd(name) {
  return name.startsWith("std");
}

function place(name) {
  return name.endsWith("2") ? 1 : 0;
}

export function parameterOf(q, name) {
  if (name === "correlation") return q.correlation;
  return (isStd(name) ? q.stds : q.mean)[place(name)];
}

export function setParameter(q, name, value) {
  if (name === "correlation") q.correlation = clamp(value, -LARGEST_CORRELATION, LARGEST_CORRELATION);
  else if (isStd(name)) q.stds[place(name)] = Math.max(value, SMALLEST_STD);
  else q.mean[place(name)] = value;
}

/** The range of a parameter when it is first chosen for a landscape. */
export function defaultRange(name, state) {
  if (name === "correlation") return [-0.9, 0.9];
  const [low, high] = place(name) === 1 ? state.axes.y : state.axes.x;
  const span = high - low;
  if (isStd(name)) return [0.1, tidy(span / 3)];
  const middle = (low + high) / 2;
  return [tidy(middle - span / 4), tidy(middle + span / 4)];
}

/** Removes the binary dust of arithmetic from a number a person will read in a field. */
export function tidy(value) {
  return Number(value.toPrecision(6));
}

/** Rounds to a grid a thousandth of `span` wide, so that dragging gives numbers one can write down. */
export function snapped(value, span) {
  const grid = 10 ** Math.floor(Math.log10(Math.abs(span) / 500));
  return tidy(Math.round(value / grid) * grid);
}

// --- Gaussians, for drawing only ---------------------------------------------------------------

export function gaussianDensity(x, mean, std) {
  const z = (x - mean) / std;
  return Math.exp(-0.5 * z * z) / (std * Math.sqrt(2 * Math.PI));
}

export function mixtureDensity(x, mixture) {
  let sum = 0;
  for (let k = 0; k < mixture.weights.length; k += 1) {
    sum += mixture.weights[k] * gaussianDensity(x, mixture.means[k][0], mixture.stds[k][0]);
  }
  return sum;
}

export function componentOf(target, k) {
  return { mean: target.means[k], stds: target.stds[k], correlation: target.correlations[k] };
}

export function mixtureOf(q) {
  return { weights: [1], means: [q.mean], stds: [q.stds], correlations: [q.correlation] };
}

/**
 * The half axes of the one-standard-deviation ellipse as two vectors. `near` is the direction the
 * first axis had before: eigenvectors have neither sign nor order, and a handle must not jump.
 */
export function ellipseAxes(gaussian, near) {
  const [s1, s2] = gaussian.stds;
  const a = s1 * s1;
  const d = s2 * s2;
  const b = gaussian.correlation * s1 * s2;
  const half = Math.hypot((a - d) / 2, b);
  const isRound = half < 1e-9 * (a + d);
  const angle = isRound ? near : 0.5 * Math.atan2(2 * b, a - d);
  const major = Math.sqrt((a + d) / 2 + half);
  const minor = Math.sqrt(Math.max((a + d) / 2 - half, 1e-12));
  const vector = (length, direction) => [length * Math.cos(direction), length * Math.sin(direction)];
  const choices = [0, 1, 2, 3].map((quarter) => {
    const direction = angle + (quarter * Math.PI) / 2;
    const [first, second] = quarter % 2 === 0 ? [major, minor] : [minor, major];
    return { direction, axes: [vector(first, direction), vector(second, direction + Math.PI / 2)] };
  });
  const closeness = (choice) => Math.cos(choice.direction - near);
  return choices.reduce((best, choice) => (closeness(choice) > closeness(best) + 1e-9 ? choice : best));
}

/** The standard deviations and correlation of the ellipse with these half axes (at right angles). */
export function fromEllipseAxes(first, second) {
  const a = first[0] ** 2 + second[0] ** 2;
  const d = first[1] ** 2 + second[1] ** 2;
  const b = first[0] * first[1] + second[0] * second[1];
  const correlation = clamp(b / Math.sqrt(a * d), -LARGEST_CORRELATION, LARGEST_CORRELATION);
  return { stds: [Math.sqrt(a), Math.sqrt(d)], correlation };
}

// --- editing the target ------------------------------------------------------------------------

/**
 * Weights in these proportions that sum to 1, of six decimals: what rounding leaves over goes to the
 * largest of those other than `kept`, which stays as it is.
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

/** Sets one weight; the others keep their proportions and all sum to 1. */
export function setWeight(target, k, weight) {
  const count = target.weights.length;
  if (count === 1) {
    target.weights = [1];
    return;
  }
  const wanted = tidy(clamp(weight, SMALLEST_WEIGHT, 1 - SMALLEST_WEIGHT * (count - 1)));
  target.weights = summedToOne(
    target.weights.map((w, i) => (i === k ? wanted : w)),
    k,
  );
}

export function addComponent(target, state) {
  const { dim, axes } = state;
  const count = target.weights.length;
  const share = 1 / (count + 1);
  target.weights = summedToOne([...target.weights.map((w) => w * (1 - share)), share]);
  const ranges = dim === 1 ? [axes.x] : [axes.x, axes.y];
  // Successive golden-ratio fractions spread new components over the axes without overlaps.
  target.means.push(
    ranges.map(([low, high], d) =>
      snapped(low + (high - low) * (0.2 + 0.6 * (((count + d * 0.5) * 0.618) % 1)), high - low),
    ),
  );
  target.stds.push(ranges.map(([low, high]) => snapped((high - low) / 20, high - low)));
  target.correlations.push(0);
}

export function removeComponent(target, k) {
  for (const key of ["weights", "means", "stds", "correlations"]) target[key].splice(k, 1);
  target.weights = summedToOne(target.weights);
}

// --- defaults ----------------------------------------------------------------------------------

const DEFAULTS = {
  1: {
    target: { weights: [0.5, 0.5], means: [[-3], [3]], stds: [[1], [1]], correlations: [0, 0] },
    start: { mean: [1], stds: [1.5], correlation: 0 },
    axes: { x: [-10, 10], y: [-10, 10] },
    landscape: {
      parameters: ["mean", "std"],
      ranges: [
        [-5, 5],
        [0.1, 10],
      ],
    },
  },
  2: {
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
    start: { mean: [0.5, 0], stds: [1.5, 1.2], correlation: 0 },
    axes: { x: [-7.5, 7.5], y: [-5, 5] },
    landscape: {
      parameters: ["mean1", "mean2"],
      ranges: [
        [-5, 5],
        [-5, 5],
      ],
    },
  },
};

/** The state of the other dimension, the first time a person asks for it. */
export function freshState(dim, state) {
  return {
    version: 1,
    dim,
    ...structuredClone(DEFAULTS[dim]),
    fits: [...state.fits],
    optimizer: { ...state.optimizer },
  };
}

// --- checking what came from outside -----------------------------------------------------------

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const isNumbers = (list, count) => Array.isArray(list) && list.length === count && list.every(isNumber);
const isRange = (range) => isNumbers(range, 2) && range[0] < range[1];

function wanted(condition) {
  if (!condition) throw new Error("not a state of this page");
}

function checkedTarget(target, dim, limits) {
  const count = target.weights.length;
  wanted(count >= 1 && count <= limits.components);
  wanted(isNumbers(target.weights, count) && target.weights.every((w) => w > 0));
  wanted(isNumbers(target.correlations, count) && target.correlations.every((r) => Math.abs(r) < 1));
  for (const key of ["means", "stds"]) {
    wanted(Array.isArray(target[key]) && target[key].length === count);
    wanted(target[key].every((list) => isNumbers(list, dim)));
  }
  wanted(target.stds.every((list) => list.every((s) => s > 0)));
  const sum = target.weights.reduce((a, b) => a + b, 0);
  const weights = Math.abs(sum - 1) < 1e-6 ? [...target.weights] : target.weights.map((w) => w / sum);
  return {
    weights,
    means: target.means.map((m) => [...m]),
    stds: target.stds.map((s) => [...s]),
    correlations: [...target.correlations],
  };
}

function checkedGaussian(q, dim) {
  wanted(isNumbers(q.mean, dim) && isNumbers(q.stds, dim) && q.stds.every((s) => s > 0));
  wanted(isNumber(q.correlation) && Math.abs(q.correlation) < 1);
  return { mean: [...q.mean], stds: [...q.stds], correlation: q.correlation };
}

function checkedLandscape(landscape, dim) {
  const [first, second] = landscape.parameters;
  const known = parameterNames(dim);
  wanted(
    landscape.parameters.length === 2 && first !== second && known.includes(first) && known.includes(second),
  );
  wanted(landscape.ranges.length === 2 && landscape.ranges.every(isRange));
  const ranges = landscape.ranges.map((range) => [...range]);
  ranges.forEach((range, i) => wanted(!isStd(landscape.parameters[i]) || range[0] > 0));
  return { parameters: [first, second], ranges };
}

function checkedOptimizer(optimizer, hello) {
  wanted(hello.optimizers.includes(optimizer.type));
  wanted(isNumber(optimizer.learning_rate) && optimizer.learning_rate > 0);
  wanted(Number.isInteger(optimizer.steps) && optimizer.steps >= 1 && optimizer.steps <= hello.limits.steps);
  return { type: optimizer.type, learning_rate: optimizer.learning_rate, steps: optimizer.steps };
}

/**
 * A state rebuilt from `candidate` key by key, or null if anything in it is not as it should be:
 * a link may have been cut, or made by someone else.
 */
export function checkedState(candidate, hello) {
  try {
    const { dim } = candidate;
    wanted(candidate.version === 1 && (dim === 1 || dim === 2));
    const names = hello.divergences.map((d) => d.name);
    wanted(
      Array.isArray(candidate.fits) &&
        candidate.fits.length >= 1 &&
        candidate.fits.length <= hello.limits.fits,
    );
    wanted(
      candidate.fits.every((name) => names.includes(name)) &&
        new Set(candidate.fits).size === candidate.fits.length,
    );
    wanted(isRange(candidate.axes.x) && isRange(candidate.axes.y));
    return {
      version: 1,
      dim,
      target: checkedTarget(candidate.target, dim, hello.limits),
      start: checkedGaussian(candidate.start, dim),
      fits: [...candidate.fits],
      optimizer: checkedOptimizer(candidate.optimizer, hello),
      axes: { x: [...candidate.axes.x], y: [...candidate.axes.y] },
      landscape: checkedLandscape(candidate.landscape, dim),
    };
  } catch {
    return null;
  }
}

// --- the link ----------------------------------------------------------------------------------

export function encodedState(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** What the hash holds as JSON, unchecked; null if it holds none. */
export function decodedState(hash) {
  try {
    const binary = atob(hash.replace(/^#/, "").replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
  } catch {
    return null;
  }
}
