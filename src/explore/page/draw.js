// What every plot shares: a sharp canvas, scales, ticks at round numbers, numbers as text, and the
// colours and dashes that tell the divergences apart.

// --- numbers -----------------------------------------------------------------------------------

const MINUS = "−";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export function signed(text) {
  return text.replace(/^-/, MINUS);
}

/** A short number for labels: at most `digits` significant ones. */
export function shortNumber(value, digits = 4) {
  if (value === null || value === undefined) return "∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5))
    return signed(value.toExponential(Math.max(digits - 2, 0)).replace("e+", "e"));
  return signed(String(Number(value.toPrecision(digits))));
}

/** A number with as many decimals in every state, so that it does not jump while it changes. */
export function fixedNumber(value, decimals) {
  return signed(value.toFixed(decimals));
}

export function powerOfTen(exponent) {
  if (exponent >= -2 && exponent <= 3) return String(Number((10 ** exponent).toPrecision(1)));
  const digits = Array.from(String(Math.abs(exponent)), (d) => SUPERSCRIPTS[Number(d)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

// --- canvas ------------------------------------------------------------------------------------

/** Sizes the canvas to its box in device pixels and returns a context in CSS pixels, cleared. */
export function prepared(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineJoin = "round";
  context.lineCap = "butt";
  context.setLineDash([]);
  return { context, width, height, ratio };
}

export function linearScale(low, high, from, to) {
  const slope = (to - from) / (high - low);
  const scale = (value) => from + (value - low) * slope;
  scale.invert = (pixel) => low + (pixel - from) / slope;
  scale.ticks = (count) =>
    roundTicks(low, high, count).map((value) => ({ value, text: tickText(value, low, high, count) }));
  Object.assign(scale, { low, high, from, to });
  return scale;
}

export function logScale(low, high, from, to) {
  const inner = linearScale(Math.log10(low), Math.log10(high), from, to);
  const scale = (value) => inner(Math.log10(Math.max(value, 1e-300)));
  scale.invert = (pixel) => 10 ** inner.invert(pixel);
  scale.ticks = (count) => decadeTicks(low, high, count);
  Object.assign(scale, { low, high, from, to });
  return scale;
}

function roundStep(span, count) {
  const rough = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

function roundTicks(low, high, count) {
  const step = roundStep(high - low, count);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(i * step);
  return ticks;
}

function tickText(value, low, high, count) {
  const step = roundStep(high - low, count);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (decimals > 4 || step >= 1e5) return shortNumber(value, 3);
  return fixedNumber(Math.abs(value) < step / 2 ? 0 : value, decimals);
}

function decadeTicks(low, high, count) {
  const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const stride = Math.max(1, Math.ceil((last - first + 1) / Math.max(count, 2)));
  const ticks = [];
  for (let e = first; e <= last; e += stride) ticks.push({ value: 10 ** e, text: powerOfTen(e) });
  if (ticks.length >= 3) return ticks;
  // Less than two decades: 1, 2 and 5 of each.
  const fine = [];
  for (let e = first - 1; e <= last + 1; e += 1) {
    for (const lead of [1, 2, 5]) {
      const value = lead * 10 ** e;
      if (value >= low * 0.999 && value <= high * 1.001)
        fine.push({ value, text: shortNumber(Number(value.toPrecision(1)), 2) });
    }
  }
  return fine;
}

/** The smallest of 1, 1.5, 2, 3, 4, 5, 6, 8 × 10ⁿ that is at least `value`. */
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((l) => l * power >= value * (1 - 1e-9));
  return lead * power;
}

/** An upper limit that follows the data in jumps, so that an axis does not tremble while one drags. */
export class StickyLimit {
  constructor() {
    this.value = 0;
    this.isHeld = false;
  }

  follow(data) {
    if (this.isHeld && this.value > 0) return this.value;
    if (data > this.value || data < 0.4 * this.value) this.value = data > 0 ? roundUp(data * 1.12) : 1;
    return this.value;
  }
}

export const FONT_SIZE = 11;

export function useFont(context, palette, size = FONT_SIZE, weight = "") {
  context.font = `${weight} ${size}px ${palette.font}`;
}

/** Thin left and bottom axes with ticks. `frame` is {left, top, right, bottom} in CSS pixels. */
export function drawAxes(context, frame, x, y, palette, options = {}) {
  const { xTicks = 6, yTicks = 4, xLabel, yLabel, hideXText = false } = options;
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
  for (const tick of y.ticks(yTicks)) {
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
    context.fillText(yLabel, options.yLabelAt ?? 2, frame.top - 12);
  }
}

/** A line through the points; a null value breaks it. Optionally filled down to `base`. */
export function drawCurve(context, xs, values, x, y, { color, width = 1.5, dash = [], fill, base }) {
  const trace = (path) => {
    let isOpen = false;
    for (let i = 0; i < xs.length; i += 1) {
      const value = values[i];
      if (value === null || !Number.isFinite(value)) isOpen = false;
      else if (isOpen) path.lineTo(x(xs[i]), y(value));
      else {
        path.moveTo(x(xs[i]), y(value));
        isOpen = true;
      }
    }
  };
  if (fill) {
    const area = new Path2D();
    const zero = y(base ?? 0);
    area.moveTo(x(xs[0]), zero);
    for (let i = 0; i < xs.length; i += 1)
      area.lineTo(x(xs[i]), Number.isFinite(values[i]) && values[i] !== null ? y(values[i]) : zero);
    area.lineTo(x(xs[xs.length - 1]), zero);
    context.fillStyle = fill;
    context.fill(area);
  }
  context.beginPath();
  trace(context);
  strokeWith(context, color, width, dash);
}

export function strokeWith(context, color, width, dash = []) {
  context.strokeStyle = color;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

/** Text with a rim in the ground's colour, readable over anything. */
export function haloText(context, text, px, py, color, halo) {
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.strokeText(text, px, py);
  context.fillStyle = color;
  context.fillText(text, px, py);
}

export function clipTo(context, frame) {
  context.beginPath();
  context.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
  context.clip();
}

export function ellipsePath(context, gaussian, stds, x, y) {
  const [s1, s2] = gaussian.stds;
  const rho = gaussian.correlation;
  const low = Math.sqrt(1 - rho * rho);
  context.beginPath();
  for (let i = 0; i <= 72; i += 1) {
    const c = Math.cos((i / 72) * 2 * Math.PI);
    const s = Math.sin((i / 72) * 2 * Math.PI);
    const px = x(gaussian.mean[0] + stds * s1 * c);
    const py = y(gaussian.mean[1] + stds * s2 * (rho * c + low * s));
    if (i === 0) context.moveTo(px, py);
    else context.lineTo(px, py);
  }
}

// --- colours and dashes ------------------------------------------------------------------------

/** The colours of the present theme, read from the style sheet so that they live in one place. */
export function currentPalette() {
  const style = getComputedStyle(document.documentElement);
  const get = (name) => style.getPropertyValue(name).trim();
  const common = {
    muted: get("--muted"),
    axis: get("--axis"),
    isDark: get("--is-dark") === "1",
    font: get("--font"),
  };
  return {
    ...common,
    ink: get("--ink"),
    halo: get("--card"),
    q: get("--q"),
    qFill: get("--q-fill"),
    p: get("--p"),
    pFill: get("--p-fill"),
    series: seriesColors(get, "--"),
    map: {
      ...common,
      ink: get("--map-ink"),
      halo: get("--map-halo"),
      q: get("--map-q"),
      series: seriesColors(get, "--map-"),
    },
  };
}

function seriesColors(get, prefix) {
  const color = (name) => get(prefix + name);
  return {
    "forward-kl": color("blue"),
    "reverse-kl": color("vermillion"),
    js: color("green"),
    others: ["orange", "sky", "yellow", "brown"].map(color),
  };
}

const DASHES = { "forward-kl": [], "reverse-kl": [7, 3], js: [9, 3, 2, 3] };
const OTHER_DASHES = [
  [2, 2.5],
  [12, 4],
  [5, 2, 1.5, 2, 1.5, 2],
  [4, 4],
];

/** Colour and dash of a divergence; `divergences` is the server's list, whose order decides the rest. */
export function seriesStyle(name, divergences, palette) {
  if (name in DASHES) return { color: palette.series[name], dash: DASHES[name] };
  const rest = divergences.map((d) => d.name).filter((n) => !(n in DASHES));
  const i = Math.max(rest.indexOf(name), 0);
  const { others } = palette.series;
  return {
    color: others[i % others.length],
    dash: OTHER_DASHES[(i + Math.floor(i / others.length)) % OTHER_DASHES.length],
  };
}

export function withAlpha(color, alpha) {
  const hex = color.replace("#", "");
  const part = (i) => parseInt(hex.slice(i, i + 2), 16);
  return `rgb(${part(0)} ${part(2)} ${part(4)} / ${alpha})`;
}
