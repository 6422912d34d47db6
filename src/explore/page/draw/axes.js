// Thin left and bottom axes with ticks.

/** @import { Frame, Palette, Scale } from "../types.d.ts" */
import { useFont } from "./canvas.js";

/**
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Scale} x @param {Scale} y
 * @param {Palette} palette
 * @param {{ xTicks?: number, yTicks?: number, xLabel?: string, yLabel?: string, yLabelAt?: number,
 *           hideXText?: boolean }} options
 */
export function drawAxes(context, frame, x, y, palette, options = {}) {
  const { xTicks = 6, yTicks = 4, xLabel, yLabel, yLabelAt = 2, hideXText = false } = options;
  useFont(context, palette);
  context.strokeStyle = palette.axis;
  context.fillStyle = palette.muted;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(frame.left - 0.5, frame.top);
  context.lineTo(frame.left - 0.5, frame.bottom + 0.5);
  context.lineTo(frame.right, frame.bottom + 0.5);
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of x.ticks(xTicks)) {
    const px = Math.round(x(tick.value)) - 0.5;
    context.moveTo(px, frame.bottom);
    context.lineTo(px, frame.bottom + 4);
    if (!hideXText) context.fillText(tick.text, px, frame.bottom + 7);
  }
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of yTicks > 0 ? y.ticks(yTicks) : []) {
    const py = Math.round(y(tick.value)) + 0.5;
    context.moveTo(frame.left - 4, py);
    context.lineTo(frame.left, py);
    context.fillText(tick.text, frame.left - 7, py);
  }
  context.stroke();
  if (xLabel) {
    context.textAlign = "right";
    context.textBaseline = "top";
    context.fillText(xLabel, frame.right, frame.bottom + 21);
  }
  if (yLabel) {
    context.textAlign = "left";
    context.textBaseline = "alphabetic";
    context.fillText(yLabel, yLabelAt, frame.top - 12);
  }
}
