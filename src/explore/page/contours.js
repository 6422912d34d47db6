// Filled contour maps: a colour ramp, a picture of a table of numbers, and its level lines.

/** OKLab (Ottosson 2020) to sRGB bytes, clipped to the gamut. */
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

export function valleyRamp(isDark) {
  const [dark, light] = isDark ? [0.24, 0.84] : [0.36, 0.975];
  return (t) => {
    const u = Math.min(Math.max(t, 0), 1);
    const next = STOPS.findIndex((stop) => stop.at >= u && stop.at > 0);
    const [from, to] = [STOPS[next - 1], STOPS[next]];
    const part = (u - from.at) / (to.at - from.at);
    const hue = ((from.hue + part * (to.hue - from.hue)) * Math.PI) / 180;
    const chroma = from.chroma + part * (to.chroma - from.chroma);
    return oklabToBytes(dark + u * (light - dark), chroma * Math.cos(hue), chroma * Math.sin(hue));
  };
}

/** From the ground's colour to ink, for p. */
export function greyRamp(isDark) {
  return (t) =>
    isDark ? oklabToBytes(0.235 + 0.42 * t, 0, -0.006 * (1 - t)) : oklabToBytes(0.995 - 0.5 * t, 0, 0);
}

/** For each pixel centre the place in `knots` (any increasing spacing) as index + fraction. */
function placesIn(knots, scale, from, to) {
  const places = [];
  let i = 0;
  for (let pixel = from; pixel < to; pixel += 1) {
    const value = scale.invert(pixel + 0.5);
    while (i < knots.length - 2 && knots[i + 1] < value) i += 1;
    while (i > 0 && knots[i] > value) i -= 1;
    places.push(i + Math.min(Math.max((value - knots[i]) / (knots[i + 1] - knots[i]), 0), 1));
  }
  return places;
}

/** Index of the band of increasing `levels` that a value is in. */
function bandOf(value, levels) {
  let band = 0;
  while (band < levels.length && value >= levels[band]) band += 1;
  return band;
}

/**
 * An offscreen canvas with one flat colour for each band between levels. `table` is row-major,
 * rows × columns; null stays transparent,
 * and so does a band whose colour is null. The scales map data to pixels of this picture.
 */
export function bandPicture({ table, columns, rows, levels, colors, width, height, xScale, yScale }) {
  const picture = document.createElement("canvas");
  [picture.width, picture.height] = [width, height];
  const context = picture.getContext("2d");
  const image = context.createImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  const packed = colors.map((color) =>
    color ? ((255 << 24) | (color[2] << 16) | (color[1] << 8) | color[0]) >>> 0 : 0,
  );
  const across = placesIn(columns, xScale, 0, width);
  // Pixels run downwards and values upwards, so the rows are found from the bottom.
  const down = placesIn(rows, { invert: (p) => yScale.invert(height - p) }, 0, height).reverse();
  const count = columns.length;
  for (let py = 0; py < height; py += 1) {
    const row = Math.min(Math.floor(down[py]), rows.length - 2);
    const v = down[py] - row;
    for (let px = 0; px < width; px += 1) {
      const column = Math.min(Math.floor(across[px]), count - 2);
      const u = across[px] - column;
      const i = row * count + column;
      const [a, b, c, d] = [table[i], table[i + 1], table[i + count], table[i + count + 1]];
      if (a === null || b === null || c === null || d === null) continue;
      const value = (a * (1 - u) + b * u) * (1 - v) + (c * (1 - u) + d * u) * v;
      words[py * width + px] = packed[bandOf(value, levels)];
    }
  }
  context.putImageData(image, 0, 0);
  return picture;
}

/** The line of one level by marching squares, as a path of separate segments in pixels. */
export function levelLine(table, columns, rows, level, x, y) {
  const path = new Path2D();
  const count = columns.length;
  const along = (from, to, va, vb) => from + ((level - va) / (vb - va)) * (to - from);
  for (let r = 0; r + 1 < rows.length; r += 1) {
    for (let c = 0; c + 1 < count; c += 1) {
      const i = r * count + c;
      const corners = [table[i], table[i + 1], table[i + count + 1], table[i + count]];
      if (corners.includes(null)) continue;
      const above = corners.map((v) => v >= level);
      const total = above[0] + above[1] + above[2] + above[3];
      if (total === 0 || total === 4) continue;
      const crossings = [];
      if (above[0] !== above[1])
        crossings.push([along(columns[c], columns[c + 1], corners[0], corners[1]), rows[r]]);
      if (above[1] !== above[2])
        crossings.push([columns[c + 1], along(rows[r], rows[r + 1], corners[1], corners[2])]);
      if (above[2] !== above[3])
        crossings.push([along(columns[c], columns[c + 1], corners[3], corners[2]), rows[r + 1]]);
      if (above[3] !== above[0])
        crossings.push([columns[c], along(rows[r], rows[r + 1], corners[0], corners[3])]);
      // A saddle has four crossings; its middle decides which two belong together.
      if (
        crossings.length === 4 &&
        (corners[0] + corners[1] + corners[2] + corners[3]) / 4 >= level !== above[0]
      )
        crossings.push(crossings.shift());
      for (let k = 0; k + 1 < crossings.length; k += 2) {
        path.moveTo(x(crossings[k][0]), y(crossings[k][1]));
        path.lineTo(x(crossings[k + 1][0]), y(crossings[k + 1][1]));
      }
    }
  }
  return path;
}
