// Targets to begin with, as small pictures.

/** @import { Actions, Palette, Part, Preset, Scene } from "../types.d.ts" */
import { contextOf, ellipsePath, strokeWith } from "../draw/canvas.js";
import { bandPicture, greyRamp } from "../draw/contours.js";
import { linearScale } from "../draw/scales.js";
import { componentOf, mixtureDensity } from "../model/mixture.js";
import { presets } from "../model/presets.js";
import { element } from "../view/elements.js";
import { Memo } from "../view/memo.js";

const [WIDTH, HEIGHT] = [80, 46];
/** Points of a curve, and on the longer side of a map. */
const POINTS = 81;

/** @implements {Part} */
export class Presets {
  /** @param {HTMLElement} root @param {Actions} actions */
  constructor(root, actions) {
    this.root = root;
    this.actions = actions;
    this.memo = new Memo();
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw({ state: { dim } }, palette) {
    if (!this.memo.changed(dim, palette)) return;
    this.root.replaceChildren(...presets(dim).map((preset) => this.button(preset, dim, palette)));
  }

  /** @param {Preset} preset @param {number} dim @param {Palette} palette */
  button(preset, dim, palette) {
    const ratio = window.devicePixelRatio || 1;
    const canvas = element("canvas", { width: WIDTH * ratio, height: HEIGHT * ratio });
    const context = contextOf(canvas);
    context.scale(ratio, ratio);
    if (dim === 1) drawLine(context, preset, palette);
    else drawPlane(context, preset, palette, ratio);
    // As a picture: every canvas on a page is one more layer to put together at every frame.
    const picture = element("img", { src: canvas.toDataURL(), width: WIDTH, height: HEIGHT, alt: "" });
    const button = element(
      "button",
      { type: "button", className: "preset", "data-test": `preset-${preset.id}` },
      picture,
      element("span", { textContent: preset.title }),
    );
    button.addEventListener("click", () => this.actions.choose(preset));
    return button;
  }
}

/** @param {CanvasRenderingContext2D} context @param {Preset} preset @param {Palette} palette */
function drawLine(context, { target, q, axes }, palette) {
  const x = linearScale(axes.x[0], axes.x[1], 0, WIDTH);
  const xs = Array.from(
    { length: POINTS },
    (_, i) => axes.x[0] + (i / (POINTS - 1)) * (axes.x[1] - axes.x[0]),
  );
  const [p, own] = [target, q].map((mixture) => xs.map((at) => mixtureDensity(at, mixture)));
  const curve = (/** @type {number[]} */ values) => {
    // Each in its own height: what matters is where they are.
    const y = linearScale(0, 1.12 * Math.max(...values), HEIGHT - 2, 2);
    context.beginPath();
    values.forEach((value, i) =>
      i === 0 ? context.moveTo(x(xs[i]), y(value)) : context.lineTo(x(xs[i]), y(value)),
    );
  };
  curve(p);
  strokeWith(context, palette.p, 1.5);
  context.lineTo(WIDTH, HEIGHT - 2);
  context.lineTo(0, HEIGHT - 2);
  context.fillStyle = palette.pFill;
  context.fill();
  curve(own);
  strokeWith(context, palette.q, 1, [2, 2]);
}

/**
 * @param {CanvasRenderingContext2D} context @param {Preset} preset @param {Palette} palette
 * @param {number} ratio
 */
function drawPlane(context, { target, q, axes }, palette, ratio) {
  const at = (/** @type {[number, number]} */ [low, high], /** @type {number} */ count) =>
    Array.from({ length: count }, (_, i) => low + (i / (count - 1)) * (high - low));
  const [columns, rows] = [at(axes.x, POINTS), at(axes.y, 51)];
  const table = rows.flatMap((b) => columns.map((a) => planeDensity(a, b, target)));
  const top = Math.max(...table);
  const levels = [0.06, 0.25, 0.5, 0.8].map((level) => level * top);
  const ramp = greyRamp(palette.isDark);
  const [width, height] = [WIDTH * ratio, HEIGHT * ratio];
  const picture = bandPicture({
    table,
    columns,
    rows,
    levels,
    colors: [null, 0.35, 0.55, 0.8, 1].map((shade) => (shade === null ? null : ramp(shade))),
    width,
    height,
    xScale: linearScale(axes.x[0], axes.x[1], 0, width),
    yScale: linearScale(axes.y[0], axes.y[1], height, 0),
  });
  context.drawImage(picture, 0, 0, WIDTH, HEIGHT);
  const x = linearScale(axes.x[0], axes.x[1], 0, WIDTH);
  const y = linearScale(axes.y[0], axes.y[1], HEIGHT, 0);
  ellipsePath(context, componentOf(q, 0), 1, x, y);
  strokeWith(context, palette.q, 1, [2, 2]);
}

/** @param {number} a @param {number} b @param {Preset["target"]} mixture */
function planeDensity(a, b, { weights, means, stds, correlations }) {
  return weights.reduce((sum, weight, k) => {
    const [u, v] = [(a - means[k][0]) / stds[k][0], (b - means[k][1]) / stds[k][1]];
    const rest = 1 - correlations[k] ** 2;
    const form = (u * u - 2 * correlations[k] * u * v + v * v) / rest;
    return sum + (weight * Math.exp(-0.5 * form)) / (stds[k][0] * stds[k][1] * Math.sqrt(rest));
  }, 0);
}
