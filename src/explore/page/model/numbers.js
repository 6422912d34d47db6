// Numbers as text, and text as numbers.

const MINUS = "−";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/**
 * Removes the binary dust of arithmetic from a number a person will read in a field.
 * @param {number} value
 */
export function tidy(value) {
  return Number(value.toPrecision(6));
}

/**
 * Rounds to a grid a thousandth of `span` wide, so that dragging gives numbers one can write down.
 * @param {number} value @param {number} span
 */
export function snapped(value, span) {
  const grid = 10 ** Math.floor(Math.log10(Math.abs(span) / 500));
  return tidy(Math.round(value / grid) * grid);
}

/** How far one press of an arrow key goes over an axis of this length. @param {number} span */
export function keyStep(span) {
  return 10 ** Math.floor(Math.log10(span / 100));
}

/** With a real minus. @param {string} text */
export function signed(text) {
  return text.replace(/^-/, MINUS).replace(/e-/, `e${MINUS}`);
}

/**
 * A short number for labels: at most `digits` significant ones.
 * @param {number | null | undefined} value
 */
export function shortNumber(value, digits = 4) {
  if (value === null || value === undefined) return "∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5))
    return signed(value.toExponential(Math.max(digits - 2, 0)).replace("e+", "e"));
  return signed(String(Number(value.toPrecision(digits))));
}

/**
 * A number with as many decimals in every state, so that it does not jump while it changes.
 * @param {number} value @param {number} decimals
 */
export function fixedNumber(value, decimals) {
  return signed(value.toFixed(decimals));
}

/** @param {number} exponent */
export function powerOfTen(exponent) {
  if (exponent >= -2 && exponent <= 3) return String(Number((10 ** exponent).toPrecision(1)));
  const digits = Array.from(String(Math.abs(exponent)), (d) => SUPERSCRIPTS[Number(d)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** Below this a divergence is what rounding leaves of 0. */
const ROUNDING = 1e-12;

/** A divergence to four digits. @param {number | null} value */
export function shortValue(value) {
  if (value !== null && Math.abs(value) < ROUNDING) return value === 0 ? "0" : "< 1e−12";
  return shortNumber(value, 4);
}

// --- fields ---

/**
 * As a field shows it: six digits, or, with an exponent, as many as fit. What is stored keeps the rest.
 * @param {number} value
 */
export function fieldText(value) {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7))
    return Number(value.toPrecision(6)).toExponential().length <= 9
      ? Number(value.toPrecision(6)).toExponential().replace("e+", "e")
      : value.toExponential(2).replace("e+", "e");
  return String(tidy(value));
}

/** The number that was typed; NaN if it is none. A decimal comma is one too. @param {string} text */
export function parsed(text) {
  const plain = text
    .trim()
    .replace(MINUS, "-")
    .replace(/^([-+]?\d*),(\d+)/, "$1.$2");
  return plain === "" ? NaN : Number(plain);
}

// --- values of divergences ---

/** As many decimals as the error lets one believe, from two to six. @param {number | null} error */
function decimalsFor(error) {
  if (error === null || !(error > 0)) return 6;
  return clamp(Math.ceil(-Math.log10(error)), 2, 6);
}

/** Large numbers get fewer decimals, so that every row of a table is about as wide. */
function atMost(/** @type {number} */ decimals, /** @type {number} */ value) {
  const whole = Math.floor(Math.log10(Math.max(Math.abs(value), 1)));
  return Math.max(Math.min(decimals, 6 - (whole > 0 ? whole + 1 : 0)), 0);
}

/** @param {number} value @param {number | null} error */
export function valueText(value, error) {
  const size = Math.abs(value);
  // What rounding leaves of 0 has no sign.
  if (size < ROUNDING && size <= (error ?? 0)) return fixedNumber(0, 6);
  if (size >= 1e5 || (size > 0 && size < 1e-4)) return shortNumber(value, 4);
  return fixedNumber(value, atMost(decimalsFor(error), value));
}

/** @param {number} error */
export function errorText(error) {
  if (error === 0) return "0";
  return signed(error.toExponential(0).replace("e+", "e"));
}

/**
 * A bracket, rounded outwards: what is printed still holds for certain.
 * @param {number | null} lower @param {number | null} upper @param {number | null} value
 */
export function bracketText(lower, upper, value) {
  if (lower === null && upper === null) return "—";
  const width = lower !== null && upper !== null ? upper - lower : 0;
  const size = Math.max(Math.abs(lower ?? 0), Math.abs(upper ?? 0));
  const [low, high] = [
    lower === null ? "?" : outwards(lower, Math.floor, width, size),
    upper === null ? (value === null ? "∞" : "?") : outwards(upper, Math.ceil, width, size),
  ];
  return `[${low}, ${high}]`;
}

/**
 * @param {number} bound @param {(x: number) => number} round
 * @param {number} width @param {number} size
 */
function outwards(bound, round, width, size) {
  if (bound === 0) return "0";
  // Of numbers that are next to nothing, or huge, only an exponent says how large they are.
  if (size < 1e-4 || size >= 1e5) {
    const scale = 10 ** (Math.floor(Math.log10(Math.abs(bound))) - 2);
    return signed((round(bound / scale) * scale).toExponential(2).replace("e+", "e"));
  }
  const decimals = atMost(width > 0 ? clamp(Math.ceil(-Math.log10(width)) + 1, 2, 6) : 4, size);
  const scale = 10 ** decimals;
  return fixedNumber(round(bound * scale) / scale, decimals);
}
