// Which views are asked for, and when: one at a time, of the newest state.

/** @import { Mixture, State } from "../types.d.ts" */

/** Milliseconds without a change after which landscapes become fine. */
const REST = 150;
/** Between two coarse landscapes: densities and values go before them while something moves. */
const LANDSCAPE_EVERY = 60;

/**
 * What is to be seen. The key names everything a landscape depends on.
 * @typedef {{ state: State, q: Mixture | null, landscapeKey: string }} Wanted
 */

export class ViewRequests {
  /** @param {{ nextId(): number, send(message: object): boolean, describe(): Wanted }} session */
  constructor({ nextId, send, describe }) {
    this.nextId = nextId;
    this.send = send;
    this.describe = describe;
    this.rest = 0;
    this.settle = 0;
    this.restartedAt = -Infinity;
    this.landscapeAt = -Infinity;
    this.forget();
  }

  /** After a lost connection: nothing is under way, and nothing that was asked for is known. */
  forget() {
    clearTimeout(this.rest);
    clearTimeout(this.settle);
    /** Whether the last values are quick ones. */
    this.isQuick = false;
    this.isSettled = true;
    /** @type {number | null} */
    this.awaited = null;
    this.isStale = false;
    /** @type {string | null} */
    this.coarseKey = null;
    /** @type {string | null} */
    this.fineKey = null;
    /** @type {string | null} */
    this.restingKey = null;
    this.isRested = false;
  }

  changed() {
    this.isStale = true;
    this.isSettled = false;
    clearTimeout(this.settle);
    this.settle = setTimeout(() => {
      this.isSettled = true;
      this.isStale ||= this.isQuick;
      this.pump();
    }, REST);
    const { landscapeKey } = this.describe();
    // Rest is of what the landscapes show: they become fine even while q goes on moving over them.
    if (landscapeKey !== this.restingKey) this.restart(landscapeKey);
    this.pump();
  }

  /** @param {string} landscapeKey */
  restart(landscapeKey) {
    const now = performance.now();
    // A change that comes alone, as a lesson does or a target to begin with, has its fine landscapes at once where
    // they take no longer than a frame: on a line.
    this.isRested = this.describe().state.dim === 1 && now - this.restartedAt > REST;
    this.restartedAt = now;
    this.restingKey = landscapeKey;
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.isRested = true;
      this.pump();
    }, REST);
  }

  pump() {
    if (this.awaited !== null) return;
    const { state, q, landscapeKey } = this.describe();
    const isNew = landscapeKey !== this.coarseKey && landscapeKey !== this.fineKey;
    let landscape = "none";
    if (this.isRested && landscapeKey !== this.fineKey) landscape = "fine";
    else if (this.isStale && isNew && performance.now() - this.landscapeAt > LANDSCAPE_EVERY)
      landscape = "coarse";
    if (!this.isStale && landscape === "none") return;
    const id = this.nextId();
    // In the plane what is certain takes a third of a second: too long for what moves.
    const values = state.dim === 2 && !this.isSettled ? "quick" : "sure";
    if (!this.send({ type: "view", id, state, q, landscape, values })) return;
    this.awaited = id;
    this.isStale = false;
    this.isQuick = values === "quick";
    if (landscape === "fine") this.fineKey = landscapeKey;
    if (landscape === "coarse") [this.coarseKey, this.fineKey] = [landscapeKey, null];
    if (landscape !== "none") this.landscapeAt = performance.now();
  }

  /**
   * To be called with the id of every view and of every error; true if it was the awaited one.
   * @param {number | null} id
   */
  answered(id) {
    if (id === null || id !== this.awaited) return false;
    this.awaited = null;
    this.pump();
    return true;
  }
}
