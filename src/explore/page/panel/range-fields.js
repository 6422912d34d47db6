// Two fields for the ends of a range.

/** @import { Range } from "../types.d.ts" */
import { element, setText } from "../view/elements.js";
import { NumberField } from "./number-field.js";

export class RangeFields {
  /**
   * @param {{ id: string, name: string, onInput(range: Range): string | null }} spec `onInput` returns why not
   */
  constructor({ id, name, onInput }) {
    /** @type {Range} */
    this.range = [0, 1];
    this.offer = onInput;
    this.label = element("span", { className: "range-label" });
    this.low = this.field(`${id}-from`, `${name}: from`, (value) => [value, this.high.value]);
    this.high = this.field(`${id}-to`, `${name}: to`, (value) => [this.low.value, value]);
    this.parts = [this.low.input, element("span", { textContent: "to" }), this.high.input];
    this.root = element("div", { className: "range" }, this.label, ...this.parts);
  }

  /** @param {string} id @param {string} name @param {(value: number) => Range} range */
  field(id, name, range) {
    return new NumberField({
      id,
      name,
      step: 0.5,
      onInput: (value) => {
        const next = range(value);
        return next[0] < next[1] ? this.offer(next) : "not below the other end";
      },
    });
  }

  /** @param {string} text */
  title(text) {
    setText(this.label, text);
  }

  /** @param {Range} range */
  show([low, high]) {
    this.low.show(low);
    this.high.show(high);
  }
}
