// The side panel: q, the target, the fits, the optimizer, the axes; and the table of values.

import { byId, element, swatch } from "./elements.js";
import { fixedNumber, shortNumber, signed } from "./draw.js";
import {
  LARGEST_CORRELATION,
  SMALLEST_STD,
  addComponent,
  clamp,
  defaultRange,
  isStd,
  parameterNames,
  parameterTitle,
  removeComponent,
  setParameter,
  parameterOf,
  setWeight,
  tidy,
} from "./model.js";

const SLIDER_STEPS = 1000;
const LARGEST = 1e6;

/** A label, a slider and a number field that show one number. */
class NumberRow {
  /** `low` and `high` bound the slider; `least` and `most` what may be typed. */
  constructor({
    id,
    label,
    name,
    step,
    isLog = false,
    isInteger = false,
    least = -LARGEST,
    most = LARGEST,
    onInput,
  }) {
    Object.assign(this, { isLog, isInteger, least, most, onInput, low: 0, high: 1 });
    this.slider = element("input", {
      type: "range",
      id: `${id}-slider`,
      min: "0",
      max: String(SLIDER_STEPS),
      "aria-label": name,
    });
    this.field = element("input", {
      type: "number",
      id,
      step: String(step),
      inputMode: "decimal",
      "data-test": id,
    });
    const caption = element("label", { for: id, textContent: label });
    this.root = element("div", { className: "row" }, caption, this.slider, this.field);
    this.field.setAttribute("aria-label", name);
    this.slider.addEventListener("input", () => this.offer(this.fromSlider()));
    this.slider.addEventListener("keydown", (event) => this.nudge(event));
    this.field.addEventListener("input", () => this.typed());
    this.field.addEventListener("focus", () => this.field.select());
    this.field.addEventListener("change", () => this.settle());
    this.field.addEventListener("blur", () => this.settle());
  }

  fromSlider() {
    const part = Number(this.slider.value) / SLIDER_STEPS;
    const value = this.isLog
      ? this.low * (this.high / this.low) ** part
      : this.low + part * (this.high - this.low);
    return this.isInteger ? Math.round(value) : Number(value.toPrecision(this.isLog ? 2 : 3));
  }

  /** An arrow key goes to the next number: several places of the slider can round to the same one. */
  nudge(event) {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const before = this.fromSlider();
    let place = Number(this.slider.value);
    while (this.fromSlider() === before && place >= 0 && place <= SLIDER_STEPS) {
      place += by;
      this.slider.value = String(place);
    }
    if (this.fromSlider() !== before) this.offer(this.fromSlider());
  }

  typed() {
    const value = this.field.valueAsNumber;
    const isGood =
      Number.isFinite(value) &&
      value >= this.least &&
      value <= this.most &&
      (!this.isInteger || Number.isInteger(value));
    this.field.setAttribute("aria-invalid", String(!isGood));
    if (isGood) this.offer(value);
  }

  offer(value) {
    this.onInput(clamp(value, this.least, this.most));
  }

  /** What was typed and cannot be taken gives way to the number in force. */
  settle() {
    this.field.setAttribute("aria-invalid", "false");
    this.field.value = this.text;
  }

  show(value, low, high) {
    Object.assign(this, { low, high });
    const part = this.isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    this.slider.value = String(Math.round(clamp(part, 0, 1) * SLIDER_STEPS));
    this.slider.setAttribute("aria-valuetext", shortNumber(value));
    this.text = String(tidy(value));
    const isTyping =
      document.activeElement === this.field &&
      (this.field.getAttribute("aria-invalid") === "true" || this.field.valueAsNumber === value);
    if (!isTyping && this.field.value !== this.text) this.field.value = this.text;
  }
}

/** The rows of one Gaussian: means, standard deviations and, in 2-D, the correlation. */
function gaussianRows(dim, prefix, of, onInput) {
  return parameterNames(dim).map((name) => ({
    name,
    row: new NumberRow({
      id: `${prefix}-${name}`,
      label: shortTitle(name, dim),
      name: `${parameterTitle(name)} of ${of}`,
      isLog: isStd(name),
      step: name === "correlation" ? 0.05 : 0.1,
      ...boundsOf(name),
      onInput: (value) => onInput(name, value),
    }),
  }));
}

function shortTitle(name, dim) {
  const digit = dim === 2 ? ({ 1: "₁", 2: "₂" }[name.at(-1)] ?? "") : "";
  if (name === "correlation") return "correlation ρ";
  return isStd(name) ? `std σ${digit}` : `mean μ${digit}`;
}

function boundsOf(name) {
  if (name === "correlation") return { least: -LARGEST_CORRELATION, most: LARGEST_CORRELATION };
  return isStd(name) ? { least: SMALLEST_STD } : {};
}

function sliderRange(name, axes) {
  if (name === "correlation") return [-LARGEST_CORRELATION, LARGEST_CORRELATION];
  const [low, high] = name.endsWith("2") ? axes.y : axes.x;
  return isStd(name) ? [(high - low) / 200, (high - low) / 2] : [low, high];
}

function showGaussian(rows, gaussian, axes) {
  for (const { name, row } of rows) row.show(parameterOf(gaussian, name), ...sliderRange(name, axes));
}

export class Panel {
  constructor(app) {
    this.app = app;
    this.targetKey = null;
    this.components = [];
    this.buildOptimizer();
    this.buildAxes();
    byId("add-component").addEventListener("click", () => this.add());
  }

  /** What depends on the server's hello. */
  begin(hello) {
    byId("optimizer-type").replaceChildren(
      ...hello.optimizers.map((name) => element("option", { value: name, textContent: name })),
    );
    this.steps.most = hello.limits.steps;
    this.fits = hello.divergences.map((divergence) => this.fitRow(divergence));
    byId("fits").replaceChildren(...this.fits.map((fit) => fit.root));
    byId("fits-limit").textContent = `at most ${hello.limits.fits}`;
  }

  draw() {
    const { state } = this.app;
    this.rebuild(state);
    showGaussian(this.q, this.app.shownQ(), state.axes);
    state.target.weights.forEach((weight, k) => {
      const { rows, weightRow } = this.components[k];
      weightRow?.show(weight, 0.01, 0.99);
      const { means, stds, correlations } = state.target;
      showGaussian(rows, { mean: means[k], stds: stds[k], correlation: correlations[k] }, state.axes);
    });
    this.drawOptimizer(state);
    this.drawFits(state);
    this.drawAxes(state);
  }

  // --- q and the target ---

  rebuild(state) {
    const key = `${state.dim},${state.target.weights.length}`;
    if (key === this.targetKey) return;
    this.targetKey = key;
    this.q = gaussianRows(state.dim, "q", "the approximation q", (name, value) =>
      this.app.editQ((q) => setParameter(q, name, value)),
    );
    byId("q-rows").replaceChildren(...this.q.map(({ row }) => row.root));
    this.components = state.target.weights.map((_, k) => this.component(k, state));
    byId("components").replaceChildren(...this.components.map((component) => component.root));
    byId("add-component").disabled = state.target.weights.length >= this.app.hello.limits.components;
  }

  component(k, state) {
    const { app } = this;
    const count = state.target.weights.length;
    const edit = (name, value) =>
      app.edit((next) => {
        const { means, stds, correlations } = next.target;
        const gaussian = { mean: means[k], stds: stds[k], correlation: correlations[k] };
        setParameter(gaussian, name, value);
        correlations[k] = gaussian.correlation;
      });
    const rows = gaussianRows(state.dim, `p${k}`, `target component ${k + 1}`, edit);
    const weightRow =
      count === 1
        ? null
        : new NumberRow({
            id: `p${k}-weight`,
            label: "weight",
            name: `weight of target component ${k + 1}`,
            step: 0.01,
            least: 0.01,
            most: 0.99,
            onInput: (value) => app.edit((next) => setWeight(next.target, k, value)),
          });
    const remove = element("button", {
      type: "button",
      className: "small",
      textContent: "Remove",
      "aria-label": `Remove component ${k + 1}`,
      "data-test": `remove-component-${k}`,
      hidden: count === 1,
    });
    remove.addEventListener("click", () => {
      app.edit((next) => removeComponent(next.target, k));
      byId("add-component").focus();
    });
    const head = element(
      "div",
      { className: "component-head" },
      element("h4", { textContent: `Component ${k + 1}` }),
      remove,
    );
    const root = element(
      "div",
      { className: "component", role: "group", "aria-label": `Target component ${k + 1}` },
      head,
      ...(weightRow ? [weightRow.root] : []),
      ...rows.map(({ row }) => row.root),
    );
    return { root, rows, weightRow };
  }

  add() {
    this.app.edit((state) => addComponent(state.target, state));
    byId(`p${this.app.state.target.weights.length - 1}-mean${this.app.state.dim === 1 ? "" : "1"}`)?.focus();
  }

  // --- the fits ---

  fitRow({ name, title, symbol }) {
    const box = element("input", { type: "checkbox", id: `fit-${name}`, "data-test": `fit-${name}` });
    const sample = element("span", { className: "sample" });
    const root = element(
      "label",
      { className: "check" },
      box,
      sample,
      element("span", { textContent: title }),
      element("span", { className: "muted symbol", textContent: symbol }),
    );
    box.addEventListener("change", () =>
      this.app.edit((state) => {
        const chosen = new Set(state.fits);
        if (box.checked) chosen.add(name);
        else chosen.delete(name);
        state.fits = this.app.hello.divergences.map((d) => d.name).filter((n) => chosen.has(n));
      }),
    );
    return { name, box, sample, root };
  }

  drawFits(state) {
    const isFull = state.fits.length >= this.app.hello.limits.fits;
    for (const { name, box, sample } of this.fits) {
      box.checked = state.fits.includes(name);
      // One divergence at least stays on: without any there is neither a map nor a fit.
      box.disabled = box.checked ? state.fits.length === 1 : isFull;
      const style = this.app.style(name);
      const key = style.color + style.dash;
      if (sample.dataset.key === key) continue;
      sample.dataset.key = key;
      sample.replaceChildren(swatch(style));
    }
  }

  // --- the optimizer ---

  buildOptimizer() {
    const set = (key) => (value) =>
      this.app.edit((state) => {
        state.optimizer[key] = value;
      });
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
    byId("optimizer-type").addEventListener("change", (event) => set("type")(event.target.value));
  }

  drawOptimizer({ optimizer }) {
    byId("optimizer-type").value = optimizer.type;
    this.rate.show(optimizer.learning_rate, 1e-4, 1);
    this.steps.show(optimizer.steps, 10, this.app.hello.limits.steps);
  }

  // --- axes ---

  buildAxes() {
    const field = (axis, end) =>
      new RangeField({
        id: `axis-${axis}-${end === 0 ? "from" : "to"}`,
        name: `${axis} axis ${end === 0 ? "from" : "to"}`,
        onInput: (value) => {
          const range = [...this.app.state.axes[axis]];
          range[end] = value;
          if (range[0] >= range[1]) return false;
          this.app.edit((state) => {
            state.axes[axis] = range;
          });
          return true;
        },
      });
    this.axes = Object.fromEntries(["x", "y"].map((axis) => [axis, [field(axis, 0), field(axis, 1)]]));
    this.axisRows = Object.fromEntries(
      ["x", "y"].map((axis) => {
        const label = element("span", { className: "range-label" });
        return [
          axis,
          {
            label,
            root: element(
              "div",
              { className: "range" },
              label,
              this.axes[axis][0].field,
              element("span", { textContent: "to" }),
              this.axes[axis][1].field,
            ),
          },
        ];
      }),
    );
    byId("axes-rows").replaceChildren(this.axisRows.x.root, this.axisRows.y.root);
  }

  drawAxes({ axes, dim }) {
    this.axisRows.x.label.textContent = dim === 1 ? "x from" : "x₁ from";
    this.axisRows.y.label.textContent = "x₂ from";
    this.axisRows.y.root.hidden = dim === 1;
    for (const axis of ["x", "y"]) this.axes[axis].forEach((field, end) => field.show(axes[axis][end]));
  }
}

/** A number field alone; `onInput` returns false for a number that cannot be. */
class RangeField {
  constructor({ id, name, onInput }) {
    this.field = element("input", { type: "number", id, step: "any", "data-test": id });
    this.field.setAttribute("aria-label", name);
    this.text = "";
    this.field.addEventListener("input", () => {
      const value = this.field.valueAsNumber;
      const isGood = Number.isFinite(value) && Math.abs(value) <= LARGEST && onInput(value);
      this.field.setAttribute("aria-invalid", String(!isGood));
    });
    this.field.addEventListener("focus", () => this.field.select());
    for (const kind of ["change", "blur"]) this.field.addEventListener(kind, () => this.settle());
  }

  settle() {
    this.field.setAttribute("aria-invalid", "false");
    this.field.value = this.text;
  }

  show(value) {
    this.text = String(tidy(value));
    if (document.activeElement !== this.field && this.field.value !== this.text) this.field.value = this.text;
  }
}

// --- which parameters the landscapes are over ---------------------------------------------------

export class LandscapeControls {
  constructor(app) {
    this.app = app;
    this.dim = null;
    this.selects = [byId("landscape-first"), byId("landscape-second")];
    this.selects.forEach((select, which) =>
      select.addEventListener("change", () => this.choose(which, select.value)),
    );
    this.fields = [0, 1].map((which) => [0, 1].map((end) => this.rangeField(which, end)));
    this.fields.forEach((pair, which) =>
      byId(`landscape-range-${which + 1}`).replaceChildren(
        pair[0].field,
        element("span", { textContent: "to" }),
        pair[1].field,
      ),
    );
  }

  rangeField(which, end) {
    const axis = which === 0 ? "across" : "up";
    return new RangeField({
      id: `landscape-${which + 1}-${end === 0 ? "from" : "to"}`,
      name: `landscape ${axis}: ${end === 0 ? "from" : "to"}`,
      onInput: (value) => {
        const { parameters, ranges } = this.app.state.landscape;
        const range = [...ranges[which]];
        range[end] = value;
        const isAllowed =
          range[0] < range[1] &&
          (!isStd(parameters[which]) || range[0] > 0) &&
          (parameters[which] !== "correlation" || (range[0] > -1 && range[1] < 1));
        if (isAllowed)
          this.app.edit((state) => {
            state.landscape.ranges[which] = range;
          });
        return isAllowed;
      },
    });
  }

  /** Choosing what the other axis has swaps the two. */
  choose(which, name) {
    this.app.edit((state) => {
      const { landscape } = state;
      if (landscape.parameters[1 - which] === name) {
        landscape.parameters.reverse();
        landscape.ranges.reverse();
      } else {
        landscape.parameters[which] = name;
        landscape.ranges[which] = defaultRange(name, state);
      }
    });
  }

  draw() {
    const { dim, landscape } = this.app.state;
    if (dim !== this.dim) {
      this.dim = dim;
      for (const select of this.selects)
        select.replaceChildren(
          ...parameterNames(dim).map((name) =>
            element("option", { value: name, textContent: parameterTitle(name) }),
          ),
        );
      byId("landscape-note").hidden = dim === 1;
    }
    this.selects.forEach((select, which) => {
      select.value = landscape.parameters[which];
    });
    this.fields.forEach((pair, which) =>
      pair.forEach((field, end) => field.show(landscape.ranges[which][end])),
    );
  }
}

// --- the table of values ------------------------------------------------------------------------

export class ValuesTable {
  constructor(app) {
    this.app = app;
    this.rows = new Map();
    this.body = byId("values-body");
    this.select = byId("shown-q");
    this.select.addEventListener("change", () => app.showQ(this.select.value));
  }

  draw() {
    this.drawChoice();
    const values = this.app.view?.values ?? [];
    const names = values.map((value) => value.name);
    if ([...this.rows.keys()].join() !== names.join()) this.rebuild(values);
    let hasUnitless = false;
    for (const value of values) {
      const { in_nats: inNats } = this.app.divergence(value.name);
      hasUnitless ||= !inNats;
      this.fill(this.rows.get(value.name), value, inNats);
    }
    byId("values-note").hidden = !hasUnitless;
  }

  rebuild(values) {
    this.rows = new Map(values.map(({ name, symbol }) => [name, this.row(name, symbol)]));
    this.body.replaceChildren(...[...this.rows.values()].map((row) => row.root));
  }

  row(name, symbol) {
    const cell = (kind) => element("td", { "data-test": `${kind}-${name}`, className: kind });
    const sample = element("span", { className: "sample" });
    const head = element(
      "th",
      { scope: "row" },
      sample,
      element("span", { textContent: symbol }),
      element("sup", { className: "unitless", textContent: "†", hidden: true }),
    );
    const row = {
      name,
      sample,
      head,
      value: element("span", { "data-test": `value-${name}` }),
      error: element("span", { className: "error", "data-test": `error-${name}` }),
      bracket: cell("bracket"),
    };
    row.root = element(
      "tr",
      {},
      head,
      element("td", { className: "value" }, row.value, row.error),
      row.bracket,
    );
    return row;
  }

  fill(row, { value, error, lower, upper }, inNats) {
    const style = this.app.style(row.name);
    if (row.sample.dataset.key !== style.color) {
      row.sample.dataset.key = style.color;
      row.sample.replaceChildren(swatch(style));
    }
    row.head.querySelector(".unitless").hidden = inNats;
    row.value.textContent = value === null ? "∞" : valueText(value, error);
    row.error.textContent =
      value === null || error === null || error === undefined ? "" : ` ± ${errorText(error)}`;
    row.bracket.textContent = bracketText(lower ?? null, upper ?? null, value);
  }

  drawChoice() {
    const options = [
      { id: "own", title: "your q" },
      ...this.app
        .shownFits()
        .filter((fit) => fit.gaussian)
        .map((fit) => ({ id: fit.id, title: `fit: ${fit.title}` })),
    ];
    const key = JSON.stringify(options);
    if (this.key !== key) {
      this.key = key;
      this.select.replaceChildren(
        ...options.map(({ id, title }) => element("option", { value: id, textContent: title })),
      );
    }
    this.select.value = this.app.shownId;
    this.select.disabled = options.length === 1;
  }
}

/** As many decimals as the error lets one believe, from two to six. */
function decimalsFor(error) {
  if (!(error > 0)) return 6;
  return clamp(Math.ceil(-Math.log10(error)), 2, 6);
}

/** Large numbers get fewer decimals, so that every row of the table is about as wide. */
function atMost(decimals, value) {
  const whole = Math.floor(Math.log10(Math.max(Math.abs(value), 1)));
  return Math.max(Math.min(decimals, 6 - (whole > 0 ? whole + 1 : 0)), 0);
}

function valueText(value, error) {
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-4)) return shortNumber(value, 4);
  return fixedNumber(value, atMost(decimalsFor(error), value));
}

function errorText(error) {
  if (error === 0) return "0";
  return signed(error.toExponential(0).replace("e+", "e"));
}

/** The bracket, rounded outwards: what is printed still holds for certain. */
function bracketText(lower, upper, value) {
  if (lower === null && upper === null) return "—";
  const width = lower !== null && upper !== null ? upper - lower : 0;
  const decimals = atMost(width > 0 ? clamp(Math.ceil(-Math.log10(width)) + 1, 2, 6) : 4, upper ?? lower);
  const scale = 10 ** decimals;
  const print = (bound, round) =>
    Math.abs(bound) >= 1e5 ? shortNumber(bound, 4) : fixedNumber(round(bound * scale) / scale, decimals);
  const low = lower === null ? "?" : print(lower, Math.floor);
  const high = upper === null ? (value === null ? "∞" : "?") : print(upper, Math.ceil);
  return `[${low}, ${high}]`;
}
