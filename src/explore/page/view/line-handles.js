// What can be dragged over the line: the mean, weight and width of every component of p and of q.

/** @import { Actions, Frame, Handle, Mixture, Scale, Scene } from "../types.d.ts" */
import { keyStep, shortNumber, snapped } from "../model/numbers.js";
import { gaussianDensity, setWeight } from "../model/mixture.js";
import { SMALLEST_STD } from "../model/parameters.js";

/**
 * One mixture as handles see it.
 * @typedef {{ tone: "p" | "q", mixture: Mixture, name(k: number): string,
 *             edit(change: (mixture: Mixture) => void, tag: string): void }} Side
 * @typedef {{ x: Scale, y: Scale, hold(isHeld: boolean): void }} Place
 */

/** Of more components than this only the centres have handles: they would hide the rest. */
const MOST_WITH_WIDTHS = 6;

/** Whether the widths of a mixture can be dragged. @param {Mixture} mixture */
export function hasWidthHandles({ weights }) {
  return weights.length <= MOST_WITH_WIDTHS;
}

/** Centres that are nearer to each other than this, in pixels, would hide each other. */
const CROWDED = 12;

/** What a component is called. @param {"p" | "q"} tone @param {number} count @param {number} k */
export function componentName(tone, count, k) {
  const of = tone === "p" ? "the target" : "the approximation q";
  return count === 1 ? of : `component ${k + 1} of ${of}`;
}

/**
 * How the handles of a component are called: q's first has no number.
 * @param {"p" | "q"} tone @param {number} k
 */
export function componentKey(tone, k) {
  return tone === "q" && k === 0 ? "q" : `${tone}${k}`;
}

/** Both mixtures, and how each is changed. @param {Scene} scene @param {Actions} actions @returns {Side[]} */
export function sides({ state, q }, actions) {
  return [
    {
      tone: "p",
      mixture: state.target,
      name: (k) => componentName("p", state.target.weights.length, k),
      edit: (change, tag) => actions.edit((next) => change(next.target), tag),
    },
    {
      tone: "q",
      mixture: q,
      name: (k) => componentName("q", q.weights.length, k),
      edit: (change, tag) => actions.editQ(change, tag),
    },
  ];
}

/**
 * @param {{ scene: Scene, actions: Actions, x: Scale, y: Scale, frame: Frame, top: { isHeld: boolean } }} what
 * @returns {Handle[]}
 */
export function lineHandles({ scene, actions, x, y, frame, top }) {
  const hold = (/** @type {boolean} */ isHeld) => {
    top.isHeld = isHeld;
  };
  const items = sides(scene, actions).flatMap((side) =>
    side.mixture.weights.flatMap((_, k) => componentHandles(side, k, { x, y, hold })),
  );
  for (const item of items) {
    item.hidden = item.x < frame.left - 1 || item.x > frame.right + 1;
    item.y = Math.max(item.y, frame.top - 2);
  }
  const centres = items.filter(({ kind }) => kind === "dot");
  for (const one of centres) {
    const isNear = (/** @type {Handle} */ other) =>
      other !== one && other.tone === one.tone && Math.hypot(other.x - one.x, other.y - one.y) < CROWDED;
    one.small = centres.some(isNear);
  }
  return items;
}

/** @param {Side} side @param {number} k @param {Place} place @returns {Handle[]} */
function componentHandles(side, k, { x, y, hold }) {
  const { tone, mixture, edit } = side;
  const { weights, means, stds } = mixture;
  const [mean, std, weight, isOne] = [means[k][0], stds[k][0], weights[k], weights.length === 1];
  const [key, name, span] = [componentKey(tone, k), side.name(k), x.high - x.low];
  const peak = weight * gaussianDensity(mean, mean, std);
  const said = tone === "q" ? "q: " : "";
  const setMean = (/** @type {number} */ value) =>
    edit((next) => {
      next.means[k][0] = snapped(value, span);
    }, `${key}-mean`);
  const addWeight = (/** @type {number} */ by) =>
    edit((next) => setWeight(next, k, next.weights[k] + by), `${key}-weight`);
  const setStd = (/** @type {number} */ value) =>
    edit((next) => {
      next.stds[k][0] = Math.max(snapped(value, span), SMALLEST_STD);
    }, `${key}-std`);
  /** @type {Handle} */
  const dot = {
    key: `${key}-mean`,
    kind: "dot",
    tone,
    x: x(mean),
    y: y(peak),
    value: mean,
    low: x.low,
    high: x.high,
    label: isOne ? `mean of ${name}` : `mean of ${name}; up and down change its weight`,
    text: `${said}mean ${shortNumber(mean)}${isOne ? "" : `, weight ${shortNumber(weight, 3)}`}`,
    drag: (px, py) =>
      edit((next) => {
        next.means[k][0] = snapped(x.invert(px), span);
        if (!isOne) setWeight(next, k, Number((y.invert(py) / gaussianDensity(0, 0, std)).toFixed(3)));
      }, `${key}-mean`),
    nudge: (dx, dy) => {
      if (dx || isOne) setMean(mean + (dx || dy) * keyStep(span));
      else addWeight(dy * 0.01);
    },
    hold,
  };
  const level = y(peak * Math.exp(-0.5));
  const widths = [-1, 1].map((sign) => {
    /** @type {Handle} */
    const width = {
      key: `${key}-std-${sign < 0 ? "left" : "right"}`,
      kind: "width",
      tone,
      x: x(mean + sign * std),
      y: level,
      value: std,
      low: SMALLEST_STD,
      high: span,
      label: `standard deviation of ${name}`,
      text: `${said}standard deviation ${shortNumber(std)}`,
      drag: (px) => setStd(Math.abs(x.invert(px) - mean)),
      nudge: (dx, dy) => setStd(std + (dx * sign || dy) * keyStep(span)),
    };
    return width;
  });
  return hasWidthHandles(mixture) ? [...widths, dot] : [dot];
}
