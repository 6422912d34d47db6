// One contour map of log10 of a divergence over two parameters of q. What moves is drawn over it.

/** @import { Actions, DivergenceLabel, Frame, Handle, Landscape, Optimum, Palette, Scale, Scene, Surface } from "../types.d.ts" */
import { drawAxes } from "../draw/axes.js";
import { prepared, sized, strokeWith, useFont } from "../draw/canvas.js";
import { drawPicture } from "../draw/contours.js";
import { scaleFor } from "../draw/scales.js";
import { componentOf, setComponent } from "../model/mixture.js";
import { clamp, keyStep, shortNumber, snapped } from "../model/numbers.js";
import { isStd, parameterOf, withParameter } from "../model/parameters.js";
import { element, setText, showSwatch } from "./elements.js";
import { HandleLayer } from "./handles.js";
import { drawBar, drawCross, drawOptima, drawPaths, drawPoint } from "./landscape-marks.js";
import { surfacePicture } from "./landscape-picture.js";
import { Memo } from "./memo.js";

const MARGIN = { left: 42, right: 10, top: 26, bottom: 72 };

export class LandscapeMap {
  /** @param {string} name @param {DivergenceLabel | undefined} label @param {Actions} actions */
  constructor(name, label, actions) {
    this.name = name;
    this.label = label;
    this.actions = actions;
    this.here = element("span", { className: "here" });
    this.sample = element("span", { className: "sample" });
    this.canvas = element("canvas", { role: "img" });
    /** The surface with its axes, which most often stays as it is. */
    this.ground = element("canvas");
    this.container = element("div", { className: "plot" }, this.canvas);
    const title = label?.title ?? name;
    this.canvas.setAttribute(
      "aria-label",
      `Contour map of ${title}, with the current q and the paths of the fits`,
    );
    this.figure = element(
      "figure",
      { className: "map", "data-test": `landscape-${name}` },
      element(
        "figcaption",
        {},
        this.sample,
        element("strong", { textContent: label?.symbol ?? name }),
        element("span", { className: "muted", textContent: title }),
        this.here,
      ),
      this.container,
    );
    this.groundMemo = new Memo();
    this.memo = new Memo();
    this.isCovered = false;
    /** @type {{ landscape: Landscape, surface: Surface, frame: Frame, x: Scale, y: Scale } | null} */
    this.seen = null;
    this.handles = new HandleLayer(this.container, {
      refresh: () => actions.redraw(),
      onHold: (isHeld) => actions.hold(isHeld),
      onEmpty: (px, py) => (this.isInside(px, py) ? "q" : null),
    });
    this.container.addEventListener("pointermove", (event) => this.hover(event));
    this.container.addEventListener("pointerleave", () => setText(this.here, ""));
  }

  /** @param {Scene} scene @param {Surface} surface @param {Palette} palette */
  draw(scene, surface, palette) {
    const { landscape, q, fits, isFine } = scene;
    if (!landscape) return;
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const { slot, dash } = scene.styles[this.name];
    showSwatch(this.sample, palette.series[slot], dash);
    if (this.groundMemo.changed(surface, palette, width, height, isFine)) {
      this.drawGround(landscape, surface, palette, isFine, width, height);
      this.memo.forget();
    }
    const shown = shownOf(scene);
    if (!this.memo.changed(surface, q, fits, palette, shown)) return;
    this.isCovered = shown === "nothing";
    if (this.isCovered) this.cover(palette);
    else this.drawMarks(scene, optimaOf(surface, shown), palette);
  }

  /**
   * @param {Landscape} landscape @param {Surface} surface @param {Palette} palette @param {boolean} isFine
   * @param {number} width @param {number} height
   */
  drawGround(landscape, surface, palette, isFine, width, height) {
    const context = sized(this.ground, width, height);
    const frame = {
      left: MARGIN.left,
      right: width - MARGIN.right,
      top: MARGIN.top,
      bottom: height - MARGIN.bottom,
    };
    const x = scaleFor(landscape.columns, frame.left, frame.right);
    const y = scaleFor(landscape.rows, frame.bottom, frame.top);
    this.seen = { landscape, surface, frame, x, y };
    const picture = surfacePicture({ landscape, surface, frame, x, y, isDark: palette.isDark, isFine });
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    context.clip();
    hatch(context, frame, palette);
    drawPicture(context, picture, frame, { color: "rgb(0 20 40 / 0.32)", width: 0.6 });
    context.restore();
    const [xLabel, yLabel] = landscape.titles;
    drawAxes(context, frame, x, y, palette, { xTicks: 5, yTicks: 5, xLabel, yLabel });
    drawBar(context, frame, height, picture, this.label?.in_nats ?? true, palette);
  }

  /** @param {Scene} scene @param {Optimum[]} optima @param {Palette} palette */
  drawMarks(scene, optima, palette) {
    if (!this.seen) return;
    const { context, width, height } = prepared(this.canvas);
    context.drawImage(this.ground, 0, 0, width, height);
    const { frame, x, y, landscape } = this.seen;
    const at = this.values(scene);
    const point = { px: x(at[0]), py: y(at[1]) };
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    context.clip();
    drawPaths(context, scene.fits, this.name, x, y, palette);
    drawOptima(context, {
      frame,
      x,
      y,
      optima,
      point,
      fits: scene.fits,
      name: this.name,
      palette,
    });
    drawCross(context, frame, point, palette);
    context.restore();
    if (scene.isRecorded) drawPoint(context, point, palette);
    else this.handles.update([this.handle(landscape, at, point)]);
  }

  /** In the place of the surface. @param {Palette} palette */
  cover(palette) {
    const { context, width, height } = prepared(this.canvas);
    useFont(context, palette, 12);
    context.fillStyle = palette.muted;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("Shown once you have chosen.", width / 2, height / 2);
    this.handles.update([]);
  }

  /** Where the shown q is. @param {Scene} scene @returns {[number, number]} */
  values({ q, landscape }) {
    if (!landscape) return [NaN, NaN];
    const gaussian = componentOf(q, Math.min(landscape.component, q.weights.length - 1));
    const [first, second] = landscape.parameters;
    return [parameterOf(gaussian, first), parameterOf(gaussian, second)];
  }

  /**
   * @param {Landscape} landscape @param {[number, number]} values @param {{ px: number, py: number }} point
   * @returns {Handle}
   */
  handle({ component, parameters, titles }, values, { px, py }) {
    const { x, y } = /** @type {NonNullable<typeof this.seen>} */ (this.seen);
    const move = (/** @type {number} */ a, /** @type {number} */ b) =>
      this.actions.editQ((own) => {
        const k = Math.min(component, own.weights.length - 1);
        const first = withParameter(componentOf(own, k), parameters[0], rounded(parameters[0], a, x));
        setComponent(own, k, withParameter(first, parameters[1], rounded(parameters[1], b, y)));
      }, "map");
    const inside = (/** @type {number} */ pixel, /** @type {Scale} */ scale) =>
      clamp(pixel, Math.min(scale.from, scale.to), Math.max(scale.from, scale.to));
    const step = (/** @type {Scale} */ scale) => keyStep(scale.high - scale.low);
    return {
      key: "q",
      kind: "dot",
      tone: "q",
      x: px,
      y: py,
      hidden: !this.isInside(px, py),
      value: values[0],
      low: x.low,
      high: x.high,
      label: `current q on the map of ${this.label?.title ?? this.name}`,
      text: titles.map((title, i) => `${symbolOf(title)} ${shortNumber(values[i], 3)}`).join(", "),
      drag: (toX, toY) => move(x.invert(inside(toX, x)), y.invert(inside(toY, y))),
      nudge: (dx, dy) => move(values[0] + dx * step(x), values[1] + dy * step(y)),
    };
  }

  /** @param {number} px @param {number} py */
  isInside(px, py) {
    if (!this.seen) return false;
    const { left, right, top, bottom } = this.seen.frame;
    return px >= left - 1 && px <= right + 1 && py >= top - 1 && py <= bottom + 1;
  }

  /** The divergence under the pointer, as the map's nearest point has it. @param {PointerEvent} event */
  hover(event) {
    const box = this.container.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    if (this.isCovered || !this.seen || !this.isInside(px, py)) {
      setText(this.here, "");
      return;
    }
    const { landscape, surface, x, y } = this.seen;
    const column = nearestIndex(landscape.columns, x.invert(px));
    const row = nearestIndex(landscape.rows, y.invert(py));
    const value = surface.log10[row * landscape.columns.length + column];
    setText(this.here, value === null ? "∞" : `≈ ${shortNumber(10 ** value, 2)}`);
  }
}

/** @typedef {"nothing" | "surface" | "best" | "all"} Shown */

/**
 * How much of a landscape there is to see: while a lesson asks where a fit will end, nothing that tells.
 * @param {Scene} scene @returns {Shown}
 */
function shownOf({ lesson, training }) {
  if (!lesson) return "all";
  if (training.status === "idle" && !lesson.showsLandscape) return "nothing";
  if (training.status !== "done") return "surface";
  return lesson.marksBest ? "best" : "all";
}

/** @param {Surface} surface @param {Shown} shown */
function optimaOf({ optima }, shown) {
  if (shown === "surface") return [];
  return shown === "best" ? optima.filter((optimum) => optimum.is_best) : optima;
}

/** The letter in a title: μ of "mean μ of component 2". @param {string} title */
function symbolOf(title) {
  return title.split(" of ")[0].split(" ").at(-1) ?? title;
}

/** @param {string} name @param {number} value @param {Scale} scale */
function rounded(name, value, scale) {
  const length = scale.high - scale.low;
  // On a logarithmic axis small values need a finer grid than the length of the axis gives.
  return snapped(value, isStd(name) ? Math.min(length, Math.abs(value) * 20) : length);
}

/** @param {number[]} values @param {number} wanted */
function nearestIndex(values, wanted) {
  let best = 0;
  for (let i = 1; i < values.length; i += 1)
    if (Math.abs(values[i] - wanted) < Math.abs(values[best] - wanted)) best = i;
  return best;
}

/**
 * The ground where the divergence is infinite.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Palette} palette
 */
function hatch(context, { left, right, top, bottom }, palette) {
  context.beginPath();
  for (let px = left - (bottom - top); px < right; px += 7) {
    context.moveTo(px, bottom);
    context.lineTo(px + bottom - top, top);
  }
  strokeWith(context, palette.axis, 0.75);
}
