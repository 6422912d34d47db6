// The rows of one Gaussian: means, standard deviations and, in 2-D, the correlation.

/** @import { Gaussian, State } from "../types.d.ts" */
import { LARGEST_CORRELATION, SMALLEST_STD, isStd, parameterNames, parameterOf, parameterTitle, shortTitle } from "../model/parameters.js";
import { NumberRow } from "./number-row.js";

export class GaussianRows {
  /**
   * @param {{ dim: number, prefix: string, of: string, onInput(name: string, value: number): void }} spec
   */
  constructor({ dim, prefix, of, onInput }) {
    this.rows = parameterNames(dim).map((name) => ({
      name,
      row: new NumberRow({
        id: `${prefix}-${name}`,
        label: shortTitle(name, dim),
        name: `${parameterTitle(name)} of ${of}`,
        isLog: isStd(name),
        step: name === "correlation" ? 0.05 : 0.1,
        ...bounds(name),
        onInput: (value) => onInput(name, value),
      }),
    }));
  }

  get elements() {
    return this.rows.map(({ row }) => row.root);
  }

  /** @param {Gaussian} gaussian @param {State["axes"]} axes */
  show(gaussian, axes) {
    for (const { name, row } of this.rows) {
      const [low, high] = sliderRange(name, axes);
      row.show(parameterOf(gaussian, name), low, high);
    }
  }
}

/** @param {string} name */
function bounds(name) {
  if (name === "correlation") return { least: -LARGEST_CORRELATION, most: LARGEST_CORRELATION };
  return isStd(name) ? { least: SMALLEST_STD } : {};
}

/** @param {string} name @param {State["axes"]} axes */
function sliderRange(name, axes) {
  if (name === "correlation") return [-LARGEST_CORRELATION, LARGEST_CORRELATION];
  const [low, high] = name.endsWith("2") ? axes.y : axes.x;
  return isStd(name) ? [(high - low) / 200, (high - low) / 2] : [low, high];
}
