// Draws of the q that is shown, as the server makes them: asked for once nothing has moved for a moment.

/** @import { DrawnRule, Mixture, Reply, ShownDraws, State } from "../types.d.ts" */
import { told } from "./told.js";

const REST = 150;

export class Draws {
  /** @param {{ request(message: object): Promise<Reply>, changed(): void }} session */
  constructor(session) {
    this.session = session;
    this.isOpen = false;
    this.count = 16;
    this.set = 0;
    this.key = "";
    /** @type {{ state: State, q: Mixture | null } | null} */
    this.of = null;
    /** @type {{ x: number[], rules: DrawnRule[], exact: [number, number] } | null} */
    this.drawn = null;
    /** @type {string | null} */
    this.problem = null;
    this.isAsked = false;
    this.timer = 0;
  }

  /** @param {boolean} isOpen */
  open(isOpen) {
    this.isOpen = isOpen;
    if (isOpen) this.plan(0);
  }

  /** What is on screen now. @param {State} state @param {Mixture | null} q */
  follow(state, q) {
    this.of = { state, q };
    if (this.isOpen && this.wanted() !== this.key) this.plan(REST);
  }

  /** @param {number} count */
  setCount(count) {
    this.count = count;
    this.plan(0);
  }

  /** Others of the same q. */
  again() {
    this.set += 1;
    this.plan(0);
  }

  /** What draws are of, as one text. */
  wanted() {
    if (!this.of) return "";
    const { state, q } = this.of;
    return JSON.stringify([state.dim, state.target, q ?? state.q, this.count, this.set]);
  }

  /** @param {number} delay */
  plan(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), delay);
  }

  async ask() {
    const { of, count, set } = this;
    const key = this.wanted();
    if (!this.isOpen || !of || this.isAsked || key === this.key) return;
    this.key = key;
    this.isAsked = true;
    const reply = await this.session.request({ type: "draws", ...of, count, set });
    this.isAsked = false;
    if (reply.type === "draws") [this.drawn, this.problem] = [reply, null];
    else if (reply.type === "error")
      [this.drawn, this.problem] = [null, told(reply)];
    this.session.changed();
    if (this.wanted() !== key) this.plan(0);
  }

  /** @returns {ShownDraws} */
  shown() {
    const { isOpen, count, drawn, problem } = this;
    return { isOpen, count, drawn, problem };
  }
}
