// Light or dark: as the system says until the person chooses.

import { byId, setText } from "./elements.js";

const KEY = "klfit-theme";

export class Theme {
  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    this.media = matchMedia("(prefers-color-scheme: dark)");
    this.button = byId("theme");
    this.media.addEventListener("change", () => this.apply());
    this.button.addEventListener("click", () => this.toggle());
    this.chosen = remembered();
    this.apply();
  }

  get isDark() {
    return this.chosen ? this.chosen === "dark" : this.media.matches;
  }

  toggle() {
    this.chosen = this.isDark ? "light" : "dark";
    try {
      localStorage.setItem(KEY, this.chosen);
    } catch {
      // A browser without storage forgets the choice, and that is all.
    }
    this.apply();
  }

  apply() {
    if (this.chosen) document.documentElement.dataset.theme = this.chosen;
    setText(this.button, this.isDark ? "Light" : "Dark");
    this.button.setAttribute("aria-label", this.isDark ? "Use light colours" : "Use dark colours");
    this.onChange();
  }
}

function remembered() {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null;
  }
}
