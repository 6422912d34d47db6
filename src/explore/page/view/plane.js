// Densities over the plane: contours of p, and the ellipses of its components, of the fits and of q.

/** @import { Actions, Densities, Frame, Gaussian, Palette, Scale, Scene } from "../types.d.ts" */
import { drawAxes } from "../draw/axes.js";
import { clipTo, ellipsePath, haloText, prepared, strokeWith, useFont } from "../draw/canvas.js";
import { bandPicture, drawPicture, greyRamp, levelLine } from "../draw/contours.js";
import { basinColor, withAlpha } from "../draw/palette.js";
import { linearScale } from "../draw/scales.js";
import { componentOf } from "../model/mixture.js";
import { clamp } from "../model/numbers.js";
import { PlaneHandles } from "./plane-handles.js";

const P_LEVELS = [0.02, 0.07, 0.15, 0.27, 0.42, 0.58, 0.74, 0.9];
const MARGIN = { left: 40, right: 12, top: 26, bottom: 36 };
/** The plane is no lower and no higher than these times its width. */
const SHAPES = [0.4, 1.4];
/** Device pixels of the picture for one of the canvas, while it changes at every frame. */
const COARSE = 0.5;
const MOST_ENDS = 8;

/** @typedef {{ bands: HTMLCanvasElement, lines: Path2D[] }} Picture */

export class PlanePlot {
  /** @param {HTMLCanvasElement} canvas @param {Actions} actions */
  constructor(canvas, actions) {
    this.canvas = canvas;
    this.handles = new PlaneHandles(actions);
    /** @type {{ densities: Densities, key: string, picture: Picture } | null} */
    this.cache = null;
  }

  /** Draws everything and returns the handles. @param {Scene} scene @param {Palette} palette */
  draw(scene, palette) {
    const { axes } = scene.state;
    // No higher than a plane of its width is.
    const room = this.canvas.clientWidth - MARGIN.left - MARGIN.right;
    this.canvas.style.maxHeight = `${Math.round(room * shapeOf(axes)) + MARGIN.top + MARGIN.bottom}px`;
    const { context, width, height } = prepared(this.canvas);
    const frame = frameOf(width, height, axes);
    const x = linearScale(axes.x[0], axes.x[1], frame.left, frame.right);
    const y = linearScale(axes.y[0], axes.y[1], frame.bottom, frame.top);
    context.save();
    clipTo(context, frame);
    this.drawTarget(context, frame, x, y, scene, palette);
    drawApproximations(context, x, y, scene, palette);
    context.restore();
    const isNarrow = frame.right - frame.left < 400;
    drawAxes(context, frame, x, y, palette, {
      xTicks: isNarrow ? 5 : 9,
      yTicks: isNarrow ? 5 : 7,
      xLabel: "x₁",
      yLabel: "x₂",
      yLabelAt: frame.left - 8,
    });
    return this.handles.items(scene, x, y, frame);
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Scale} x @param {Scale} y
   * @param {Scene} scene @param {Palette} palette
   */
  drawTarget(context, frame, x, y, scene, palette) {
    const picture = this.picture(frame, x, y, scene, palette);
    if (!picture) return;
    drawPicture(context, picture, frame, { color: withAlpha(palette.p, 0.55), width: 0.75 });
    const { target } = scene.state;
    target.weights.forEach((_, k) => {
      ellipsePath(context, componentOf(target, k), 1, x, y);
      strokeWith(context, withAlpha(palette.p, 0.75), 1, [2, 3]);
    });
  }

  /**
   * @param {Frame} frame @param {Scale} x @param {Scale} y @param {Scene} scene @param {Palette} palette
   * @returns {Picture | null}
   */
  picture(frame, x, y, { view, isMoving }, palette) {
    const densities = view?.densities;
    if (!densities?.y) return null;
    const scale = isMoving ? COARSE : 1;
    const size = [frame.right - frame.left, frame.bottom - frame.top].map((side) =>
      Math.max(Math.round(side * scale), 1),
    );
    const key = [size.join(), x.low, x.high, y.low, y.high, palette.isDark].join();
    if (this.cache?.densities === densities && (this.cache.key === key || isMoving))
      return this.cache.picture;
    const top = densities.p.reduce((a, b) => Math.max(a, b), 0) || 1;
    const levels = P_LEVELS.map((level) => level * top);
    const ramp = greyRamp(palette.isDark);
    const [columns, rows] = [densities.x, densities.y];
    const bands = bandPicture({
      table: densities.p,
      columns,
      rows,
      levels,
      colors: [null, ...P_LEVELS.map((_, i) => ramp((i + 1) / P_LEVELS.length))],
      width: size[0],
      height: size[1],
      xScale: linearScale(x.low, x.high, 0, size[0]),
      yScale: linearScale(y.low, y.high, size[1], 0),
    });
    // Lines at every frame would take longer than all the rest.
    const lines = isMoving ? [] : levels.map((level) => levelLine(densities.p, columns, rows, level, x, y));
    this.cache = { densities, key, picture: { bands, lines } };
    return this.cache.picture;
  }
}

/** Height by width. @param {Scene["state"]["axes"]} axes */
function shapeOf({ x, y }) {
  return clamp((y[1] - y[0]) / (x[1] - x[0]), SHAPES[0], SHAPES[1]);
}

/** As large a frame as the canvas holds, in the shape of the axes. */
function frameOf(
  /** @type {number} */ width,
  /** @type {number} */ height,
  /** @type {Scene["state"]["axes"]} */ axes,
) {
  const room = width - MARGIN.left - MARGIN.right;
  const shape = shapeOf(axes);
  const tall = Math.round(Math.min(room * shape, height - MARGIN.top - MARGIN.bottom));
  const wide = Math.round(tall / shape);
  const left = MARGIN.left + Math.round((room - wide) / 2);
  return { left, right: left + wide, top: MARGIN.top, bottom: MARGIN.top + tall };
}

/**
 * @param {CanvasRenderingContext2D} context @param {Scale} x @param {Scale} y @param {Scene} scene
 * @param {Palette} palette
 */
function drawApproximations(context, x, y, { fits, q }, palette) {
  for (const { mixture, style, ends, best } of fits) {
    if (mixture.means[0].length !== 2) continue;
    const seen = new Set([ends[best]?.optimum]);
    for (const end of ends) {
      if (end.optimum === null || seen.has(end.optimum) || seen.size > MOST_ENDS) continue;
      seen.add(end.optimum);
      end.mixture.weights.forEach((_, k) => {
        ellipsePath(context, componentOf(end.mixture, k), 1, x, y);
        strokeWith(context, basinColor(palette, end.optimum), 1.25);
      });
    }
    const color = palette.series[style.slot];
    mixture.weights.forEach((_, k) =>
      drawGaussian(context, componentOf(mixture, k), x, y, color, style.dash, palette),
    );
  }
  q.weights.forEach((_, k) => {
    const gaussian = componentOf(q, k);
    ellipsePath(context, gaussian, 2, x, y);
    context.fillStyle = palette.qFill;
    context.fill();
    drawGaussian(context, gaussian, x, y, palette.q, [], palette);
  });
  labelEllipse(context, componentOf(q, 0), x, y, palette);
}

/**
 * @param {CanvasRenderingContext2D} context @param {Gaussian} gaussian @param {Scale} x @param {Scale} y
 * @param {string} color @param {number[]} dash @param {Palette} palette
 */
function drawGaussian(context, gaussian, x, y, color, dash, { halo }) {
  ellipsePath(context, gaussian, 2, x, y);
  strokeWith(context, withAlpha(halo, 0.7), 3);
  strokeWith(context, color, 1.25, dash);
  ellipsePath(context, gaussian, 1, x, y);
  strokeWith(context, withAlpha(halo, 0.7), 4);
  strokeWith(context, color, 2, dash);
}

/**
 * Says once, at q, what the two ellipses are.
 * @param {CanvasRenderingContext2D} context @param {Gaussian} q @param {Scale} x @param {Scale} y @param {Palette} palette
 */
function labelEllipse(context, q, x, y, palette) {
  useFont(context, palette, 11);
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const times of [1, 2]) {
    // Straight above the mean the ellipse passes at σ₂ √(1 − ρ²).
    const above = times * q.stds[1] * Math.sqrt(1 - q.correlation ** 2);
    haloText(context, `${times}σ`, x(q.mean[0]), y(q.mean[1] + above) - 3, palette.q, palette.halo);
  }
}
