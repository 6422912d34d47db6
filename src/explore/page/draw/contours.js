// Filled contour maps: a colour ramp, a picture of a table of numbers, and its level lines.

/** @import { Frame, Scale } from "../types.d.ts" */
import { contextOf } from "./canvas.js";

/** @typedef {(t: number) => number[]} Ramp */

/**
 * OKLab (Ottosson 2020) to sRGB bytes, clipped to the gamut.
 * @param {number} lightness @param {number} a @param {number} b
 */
function oklabToBytes(lightness, a, b) {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((c) => {
    const v = Math.min(Math.max(c, 0), 1);
    return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
  });
}

/** From high divergence (0) to low (1): lightness in OKLab is linear, so equal steps look equal. */
const STOPS = [
  { at: 0, hue: 285, chroma: 0.1 },
  { at: 0.35, hue: 245, chroma: 0.085 },
  { at: 0.65, hue: 190, chroma: 0.075 },
  { at: 1, hue: 105, chroma: 0.075 },
];

/** @param {boolean} isDark @returns {Ramp} */
export function valleyRamp(isDark) {
  const [dark, light] = isDark ? [0.24, 0.84] : [0.36, 0.975];
  return (t) => {
    const u = Math.min(Math.max(t, 0), 1);
    const next = Math.max(
      STOPS.findIndex((stop) => stop.at >= u && stop.at > 0),
      1,
    );
    const [from, to] = [STOPS[next - 1], STOPS[next]];
    const part = (u - from.at) / (to.at - from.at);
    const hue = ((from.hue + part * (to.hue - from.hue)) * Math.PI) / 180;
    const chroma = from.chroma + part * (to.chroma - from.chroma);
    return oklabToBytes(dark + u * (light - dark), chroma * Math.cos(hue), chroma * Math.sin(hue));
  };
}

/** From the ground's colour to ink, for p. @param {boolean} isDark @returns {Ramp} */
export function greyRamp(isDark) {
  return (t) =>
    isDark ? oklabToBytes(0.235 + 0.42 * t, 0, -0.006 * (1 - t)) : oklabToBytes(0.995 - 0.5 * t, 0, 0);
}

/**
 * A scale upside down: pixels run downwards, and values upwards.
 * @param {Scale} scale @param {number} height
 */
const flipped = (scale, height) => ({ invert: (/** @type {number} */ p) => scale.invert(height - p) });

/**
 * For each pixel centre the place in `knots` (any increasing spacing) as index + fraction.
 * @param {number[]} knots @param {{ invert(pixel: number): number }} scale @param {number} count
 */
function placesIn(knots, scale, count) {
  const places = new Float64Array(count);
  let i = 0;
  for (let pixel = 0; pixel < count; pixel += 1) {
    const value = scale.invert(pixel + 0.5);
    while (i < knots.length - 2 && knots[i + 1] < value) i += 1;
    while (i > 0 && knots[i] > value) i -= 1;
    places[pixel] = i + Math.min(Math.max((value - knots[i]) / (knots[i + 1] - knots[i]), 0), 1);
  }
  return places;
}

/** As a picture's bytes, the first channel lowest. @param {number[] | null} color */
function packed(color) {
  return color ? ((255 << 24) | (color[2] << 16) | (color[1] << 8) | color[0]) >>> 0 : 0;
}

/**
 * An offscreen canvas with one flat colour for each band between levels. `table` is row-major,
 * rows × columns; null stays transparent, and so does a band whose colour is null. The scales map data to pixels
 * of this picture.
 * @param {{ table: (number | null)[], columns: number[], rows: number[], levels: number[],
 *           colors: (number[] | null)[], width: number, height: number, xScale: Scale, yScale: Scale }} what
 */
export function bandPicture({ table, columns, rows, levels, colors, width, height, xScale, yScale }) {
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [width, height];
  const context = contextOf(picture);
  const image = context.createImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  const bands = colors.map(packed);
  // Numbers in a typed array are read faster; what is no number stays none in every sum.
  const values = Float64Array.from(table, (value) => value ?? NaN);
  const across = placesIn(columns, xScale, width);
  const down = placesIn(rows, flipped(yScale, height), height).reverse();
  const [count, last] = [columns.length, levels.length];
  for (let py = 0; py < height; py += 1) {
    const row = Math.min(Math.floor(down[py]), rows.length - 2);
    const v = down[py] - row;
    let band = 0;
    for (let px = 0; px < width; px += 1) {
      const column = Math.min(Math.floor(across[px]), count - 2);
      const u = across[px] - column;
      const i = row * count + column;
      const value =
        (values[i] * (1 - u) + values[i + 1] * u) * (1 - v) +
        (values[i + count] * (1 - u) + values[i + count + 1] * u) * v;
      if (value !== value) continue;
      // The band of a pixel is that of the one before it, or near it.
      while (band < last && value >= levels[band]) band += 1;
      while (band > 0 && value < levels[band - 1]) band -= 1;
      words[py * width + px] = bands[band];
    }
  }
  context.putImageData(image, 0, 0);
  return picture;
}

/**
 * The line of one level by marching squares, as a path of separate segments in pixels.
 * @param {(number | null)[]} table @param {number[]} columns @param {number[]} rows @param {number} level
 * @param {Scale} x @param {Scale} y
 */
export function levelLine(table, columns, rows, level, x, y) {
  const path = new Path2D();
  const count = columns.length;
  const along = (
    /** @type {number} */ from,
    /** @type {number} */ to,
    /** @type {number} */ a,
    /** @type {number} */ b,
  ) => from + ((level - a) / (b - a)) * (to - from);
  for (let r = 0; r + 1 < rows.length; r += 1) {
    for (let c = 0; c + 1 < count; c += 1) {
      const i = r * count + c;
      const [v0, v1, v2, v3] = [table[i], table[i + 1], table[i + count + 1], table[i + count]];
      if (v0 === null || v1 === null || v2 === null || v3 === null) continue;
      const above = [v0 >= level, v1 >= level, v2 >= level, v3 >= level];
      if (above[0] === above[1] && above[1] === above[2] && above[2] === above[3]) continue;
      const [left, right, low, high] = [columns[c], columns[c + 1], rows[r], rows[r + 1]];
      const crossings = [];
      if (above[0] !== above[1]) crossings.push([along(left, right, v0, v1), low]);
      if (above[1] !== above[2]) crossings.push([right, along(low, high, v1, v2)]);
      if (above[2] !== above[3]) crossings.push([along(left, right, v3, v2), high]);
      if (above[3] !== above[0]) crossings.push([left, along(low, high, v0, v3)]);
      // A saddle has four crossings; its middle decides which two belong together.
      if (crossings.length === 4 && (v0 + v1 + v2 + v3) / 4 >= level !== above[0])
        crossings.push(crossings.splice(0, 1)[0]);
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        path.moveTo(x(crossings[k][0]), y(crossings[k][1]));
        path.lineTo(x(crossings[k + 1][0]), y(crossings[k + 1][1]));
      }
    }
  }
  return path;
}

/**
 * A picture with its lines, in a frame.
 * @param {CanvasRenderingContext2D} context @param {{ bands: HTMLCanvasElement, lines: Path2D[] }} picture
 * @param {Frame} frame @param {{ color: string, width: number }} line
 */
export function drawPicture(context, { bands, lines }, { left, top, right, bottom }, { color, width }) {
  context.drawImage(bands, left, top, right - left, bottom - top);
  context.lineWidth = width;
  context.strokeStyle = color;
  for (const line of lines) context.stroke(line);
}
