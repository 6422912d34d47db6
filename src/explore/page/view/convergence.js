// The value of each fit against its step, on a logarithmic axis.

/** @import { Frame, Palette, Part, Scale, Scene, ShownFit } from "../types.d.ts" */
import { drawAxes } from "../draw/axes.js";
import { clipTo, dot, prepared, strokeWith, useFont } from "../draw/canvas.js";
import { linearScale, logScale } from "../draw/scales.js";
import { Memo } from "./memo.js";

const LEAST = 1e-14;
/** An axis grows in steps of this factor, so that it does not creep while fits fall. */
const GRAIN = 10 ** 0.25;

/** @implements {Part} */
export class ConvergencePlot {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.memo = new Memo();
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw(scene, palette) {
    const { clientWidth, clientHeight } = this.canvas;
    const { planned } = scene.training;
    if (!this.memo.changed(scene.fits, planned, palette, clientWidth, clientHeight)) return;
    const { context, width, height } = prepared(this.canvas);
    const frame = { left: 46, right: width - 14, top: 26, bottom: height - 34 };
    const fits = scene.fits.filter((fit) => fit.trace.length > 0);
    const seen = fits.map((fit) => fit.trace[fit.trace.length - 1][0]);
    const x = linearScale(0, Math.max(planned, ...seen, 1), frame.left, frame.right);
    const [low, high] = rangeOf(fits);
    const y = logScale(low, high, frame.bottom, frame.top);
    context.save();
    clipTo(context, { left: frame.left, right: frame.right + 4, top: frame.top - 4, bottom: frame.bottom });
    for (const fit of fits) drawTrace(context, fit, x, y, frame, palette);
    context.restore();
    const inNats = fits.every(
      ({ divergence }) => scene.hello.divergences.find((d) => d.name === divergence)?.in_nats,
    );
    const yLabel = inNats ? "divergence, nats" : "divergence";
    drawAxes(context, frame, x, y, palette, { xTicks: 5, yTicks: 5, xLabel: "step", yLabel });
    if (fits.length === 0) drawHint(context, frame, palette);
  }
}

/**
 * From the least to the largest value that is seen, outwards to the next round one.
 * @param {ShownFit[]} fits
 */
function rangeOf(fits) {
  let [low, high] = [Infinity, 0];
  for (const fit of fits) {
    for (const [, value] of fit.trace) {
      if (value === null || !(value > 0)) continue;
      low = Math.min(low, Math.max(value, LEAST));
      high = Math.max(high, value);
    }
  }
  if (high === 0) return [0.1, 10];
  const outwards = (/** @type {number} */ value, /** @type {(x: number) => number} */ round) =>
    GRAIN ** round(Math.log(value) / Math.log(GRAIN));
  // At least most of a decade, so that the end of a fit does not look like noise.
  return [outwards(Math.min(low / 1.05, high / 4), Math.floor), outwards(high * 1.05, Math.ceil)];
}

/**
 * @param {CanvasRenderingContext2D} context @param {ShownFit} fit @param {Scale} x @param {Scale} y
 * @param {Frame} frame @param {Palette} palette
 */
function drawTrace(context, { trace, style, mark, value }, x, y, frame, palette) {
  const color = palette.series[style.slot];
  context.beginPath();
  let isOpen = false;
  // More points than pixels are of no use.
  const stride = Math.max(1, Math.floor(trace.length / (2 * (frame.right - frame.left))));
  const last = trace[trace.length - 1];
  for (const [step, at] of [...trace.filter((_, i) => i % stride === 0), last]) {
    if (at === null || !(at > 0)) isOpen = false;
    else if (isOpen) context.lineTo(x(step), y(at));
    else {
      context.moveTo(x(step), y(at));
      isOpen = true;
    }
  }
  strokeWith(context, color, 1.75, style.dash);
  const [step, now] = mark === null ? last : [mark, value];
  if (now === null || !(now > 0)) return;
  dot(context, x(step), y(now), 3.25);
  context.fillStyle = color;
  context.fill();
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Palette} palette */
function drawHint(context, { left, right, top, bottom }, palette) {
  useFont(context, palette, 12);
  context.fillStyle = palette.muted;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText("Run the fits to see them fall.", (left + right) / 2, (top + bottom) / 2);
}
