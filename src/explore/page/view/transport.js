// Run, Pause, Step and Reset, undo and redo, the speed, and the words beside them.

/** @import { Actions, Part, Scene } from "../types.d.ts" */
import { buttonById, byId, inputById, setText } from "./elements.js";

/** @type {Record<string, string>} */
const STATUS_WORDS = { idle: "Ready", running: "Running", paused: "Paused", done: "Done" };
/** The speed is this to the power of the slider's place. */
const SPEED_BASE = 4;

/** @implements {Part} */
export class Transport {
  /** @param {Actions} actions */
  constructor(actions) {
    const button = (/** @type {string} */ id, /** @type {() => void} */ press) => {
      const made = buttonById(id);
      made.addEventListener("click", press);
      return made;
    };
    this.run = button("run", () => actions.run());
    this.pause = button("pause", () => actions.pauseOrResume());
    this.step = button("step", () => actions.step());
    this.reset = button("reset", () => actions.reset());
    this.undo = button("undo", () => actions.undo());
    this.redo = button("redo", () => actions.redo());
    this.speed = inputById("speed");
    this.speed.addEventListener("input", () => actions.setSpeed(SPEED_BASE ** Number(this.speed.value)));
    this.status = byId("status");
    this.count = byId("status-step");
    this.message = byId("message");
  }

  /** @param {Scene} scene */
  draw({ training, lesson, isConnected, messages, speed, canUndo, canRedo }) {
    const { status, step, planned, isStopped } = training;
    const isOn = status === "running" || status === "paused";
    // A lesson asks for a prediction first.
    const isAsked = lesson !== null && status === "idle";
    this.run.disabled = !isConnected || isAsked;
    this.step.disabled = !isConnected || isAsked;
    this.pause.disabled = !isConnected || !isOn;
    this.reset.disabled = status === "idle";
    this.undo.disabled = !canUndo;
    this.redo.disabled = !canRedo;
    setText(this.pause, status === "paused" ? "Resume" : "Pause");
    const place = String(Math.round(Math.log(speed) / Math.log(SPEED_BASE)));
    if (this.speed.value !== place) this.speed.value = place;
    const times = speed >= 1 ? `${speed} times as fast` : `${1 / speed} times slower`;
    this.speed.setAttribute("aria-valuetext", speed === 1 ? "as usual" : times);
    // The word alone is announced; the count changes too often to be read out.
    setText(this.status, isStopped ? "Stopped" : STATUS_WORDS[status]);
    setText(this.count, status === "idle" ? "" : `step ${step} of ${planned}`);
    const text = messages.join(" · ");
    setText(this.message, text);
    this.message.hidden = text === "";
  }
}
