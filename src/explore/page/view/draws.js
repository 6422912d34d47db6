// The sampling seen: where each draw of q pushes μ and σ, by each rule for the gradient, and how sure the mean is.

/** @import { Actions, DrawnRule, Palette, Part, Scale, Scene, ShownDraws } from "../types.d.ts" */
import { drawAxes } from "../draw/axes.js";
import { clipTo, dot, prepared, strokeWith, useFont } from "../draw/canvas.js";
import { withAlpha } from "../draw/palette.js";
import { linearScale, logScale } from "../draw/scales.js";
import { fixedNumber, shortNumber } from "../model/numbers.js";
import { byId, element, inputById, setText } from "./elements.js";
import { Memo } from "./memo.js";

/** How each rule is called, and drawn as a fit by it is in the lesson on draws. @type {Record<string, { title: string, slot: string, dash: number[] }>} */
const LOOKS = {
  pathwise: { title: "pathwise", slot: "vermillion", dash: [7, 3] },
  "score-function": { title: "score function", slot: "orange", dash: [2, 2.5] },
  "sticking-the-landing": { title: "sticking the landing", slot: "sky", dash: [12, 4] },
};
/** No more draws than this have arrows. */
const MOST_ARROWS = 64;
/** The length of an arrow, in pixels, for the push that nine of ten pathwise ones do not exceed; and of any. */
const USUAL = 16;
const LONGEST = 30;

/** @implements {Part} */
export class DrawsPanel {
  /** @param {Actions} actions */
  constructor(actions) {
    this.root = /** @type {HTMLDetailsElement} */ (byId("draws"));
    this.plot = /** @type {HTMLCanvasElement} */ (byId("draws-plot"));
    this.errors = /** @type {HTMLCanvasElement} */ (byId("draws-errors"));
    this.count = inputById("draws-count");
    this.body = byId("draws-body");
    this.memo = new Memo();
    this.root.addEventListener("toggle", () => actions.openDraws(this.root.open));
    this.count.addEventListener("input", () => actions.countDraws(2 ** Number(this.count.value)));
    byId("draws-again").addEventListener("click", () => actions.drawAgain());
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw({ draws, q, state }, palette) {
    if (!draws.isOpen) return;
    const { drawn, problem, count } = draws;
    this.count.value = String(Math.round(Math.log2(count)));
    this.count.setAttribute("aria-valuetext", `${count} draws`);
    setText(byId("draws-said"), `${count} draws`);
    setText(byId("draws-note"), problem ?? "");
    for (const it of [this.plot, this.errors, byId("draws-table")]) it.hidden = drawn === null;
    if (!drawn) return;
    const { clientWidth, clientHeight } = this.plot;
    if (!this.memo.changed(drawn, palette, clientWidth, clientHeight, q, state.axes)) return;
    this.drawArrows(draws, state.axes.x, q.means[0][0], palette);
    this.drawErrors(drawn.rules, palette);
    this.fill(draws);
  }

  /** @param {ShownDraws} draws @param {[number, number]} ends @param {number} mean @param {Palette} palette */
  drawArrows({ drawn }, ends, mean, palette) {
    if (!drawn) return;
    const { context, width, height } = prepared(this.plot);
    const frame = { left: 10, right: width - 10, top: 4, bottom: height - 34 };
    const x = linearScale(ends[0], ends[1], frame.left, frame.right);
    const usual = drawn.rules[0].pushes.map((push) => Math.hypot(...push)).sort((a, b) => a - b);
    const unit = USUAL / (usual[Math.floor(0.9 * (usual.length - 1))] || 1);
    const tall = (frame.bottom - frame.top) / drawn.rules.length;
    context.save();
    clipTo(context, frame);
    drawn.rules.forEach((rule, r) => {
      const { title, slot } = LOOKS[rule.gradient];
      const [color, top] = [palette.series[slot], frame.top + r * tall];
      const py = top + 0.62 * tall;
      useFont(context, palette, 11.5);
      context.fillStyle = palette.muted;
      context.textBaseline = "top";
      context.fillText(title, frame.left, top + 2);
      context.beginPath();
      context.moveTo(frame.left, Math.round(py) + 0.5);
      context.lineTo(frame.right, Math.round(py) + 0.5);
      strokeWith(context, palette.axis, 1);
      rule.pushes.slice(0, MOST_ARROWS).forEach((push, i) => arrow(context, x(drawn.x[i]), py, push, unit, withAlpha(color, 0.85), 1.25));
      const last = rule.means[rule.means.length - 1];
      // All pull at one place: the mean at μ, beside the one that quadrature gives.
      arrow(context, x(mean), py, drawn.exact, unit, withAlpha(palette.ink, 0.35), 5);
      arrow(context, x(mean), py, last.mean, unit, palette.ink, 2);
    });
    context.restore();
    drawAxes(context, { ...frame, top: frame.bottom }, x, linearScale(0, 1, frame.bottom, frame.bottom), palette, { xTicks: 6, yTicks: 0, xLabel: "x" });
  }

  /** @param {DrawnRule[]} rules @param {Palette} palette */
  drawErrors(rules, palette) {
    const { context, width, height } = prepared(this.errors);
    const frame = { left: 46, right: width - 14, top: 24, bottom: height - 34 };
    const sizes = rules.map(({ means }) => means.map(({ draws, error }) => ({ draws, size: Math.hypot(...error) })));
    const seen = sizes.flat().map(({ size }) => size).filter((size) => size > 0);
    const most = Math.max(...seen, 1e-6);
    const x = logScale(2, Math.max(...sizes.flat().map(({ draws }) => draws), 4), frame.left, frame.right);
    const y = logScale(Math.max(Math.min(...seen, most / 10), most * 1e-6) / 1.3, most * 1.3, frame.bottom, frame.top);
    context.save();
    clipTo(context, { ...frame, top: frame.top - 4 });
    sizes.forEach((line, r) => drawLine(context, line, x, y, LOOKS[rules[r].gradient], palette));
    context.restore();
    drawAxes(context, frame, x, y, palette, { xTicks: 4, yTicks: 3, xLabel: "draws", yLabel: "standard error of the mean push" });
  }

  /** @param {ShownDraws} draws */
  fill({ drawn }) {
    if (!drawn) return;
    const cell = (/** @type {number} */ mean, /** @type {number | null} */ error, /** @type {string} */ name) =>
      element("td", { textContent: surely(mean, error), "data-test": name });
    const rows = drawn.rules.map(({ gradient, means }) => {
      const { mean, error } = means[means.length - 1];
      return element(
        "tr",
        {},
        element("th", { scope: "row", textContent: LOOKS[gradient].title }),
        ...[0, 1].map((i) => cell(mean[i], error[i], `draws-${gradient}-${i}`)),
      );
    });
    const exact = element(
      "tr",
      {},
      element("th", { scope: "row", textContent: "quadrature" }),
      ...[0, 1].map((i) => cell(drawn.exact[i], null, `draws-exact-${i}`)),
    );
    this.body.replaceChildren(...rows, exact);
  }
}

/**
 * An arrow to the right where μ is pushed up, and upwards where σ is.
 * @param {CanvasRenderingContext2D} context @param {number} px @param {number} py @param {number[]} push
 * @param {number} unit @param {string} color @param {number} width
 */
function arrow(context, px, py, push, unit, color, width) {
  const long = Math.hypot(...push) * unit;
  const scale = long > LONGEST ? LONGEST / long : 1;
  const [dx, dy] = [push[0] * unit * scale, -push[1] * unit * scale];
  context.beginPath();
  context.moveTo(px, py);
  context.lineTo(px + dx, py + dy);
  const size = Math.min(long * scale, 4 + width);
  const angle = Math.atan2(dy, dx);
  for (const turn of [-0.45, 0.45]) {
    context.moveTo(px + dx, py + dy);
    context.lineTo(px + dx - size * Math.cos(angle + turn), py + dy - size * Math.sin(angle + turn));
  }
  strokeWith(context, color, width);
  dot(context, px, py, 1.75);
  context.fillStyle = color;
  context.fill();
}

/**
 * @param {CanvasRenderingContext2D} context @param {{ draws: number, size: number }[]} line @param {Scale} x
 * @param {Scale} y @param {{ slot: string, dash: number[] }} look @param {Palette} palette
 */
function drawLine(context, line, x, y, { slot, dash }, palette) {
  context.beginPath();
  line.forEach(({ draws, size }, i) => (i === 0 ? context.moveTo(x(draws), y(size)) : context.lineTo(x(draws), y(size))));
  strokeWith(context, palette.series[slot], 1.75, dash);
}

/** Below this a mean is what rounding leaves of 0. */
const ROUNDING = 1e-9;

/** A mean with as many decimals as its error has. @param {number} mean @param {number | null} error */
function surely(mean, error) {
  if (error === null) return Math.abs(mean) < ROUNDING ? "0" : shortNumber(mean, 4);
  if (!(error >= 1e-4 && error < 1e3)) return `${shortNumber(mean, 2)} ± ${shortNumber(error, 2)}`;
  const decimals = Math.max(1 - Math.floor(Math.log10(error)), 0);
  return `${fixedNumber(mean, decimals)} ± ${fixedNumber(error, decimals)}`;
}
