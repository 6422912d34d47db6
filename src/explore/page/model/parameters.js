// The parameters of one component of q: their names, and where they are in a mixture or in a row of numbers.

/** @import { Gaussian, Mixture, Range, State } from "../types.d.ts" */
import { clamp, tidy } from "./numbers.js";

export const SMALLEST_STD = 0.01;
export const LARGEST_CORRELATION = 0.99;

/** @param {number} dim */
export function parameterNames(dim) {
  return dim === 1 ? ["mean", "std"] : ["mean1", "mean2", "std1", "std2", "correlation"];
}

/** @type {Record<string, string>} */
const TITLES = {
  mean: "mean μ",
  std: "standard deviation σ",
  mean1: "mean μ₁",
  mean2: "mean μ₂",
  std1: "standard deviation σ₁",
  std2: "standard deviation σ₂",
  correlation: "correlation ρ",
};

/** @param {string} name */
export function parameterTitle(name) {
  return TITLES[name] ?? name;
}

/** @param {string} name @param {number} dim */
export function shortTitle(name, dim) {
  if (name === "correlation") return "correlation ρ";
  const digit = dim === 1 ? "" : name.endsWith("2") ? "₂" : "₁";
  return isStd(name) ? `std σ${digit}` : `mean μ${digit}`;
}

/** @param {string} name */
export function isStd(name) {
  return name.startsWith("std");
}

/** Which coordinate a name is about. @param {string} name */
function coordinate(name) {
  return name.endsWith("2") ? 1 : 0;
}

/** @param {Gaussian} gaussian @param {string} name */
export function parameterOf(gaussian, name) {
  if (name === "correlation") return gaussian.correlation;
  return (isStd(name) ? gaussian.stds : gaussian.mean)[coordinate(name)];
}

/** @param {Gaussian} gaussian @param {string} name @param {number} value @returns {Gaussian} */
export function withParameter(gaussian, name, value) {
  if (name === "correlation")
    return { ...gaussian, correlation: clamp(value, -LARGEST_CORRELATION, LARGEST_CORRELATION) };
  const at = coordinate(name);
  if (isStd(name)) return { ...gaussian, stds: gaussian.stds.with(at, Math.max(value, SMALLEST_STD)) };
  return { ...gaussian, mean: gaussian.mean.with(at, value) };
}

/**
 * The range of a parameter when it is first chosen for a landscape.
 * @param {string} name @param {State} state @returns {Range}
 */
export function defaultRange(name, state) {
  if (name === "correlation") return [-0.9, 0.9];
  const [low, high] = coordinate(name) === 1 ? state.axes.y : state.axes.x;
  const span = high - low;
  if (isStd(name)) return [0.1, tidy(span / 3)];
  const middle = (low + high) / 2;
  return [tidy(middle - span / 4), tidy(middle + span / 4)];
}

/**
 * Where a parameter of a component is in a row of all parameters: weights where there are several, then means,
 * standard deviations and correlations.
 * @param {string} name @param {number} component @param {number} components @param {number} dim
 */
export function placeInRow(name, component, components, dim) {
  const weights = components > 1 ? components : 0;
  if (name === "correlation") return weights + 2 * components * dim + component;
  const first = weights + (isStd(name) ? components * dim : 0);
  return first + component * dim + coordinate(name);
}

/**
 * The mixture of such a row.
 * @param {number[]} row @param {number} dim @returns {Mixture}
 */
export function mixtureOfRow(row, dim) {
  const each = 2 * dim + (dim === 2 ? 1 : 0);
  const components = row.length === each ? 1 : row.length / (each + 1);
  let at = 0;
  const take = (/** @type {number} */ count) => row.slice(at, (at += count));
  const lists = () => Array.from({ length: components }, () => take(dim));
  const weights = components > 1 ? take(components) : [1];
  const [means, stds] = [lists(), lists()];
  return { weights, means, stds, correlations: dim === 2 ? take(components) : weights.map(() => 0) };
}
