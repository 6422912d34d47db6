// A surface as flat bands of colour between levels, light where the divergence is small.

/** @import { Frame, Landscape, Scale, Surface } from "../types.d.ts" */
import { bandPicture, levelLine, valleyRamp } from "../draw/contours.js";
import { scaleFor } from "../draw/scales.js";

/** Pixels of the picture for one of the screen, while the surface changes at every frame. */
const COARSE = 0.4;

/**
 * @typedef {{ bands: HTMLCanvasElement, lines: Path2D[], levels: number[], colors: number[][] }} SurfacePicture
 */

/**
 * Levels of log10 at round steps; what is far above the rest does not use up the colours.
 * @param {(number | null)[]} table
 */
function levelsOf(table) {
  const sorted = Float64Array.from(table.filter((v) => v !== null)).sort();
  if (sorted.length === 0) return [];
  const at = (/** @type {number} */ part) =>
    sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)];
  const low = Math.max(sorted[0], at(0.02) - 1);
  const high = Math.max(at(0.92), low + 0.1);
  const step =
    [0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5].find((s) => (high - low) / s <= 14) ?? (high - low) / 14;
  const levels = [];
  for (let i = Math.ceil(low / step + 1e-6); i * step < high; i += 1) levels.push(i * step);
  return levels;
}

/**
 * @param {{ landscape: Landscape, surface: Surface, frame: Frame, x: Scale, y: Scale, isDark: boolean,
 *           isFine: boolean }} what
 * @returns {SurfacePicture}
 */
export function surfacePicture({ landscape, surface, frame, x, y, isDark, isFine }) {
  const scale = isFine ? 1 : COARSE;
  const [width, height] = [frame.right - frame.left, frame.bottom - frame.top].map((side) =>
    Math.max(Math.round(side * scale), 1),
  );
  const levels = levelsOf(surface.log10);
  const ramp = valleyRamp(isDark);
  const colors = [null, ...levels].map((_, i) => ramp(1 - i / Math.max(levels.length, 1)));
  const { columns, rows } = landscape;
  const bands = bandPicture({
    table: surface.log10,
    columns,
    rows,
    levels,
    colors,
    width,
    height,
    xScale: scaleFor(columns, 0, width),
    yScale: scaleFor(rows, height, 0),
  });
  const lines = isFine ? levels.map((level) => levelLine(surface.log10, columns, rows, level, x, y)) : [];
  return { bands, lines, levels, colors };
}
