// One slider from reverse KL to forward KL: what both are worth along the path of optima, and where it breaks.

/** @import { Actions, Frame, Palette, Part, Scene, ShownAlpha } from "../types.d.ts" */
import { drawAxes } from "../draw/axes.js";
import { clipTo, dot, prepared, strokeWith } from "../draw/canvas.js";
import { linearScale, logScale } from "../draw/scales.js";
import { shortNumber } from "../model/numbers.js";
import { byId, inputById, setText } from "./elements.js";
import { Memo } from "./memo.js";

/** Less counts as nothing on the axis of values. */
const LEAST = 1e-12;

/** @implements {Part} */
export class AlphaPanel {
  /** @param {Actions} actions */
  constructor(actions) {
    this.root = /** @type {HTMLDetailsElement} */ (byId("alpha"));
    this.canvas = /** @type {HTMLCanvasElement} */ (byId("alpha-plot"));
    this.range = inputById("alpha-place");
    this.memo = new Memo();
    this.root.addEventListener("toggle", () => actions.openAlpha(this.root.open));
    this.range.addEventListener("input", () => actions.moveAlpha(Number(this.range.value)));
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw({ alpha, styles, isMoving }, palette) {
    if (!alpha.isOpen) return;
    const { path, problem, place } = alpha;
    this.range.disabled = path === null;
    setText(byId("alpha-note"), noteOf(alpha));
    this.canvas.classList.toggle("pending", path === null && !problem);
    if (!path) return;
    const stop = path.stops[place];
    this.range.max = String(path.stops.length - 1);
    if (this.range.value !== String(place)) this.range.value = String(place);
    const said = `α = ${shortNumber(stop.alpha, 3)}`;
    this.range.setAttribute("aria-valuetext", said);
    setText(byId("alpha-said"), said);
    setText(byId("alpha-value"), `at ${stop.value === null ? "∞" : shortNumber(stop.value, 5)} nats`);
    const { clientWidth, clientHeight } = this.canvas;
    if (this.memo.changed(path, place, palette, clientWidth, clientHeight, isMoving)) this.plot(alpha, styles, palette);
  }

  /** @param {ShownAlpha} alpha @param {Scene["styles"]} styles @param {Palette} palette */
  plot({ path, place }, styles, palette) {
    if (!path) return;
    const { context, width, height } = prepared(this.canvas);
    const frame = { left: 46, right: width - 14, top: 24, bottom: height - 34 };
    const x = linearScale(0, 1, frame.left, frame.right);
    const seen = path.stops.flatMap((stop) => stop.values.flatMap(([, value]) => (value && value > LEAST ? [value] : [])));
    const y = logScale(Math.min(...seen, 1) / 1.2, Math.max(...seen, 2 * LEAST) * 1.2, frame.bottom, frame.top);
    context.save();
    clipTo(context, { ...frame, top: frame.top - 4, right: frame.right + 4 });
    for (const { left, right } of path.jumps) breakLine(context, x((left + right) / 2), frame, palette);
    path.stops[0].values.forEach(([name], i) => {
      const { slot, dash } = styles[name];
      const color = palette.series[slot];
      context.beginPath();
      path.stops.forEach((stop, k) => {
        const value = stop.values[i][1];
        if (value === null || !(value > LEAST)) return;
        const isBroken = k > 0 && path.jumps.some(({ right }) => right > path.stops[k - 1].alpha && right <= stop.alpha);
        if (k === 0 || isBroken) context.moveTo(x(stop.alpha), y(value));
        else context.lineTo(x(stop.alpha), y(value));
      });
      strokeWith(context, color, 1.75, dash);
      const { alpha, values } = path.stops[place];
      const now = values[i][1];
      if (now === null || !(now > LEAST)) return;
      dot(context, x(alpha), y(now), 3.25);
      context.fillStyle = color;
      context.fill();
    });
    context.restore();
    drawAxes(context, frame, x, y, palette, { xTicks: 5, yTicks: 3, xLabel: "α", yLabel: "KL(p‖q) and KL(q‖p), nats" });
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} px @param {Frame} frame @param {Palette} palette */
function breakLine(context, px, { top, bottom }, palette) {
  context.beginPath();
  context.moveTo(px, top);
  context.lineTo(px, bottom);
  strokeWith(context, palette.axis, 1, [2, 3]);
}

/** What is said of the path. @param {ShownAlpha} alpha */
function noteOf({ path, problem }) {
  if (problem) return problem;
  if (!path) return "The path is being followed …";
  if (path.jumps.length === 0) return "The optimum moves without a jump.";
  const places = path.jumps.map(({ left, right }) => shortNumber((left + right) / 2, 3));
  return `At α ≈ ${places.join(" and ")} the optimum ends, and q jumps to another.`;
}
