// Words with a meaning that is shown on hover, on focus, and by a touch.

import { GLOSSARY } from "../model/glossary.js";
import { byId, element } from "../view/elements.js";

/** A word that explains itself. @param {string} word */
export function term(word) {
  return element("button", {
    type: "button",
    className: "term",
    textContent: word,
    "data-term": word,
    "aria-describedby": "tooltip",
  });
}

/** A text with its [[terms]]. @param {string} text @returns {(Node | string)[]} */
export function withTerms(text) {
  return text.split(/\[\[(.+?)\]\]/).map((part, i) => (i % 2 === 0 ? part : term(part)));
}

/** Shows the meaning of whatever term the pointer or the focus is on. */
export class Glossary {
  constructor() {
    this.tooltip = byId("tooltip");
    /** @type {Element | null} */
    this.shown = null;
    const over = (/** @type {Event} */ event) => this.show(termAt(event.target));
    document.addEventListener("pointerover", over);
    document.addEventListener("focusin", over);
    document.addEventListener("click", over);
    document.addEventListener("scroll", () => this.show(null), { capture: true, passive: true });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.hide();
    });
  }

  hide() {
    this.shown = null;
    this.tooltip.hidden = true;
  }

  /** @param {HTMLElement | null} place */
  show(place) {
    if (place === this.shown) return;
    // What is read about may be pointed at too.
    const focused = termAt(document.activeElement);
    this.shown = place ?? (focused?.matches(":focus-visible") ? focused : null);
    const meaning = this.shown instanceof HTMLElement ? GLOSSARY[this.shown.dataset.term ?? ""] : undefined;
    this.tooltip.hidden = meaning === undefined;
    if (!this.shown || meaning === undefined) return;
    this.tooltip.textContent = meaning;
    const box = this.shown.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.tooltip;
    const left = Math.min(Math.max(box.left + box.width / 2 - width / 2, 8), innerWidth - width - 8);
    // Above, so that what is read next stays in sight.
    const top = box.top - height - 6 >= 4 ? box.top - height - 6 : box.bottom + 6;
    this.tooltip.style.left = `${left}px`;
    this.tooltip.style.top = `${top}px`;
  }
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
function termAt(target) {
  const found = target instanceof Element ? target.closest("[data-term]") : null;
  return found instanceof HTMLElement ? found : null;
}
