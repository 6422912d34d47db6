// What every picture shares: a sharp canvas, lines, text with a rim, ellipses.

/** @import { Frame, Gaussian, Palette, Scale } from "../types.d.ts" */

const FONT_SIZE = 11;

/** @typedef {CanvasRenderingContext2D | Path2D} PathTarget */

/** The canvas's context. @param {HTMLCanvasElement} canvas */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser draws no pictures");
  return context;
}

/** Sizes the canvas to its box in device pixels and returns a context in CSS pixels, cleared. */
export function prepared(/** @type {HTMLCanvasElement} */ canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  return { context: sized(canvas, width, height), width, height };
}

/**
 * The context of a canvas of so many CSS pixels, cleared.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height
 */
export function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = contextOf(canvas);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineJoin = "round";
  context.lineCap = "butt";
  context.setLineDash([]);
  return context;
}

/** For text to the right of where it is put, as long as nothing else is said. @param {CanvasRenderingContext2D} context @param {Palette} palette */
export function useFont(context, palette, size = FONT_SIZE, weight = "") {
  context.font = `${weight} ${size}px ${palette.font}`;
  // A canvas keeps how the last text was put, from one picture to the next.
  context.textAlign = "left";
  context.textBaseline = "alphabetic";
}

/**
 * @param {CanvasRenderingContext2D} context @param {string} color @param {number} width
 * @param {number[]} dash
 */
export function strokeWith(context, color, width, dash = []) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

/**
 * A line through the points; one that is no number breaks it. Optionally filled down to 0.
 * @param {CanvasRenderingContext2D} context @param {number[]} xs @param {(number | null)[]} values
 * @param {Scale} x @param {Scale} y
 * @param {{ color: string, width?: number, dash?: number[], fill?: string }} look
 */
export function drawCurve(context, xs, values, x, y, { color, width = 1.5, dash = [], fill }) {
  const isThere = (/** @type {number | null} */ value) => value !== null && Number.isFinite(value);
  if (fill) {
    const zero = y(0);
    context.beginPath();
    context.moveTo(x(xs[0]), zero);
    for (let i = 0; i < xs.length; i += 1) {
      const value = values[i];
      context.lineTo(x(xs[i]), value !== null && isThere(value) ? y(value) : zero);
    }
    context.lineTo(x(xs[xs.length - 1]), zero);
    context.fillStyle = fill;
    context.fill();
  }
  if (color === "transparent") return;
  context.beginPath();
  let isOpen = false;
  for (let i = 0; i < xs.length; i += 1) {
    const value = values[i];
    if (value === null || !isThere(value)) isOpen = false;
    else if (isOpen) context.lineTo(x(xs[i]), y(value));
    else {
      context.moveTo(x(xs[i]), y(value));
      isOpen = true;
    }
  }
  strokeWith(context, color, width, dash);
}

/**
 * Text with a rim in the ground's colour, readable over anything.
 * @param {CanvasRenderingContext2D} context @param {string} text @param {number} px @param {number} py
 * @param {string} color @param {string} halo
 */
export function haloText(context, text, px, py, color, halo) {
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.strokeText(text, px, py);
  context.fillStyle = color;
  context.fillText(text, px, py);
}

/** @param {CanvasRenderingContext2D} context @param {Frame} frame */
export function clipTo(context, { left, top, right, bottom }) {
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
}

/**
 * @param {CanvasRenderingContext2D} context @param {Gaussian} gaussian @param {number} times
 * @param {Scale} x @param {Scale} y
 */
export function ellipsePath(context, { mean, stds, correlation }, times, x, y) {
  const low = Math.sqrt(1 - correlation * correlation);
  context.beginPath();
  for (let i = 0; i <= 72; i += 1) {
    const c = Math.cos((i / 72) * 2 * Math.PI);
    const s = Math.sin((i / 72) * 2 * Math.PI);
    const px = x(mean[0] + times * stds[0] * c);
    const py = y(mean[1] + times * stds[1] * (correlation * c + low * s));
    if (i === 0) context.moveTo(px, py);
    else context.lineTo(px, py);
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} px @param {number} py @param {number} size */
export function diamond(context, px, py, size) {
  context.beginPath();
  context.moveTo(px, py - size);
  context.lineTo(px + size, py);
  context.lineTo(px, py + size);
  context.lineTo(px - size, py);
  context.closePath();
}

/** @param {CanvasRenderingContext2D} context @param {number} px @param {number} py @param {number} radius */
export function dot(context, px, py, radius) {
  context.beginPath();
  context.arc(px, py, radius, 0, 2 * Math.PI);
}
