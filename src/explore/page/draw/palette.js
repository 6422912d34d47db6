// Colours and dashes: those of the theme, read from the style sheet, and which divergence and fit has which.

/** @import { DivergenceLabel, Palette, Style } from "../types.d.ts" */

const SERIES = ["blue", "vermillion", "green", "orange", "sky", "yellow", "brown"];
const BASINS = [1, 2, 3, 4, 5, 6, 7, 8];

/** The colours of the present theme, so that they live in one place. @returns {Palette} */
export function currentPalette() {
  const style = getComputedStyle(document.documentElement);
  const get = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  const series = (/** @type {string} */ prefix) =>
    Object.fromEntries(SERIES.map((name) => [name, get(prefix + name)]));
  return {
    isDark: get("--is-dark") === "1",
    font: get("--font"),
    muted: get("--muted"),
    axis: get("--axis"),
    ink: get("--ink"),
    halo: get("--card"),
    p: get("--p"),
    pFill: get("--p-fill"),
    q: get("--q"),
    qFill: get("--q-fill"),
    series: series("--"),
    basins: BASINS.map((n) => get(`--basin-${n}`)),
    map: { ink: get("--map-ink"), halo: get("--map-halo"), q: get("--map-q"), series: series("--map-") },
  };
}

/** @type {Record<string, Style>} */
const OWN = {
  "forward-kl": { slot: "blue", dash: [] },
  "reverse-kl": { slot: "vermillion", dash: [7, 3] },
  js: { slot: "green", dash: [9, 3, 2, 3] },
};
const OTHERS = ["orange", "sky", "yellow", "brown"];
const DASHES = [
  [2, 2.5],
  [12, 4],
  [5, 2, 1.5, 2, 1.5, 2],
  [4, 4],
];

/**
 * How a divergence is drawn; the order of the server's list decides for those that have no colour of their own.
 * @param {string} name @param {DivergenceLabel[]} divergences @returns {Style}
 */
function styleOf(name, divergences) {
  if (name in OWN) return OWN[name];
  const rest = divergences.map((d) => d.name).filter((n) => !(n in OWN));
  const i = Math.max(rest.indexOf(name), 0);
  return {
    slot: OTHERS[i % OTHERS.length],
    dash: DASHES[(i + Math.floor(i / OTHERS.length)) % DASHES.length],
  };
}

/** @param {DivergenceLabel[]} divergences @returns {Record<string, Style>} */
export function divergenceStyles(divergences) {
  return Object.fromEntries(divergences.map(({ name }) => [name, styleOf(name, divergences)]));
}

/**
 * How fits are drawn: as their divergences, and where several fit one divergence, each after the first in a colour
 * and with dashes that none before it has.
 * @param {{ id: string, divergence: string }[]} fits @param {DivergenceLabel[]} divergences
 * @returns {Record<string, Style>}
 */
export function fitStyles(fits, divergences) {
  /** @type {Record<string, Style>} */
  const styles = {};
  const isFirst = (/** @type {{ id: string, divergence: string }} */ fit) =>
    fits.find((one) => one.divergence === fit.divergence) === fit;
  for (const fit of fits.filter(isFirst)) styles[fit.id] = styleOf(fit.divergence, divergences);
  for (const fit of fits.filter((one) => !isFirst(one))) {
    const taken = Object.values(styles);
    const slot = [...OTHERS, "green", "blue"].find((name) => !taken.some((style) => style.slot === name));
    const dash = DASHES.find((one) => !taken.some((style) => style.dash.join() === one.join()));
    styles[fit.id] = { slot: slot ?? "brown", dash: dash ?? [] };
  }
  return styles;
}

/** @param {Palette} palette @param {number | null} optimum */
export function basinColor(palette, optimum) {
  return optimum === null ? palette.muted : palette.basins[optimum % palette.basins.length];
}

/** @param {string} color @param {number} alpha */
export function withAlpha(color, alpha) {
  const hex = color.replace("#", "");
  const part = (/** @type {number} */ i) => parseInt(hex.slice(i, i + 2), 16);
  return `rgb(${part(0)} ${part(2)} ${part(4)} / ${alpha})`;
}
