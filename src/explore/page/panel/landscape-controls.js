// Over which two parameters of q the landscapes are, and how far.

/** @import { Actions, LandscapeChoice, Range, Scene } from "../types.d.ts" */
import { defaultRange, isStd, parameterNames, shortTitle } from "../model/parameters.js";
import { byId, element, selectById } from "../view/elements.js";
import { RangeFields } from "./range-fields.js";

/** One of the two axes. */
class AxisControl {
  /** @param {0 | 1} which @param {string} name @param {Actions} actions */
  constructor(which, name, actions) {
    this.which = which;
    this.select = selectById(which === 0 ? "landscape-first" : "landscape-second");
    this.select.addEventListener("change", () =>
      actions.edit((state) =>
        choose(state.landscape, which, this.select.value, defaultRange(this.select.value, state)),
      ),
    );
    this.fields = new RangeFields({
      id: `landscape-${which + 1}`,
      name: `landscape ${name}`,
      onInput: (range) => {
        const parameter = this.select.value;
        if (isStd(parameter) && range[0] <= 0) return "not above 0, as a standard deviation is";
        if (parameter === "correlation" && (range[0] <= -1 || range[1] >= 1)) return "not between −1 and 1";
        actions.edit((state) => {
          state.landscape.ranges[which] = range;
        }, `landscape-${which}`);
        return null;
      },
    });
    byId(`landscape-range-${which + 1}`).replaceChildren(...this.fields.parts);
  }

  /** @param {number} dim */
  rebuild(dim) {
    this.select.replaceChildren(
      ...parameterNames(dim).map((name) =>
        element("option", { value: name, textContent: shortTitle(name, dim) }),
      ),
    );
  }

  /** @param {LandscapeChoice} landscape */
  show({ parameters, ranges }) {
    this.select.value = parameters[this.which];
    this.fields.show(ranges[this.which]);
  }
}

/**
 * Choosing what the other axis has swaps the two.
 * @param {LandscapeChoice} landscape @param {0 | 1} which @param {string} name @param {Range} range
 */
function choose(landscape, which, name, range) {
  if (landscape.parameters[1 - which] === name) {
    landscape.parameters.reverse();
    landscape.ranges.reverse();
    return;
  }
  landscape.parameters[which] = name;
  landscape.ranges[which] = range;
}

export class LandscapeControls {
  /** @param {Actions} actions */
  constructor(actions) {
    this.across = new AxisControl(0, "across", actions);
    this.up = new AxisControl(1, "up", actions);
    this.component = selectById("landscape-component");
    this.component.addEventListener("change", () =>
      actions.edit((state) => {
        state.landscape.component = Number(this.component.value);
      }),
    );
    this.key = "";
  }

  /** @param {Scene} scene */
  draw({ state: { dim, landscape, q } }) {
    const count = q.weights.length;
    const key = `${dim},${count}`;
    if (key !== this.key) {
      this.key = key;
      this.across.rebuild(dim);
      this.up.rebuild(dim);
      this.component.replaceChildren(
        ...q.weights.map((_, k) =>
          element("option", { value: String(k), textContent: `component ${k + 1}` }),
        ),
      );
      byId("landscape-component-of").hidden = count === 1;
      // What is on neither axis is as in q: it can make the section miss the optimum of a path.
      byId("landscape-note").hidden = dim === 1 && count === 1;
    }
    this.component.value = String(landscape.component);
    this.across.show(landscape);
    this.up.show(landscape);
  }
}
