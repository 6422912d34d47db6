// A field for one number. What cannot be taken is marked and stays, with the reason, until it is mended.

import { fieldText, parsed, tidy } from "../model/numbers.js";
import { element } from "../view/elements.js";

/**
 * @typedef {{ id: string, name: string, step?: number, isInteger?: boolean, least?: number, most?: number,
 *             onInput(value: number): string | null }} FieldSpec `onInput` returns why a number cannot be taken
 */

export class NumberField {
  /** @param {FieldSpec} spec */
  constructor({ id, name, step = 0.1, isInteger = false, least = -1e6, most = 1e6, onInput }) {
    this.step = step;
    this.isInteger = isInteger;
    this.least = least;
    this.most = most;
    this.onInput = onInput;
    this.value = NaN;
    this.input = element("input", {
      type: "text",
      id,
      className: "number",
      inputMode: "decimal",
      autocomplete: "off",
      spellcheck: false,
      "aria-label": name,
      "data-test": id,
    });
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("blur", () => this.left());
    this.input.addEventListener("keydown", (event) => this.key(event));
  }

  get isBad() {
    return this.input.getAttribute("aria-invalid") === "true";
  }

  /** Why the text cannot be taken; null if it can. @param {number} value */
  problem(value) {
    if (!Number.isFinite(value)) return "not a number";
    if (this.isInteger && !Number.isInteger(value)) return "not a whole number";
    if (value < this.least) return `below ${fieldText(this.least)}`;
    if (value > this.most) return `above ${fieldText(this.most)}`;
    return null;
  }

  typed() {
    const value = parsed(this.input.value);
    this.mark(this.problem(value) ?? this.onInput(value));
  }

  /** @param {string | null} problem */
  mark(problem) {
    this.input.setAttribute("aria-invalid", String(problem !== null));
    this.input.title =
      problem === null ? "" : `This is ${problem}: Escape brings back ${fieldText(this.value)}.`;
  }

  left() {
    if (!this.isBad) this.input.value = fieldText(this.value);
  }

  /** Up and down go a step; Escape brings back the number in force. @param {KeyboardEvent} event */
  key(event) {
    const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (event.key === "Enter") this.input.select();
    if (event.key === "Escape" && this.isBad) {
      this.mark(null);
      this.input.value = fieldText(this.value);
      event.stopPropagation();
    }
    if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = tidy(this.value + by * this.step * (event.shiftKey ? 10 : 1));
    if (this.problem(next) === null) this.onInput(next);
  }

  /** @param {number} value */
  show(value) {
    if (Object.is(value, this.value) && (this.isBad || this.input === document.activeElement)) return;
    const isOther = !Object.is(value, this.value);
    this.value = value;
    // The number in force has moved on by other means: what was typed is no longer of interest.
    if (isOther && this.isBad) this.mark(null);
    const isBeingTyped = document.activeElement === this.input && parsed(this.input.value) === value;
    const text = fieldText(value);
    if (!isBeingTyped && this.input.value !== text) this.input.value = text;
  }
}
