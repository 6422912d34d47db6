// The densities with their handles: curves and integrands in 1-D, contours and ellipses in 2-D.

import { HandleLayer } from "./handles.js";
import { bandPicture, greyRamp, levelLine } from "./contours.js";
import {
  StickyLimit,
  clipTo,
  drawAxes,
  drawCurve,
  ellipsePath,
  haloText,
  linearScale,
  prepared,
  shortNumber,
  strokeWith,
  useFont,
  withAlpha,
} from "./draw.js";
import {
  LARGEST_CORRELATION,
  SMALLEST_STD,
  componentOf,
  ellipseAxes,
  fromEllipseAxes,
  gaussianDensity,
  mixtureDensity,
  setWeight,
  snapped,
  tidy,
} from "./model.js";

const INTEGRANDS = { "forward-kl": "p log(p/q)", "reverse-kl": "q log(q/p)" };
const numbered = (count, k) => (count === 1 ? "the target's component" : `target component ${k + 1}`);

/** How far one press of an arrow key moves a handle over an axis of this length. */
function keyStep(span) {
  return 10 ** Math.floor(Math.log10(span / 100));
}

export class DensityPlot {
  constructor(app, container) {
    this.app = app;
    this.container = container;
    this.canvas = container.querySelector("canvas");
    this.handles = new HandleLayer(container, { refresh: () => this.draw() });
    this.line = new LinePlot(app, this.canvas);
    this.plane = new PlanePlot(app, this.canvas);
  }

  get isDragging() {
    return this.handles.isDragging;
  }

  draw() {
    const { dim } = this.app.state;
    const plot = dim === 1 ? this.line : this.plane;
    this.container.classList.toggle("plane", dim === 2);
    this.handles.update(plot.draw());
  }
}

// --- 1-D ---------------------------------------------------------------------------------------

class LinePlot {
  constructor(app, canvas) {
    Object.assign(this, {
      app,
      canvas,
      top: new StickyLimit(),
      high: new StickyLimit(),
      low: new StickyLimit(),
    });
  }

  /** Draws everything and returns the handles. */
  draw() {
    this.canvas.style.height = "";
    const drawing = prepared(this.canvas);
    const { width, height } = drawing;
    const upper = { left: 46, right: width - 10, top: 30, bottom: Math.round(height * 0.59) };
    const lower = { left: 46, right: width - 10, top: upper.bottom + 42, bottom: height - 36 };
    const x = linearScale(...this.app.state.axes.x, upper.left, upper.right);
    const y = this.drawDensities(drawing.context, upper, x);
    this.drawIntegrands(drawing.context, lower, x);
    return this.handles(x, y, upper);
  }

  densities() {
    const densities = this.app.view?.densities;
    return densities && !densities.y ? densities : null;
  }

  drawDensities(context, frame, x) {
    const { palette } = this.app;
    const densities = this.densities();
    const fits = this.fitCurves(densities);
    const y = linearScale(0, this.top.follow(this.highest(densities, fits)), frame.bottom, frame.top);
    context.save();
    clipTo(context, { ...frame, top: frame.top - 2 });
    if (densities) {
      const { target } = this.app.state;
      drawCurve(context, densities.x, densities.p, x, y, { color: "transparent", fill: palette.pFill });
      if (target.weights.length > 1) this.drawComponents(context, densities.x, x, y);
      drawCurve(context, densities.x, densities.q, x, y, { color: "transparent", fill: palette.qFill });
      drawCurve(context, densities.x, densities.p, x, y, { color: palette.p, width: 1.75 });
      for (const fit of fits)
        drawCurve(context, densities.x, fit.values, x, y, { color: fit.color, dash: fit.dash, width: 2 });
      drawCurve(context, densities.x, densities.q, x, y, { color: palette.q, width: 1.75 });
    }
    context.restore();
    drawAxes(context, frame, x, y, palette, {
      xTicks: frame.right < 480 ? 5 : 10,
      yTicks: 4,
      yLabel: "density",
      hideXText: true,
    });
    return y;
  }

  fitCurves(densities) {
    if (!densities) return [];
    return this.app
      .shownFits()
      .filter((fit) => fit.mixture.means[0].length === 1)
      .map((fit) => ({ ...fit, values: densities.x.map((at) => mixtureDensity(at, fit.mixture)) }));
  }

  highest(densities, fits) {
    const { mean, stds } = this.app.shownQ();
    const curves = densities ? [densities.p, ...fits.map((fit) => fit.values)] : [];
    return Math.max(
      gaussianDensity(mean[0], mean[0], stds[0]),
      ...curves.map((values) => values.reduce((a, b) => Math.max(a, b ?? 0), 0)),
    );
  }

  drawComponents(context, xs, x, y) {
    const { target } = this.app.state;
    target.weights.forEach((weight, k) => {
      const values = xs.map((at) => weight * gaussianDensity(at, target.means[k][0], target.stds[k][0]));
      // Far out the curve would only dot the axis.
      const least = 0.004 * y.high;
      values.forEach((value, i) => {
        if (value < least) values[i] = null;
      });
      drawCurve(context, xs, values, x, y, {
        color: withAlpha(this.app.palette.p, 0.45),
        width: 1,
        dash: [1.5, 2.5],
      });
    });
  }

  drawIntegrands(context, frame, x) {
    const { palette } = this.app;
    const densities = this.densities();
    const curves = (densities?.integrands ?? []).map((curve) => ({
      ...curve,
      ...this.app.style(curve.name),
    }));
    const extreme = (sign) =>
      Math.max(0, ...curves.map(({ values }) => values.reduce((a, v) => Math.max(a, sign * (v ?? 0)), 0)));
    const [most, least] = [extreme(1), extreme(-1)];
    // Where one side is next to nothing it still gets a sliver, so that the zero line stays inside.
    const top = this.high.follow(Math.max(most, 0.08 * least, 1e-6));
    const bottom = this.low.follow(Math.max(least, 0.08 * most, 1e-6));
    const y = linearScale(-bottom, top, frame.bottom, frame.top);
    context.save();
    clipTo(context, frame);
    context.beginPath();
    context.moveTo(frame.left, Math.round(y(0)) + 0.5);
    context.lineTo(frame.right, Math.round(y(0)) + 0.5);
    strokeWith(context, palette.axis, 1);
    for (const { values, color, dash } of curves)
      drawCurve(context, densities.x, values, x, y, { color, dash, width: 1.5, fill: withAlpha(color, 0.1) });
    context.restore();
    drawAxes(context, frame, x, y, palette, {
      xTicks: frame.right < 480 ? 5 : 10,
      yTicks: 3,
      yLabel: frame.right < 480 ? "integrand" : "integrand, nats per unit of x",
      xLabel: "x",
    });
    this.labelIntegrands(context, frame, curves);
  }

  labelIntegrands(context, frame, curves) {
    useFont(context, this.app.palette, 11.5);
    context.textAlign = "right";
    context.textBaseline = "alphabetic";
    let right = frame.right;
    for (const { name, symbol, color, dash } of [...curves].reverse()) {
      const text = INTEGRANDS[name] ?? symbol;
      context.fillStyle = color;
      context.fillText(text, right, frame.top - 12);
      right -= context.measureText(text).width + 6;
      context.beginPath();
      context.moveTo(right - 22, frame.top - 16);
      context.lineTo(right, frame.top - 16);
      strokeWith(context, color, 2, dash);
      right -= 36;
    }
  }

  handles(x, y, frame) {
    const { target } = this.app.state;
    const items = target.weights.flatMap((_, k) => this.componentHandles(k, x, y));
    items.push(...this.approximationHandles(x, y));
    for (const item of items) {
      item.hidden = item.x < frame.left - 1 || item.x > frame.right + 1;
      item.y = Math.max(item.y, frame.top - 2);
    }
    return items;
  }

  componentHandles(k, x, y) {
    const { app } = this;
    const { weights, means, stds } = app.state.target;
    const [mean, std, name] = [means[k][0], stds[k][0], numbered(weights.length, k)];
    const peak = weights[k] * gaussianDensity(mean, mean, std);
    const span = x.high - x.low;
    const setMean = (value) =>
      app.edit((state) => {
        state.target.means[k][0] = snapped(value, span);
      });
    const addWeight = (by) => app.edit((state) => setWeight(state.target, k, state.target.weights[k] + by));
    const dot = {
      key: `p${k}-mean`,
      kind: "dot",
      tone: "p",
      x: x(mean),
      y: y(peak),
      value: mean,
      low: x.low,
      high: x.high,
      label: `mean of ${name}; up and down change its weight`,
      text: `mean ${shortNumber(mean)}, weight ${shortNumber(weights[k], 3)}`,
      drag: (px, py) =>
        app.edit((state) => {
          state.target.means[k][0] = snapped(x.invert(px), span);
          if (weights.length > 1)
            setWeight(state.target, k, Number((y.invert(py) / gaussianDensity(0, 0, std)).toFixed(3)));
        }),
      nudge: (dx, dy) => {
        if (dx) setMean(mean + dx * keyStep(span));
        if (dy) addWeight(dy * 0.01);
      },
      hold: (isHeld) => {
        this.top.isHeld = isHeld;
      },
    };
    const setStd = (value) =>
      app.edit((state) => {
        state.target.stds[k][0] = Math.max(snapped(value, span), SMALLEST_STD);
      });
    return [...this.widthHandles({ key: `p${k}`, tone: "p", name, mean, std, peak, x, y, setStd }), dot];
  }

  approximationHandles(x, y) {
    const { app } = this;
    const q = app.shownQ();
    const [mean, std] = [q.mean[0], q.stds[0]];
    const span = x.high - x.low;
    const setMean = (value) =>
      app.editQ((own) => {
        own.mean[0] = snapped(value, span);
      });
    const setStd = (value) =>
      app.editQ((own) => {
        own.stds[0] = Math.max(snapped(value, span), SMALLEST_STD);
      });
    const peak = gaussianDensity(mean, mean, std);
    const dot = {
      key: "q-mean",
      kind: "dot",
      tone: "q",
      x: x(mean),
      y: y(peak),
      value: mean,
      low: x.low,
      high: x.high,
      label: "mean of the approximation q",
      text: `q: mean ${shortNumber(mean)}`,
      drag: (px) => setMean(x.invert(px)),
      nudge: (dx, dy) => setMean(mean + (dx || dy) * keyStep(span)),
    };
    return [
      ...this.widthHandles({
        key: "q",
        tone: "q",
        name: "the approximation q",
        mean,
        std,
        peak,
        x,
        y,
        setStd,
      }),
      dot,
    ];
  }

  widthHandles({ key, tone, name, mean, std, peak, x, y, setStd }) {
    const span = x.high - x.low;
    const level = y(peak * Math.exp(-0.5));
    return [-1, 1].map((side) => ({
      key: `${key}-std-${side < 0 ? "left" : "right"}`,
      kind: "width",
      tone,
      x: x(mean + side * std),
      y: level,
      value: std,
      low: SMALLEST_STD,
      high: span,
      label: `standard deviation of ${name}`,
      text: `${tone === "q" ? "q: " : ""}standard deviation ${shortNumber(std)}`,
      drag: (px) => setStd(Math.abs(x.invert(px) - mean)),
      nudge: (dx, dy) => setStd(std + (dx * side || dy) * keyStep(span)),
    }));
  }
}

// --- 2-D ---------------------------------------------------------------------------------------

const P_LEVELS = [0.02, 0.07, 0.15, 0.27, 0.42, 0.58, 0.74, 0.9];
const TALLEST_PLANE = 540;

class PlanePlot {
  constructor(app, canvas) {
    // The direction of each Gaussian's first axis handle, so that it stays where it was.
    Object.assign(this, { app, canvas, angles: new Map(), cache: null });
  }

  draw() {
    const { axes } = this.app.state;
    const margin = { left: 40, right: 12, top: 30, bottom: 38 };
    const room = this.canvas.clientWidth - margin.left - margin.right;
    const shape = Math.min(Math.max((axes.y[1] - axes.y[0]) / (axes.x[1] - axes.x[0]), 0.4), 1.4);
    const tall = Math.min(room * shape, TALLEST_PLANE);
    const wide = Math.round(tall / shape);
    const wanted = `${Math.round(tall) + margin.top + margin.bottom}px`;
    if (this.canvas.style.height !== wanted) this.canvas.style.height = wanted;
    const { context } = prepared(this.canvas);
    const left = margin.left + Math.round((room - wide) / 2);
    const frame = { left, right: left + wide, top: margin.top, bottom: margin.top + Math.round(tall) };
    const x = linearScale(...axes.x, frame.left, frame.right);
    const y = linearScale(...axes.y, frame.bottom, frame.top);
    context.save();
    clipTo(context, frame);
    this.drawTarget(context, frame, x, y);
    this.drawApproximations(context, x, y);
    context.restore();
    drawAxes(context, frame, x, y, this.app.palette, {
      xTicks: wide < 400 ? 5 : 9,
      yTicks: wide < 400 ? 5 : 7,
      xLabel: "x₁",
      yLabel: "x₂",
      yLabelAt: frame.left - 8,
    });
    return this.handles(x, y, frame);
  }

  drawTarget(context, frame, x, y) {
    const picture = this.targetPicture(frame, x, y);
    if (!picture) return;
    const { palette } = this.app;
    context.drawImage(picture.bands, frame.left, frame.top);
    for (const line of picture.lines) {
      context.lineWidth = 0.75;
      context.strokeStyle = withAlpha(palette.p, 0.55);
      context.stroke(line);
    }
    const { target } = this.app.state;
    target.weights.forEach((_, k) => {
      const component = componentOf(target, k);
      ellipsePath(context, component, 1, x, y);
      strokeWith(context, withAlpha(palette.p, 0.75), 1, [2, 3]);
    });
  }

  targetPicture(frame, x, y) {
    const densities = this.app.view?.densities;
    if (!densities?.y) return null;
    const size = [frame.right - frame.left, frame.bottom - frame.top];
    const key = [size.join(), x.low, x.high, y.low, y.high, this.app.palette.isDark].join();
    if (this.cache?.densities === densities && this.cache.key === key) return this.cache;
    const top = densities.p.reduce((a, b) => Math.max(a, b), 0) || 1;
    const levels = P_LEVELS.map((level) => level * top);
    const ramp = greyRamp(this.app.palette.isDark);
    const colors = [null, ...P_LEVELS.map((_, i) => ramp((i + 1) / P_LEVELS.length))];
    const bands = bandPicture({
      table: densities.p,
      columns: densities.x,
      rows: densities.y,
      levels,
      colors,
      width: size[0],
      height: size[1],
      xScale: linearScale(x.low, x.high, 0, size[0]),
      yScale: linearScale(y.low, y.high, size[1], 0),
    });
    const lines = levels.map((level) => levelLine(densities.p, densities.x, densities.y, level, x, y));
    this.cache = { densities, key, bands, lines };
    return this.cache;
  }

  drawApproximations(context, x, y) {
    const { palette } = this.app;
    for (const fit of this.app.shownFits()) {
      if (fit.mixture.means[0].length !== 2) continue;
      fit.mixture.weights.forEach((_, k) => {
        const { means, stds, correlations } = fit.mixture;
        drawGaussian(
          context,
          { mean: means[k], stds: stds[k], correlation: correlations?.[k] ?? 0 },
          x,
          y,
          fit.color,
          fit.dash,
          palette.halo,
        );
      });
    }
    const q = this.app.shownQ();
    ellipsePath(context, q, 2, x, y);
    context.fillStyle = palette.qFill;
    context.fill();
    drawGaussian(context, q, x, y, palette.q, [], palette.halo);
    labelEllipse(context, q, x, y, palette);
  }

  handles(x, y, frame) {
    const { app } = this;
    const { target } = app.state;
    const items = target.weights.flatMap((_, k) =>
      this.gaussianHandles({
        key: `p${k}`,
        tone: "p",
        name: numbered(target.weights.length, k),
        gaussian: componentOf(target, k),
        x,
        y,
        change: (next) => app.edit((state) => assignComponent(state.target, k, next)),
      }),
    );
    items.push(
      ...this.gaussianHandles({
        key: "q",
        tone: "q",
        name: "the approximation q",
        gaussian: app.shownQ(),
        x,
        y,
        change: (next) => app.editQ((own) => Object.assign(own, next)),
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

  gaussianHandles({ key, tone, name, gaussian, x, y, change }) {
    const { mean, stds, correlation } = gaussian;
    const spans = [x.high - x.low, y.high - y.low];
    const prefix = tone === "q" ? "q: " : "";
    const setMean = (at) => change({ mean: at.map((value, d) => snapped(value, spans[d])) });
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
      text: `${prefix}mean ${shortNumber(mean[0])}, ${shortNumber(mean[1])}`,
      drag: (px, py) => setMean([x.invert(px), y.invert(py)]),
      nudge: (dx, dy) => setMean([mean[0] + dx * keyStep(spans[0]), mean[1] + dy * keyStep(spans[1])]),
    };
    const { direction, axes } = ellipseAxes(gaussian, this.angles.get(key) ?? 0);
    this.angles.set(key, direction);
    const widths = axes.map((axis, which) => ({
      key: `${key}-axis-${which + 1}`,
      kind: "width",
      tone,
      x: x(mean[0] + axis[0]),
      y: y(mean[1] + axis[1]),
      value: Math.hypot(...axis),
      low: SMALLEST_STD,
      high: Math.max(...spans),
      label: `${which === 0 ? "first" : "second"} axis of ${name}`,
      text: `${prefix}standard deviations ${shortNumber(stds[0], 3)}, ${shortNumber(stds[1], 3)}, correlation ${shortNumber(correlation, 2)}`,
      drag: (px, py) =>
        change(
          this.turned(key, axes, which, squared([x.invert(px) - mean[0], y.invert(py) - mean[1]]), spans),
        ),
      nudge: (dx, dy) =>
        change(
          this.turned(
            key,
            axes,
            which,
            [axis[0] + dx * keyStep(spans[0]), axis[1] + dy * keyStep(spans[1])],
            spans,
          ),
        ),
    }));
    return [...widths, centre];
  }

  /** The ellipse with one half axis moved to `to`, the other as long as before and at right angles. */
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
      correlation: Math.min(
        Math.max(tidy(Number(next.correlation.toFixed(3))), -LARGEST_CORRELATION),
        LARGEST_CORRELATION,
      ),
    };
  }
}

/** A direction within three degrees of an axis is meant to lie on it. */
function squared([dx, dy]) {
  const length = Math.hypot(dx, dy);
  if (Math.abs(dy) < 0.05 * length) return [Math.sign(dx) * length, 0];
  if (Math.abs(dx) < 0.05 * length) return [0, Math.sign(dy) * length];
  return [dx, dy];
}

function assignComponent(target, k, { mean, stds, correlation }) {
  if (mean) target.means[k] = mean;
  if (stds) target.stds[k] = stds;
  if (correlation !== undefined) target.correlations[k] = correlation;
}

function drawGaussian(context, gaussian, x, y, color, dash, halo) {
  ellipsePath(context, gaussian, 2, x, y);
  strokeWith(context, withAlpha(halo, 0.7), 3);
  strokeWith(context, color, 1.25, dash);
  ellipsePath(context, gaussian, 1, x, y);
  strokeWith(context, withAlpha(halo, 0.7), 4);
  strokeWith(context, color, 2, dash);
}

/** Says once, at q, what the two ellipses are. */
function labelEllipse(context, q, x, y, palette) {
  useFont(context, palette, 11);
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const times of [1, 2]) {
    // Straight above the mean the ellipse passes at σ₂ √(1 − ρ²).
    const height = times * q.stds[1] * Math.sqrt(1 - q.correlation ** 2);
    haloText(context, `${times}σ`, x(q.mean[0]), y(q.mean[1] + height) - 3, palette.q, palette.halo);
  }
}
