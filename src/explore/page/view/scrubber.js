// The trajectory of an opened run: a slider through its steps, and Play.

/** @import { Actions, Part, Scene } from "../types.d.ts" */
import { isSameMixture } from "../model/mixture.js";
import { buttonById, byId, inputById, setText } from "./elements.js";

const PLAY_SECONDS = 6;
/** Between two pictures for who prefers less motion, in milliseconds. */
const CALM = 500;

/** @implements {Part} */
export class Scrubber {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.root = byId("replay");
    this.range = inputById("scrubber");
    this.play = buttonById("play");
    this.range.addEventListener("input", () => actions.scrub(Number(this.range.value)));
    this.play.addEventListener("click", () => this.toggle());
    this.isPlaying = false;
    this.begun = 0;
    this.from = 0;
    /** @type {Scene["replay"]} */
    this.replay = null;
  }

  toggle() {
    this.isPlaying = !this.isPlaying;
    if (!this.isPlaying || !this.replay) {
      this.actions.redraw();
      return;
    }
    const { index, steps } = this.replay;
    this.from = index >= steps.length - 1 ? 0 : index;
    this.begun = performance.now();
    this.tick();
  }

  tick() {
    if (!this.isPlaying || !this.replay) return;
    const last = this.replay.steps.length - 1;
    const part = (performance.now() - this.begun) / (PLAY_SECONDS * 1000);
    const index = Math.min(this.from + Math.floor(part * last), last);
    this.isPlaying = index < last;
    this.actions.scrub(index);
    if (!this.isPlaying) return;
    // Who prefers less motion sees two pictures a second instead of a film.
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) setTimeout(() => this.tick(), CALM);
    else requestAnimationFrame(() => this.tick());
  }

  /** @param {Scene} scene */
  draw({ replay, isReplayShown, training, state }) {
    this.replay = replay;
    this.root.hidden = !isReplayShown;
    if (!replay || !isReplayShown) {
      this.isPlaying = false;
      return;
    }
    const isHidden = training.status !== "idle";
    this.range.max = String(replay.steps.length - 1);
    this.range.value = String(replay.index);
    this.range.disabled = isHidden;
    this.play.disabled = isHidden;
    this.range.setAttribute("aria-valuetext", `step ${replay.step}`);
    setText(this.play, this.isPlaying ? "Stop" : "Play");
    setText(byId("replay-name"), replay.name && `Run “${replay.name}”`);
    setText(byId("replay-step"), `step ${replay.step} of ${replay.steps.at(-1)}`);
    const other = isSameMixture(replay.target, state.target) ? "" : "It was fitted to another target.";
    setText(byId("replay-note"), isHidden ? "Reset to come back to it." : other);
  }
}
