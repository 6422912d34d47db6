// A label, a slider and a field that show one number.

import { clamp, shortNumber } from "../model/numbers.js";
import { element } from "../view/elements.js";
import { NumberField } from "./number-field.js";

const SLIDER_STEPS = 1000;

/**
 * @typedef {{ id: string, label: string, name: string, step: number, isLog?: boolean, isInteger?: boolean,
 *             least?: number, most?: number, onInput(value: number): void }} RowSpec `least` and `most` bound what
 *             may be typed; `show` says how far the slider goes
 */

export class NumberRow {
  /** @param {RowSpec} spec */
  constructor({ id, label, name, step, isLog = false, isInteger = false, least, most, onInput }) {
    this.isLog = isLog;
    this.isInteger = isInteger;
    this.onInput = onInput;
    this.low = 0;
    this.high = 1;
    this.field = new NumberField({
      id,
      name,
      step,
      isInteger,
      least,
      most,
      onInput: (value) => {
        onInput(value);
        return null;
      },
    });
    this.slider = element("input", {
      type: "range",
      id: `${id}-slider`,
      min: "0",
      max: String(SLIDER_STEPS),
      "aria-label": name,
    });
    this.root = element(
      "div",
      { className: "row" },
      element("label", { for: id, textContent: label }),
      this.slider,
      this.field.input,
    );
    this.slider.addEventListener("input", () => this.offer());
    this.slider.addEventListener("keydown", (event) => this.nudge(event));
  }

  /** @param {number} place */
  valueAt(place) {
    const part = place / SLIDER_STEPS;
    const value = this.isLog
      ? this.low * (this.high / this.low) ** part
      : this.low + part * (this.high - this.low);
    return this.isInteger ? Math.round(value) : Number(value.toPrecision(this.isLog ? 2 : 3));
  }

  offer() {
    this.onInput(clamp(this.valueAt(Number(this.slider.value)), this.field.least, this.field.most));
  }

  /**
   * An arrow key goes to the next number: several places of the slider can round to the same one.
   * @param {KeyboardEvent} event
   */
  nudge(event) {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    let place = Number(this.slider.value);
    const before = this.valueAt(place);
    while (this.valueAt(place) === before && place >= 0 && place <= SLIDER_STEPS) place += by;
    this.slider.value = String(place);
    if (this.valueAt(Number(this.slider.value)) !== before) this.offer();
  }

  /** @param {number} value @param {number} low @param {number} high */
  show(value, low, high) {
    this.low = low;
    this.high = high;
    const part = this.isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    const place = String(Math.round(clamp(part, 0, 1) * SLIDER_STEPS));
    if (this.slider.value !== place) this.slider.value = place;
    const text = shortNumber(value);
    if (this.slider.getAttribute("aria-valuetext") !== text) this.slider.setAttribute("aria-valuetext", text);
    this.field.show(value);
  }
}
