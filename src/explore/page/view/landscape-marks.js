// What lies on a landscape: the ways of the fits, the optima with their values, the present q, and the bar below.

/** @import { Frame, Optimum, Palette, Scale, ShownFit, ShownRun } from "../types.d.ts" */
/** @import { SurfacePicture } from "./landscape-picture.js" */
import { diamond, dot, haloText, strokeWith, useFont } from "../draw/canvas.js";
import { basinColor, withAlpha } from "../draw/palette.js";
import { linearScale, logScale } from "../draw/scales.js";
import { shortNumber } from "../model/numbers.js";

const BAR = 9;

/** @typedef {{ px: number, py: number }} Point @typedef {Frame} Box */

/**
 * @param {CanvasRenderingContext2D} context @param {ShownFit[]} fits @param {string} name the map's divergence
 * @param {Scale} x @param {Scale} y @param {Palette} palette
 */
export function drawPaths(context, fits, name, x, y, palette) {
  const isOwn = (/** @type {ShownFit} */ fit) => fit.divergence === name;
  const { halo, series } = palette.map;
  // Of another divergence the way of one run, where it is the only one: beside many it would be taken for one of them.
  for (const fit of fits.filter((one) => !isOwn(one) && one.runs.length === 1)) {
    const path = fit.runs[fit.best]?.path ?? [];
    if (!trace(context, path, x, y)) continue;
    strokeWith(context, withAlpha(halo, 0.3), 3);
    strokeWith(context, withAlpha(series[fit.style.slot], 0.6), 1.25, fit.style.dash);
  }
  for (const fit of fits.filter(isOwn)) {
    if (fit.runs.length > 1) drawSwarm(context, fit, x, y, palette);
    else drawWay(context, fit, x, y, palette);
  }
}

/**
 * @param {CanvasRenderingContext2D} context @param {[number, number][]} path @param {Scale} x
 * @param {Scale} y
 */
function trace(context, path, x, y) {
  context.beginPath();
  path.forEach(([a, b], i) => (i === 0 ? context.moveTo(x(a), y(b)) : context.lineTo(x(a), y(b))));
  return path.length > 0;
}

/**
 * @param {CanvasRenderingContext2D} context @param {ShownFit} fit @param {Scale} x @param {Scale} y
 * @param {Palette} palette
 */
function drawWay(context, { runs, style }, x, y, palette) {
  const { halo, series } = palette.map;
  const path = runs[0]?.path ?? [];
  if (!trace(context, path, x, y)) return;
  strokeWith(context, withAlpha(halo, 0.9), 5);
  strokeWith(context, series[style.slot], 2.25, style.dash);
  const [a, b] = path[path.length - 1];
  dot(context, x(a), y(b), 4);
  context.fillStyle = series[style.slot];
  context.fill();
  strokeWith(context, halo, 1.5);
}

/**
 * Many runs: thin ways, with a ring where each began and a dot where it is, in the colour of the optimum it reached.
 * @param {CanvasRenderingContext2D} context @param {ShownFit} fit @param {Scale} x @param {Scale} y @param {Palette} palette
 */
function drawSwarm(context, { runs, style, best }, x, y, palette) {
  const { halo, series, ink } = palette.map;
  const color = (/** @type {ShownRun} */ run) =>
    run.optimum === null ? series[style.slot] : basinColor(palette, run.optimum);
  for (const run of runs) {
    if (!trace(context, run.path, x, y)) continue;
    strokeWith(context, withAlpha(ink, 0.3), 1.75);
    strokeWith(context, color(run), 1);
  }
  runs.forEach((run, r) => {
    if (run.path.length === 0) return;
    const [first, last] = [run.path[0], run.path[run.path.length - 1]];
    dot(context, x(first[0]), y(first[1]), 3);
    context.fillStyle = color(run);
    context.fill();
    strokeWith(context, withAlpha(ink, 0.7), 0.75);
    const [px, py] = [x(last[0]), y(last[1])];
    if (run.hasFailed) {
      context.beginPath();
      context.moveTo(px - 3, py - 3);
      context.lineTo(px + 3, py + 3);
      context.moveTo(px + 3, py - 3);
      context.lineTo(px - 3, py + 3);
      strokeWith(context, ink, 1.5);
      return;
    }
    dot(context, px, py, r === best ? 5 : 4);
    context.fillStyle = color(run);
    context.fill();
    strokeWith(context, r === best ? ink : halo, 1.25);
  });
}

/**
 * Fine lines through the current q, which lead the eye to both axes.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Point} point
 * @param {Palette} palette
 */
export function drawCross(context, frame, { px, py }, palette) {
  context.beginPath();
  context.moveTo(px, frame.top);
  context.lineTo(px, frame.bottom);
  context.moveTo(frame.left, py);
  context.lineTo(frame.right, py);
  strokeWith(context, withAlpha(palette.map.q, 0.7), 1, [1.5, 3]);
}

/** The current q where it cannot be moved: elsewhere it is a handle. @param {CanvasRenderingContext2D} context @param {Point} point @param {Palette} palette */
export function drawPoint(context, { px, py }, palette) {
  dot(context, px, py, 5);
  context.fillStyle = palette.map.q;
  context.fill();
  strokeWith(context, palette.map.halo, 2);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{ frame: Frame, x: Scale, y: Scale, optima: Optimum[], point: Point, fits: ShownFit[], name: string,
 *           palette: Palette }} what
 */
export function drawOptima(context, { frame, x, y, optima, point, fits, name, palette }) {
  const { ink, halo } = palette.map;
  useFont(context, palette, 11, "600");
  context.textBaseline = "middle";
  context.textAlign = "center";
  const shown = optima
    .map((optimum) => ({ ...optimum, px: x(optimum.at[0]), py: y(optimum.at[1]) }))
    .filter(({ px, py }) => px >= frame.left && px <= frame.right && py >= frame.top && py <= frame.bottom);
  const taken = [
    ...[point, ...shown].map(({ px, py }) => boxAround(px, py, 9, 9)),
    ...pathPoints(fits, name, x, y).map(({ px, py }) => boxAround(px, py, 3, 3)),
  ];
  for (const { px, py, value, is_best: isBest } of shown) {
    diamond(context, px, py, 5.5);
    context.fillStyle = isBest ? ink : halo;
    context.fill();
    strokeWith(context, isBest ? halo : ink, 1.5);
    const text = valueLabel(value);
    const box = freeBox(px, py, context.measureText(text).width, frame, taken);
    taken.push(box);
    const [middle, height] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    haloText(context, text, middle, height, ink, withAlpha(halo, 0.85));
  }
}

/** What is below this is as good as 0: an optimum is looked for on grids, which end. */
const NAUGHT = 1e-6;

/** Three digits, also where the last are 0: optima are compared. @param {number} value */
function valueLabel(value) {
  if (value < NAUGHT) return `< ${shortNumber(NAUGHT, 1)}`;
  return value >= 1e-3 && value < 1e3 ? value.toPrecision(3) : shortNumber(value, 3);
}

/**
 * Some points along the ways on their own map, which text should not hide.
 * @param {ShownFit[]} fits @param {string} name @param {Scale} x @param {Scale} y @returns {Point[]}
 */
function pathPoints(fits, name, x, y) {
  const paths = fits.filter((fit) => fit.divergence === name).map((fit) => fit.runs[fit.best]?.path ?? []);
  return paths.flatMap((path) =>
    path.filter((_, i) => i % Math.ceil(path.length / 100) === 0).map(([a, b]) => ({ px: x(a), py: y(b) })),
  );
}

/**
 * @param {number} px @param {number} py @param {number} halfWidth @param {number} halfHeight @returns {Box}
 */
function boxAround(px, py, halfWidth, halfHeight) {
  return { left: px - halfWidth, right: px + halfWidth, top: py - halfHeight, bottom: py + halfHeight };
}

/**
 * A place beside a mark for its text, on the first side where nothing else is.
 * @param {number} px @param {number} py @param {number} width @param {Frame} frame @param {Box[]} taken
 */
function freeBox(px, py, width, frame, taken) {
  const [w, h] = [width / 2 + 2, 7];
  const sides = [
    [w + 9, 0],
    [-w - 9, 0],
    [0, -16],
    [0, 16],
  ];
  const boxes = sides.map(([dx, dy]) => boxAround(px + dx, py + dy, w, h));
  const fits = (/** @type {Box} */ box) =>
    box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
  const meets = (/** @type {Box} */ a, /** @type {Box} */ b) =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return (
    boxes.find((box) => fits(box) && !taken.some((other) => meets(box, other))) ??
    boxes.find(fits) ??
    boxes[0]
  );
}

/**
 * What the colours stand for.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {number} height @param {SurfacePicture} picture
 * @param {boolean} inNats @param {Palette} palette
 */
export function drawBar(context, frame, height, { levels, colors }, inNats, palette) {
  if (levels.length < 2) return;
  const top = height - 30;
  const wide = (frame.right - frame.left) / colors.length;
  colors.forEach(([r, g, b], i) => {
    context.fillStyle = `rgb(${r} ${g} ${b})`;
    const from = Math.round(frame.left + i * wide);
    context.fillRect(from, top, Math.round(frame.left + (i + 1) * wide) - from, BAR);
  });
  context.strokeStyle = palette.axis;
  context.lineWidth = 1;
  context.strokeRect(Math.round(frame.left) - 0.5, top - 0.5, Math.round(frame.right - frame.left), BAR + 1);
  const [low, high] = [levels[0], levels[levels.length - 1]];
  const place = linearScale(low, high, frame.left + wide, frame.right - wide);
  const unit = inNats ? "nats" : "";
  useFont(context, palette);
  context.fillStyle = palette.muted;
  context.textBaseline = "top";
  context.textAlign = "right";
  context.fillText(unit, frame.right, top + BAR + 6);
  const most = frame.right - (unit ? context.measureText(unit).width + 6 : 0);
  context.textAlign = "center";
  context.beginPath();
  for (const tick of logScale(10 ** low, 10 ** high, 0, 1).ticks(5)) {
    const px = Math.round(place(Math.log10(tick.value))) - 0.5;
    context.moveTo(px, top + BAR);
    context.lineTo(px, top + BAR + 4);
    if (px + context.measureText(tick.text).width / 2 < most) context.fillText(tick.text, px, top + BAR + 6);
  }
  context.stroke();
}
