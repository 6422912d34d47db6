// Drag handles over a canvas: real elements, so that the keyboard and screen readers reach them.
// The pointer takes the nearest handle, since handles of one density often lie close together.

/** @import { Handle } from "../types.d.ts" */

/** @type {Record<string, number>} */
const REACH = { mouse: 16, pen: 20, touch: 30 };
/** @type {Record<string, [number, number]>} */
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, 1],
  ArrowDown: [0, -1],
  PageUp: [0, 10],
  PageDown: [0, -10],
};

export class HandleLayer {
  /**
   * `refresh()` brings the items up to date with what they show.
   * `onEmpty(px, py)`, if given, is asked when a mouse is pressed where no handle is, and returns the
   * key of the handle to take along, or null. `onHold(isHeld)` hears of every drag.
   * @param {HTMLElement} container
   * @param {{ refresh(): void, onHold(isHeld: boolean): void,
   *           onEmpty?: ((px: number, py: number) => string | null) | null }} handlers
   */
  constructor(container, { refresh, onHold, onEmpty = null }) {
    this.container = container;
    this.refresh = refresh;
    this.onHold = onHold;
    this.onEmpty = onEmpty;
    /** @type {Map<string, HTMLElement>} */
    this.elements = new Map();
    /** @type {Handle[]} */
    this.items = [];
    /** @type {{ key: string, offset: [number, number], pointer: number } | null} */
    this.active = null;
    this.readout = document.createElement("output");
    this.readout.className = "readout";
    this.readout.hidden = true;
    this.readout.setAttribute("aria-hidden", "true");
    this.readoutLength = 0;
    this.readoutWidth = 0;
    this.room = 0;
    container.append(this.readout);
    container.addEventListener("pointerdown", (event) => this.begin(event));
    container.addEventListener("pointermove", (event) => this.move(event));
    container.addEventListener("pointerup", (event) => this.end(event));
    container.addEventListener("pointercancel", (event) => this.end(event));
  }

  get isDragging() {
    return this.active !== null;
  }

  /** @param {Handle[]} items */
  update(items) {
    this.items = items;
    const keys = new Set(items.map((item) => item.key));
    for (const [key, element] of this.elements) {
      if (keys.has(key)) continue;
      element.remove();
      this.elements.delete(key);
    }
    items.forEach((item) => this.place(item));
    this.showReadout();
  }

  /** @param {Handle} item */
  place(item) {
    let element = this.elements.get(item.key);
    if (!element) {
      element = this.made(item);
      this.elements.set(item.key, element);
      this.container.append(element);
    }
    const place = `translate(${item.x.toFixed(2)}px, ${item.y.toFixed(2)}px)`;
    if (element.dataset.place !== place) {
      element.dataset.place = place;
      element.style.transform = place;
    }
    if (element.hidden !== Boolean(item.hidden)) element.hidden = Boolean(item.hidden);
    element.classList.toggle("small", Boolean(item.small));
    const wanted = {
      "aria-label": item.label,
      "aria-valuenow": item.value,
      "aria-valuemin": item.low,
      "aria-valuemax": item.high,
      "aria-valuetext": item.text,
    };
    for (const [name, value] of Object.entries(wanted)) {
      const text = typeof value === "number" ? String(Number(value.toPrecision(6))) : value;
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }

  /** @param {Handle} item */
  made(item) {
    const element = document.createElement("div");
    element.className = `handle ${item.kind} tone-${item.tone}`;
    element.tabIndex = 0;
    element.setAttribute("role", "slider");
    element.dataset.test = `handle-${item.key}`;
    element.addEventListener("keydown", (event) => this.key(event, item.key));
    element.addEventListener("focus", () => this.showReadout());
    element.addEventListener("blur", () => this.showReadout());
    return element;
  }

  /** @param {string | null} key */
  item(key) {
    return this.items.find((item) => item.key === key);
  }

  /** @param {number} px @param {number} py @param {string} kind */
  nearest(px, py, kind) {
    const reach = REACH[kind] ?? REACH.mouse;
    /** @type {Handle | null} */
    let best = null;
    let least = reach;
    for (const item of this.items) {
      if (item.hidden) continue;
      // Later items lie on top: they win ties.
      const distance = Math.hypot(item.x - px, item.y - py);
      if (distance <= least) [best, least] = [item, distance];
    }
    return best;
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  at(event) {
    const box = this.container.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (event.button !== 0 || this.active) return;
    const [px, py] = this.at(event);
    let item = this.nearest(px, py, event.pointerType) ?? undefined;
    /** @type {[number, number]} */
    let offset = [0, 0];
    if (item) offset = [item.x - px, item.y - py];
    else if (this.onEmpty && event.pointerType === "mouse") item = this.item(this.onEmpty(px, py));
    if (!item) return;
    event.preventDefault();
    this.container.setPointerCapture(event.pointerId);
    this.active = { key: item.key, offset, pointer: event.pointerId };
    this.elements.get(item.key)?.focus({ preventScroll: true });
    this.container.classList.add("dragging");
    item.hold?.(true);
    this.onHold(true);
    if (offset[0] === 0 && offset[1] === 0) item.drag(px, py);
    this.showReadout();
  }

  /** @param {PointerEvent} event */
  move(event) {
    const [px, py] = this.at(event);
    if (!this.active) {
      this.container.classList.toggle("near", this.nearest(px, py, event.pointerType) !== null);
      return;
    }
    if (event.pointerId !== this.active.pointer) return;
    const [dx, dy] = this.active.offset;
    this.item(this.active.key)?.drag(px + dx, py + dy);
  }

  /** @param {PointerEvent} event */
  end(event) {
    if (!this.active || event.pointerId !== this.active.pointer) return;
    const item = this.item(this.active.key);
    this.active = null;
    this.container.classList.remove("dragging");
    item?.hold?.(false);
    this.onHold(false);
    this.showReadout();
  }

  /** @param {KeyboardEvent} event @param {string} key */
  key(event, key) {
    const arrow = ARROWS[event.key];
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const times = event.shiftKey ? 10 : 1;
    // A key may come again before the next drawing, and must go on from where the last one led.
    this.refresh();
    this.item(key)?.nudge(arrow[0] * times, arrow[1] * times);
  }

  showReadout() {
    const focused = this.container.contains(document.activeElement) ? document.activeElement : null;
    const key =
      this.active?.key ??
      [...this.elements].find(([, element]) => element === focused && element.matches(":focus-visible"))?.[0];
    const item = key ? this.item(key) : undefined;
    const isHidden = !item || Boolean(item.hidden);
    if (this.readout.hidden !== isHidden) {
      this.readout.hidden = isHidden;
      this.readoutLength = 0;
    }
    if (!item || item.hidden) return;
    const { text } = item;
    // To measure is to lay out the page anew: only a text of another length is of another width.
    if (text.length !== this.readoutLength || this.readout.textContent === "") {
      this.readout.textContent = text;
      this.readoutLength = text.length;
      this.readoutWidth = this.readout.offsetWidth;
      this.room = this.container.clientWidth;
    } else if (this.readout.textContent !== text) this.readout.textContent = text;
    const width = this.readoutWidth;
    const left = Math.min(Math.max(item.x - width / 2, 2), this.room - width - 2);
    const top = item.y > 44 ? item.y - 38 : item.y + 16;
    this.readout.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px)`;
  }
}
