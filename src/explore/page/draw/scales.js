// From data to pixels: linear and logarithmic scales, ticks at round numbers, and limits that do not tremble.

/** @import { Scale, Tick } from "../types.d.ts" */
import { fixedNumber, powerOfTen, shortNumber } from "../model/numbers.js";

/** @param {number} low @param {number} high @param {number} from @param {number} to @returns {Scale} */
export function linearScale(low, high, from, to) {
  const slope = (to - from) / (high - low);
  return Object.assign((/** @type {number} */ value) => from + (value - low) * slope, {
    invert: (/** @type {number} */ pixel) => low + (pixel - from) / slope,
    ticks: (/** @type {number} */ count) =>
      roundTicks(low, high, count).map((value) => ({ value, text: tickText(value, low, high, count) })),
    low,
    high,
    from,
    to,
  });
}

/** @param {number} low @param {number} high @param {number} from @param {number} to @returns {Scale} */
export function logScale(low, high, from, to) {
  const inner = linearScale(Math.log10(low), Math.log10(high), from, to);
  return Object.assign((/** @type {number} */ value) => inner(Math.log10(Math.max(value, 1e-300))), {
    invert: (/** @type {number} */ pixel) => 10 ** inner.invert(pixel),
    ticks: (/** @type {number} */ count) => decadeTicks(low, high, count),
    low,
    high,
    from,
    to,
  });
}

/**
 * The values of an axis may be spaced evenly or by a constant factor: the scale follows them.
 * @param {number[]} values @param {number} from @param {number} to
 */
export function scaleFor(values, from, to) {
  const last = values.length - 1;
  const middle = values[Math.floor(last / 2)];
  const part = Math.floor(last / 2) / last;
  const even = values[0] + part * (values[last] - values[0]);
  const geometric = values[0] > 0 ? values[0] * (values[last] / values[0]) ** part : even;
  const isLog = values[0] > 0 && Math.abs(middle - geometric) < Math.abs(middle - even);
  return (isLog ? logScale : linearScale)(values[0], values[last], from, to);
}

/** @param {number} span @param {number} count */
function roundStep(span, count) {
  const rough = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

/** @param {number} low @param {number} high @param {number} count */
function roundTicks(low, high, count) {
  const step = roundStep(high - low, count);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(i * step);
  return ticks;
}

/** @param {number} value @param {number} low @param {number} high @param {number} count */
function tickText(value, low, high, count) {
  const step = roundStep(high - low, count);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  if (decimals > 4 || step >= 1e5) return shortNumber(value, 3);
  return fixedNumber(Math.abs(value) < step / 2 ? 0 : value, decimals);
}

/** @param {number} low @param {number} high @param {number} count @returns {Tick[]} */
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

/** The smallest of 1, 1.5, 2, 3, 4, 5, 6, 8 × 10ⁿ that is at least `value`. @param {number} value */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((l) => l * power >= value * (1 - 1e-9)) ?? 10;
  return lead * power;
}

/** An upper limit that follows the data in jumps, and not downwards while something moves. */
export class StickyLimit {
  constructor() {
    this.value = 0;
    this.isHeld = false;
  }

  /** @param {number} data @param {boolean} isMoving */
  follow(data, isMoving = false) {
    if (this.isHeld && this.value > 0) return this.value;
    const isTooLarge = data < 0.4 * this.value && !isMoving;
    if (data > this.value || isTooLarge) this.value = data > 0 ? roundUp(data * 1.12) : 1;
    return this.value;
  }
}
