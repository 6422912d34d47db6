// The value of each fit against its step, on a logarithmic axis.

import { clipTo, drawAxes, linearScale, logScale, prepared, strokeWith, useFont } from "./draw.js";

const LEAST = 1e-14;

export class ConvergencePlot {
  constructor(app, canvas) {
    this.app = app;
    this.canvas = canvas;
  }

  draw() {
    const { context, width, height } = prepared(this.canvas);
    const { palette } = this.app;
    const frame = { left: 46, right: width - 14, top: 28, bottom: height - 34 };
    const fits = this.app.shownFits().filter((fit) => fit.trace.length > 0);
    const x = linearScale(0, this.lastStep(fits), frame.left, frame.right);
    const y = logScale(...this.range(fits), frame.bottom, frame.top);
    context.save();
    clipTo(context, { left: frame.left, right: frame.right + 4, top: frame.top - 4, bottom: frame.bottom });
    for (const fit of fits) this.drawTrace(context, fit, x, y, frame);
    context.restore();
    drawAxes(context, frame, x, y, palette, {
      xTicks: 5,
      yTicks: 5,
      xLabel: "step",
      yLabel: this.unit(fits),
    });
    if (fits.length === 0) this.drawHint(context, frame);
  }

  unit(fits) {
    return fits.every((fit) => this.app.divergence(fit.name).in_nats) ? "divergence, nats" : "divergence";
  }

  lastStep(fits) {
    const seen = fits.map((fit) => fit.trace[fit.trace.length - 1][0]);
    return Math.max(this.app.plannedSteps(), ...seen, 1);
  }

  range(fits) {
    let [low, high] = [Infinity, 0];
    for (const fit of fits) {
      for (const [, value] of fit.trace) {
        if (!(value > 0) || !Number.isFinite(value)) continue;
        low = Math.min(low, Math.max(value, LEAST));
        high = Math.max(high, value);
      }
    }
    if (high === 0) return [0.1, 10];
    // At least most of a decade, so that the end of a fit does not look like noise.
    return [Math.min(low / 1.15, high / 4), high * 1.15];
  }

  drawTrace(context, fit, x, y, frame) {
    context.beginPath();
    let isOpen = false;
    // More points than pixels are of no use.
    const stride = Math.max(1, Math.floor(fit.trace.length / (2 * (frame.right - frame.left))));
    for (let i = 0; i < fit.trace.length; i += stride) {
      const [step, value] = fit.trace[i];
      if (!(value > 0)) isOpen = false;
      else if (isOpen) context.lineTo(x(step), y(value));
      else {
        context.moveTo(x(step), y(value));
        isOpen = true;
      }
    }
    const [lastStep, lastValue] = fit.trace[fit.trace.length - 1];
    if (isOpen && lastValue > 0) context.lineTo(x(lastStep), y(lastValue));
    strokeWith(context, fit.color, 1.75, fit.dash);
    this.drawNow(context, fit, x, y);
  }

  drawNow(context, fit, x, y) {
    const [step, value] = fit.mark === null ? fit.trace[fit.trace.length - 1] : [fit.mark, fit.value];
    if (!(value > 0)) return;
    context.beginPath();
    context.arc(x(step), y(value), 3.25, 0, 2 * Math.PI);
    context.fillStyle = fit.color;
    context.fill();
  }

  drawHint(context, frame) {
    const { palette } = this.app;
    useFont(context, palette, 12);
    context.fillStyle = palette.muted;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(
      "Run the fits to see them fall.",
      (frame.left + frame.right) / 2,
      (frame.top + frame.bottom) / 2,
    );
  }
}
