// The components of a mixture: p's, or q's.

/** @import { Actions, Mixture, Scene, State } from "../types.d.ts" */
import { addComponent, componentOf, removeComponent, setComponent, setWeight } from "../model/mixture.js";
import { withParameter } from "../model/parameters.js";
import { componentKey, componentName } from "../view/line-handles.js";
import { byId, element } from "../view/elements.js";
import { Memo } from "../view/memo.js";
import { GaussianRows } from "./gaussian-rows.js";
import { NumberRow } from "./number-row.js";

/** @typedef {{ root: HTMLElement, rows: GaussianRows, weight: NumberRow | null }} ComponentRows */

export class MixturePanel {
  /** @param {"p" | "q"} tone @param {HTMLElement} root @param {Actions} actions */
  constructor(tone, root, actions) {
    this.tone = tone;
    this.root = root;
    this.actions = actions;
    this.key = "";
    /** @type {ComponentRows[]} */
    this.components = [];
    this.memo = new Memo();
  }

  /** @param {(mixture: Mixture, state: State) => void} change @param {string} tag */
  edit(change, tag) {
    if (this.tone === "p") this.actions.edit((state) => change(state.target, state), tag);
    else this.actions.editQ(change, tag);
  }

  /** @param {Scene} scene */
  draw({ state, q }) {
    const mixture = this.tone === "p" ? state.target : q;
    if (!this.memo.changed(mixture, state.axes)) return;
    const key = `${state.dim},${mixture.weights.length}`;
    if (key !== this.key) this.rebuild(key, state.dim, mixture.weights.length);
    this.components.forEach(({ rows, weight }, k) => {
      weight?.show(mixture.weights[k], 0.01, 0.99);
      rows.show(componentOf(mixture, k), state.axes);
    });
  }

  /** @param {string} key @param {number} dim @param {number} count */
  rebuild(key, dim, count) {
    this.key = key;
    this.components = Array.from({ length: count }, (_, k) => this.component(k, count, dim));
    this.root.replaceChildren(...this.components.map(({ root }) => root));
  }

  /** @param {number} k @param {number} count @param {number} dim @returns {ComponentRows} */
  component(k, count, dim) {
    const prefix = componentKey(this.tone, k);
    const of = componentName(this.tone, count, k);
    const rows = new GaussianRows({
      dim,
      prefix,
      of,
      onInput: (name, value) =>
        this.edit(
          (next) => setComponent(next, k, withParameter(componentOf(next, k), name, value)),
          `${prefix}-${name}`,
        ),
    });
    if (count === 1)
      return { root: element("div", { className: "component" }, ...rows.elements), rows, weight: null };
    const weight = new NumberRow({
      id: `${prefix}-weight`,
      label: "weight",
      name: `weight of ${of}`,
      step: 0.01,
      least: 0.01,
      most: 0.99,
      onInput: (value) => this.edit((next) => setWeight(next, k, value), `${prefix}-weight`),
    });
    const head = element(
      "div",
      { className: "component-head" },
      element("h3", { textContent: `Component ${k + 1}` }),
      this.removal(k),
    );
    const root = element(
      "div",
      { className: "component", role: "group", "aria-label": capitalized(of) },
      head,
      weight.root,
      ...rows.elements,
    );
    return { root, rows, weight };
  }

  /** @param {number} k */
  removal(k) {
    const remove = element("button", {
      type: "button",
      className: "small",
      textContent: "Remove",
      "aria-label": `Remove component ${k + 1} of ${this.tone}`,
      "data-test": this.tone === "p" ? `remove-component-${k}` : `remove-q-${k}`,
    });
    remove.addEventListener("click", () => {
      this.edit((mixture, state) => {
        removeComponent(mixture, k);
        const last = state.q.weights.length - 1;
        state.landscape.component = Math.min(state.landscape.component, last);
      }, "");
      byId(this.tone === "p" ? "add-component" : "q-components").focus();
    });
    return remove;
  }

  /** Adds one, and goes to its first field. @param {Scene} scene */
  add({ state }) {
    this.edit(addComponent, "");
    const key = componentKey(this.tone, state.target.weights.length);
    this.actions.redraw();
    byId(`${key}-mean${state.dim === 1 ? "" : "1"}`).focus();
  }
}

/** @param {string} text */
function capitalized(text) {
  return text[0].toUpperCase() + text.slice(1);
}
