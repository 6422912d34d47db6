// The path of optima from reverse KL to forward KL, and the place on it that is shown.

/** @import { AlphaStop, Jump, Reply, ShownAlpha, ShownFit, State, Style } from "../types.d.ts" */
import { componentOf } from "../model/mixture.js";
import { shortNumber } from "../model/numbers.js";
import { parameterOf } from "../model/parameters.js";
import { told } from "./told.js";

/** The path is asked for once nothing has changed for so many milliseconds. */
const REST = 200;
/** What the q on the path is called where one chooses whose q is shown. */
export const ALPHA_ID = "alpha";
/** @type {Style} */
const STYLE = { slot: "green", dash: [2, 2.5] };

export class AlphaPath {
  /** @param {{ request(message: object): Promise<Reply>, changed(): void }} session */
  constructor(session) {
    this.session = session;
    this.isOpen = false;
    /** What the path is of. @type {string} */
    this.key = "";
    /** @type {State | null} */
    this.state = null;
    /** @type {{ stops: AlphaStop[], jumps: Jump[], ms: number } | null} */
    this.path = null;
    /** @type {string | null} */
    this.problem = null;
    this.place = 0;
    this.isAsked = false;
    this.timer = 0;
    /** @type {{ inputs: unknown[], fits: ShownFit[] }} */
    this.kept = { inputs: [], fits: [] };
  }

  /** @param {boolean} isOpen */
  open(isOpen) {
    this.isOpen = isOpen;
    if (isOpen) this.plan(0);
  }

  /** What is on screen now: a path of something else is none. @param {State} state */
  follow(state) {
    this.state = state;
    const key = JSON.stringify([state.dim, state.target, state.q]);
    if (key === this.key) return;
    this.key = key;
    this.path = null;
    this.problem = null;
    if (this.isOpen) this.plan(REST);
  }

  /** @param {number} delay */
  plan(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), delay);
  }

  async ask() {
    const { state, key } = this;
    if (!this.isOpen || !state || this.path || this.problem || this.isAsked) return;
    this.isAsked = true;
    const reply = await this.session.request({ type: "morph", state, q: null });
    this.isAsked = false;
    if (key !== this.key) {
      this.plan(0);
      return;
    }
    if (reply.type === "morph") {
      this.path = reply;
      this.place = Math.min(this.place, reply.stops.length - 1);
    } else if (reply.type === "error") {
      this.problem = told(reply);
    }
    this.session.changed();
  }

  /** @param {number} place */
  move(place) {
    this.place = place;
  }

  /** As the panel draws it. @param {boolean} isShown @returns {ShownAlpha} */
  shown(isShown) {
    const { isOpen, path, problem, place } = this;
    return { isOpen, isShown, path, problem, place };
  }

  /**
   * The fits, and the q on the path as one more.
   * @param {ShownFit[]} fits @param {{ parameters: [string, string], component: number }} over
   */
  beside(fits, { parameters, component }) {
    const { path, place } = this;
    if (!this.isOpen || !path) return fits;
    const inputs = [fits, path, place, parameters.join(), component];
    if (inputs.every((input, i) => Object.is(input, this.kept.inputs[i]))) return this.kept.fits;
    const stop = path.stops[place];
    const at = (/** @type {AlphaStop} */ { q }) => componentOf(q, Math.min(component, q.weights.length - 1));
    /** @type {ShownFit} */
    const own = {
      id: ALPHA_ID,
      divergence: ALPHA_ID,
      title: `α = ${shortNumber(stop.alpha, 3)}`,
      style: STYLE,
      status: "done",
      message: null,
      mixture: stop.q,
      best: 0,
      runs: [
        {
          path: branchOf(path, place).map((one) => [parameterOf(at(one), parameters[0]), parameterOf(at(one), parameters[1])]),
          optimum: null,
          hasFailed: false,
        },
      ],
      trace: [],
      mark: null,
      value: stop.value,
      values: stop.values,
      covered: stop.covered,
      ends: [],
    };
    this.kept = { inputs, fits: [...fits, own] };
    return this.kept.fits;
  }
}

/** The stops between the same two jumps. @param {{ stops: AlphaStop[], jumps: Jump[] }} path @param {number} place */
function branchOf({ stops, jumps }, place) {
  const branch = (/** @type {AlphaStop} */ { alpha }) => jumps.filter(({ left }) => left < alpha).length;
  return stops.filter((stop) => branch(stop) === branch(stops[place]));
}
