// The state and its past: what Ctrl-Z goes back through.

/** @import { State } from "../types.d.ts" */
import { changed, isSame, sharing } from "../model/state.js";

const MOST_STEPS_BACK = 200;
/** Changes of one kind that follow each other within so many milliseconds are undone together. */
const TOGETHER = 800;

export class Store {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    /** @type {State[]} */
    this.past = [];
    /** @type {State[]} */
    this.future = [];
    this.lastTag = "";
    this.lastTime = -Infinity;
  }

  /**
   * Whether that changed anything.
   * @param {(state: State) => void} change @param {string} tag
   */
  edit(change, tag) {
    const next = changed(this.state, change);
    if (isSame(next, this.state)) return false;
    const now = performance.now();
    const isOneMore = tag !== "" && tag === this.lastTag && now - this.lastTime < TOGETHER;
    if (!isOneMore) this.past.push(this.state);
    if (this.past.length > MOST_STEPS_BACK) this.past.shift();
    this.future = [];
    [this.lastTag, this.lastTime] = [tag, now];
    this.state = next;
    return true;
  }

  /** What comes next is undone by itself. */
  close() {
    this.lastTag = "";
  }

  get canUndo() {
    return this.past.length > 0;
  }

  get canRedo() {
    return this.future.length > 0;
  }

  undo() {
    return this.go(this.past, this.future);
  }

  redo() {
    return this.go(this.future, this.past);
  }

  /** @param {State[]} from @param {State[]} to */
  go(from, to) {
    const next = from.pop();
    if (!next) return false;
    to.push(this.state);
    this.state = sharing(structuredClone(next), this.state);
    this.close();
    return true;
  }
}
