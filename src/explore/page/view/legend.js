// Names what is drawn over the densities.

/** @import { Palette, Part, Scene } from "../types.d.ts" */
import { fitTitle } from "../model/state.js";
import { element, swatch } from "./elements.js";

/** @implements {Part} */
export class Legend {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.key = "";
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw(scene, palette) {
    const entries = [
      { title: "target p", color: palette.p, fill: palette.pFill, dash: [], isPending: false },
      { title: titleOfQ(scene), color: palette.q, fill: palette.qFill, dash: [], isPending: false },
      ...fitEntries(scene, palette),
    ];
    const key = JSON.stringify(entries);
    if (key === this.key) return;
    this.key = key;
    this.root.replaceChildren(
      ...entries.map((entry) =>
        element("li", { className: entry.isPending ? "pending" : "" }, swatch(entry), entry.title),
      ),
    );
  }
}

/** What is shown as q: one's own, or where a fit by some divergence has come. @param {Scene} scene */
function titleOfQ({ fits, shownId, hello }) {
  const shown = fits.find((fit) => fit.id === shownId);
  const label = hello.divergences.find((d) => d.name === shown?.divergence);
  return label ? `q of ${label.title}` : "approximation q";
}

/**
 * The fits that are drawn; before there are any, those that Run will draw, so that nothing jumps.
 * @param {Scene} scene @param {Palette} palette
 */
function fitEntries({ fits, state, hello, fitStyles }, palette) {
  if (fits.length > 0) return fits.map(({ title, style }) => entry(title, style, palette, false));
  return state.fits.map((fit) => {
    const label = hello.divergences.find((d) => d.name === fit.divergence);
    return entry(label ? fitTitle(fit, label) : fit.divergence, fitStyles[fit.id], palette, true);
  });
}

/**
 * @param {string} title @param {import("../types.d.ts").Style} style @param {Palette} palette
 * @param {boolean} isPending
 */
function entry(title, { slot, dash }, palette, isPending) {
  return { title, color: palette.series[slot], dash, isPending, fill: undefined };
}
