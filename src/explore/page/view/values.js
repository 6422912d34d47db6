// The divergences between p and the q that is shown, and below them both KLs of every fit.

/** @import { Actions, Palette, Part, Scene, ShownFit, Value } from "../types.d.ts" */
import { bracketText, errorText, shortValue, valueText } from "../model/numbers.js";
import { coverage } from "../model/words.js";
import { byId, element, selectById, setText, showSwatch } from "./elements.js";

/**
 * @typedef {{ root: HTMLElement, sample: HTMLElement, dagger: HTMLElement, value: HTMLElement, error: HTMLElement,
 *             bracket: HTMLElement }} ValueRow
 * @typedef {{ root: HTMLElement, sample: HTMLElement, title: HTMLElement, cells: HTMLElement[],
 *             words: HTMLElement }} FitRow
 */

/** @implements {Part} */
export class ValuesTable {
  /** @param {Actions} actions */
  constructor(actions) {
    /** @type {Map<string, ValueRow>} */
    this.rows = new Map();
    /** @type {Map<string, FitRow>} */
    this.fits = new Map();
    this.body = byId("values-body");
    this.fitsBody = byId("fit-values-body");
    this.select = selectById("shown-q");
    this.select.addEventListener("change", () => actions.showQ(this.select.value));
    this.actions = actions;
    this.key = "";
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw(scene, palette) {
    this.drawChoice(scene);
    const values = scene.view?.values ?? [];
    if ([...this.rows.keys()].join() !== values.map(({ name }) => name).join()) {
      this.rows = new Map(values.map(({ name, symbol }) => [name, valueRow(name, symbol)]));
      this.body.replaceChildren(...[...this.rows.values()].map((row) => row.root));
    }
    let hasUnitless = false;
    for (const value of values) {
      const row = /** @type {ValueRow} */ (this.rows.get(value.name));
      const inNats = scene.hello.divergences.find((d) => d.name === value.name)?.in_nats ?? true;
      hasUnitless ||= !inNats;
      row.dagger.hidden = inNats;
      const { slot, dash } = scene.styles[value.name];
      showSwatch(row.sample, palette.series[slot], dash);
      fill(row, value);
    }
    byId("values-note").hidden = !hasUnitless;
    setText(byId("values-words"), scene.view ? coverage("q", scene.view.covered) : "");
    this.drawFits(scene, palette);
  }

  /** @param {Scene} scene */
  drawChoice({ fits, shownId }) {
    const options = [
      { id: "own", title: "your q" },
      ...fits.map((fit) => ({ id: fit.id, title: fit.title })),
    ];
    const key = JSON.stringify(options);
    if (this.key !== key) {
      this.key = key;
      this.select.replaceChildren(
        ...options.map(({ id, title }) => element("option", { value: id, textContent: title })),
      );
    }
    this.select.value = shownId;
    this.select.disabled = options.length === 1;
  }

  /** @param {Scene} scene @param {Palette} palette */
  drawFits({ fits, shownId }, palette) {
    const known = fits.filter((fit) => fit.values.length > 0);
    byId("fit-values").hidden = known.length === 0;
    if ([...this.fits.keys()].join() !== known.map(({ id }) => id).join()) {
      this.fits = new Map(known.map((fit) => [fit.id, this.fitRow(fit)]));
      this.fitsBody.replaceChildren(...[...this.fits.values()].map((row) => row.root));
    }
    for (const fit of known) {
      const row = /** @type {FitRow} */ (this.fits.get(fit.id));
      showSwatch(row.sample, palette.series[fit.style.slot], fit.style.dash);
      setText(row.title, fit.title);
      fit.values.forEach(([name, value], i) => {
        setText(row.cells[i], shortValue(value));
        row.cells[i].classList.toggle("least", name === fit.divergence);
      });
      setText(row.words, coverage("", fit.covered));
      row.root.classList.toggle("shown", fit.id === shownId);
    }
  }

  /** @param {ShownFit} fit @returns {FitRow} */
  fitRow({ id, values, title }) {
    const sample = element("span", { className: "sample" });
    const name = element("span", {});
    const show = element(
      "button",
      { type: "button", className: "link", "aria-label": `Show the q of the fit of ${title}` },
      sample,
      name,
    );
    show.addEventListener("click", () => this.actions.showQ(id));
    const cells = values.map(([divergence]) => element("td", { "data-test": `fit-${id}-${divergence}` }));
    const words = element("span", { className: "muted words", "data-test": `words-${id}` });
    const root = element("tr", {}, element("th", { scope: "row" }, show, words), ...cells);
    return { root, sample, title: name, cells, words };
  }
}

/** @param {string} name @param {string} symbol @returns {ValueRow} */
function valueRow(name, symbol) {
  const sample = element("span", { className: "sample" });
  const dagger = element("sup", { textContent: "†", hidden: true });
  const value = element("span", { "data-test": `value-${name}` });
  const error = element("span", { className: "error", "data-test": `error-${name}` });
  const bracket = element("td", { className: "bracket", "data-test": `bracket-${name}` });
  const head = element("th", { scope: "row" }, sample, element("span", { textContent: symbol }), dagger);
  const root = element("tr", {}, head, element("td", { className: "value" }, value, error), bracket);
  return { root, sample, dagger, value, error, bracket };
}

/** @param {ValueRow} row @param {Value} value */
function fill(row, { value, error, lower, upper }) {
  setText(row.value, value === null ? "∞" : valueText(value, error));
  setText(row.error, value === null || error === null ? "" : ` ± ${errorText(error)}`);
  setText(row.bracket, bracketText(lower, upper, value));
}
