// What can be dragged over the plane: the centre and the two half axes of every component of p and of q.

/** @import { Actions, Frame, Gaussian, Handle, Scale, Scene } from "../types.d.ts" */
import { ellipseAxes, fromEllipseAxes } from "../model/ellipse.js";
import { componentOf, setComponent } from "../model/mixture.js";
import { clamp, keyStep, shortNumber, snapped, tidy } from "../model/numbers.js";
import { LARGEST_CORRELATION, SMALLEST_STD } from "../model/parameters.js";
import { componentKey, hasWidthHandles, sides } from "./line-handles.js";

/**
 * A component as its handles see it.
 * @typedef {{ key: string, tone: "p" | "q", name: string, gaussian: Gaussian, x: Scale, y: Scale,
 *             change(next: Partial<Gaussian>): void }} Part
 */

export class PlaneHandles {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    /**
     * The direction of each Gaussian's first axis, so that it stays where it was.
     * @type {Map<string, number>}
     */
    this.angles = new Map();
  }

  /** @param {Scene} scene @param {Scale} x @param {Scale} y @param {Frame} frame @returns {Handle[]} */
  items(scene, x, y, frame) {
    const items = sides(scene, this.actions).flatMap(({ tone, mixture, name, edit }) =>
      mixture.weights.flatMap((_, k) => {
        const key = componentKey(tone, k);
        const change = (/** @type {Partial<Gaussian>} */ next) =>
          edit((own) => setComponent(own, k, next), Object.keys(next).join() + key);
        const handles = this.gaussian({
          key,
          tone,
          name: name(k),
          gaussian: componentOf(mixture, k),
          x,
          y,
          change,
        });
        return handles.filter(({ kind }) => kind === "dot" || hasWidthHandles(mixture));
      }),
    );
    for (const item of items)
      item.hidden =
        item.x < frame.left - 1 ||
        item.x > frame.right + 1 ||
        item.y < frame.top - 1 ||
        item.y > frame.bottom + 1;
    return items;
  }

  /** @param {Part} part @returns {Handle[]} */
  gaussian({ key, tone, name, gaussian, x, y, change }) {
    const { mean, stds, correlation } = gaussian;
    const spans = [x.high - x.low, y.high - y.low];
    const said = tone === "q" ? "q: " : "";
    const setMean = (/** @type {number[]} */ at) =>
      change({ mean: at.map((value, d) => snapped(value, spans[d])) });
    /** @type {Handle} */
    const centre = {
      key: `${key}-mean`,
      kind: "dot",
      tone,
      x: x(mean[0]),
      y: y(mean[1]),
      value: mean[0],
      low: x.low,
      high: x.high,
      label: `centre of ${name}`,
      text: `${said}mean ${shortNumber(mean[0])}, ${shortNumber(mean[1])}`,
      drag: (px, py) => setMean([x.invert(px), y.invert(py)]),
      nudge: (dx, dy) => setMean([mean[0] + dx * keyStep(spans[0]), mean[1] + dy * keyStep(spans[1])]),
    };
    const { direction, axes } = ellipseAxes(gaussian, this.angles.get(key) ?? 0);
    this.angles.set(key, direction);
    const turn = (/** @type {number} */ which, /** @type {number[]} */ to) =>
      change(this.turned(key, axes, which, to, spans));
    const text = `${said}standard deviations ${shortNumber(stds[0], 3)}, ${shortNumber(stds[1], 3)}, correlation ${shortNumber(correlation, 2)}`;
    const widths = axes.map((axis, which) => {
      /** @type {Handle} */
      const width = {
        key: `${key}-axis-${which + 1}`,
        kind: "width",
        tone,
        x: x(mean[0] + axis[0]),
        y: y(mean[1] + axis[1]),
        value: Math.hypot(...axis),
        low: SMALLEST_STD,
        high: Math.max(...spans),
        label: `${which === 0 ? "first" : "second"} axis of ${name}`,
        text,
        drag: (px, py) => turn(which, squared([x.invert(px) - mean[0], y.invert(py) - mean[1]])),
        nudge: (dx, dy) => turn(which, [axis[0] + dx * keyStep(spans[0]), axis[1] + dy * keyStep(spans[1])]),
      };
      return width;
    });
    return [...widths, centre];
  }

  /**
   * The ellipse with one half axis moved to `to`, the other as long as before and at right angles.
   * @param {string} key @param {number[][]} axes @param {number} which @param {number[]} to @param {number[]} spans
   * @returns {Partial<Gaussian>}
   */
  turned(key, axes, which, to, spans) {
    const length = Math.hypot(...to);
    if (length < SMALLEST_STD) return {};
    const other = Math.hypot(...axes[1 - which]);
    const sign = which === 0 ? 1 : -1;
    const normal = [(-sign * to[1] * other) / length, (sign * to[0] * other) / length];
    const [first, second] = which === 0 ? [to, normal] : [normal, to];
    this.angles.set(key, Math.atan2(first[1], first[0]));
    const next = fromEllipseAxes(first, second);
    return {
      stds: next.stds.map((std, d) => Math.max(snapped(std, spans[d]), SMALLEST_STD)),
      correlation: clamp(
        tidy(Number(next.correlation.toFixed(3))),
        -LARGEST_CORRELATION,
        LARGEST_CORRELATION,
      ),
    };
  }
}

/** A direction within three degrees of an axis is meant to lie on it. @param {[number, number]} vector */
function squared([dx, dy]) {
  const length = Math.hypot(dx, dy);
  if (Math.abs(dy) < 0.05 * length) return [Math.sign(dx) * length, 0];
  if (Math.abs(dx) < 0.05 * length) return [0, Math.sign(dy) * length];
  return [dx, dy];
}
