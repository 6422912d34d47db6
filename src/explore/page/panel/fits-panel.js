// The fits: which divergence each minimises, and by which estimator.

/** @import { Actions, DivergenceLabel, Fit, Hello, Palette, Scene } from "../types.d.ts" */
import { SAMPLES, addFit, estimatorKey, estimatorOf, fitTitle } from "../model/state.js";
import { byId, element, selectById, showSwatch } from "../view/elements.js";
import { NumberField } from "./number-field.js";

const MOST_SAMPLES = 4096;

/**
 * One fit of the list.
 * @typedef {{ root: HTMLElement, sample: HTMLElement, estimator: HTMLSelectElement,
 *             samples: NumberField, drawn: HTMLElement, remove: HTMLButtonElement }} FitRow
 */

export class FitsPanel {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.root = byId("fits");
    this.adder = selectById("add-fit");
    /** @type {Map<string, FitRow>} */
    this.rows = new Map();
    this.key = "";
    this.adder.addEventListener("change", () => this.add(this.adder.value));
    /** @type {Hello | null} */
    this.hello = null;
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw({ hello, state, fitStyles }, palette) {
    if (hello !== this.hello) {
      this.hello = hello;
      this.adder.replaceChildren(
        element("option", { value: "", textContent: "Add a fit …" }),
        ...hello.divergences.map(({ name, title, symbol }) =>
          element("option", { value: name, textContent: `${title}, ${symbol}` }),
        ),
      );
    }
    const key = state.fits.map((fit) => `${fit.id} ${fit.divergence}`).join();
    if (key !== this.key) this.rebuild(key, state.fits);
    this.adder.disabled = state.fits.length >= hello.limits.fits;
    for (const fit of state.fits) this.show(fit, state.fits.length === 1);
    for (const [id, { sample }] of this.rows) {
      const { slot, dash } = fitStyles[id];
      showSwatch(sample, palette.series[slot], dash);
    }
  }

  /** @param {string} name */
  label(name) {
    return /** @type {DivergenceLabel} */ (this.hello?.divergences.find((d) => d.name === name));
  }

  /** With an estimator that no other fit of it has, if there is one. @param {string} divergence */
  add(divergence) {
    this.adder.value = "";
    if (divergence === "") return;
    this.actions.edit((state) => {
      const taken = state.fits
        .filter((fit) => fit.divergence === divergence)
        .map((fit) => estimatorKey(fit.estimator));
      const { estimators } = this.label(divergence);
      const free = estimators.find((one) => !taken.includes(estimatorKey(one))) ?? estimators[0];
      addFit(state, divergence, estimatorOf(free.type, free.gradient));
    });
  }

  /** @param {string} key @param {Fit[]} fits */
  rebuild(key, fits) {
    this.key = key;
    this.rows = new Map(fits.map((fit) => [fit.id, this.row(fit)]));
    this.root.replaceChildren(...[...this.rows.values()].map((row) => row.root));
  }

  /** @param {string} id @param {(fit: Fit) => void} change */
  change(id, change) {
    this.actions.edit((state) => {
      const fit = state.fits.find((one) => one.id === id);
      if (fit) change(fit);
    }, `fit-${id}`);
  }

  /** @param {Fit} fit @returns {FitRow} */
  row({ id, divergence: name }) {
    const label = this.label(name);
    const sample = element("span", { className: "sample" });
    const estimator = element(
      "select",
      { "aria-label": `Estimator of the fit of ${label.title}`, "data-test": `estimator-${id}` },
      ...label.estimators.map((one) =>
        element("option", { value: estimatorKey(one), textContent: one.title }),
      ),
    );
    estimator.addEventListener("change", () =>
      this.change(id, (fit) => {
        const [type, gradient] = estimator.value.split("/");
        fit.estimator = estimatorOf(type, gradient, fit.estimator.samples);
      }),
    );
    const samples = new NumberField({
      id: `samples-${id}`,
      name: `draws at each step for ${label.title}`,
      step: 1,
      isInteger: true,
      least: 2,
      most: MOST_SAMPLES,
      onInput: (value) => {
        this.change(id, (fit) => {
          fit.estimator.samples = value;
        });
        return null;
      },
    });
    const drawn = element("label", { className: "drawn" }, samples.input, " draws a step");
    const remove = element("button", {
      type: "button",
      className: "small",
      textContent: "Remove",
      "data-test": `remove-${id}`,
    });
    remove.addEventListener("click", () => {
      this.actions.edit((state) => {
        state.fits = state.fits.filter((fit) => fit.id !== id);
      });
      this.adder.focus();
    });
    const title = element(
      "div",
      { className: "fit-head" },
      sample,
      element("span", { textContent: label.title }),
      element("span", { className: "muted symbol", textContent: label.symbol }),
      remove,
    );
    const root = element(
      "div",
      { className: "fit", role: "group", "data-test": `fit-${id}` },
      title,
      element(
        "div",
        { className: "fit-by" },
        element("span", { className: "muted", textContent: "by" }),
        estimator,
        drawn,
      ),
    );
    return { root, sample, estimator, samples, drawn, remove };
  }

  /** @param {Fit} fit @param {boolean} isAlone */
  show(fit, isAlone) {
    const row = /** @type {FitRow} */ (this.rows.get(fit.id));
    row.estimator.value = estimatorKey(fit.estimator);
    const isDrawn = fit.estimator.type !== "quadrature";
    row.drawn.hidden = !isDrawn;
    if (isDrawn) row.samples.show(fit.estimator.samples ?? SAMPLES);
    // Without any fit there is neither a map nor anything to run.
    row.remove.hidden = isAlone;
    const title = fitTitle(fit, this.label(fit.divergence));
    row.root.setAttribute("aria-label", title);
    row.remove.setAttribute("aria-label", `Remove the fit of ${title}`);
  }
}
