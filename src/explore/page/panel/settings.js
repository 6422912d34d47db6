// What else a person may set: components and starts of q, the optimizer, the axes.

/** @import { Actions, Hello, Scene } from "../types.d.ts" */
import { setComponents } from "../model/mixture.js";
import { byId, element, selectById, setText } from "../view/elements.js";
import { NumberRow } from "./number-row.js";
import { MixturePanel } from "./mixture-panel.js";
import { RangeFields } from "./range-fields.js";

/** q: how many components it has, where they are, and how many starts there are. */
export class QPanel {
  /** @param {Actions} actions */
  constructor(actions) {
    this.components = new NumberRow({
      id: "q-components",
      label: "components",
      name: "components of q",
      step: 1,
      isInteger: true,
      least: 1,
      most: 8,
      onInput: (value) => actions.editQ((_, state) => setComponents(state, value), "q-components"),
    });
    this.restarts = new NumberRow({
      id: "restarts",
      label: "starts",
      name: "starts of each fit",
      step: 1,
      isLog: true,
      isInteger: true,
      least: 1,
      most: 64,
      onInput: (value) =>
        actions.edit((state) => {
          state.restarts = value;
        }, "restarts"),
    });
    byId("q-rows").replaceChildren(this.components.root, this.restarts.root);
    this.mixture = new MixturePanel("q", byId("q-parts"), actions);
  }

  /** @param {Scene} scene */
  draw(scene) {
    const { hello, state, q } = scene;
    this.components.field.most = hello.limits.q_components;
    this.components.show(q.weights.length, 1, hello.limits.q_components);
    this.restarts.field.most = hello.limits.restarts;
    this.restarts.show(state.restarts, 1, hello.limits.restarts);
    this.mixture.draw(scene);
    const kind = q.weights.length === 1 ? "A Gaussian" : `A mixture of ${q.weights.length} Gaussians`;
    const starts =
      state.restarts === 1
        ? "and the start of the fits."
        : `but each fit has ${state.restarts} random starts of its own.`;
    setText(byId("q-note"), `${kind}, ${starts}`);
  }
}

/** p. */
export class TargetPanel {
  /** @param {Actions} actions */
  constructor(actions) {
    this.mixture = new MixturePanel("p", byId("components"), actions);
    /** @type {Scene | null} */
    this.scene = null;
    this.adder = /** @type {HTMLButtonElement} */ (byId("add-component"));
    this.adder.addEventListener("click", () => this.scene && this.mixture.add(this.scene));
  }

  /** @param {Scene} scene */
  draw(scene) {
    this.scene = scene;
    this.mixture.draw(scene);
    this.adder.disabled = scene.state.target.weights.length >= scene.hello.limits.components;
  }
}

/** The optimizer with its learning rate and steps. */
export class OptimizerPanel {
  /** @param {Actions} actions */
  constructor(actions) {
    const set = (/** @type {"learning_rate" | "steps"} */ key) => (/** @type {number} */ value) =>
      actions.edit((state) => {
        state.optimizer[key] = value;
      }, key);
    this.rate = new NumberRow({
      id: "learning-rate",
      label: "learning rate",
      name: "learning rate",
      step: 0.01,
      isLog: true,
      least: 1e-8,
      most: 1e3,
      onInput: set("learning_rate"),
    });
    this.steps = new NumberRow({
      id: "steps",
      label: "steps",
      name: "steps",
      step: 100,
      isLog: true,
      isInteger: true,
      least: 1,
      onInput: set("steps"),
    });
    byId("optimizer-rows").replaceChildren(this.rate.root, this.steps.root);
    this.type = selectById("optimizer-type");
    this.type.addEventListener("change", () =>
      actions.edit((state) => {
        state.optimizer.type = this.type.value;
      }),
    );
    /** @type {Hello | null} */
    this.hello = null;
  }

  /** @param {Scene} scene */
  draw({ hello, state }) {
    if (hello !== this.hello) {
      this.hello = hello;
      this.type.replaceChildren(
        ...hello.optimizers.map((name) => element("option", { value: name, textContent: name })),
      );
      this.steps.field.most = hello.limits.steps;
    }
    this.type.value = state.optimizer.type;
    this.rate.show(state.optimizer.learning_rate, 1e-4, 1);
    this.steps.show(state.optimizer.steps, 10, hello.limits.steps);
  }
}

/** How far the axes of the densities go. */
export class AxesPanel {
  /** @param {Actions} actions */
  constructor(actions) {
    const fields = (/** @type {"x" | "y"} */ axis) =>
      new RangeFields({
        id: `axis-${axis}`,
        name: `${axis} axis`,
        onInput: (range) => {
          actions.edit((state) => {
            state.axes[axis] = range;
          }, `axis-${axis}`);
          return null;
        },
      });
    this.x = fields("x");
    this.y = fields("y");
    byId("axes-rows").replaceChildren(this.x.root, this.y.root);
  }

  /** @param {Scene} scene */
  draw({ state: { axes, dim } }) {
    this.x.title(dim === 1 ? "x from" : "x₁ from");
    this.y.title("x₂ from");
    this.y.root.hidden = dim === 1;
    this.x.show(axes.x);
    this.y.show(axes.y);
  }
}
