// A readout of the densities and integrands at one place of the line: under the pointer, or moved by the keyboard.

/** @import { Densities, Frame, Scale } from "../types.d.ts" */
import { clamp, shortNumber } from "../model/numbers.js";
import { element } from "./elements.js";

/** What is read from: the scale of x, the frames of both plots, and the view's own numbers. */
/** @typedef {{ x: Scale, upper: Frame, lower: Frame, densities: Densities }} Plotted */

/** Parts of the axis that an arrow key moves by. */
const STEPS = 200;
/** @type {Record<string, number>} */
const KEYS = { ArrowLeft: -1, ArrowRight: 1, PageDown: -20, PageUp: 20 };

export class Probe {
  /** @param {HTMLElement} container */
  constructor(container) {
    this.container = container;
    /** @type {Plotted | null} */
    this.plotted = null;
    /** Where the keyboard has put it; none before. @type {number | null} */
    this.kept = null;
    /** Where the pointer is. @type {number | null} */
    this.hovered = null;
    this.line = element("div", {
      className: "probe",
      role: "slider",
      tabIndex: 0,
      "aria-label": "readout at x",
      "data-test": "probe",
    });
    this.rows = element("dl", { className: "probe-rows", "aria-hidden": "true", hidden: true, "data-test": "probe-rows" });
    container.append(this.line, this.rows);
    container.addEventListener("pointermove", (event) => this.hover(event));
    container.addEventListener("pointerleave", () => this.hoverAt(null));
    this.line.addEventListener("keydown", (event) => this.key(event));
    for (const type of ["focus", "blur"]) this.line.addEventListener(type, () => this.show());
  }

  /** @param {Plotted | null} plotted */
  update(plotted) {
    this.plotted = plotted;
    this.show();
  }

  /** @param {PointerEvent} event */
  hover(event) {
    const box = this.container.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    const { plotted, container } = this;
    const isInside =
      plotted && px >= plotted.upper.left && px <= plotted.upper.right && py >= plotted.upper.top && py <= plotted.lower.bottom;
    // What is dragged has a readout of its own.
    const isFree = !container.classList.contains("dragging") && !container.classList.contains("near");
    this.hoverAt(isInside && isFree && event.pointerType !== "touch" ? plotted.x.invert(px) : null);
  }

  /** @param {number | null} at */
  hoverAt(at) {
    if (at === this.hovered) return;
    this.hovered = at;
    this.show();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { plotted } = this;
    if (!plotted || !(event.key in KEYS)) return;
    event.preventDefault();
    const { low, high } = plotted.x;
    const step = ((high - low) / STEPS) * KEYS[event.key] * (event.shiftKey ? 10 : 1);
    this.kept = clamp(this.place() + step, low, high);
    this.show();
  }

  /** Where it is by the keyboard. */
  place() {
    if (!this.plotted) return 0;
    const { low, high } = this.plotted.x;
    return clamp(this.kept ?? (low + high) / 2, low, high);
  }

  show() {
    const { plotted, line, rows } = this;
    line.hidden = plotted === null;
    const isFocused = document.activeElement === line;
    rows.hidden = plotted === null || (this.hovered === null && !isFocused);
    if (!plotted) return;
    const { x, upper, lower, densities } = plotted;
    const i = nearest(densities.x, this.hovered ?? this.place());
    const at = densities.x[i];
    const read = readings(densities, i);
    line.classList.toggle("on", !rows.hidden);
    line.style.transform = `translate(${x(at).toFixed(1)}px, ${upper.top}px)`;
    line.style.height = `${lower.bottom - upper.top}px`;
    const own = nearest(densities.x, this.place());
    const wanted = {
      "aria-valuemin": String(x.low),
      "aria-valuemax": String(x.high),
      "aria-valuenow": String(Number(densities.x[own].toPrecision(6))),
      "aria-valuetext": readings(densities, own)
        .map(([name, value]) => `${name} ${value}`)
        .join(", "),
    };
    for (const [name, value] of Object.entries(wanted)) if (line.getAttribute(name) !== value) line.setAttribute(name, value);
    if (rows.hidden) return;
    rows.replaceChildren(
      ...read.flatMap(([name, value]) => [element("dt", { textContent: name }), element("dd", { textContent: value })]),
    );
    const isLeft = x(at) > (upper.left + upper.right) / 2;
    const left = isLeft ? x(at) - rows.offsetWidth - 8 : x(at) + 8;
    rows.style.transform = `translate(${left.toFixed(1)}px, ${upper.top}px)`;
  }
}

/** What there is to read at a point. @param {Densities} densities @param {number} i @returns {[string, string][]} */
function readings({ x, p, q, integrands }, i) {
  const [a, b] = [p[i], q[i]];
  const ratio = a > 0 && b > 0 ? shortNumber(Math.log(a) - Math.log(b), 3) : "—";
  const of = (/** @type {string} */ name) => {
    const value = integrands?.find((curve) => curve.name === name)?.values[i];
    return value === undefined || value === null ? "—" : shortNumber(value, 3);
  };
  return [
    ["x", shortNumber(x[i], 4)],
    ["p", shortNumber(a, 3)],
    ["q", shortNumber(b, 3)],
    ["log p/q", ratio],
    ["p log(p/q)", of("forward-kl")],
    ["q log(q/p)", of("reverse-kl")],
  ];
}

/** Of evenly spaced places the nearest. @param {number[]} xs @param {number} at */
function nearest(xs, at) {
  const step = (xs[xs.length - 1] - xs[0]) / (xs.length - 1);
  return clamp(Math.round((at - xs[0]) / step), 0, xs.length - 1);
}
