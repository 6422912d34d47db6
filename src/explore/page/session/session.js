// What passes between the page and the server, and what the page knows from it.

/** @import { Hello, Landscape, Mixture, Reply, Scene, ShownFit, State, View, Way } from "../types.d.ts" */
import { divergencesOf, isSame } from "../model/state.js";
import { ALPHA_ID, AlphaPath } from "./alpha.js";
import { Connection } from "./connection.js";
import { Draws } from "./draws.js";
import { Replay } from "./replay.js";
import { SceneMaker } from "./scene.js";
import { told } from "./told.js";
import { Training } from "./training.js";
import { ViewRequests } from "./views.js";

/** @typedef {Omit<Scene, "lesson" | "isMoving" | "canUndo" | "canRedo">} Known */

export class Session {
  /** @param {{ changed(): void, heard(message: Reply): void, lost(): void }} page */
  constructor(page) {
    this.page = page;
    /** @type {Hello | null} */
    this.hello = null;
    /** The state that is shown. @type {State | null} */
    this.state = null;
    /** @type {View | null} */
    this.view = null;
    /** @type {string | null} */
    this.viewProblem = null;
    /** @type {Landscape | null} */
    this.landscape = null;
    this.isFine = false;
    this.training = new Training();
    this.planned = 0;
    /** @type {Replay | null} */
    this.replay = null;
    this.shownId = "own";
    this.speed = 1;
    this.showsTotals = false;
    this.draws = new Draws({ request: (message) => this.request(message), changed: () => this.page.changed() });
    this.alpha = new AlphaPath({
      request: (message) => this.request(message),
      changed: () => {
        if (this.shownId === ALPHA_ID) this.views.changed();
        this.page.changed();
      },
    });
    this.lastId = 0;
    this.maker = new SceneMaker();
    /** Who waits for the answer to which request. @type {Map<number, (reply: Reply) => void>} */
    this.pending = new Map();
    this.connection = new Connection({
      onMessage: (message) => this.receive(message),
      onLost: () => this.lost(),
    });
    this.views = new ViewRequests({
      nextId: () => this.nextId(),
      send: (message) => this.hello !== null && this.connection.send({ ...message, totals: this.showsTotals }),
      describe: () => this.wanted(),
    });
  }

  open() {
    this.connection.open();
  }

  nextId() {
    this.lastId += 1;
    return this.lastId;
  }

  /** @param {object} message */
  send(message) {
    return this.connection.send(message);
  }

  /** Something that is answered. @param {object} message */
  ask(message) {
    this.send({ ...message, id: this.nextId() });
  }

  /** Something whose answer is for who asks alone. @param {object} message @returns {Promise<Reply>} */
  request(message) {
    const id = this.nextId();
    return new Promise((resolve) => {
      this.pending.set(id, resolve);
      if (!this.send({ ...message, id })) this.giveUp();
    });
  }

  /** Nothing that was asked for will be answered. */
  giveUp() {
    for (const [id, resolve] of this.pending)
      resolve({ type: "error", id, message: "The server has stopped.", help: null });
    this.pending.clear();
  }

  // --- messages ---

  /** @param {Reply} message */
  receive(message) {
    const asker = "id" in message && message.id !== null && this.pending.get(message.id);
    if (asker) {
      this.pending.delete(/** @type {number} */ (message.id));
      asker(message);
      return;
    }
    switch (message.type) {
      case "hello":
        this.greet(message);
        break;
      case "view":
        this.takeView(message);
        break;
      case "progress":
        this.training.take(message.fits);
        if (this.isFitShown()) this.views.changed();
        break;
      case "error":
        if (this.views.answered(message.id)) {
          this.viewProblem = told(message);
          this.page.changed();
          return;
        }
        break;
    }
    this.page.heard(message);
    this.page.changed();
  }

  /** @param {Hello} hello */
  greet(hello) {
    this.hello = hello;
    const { run } = hello;
    const hasSteps = run !== null && run.dim <= 2 && run.fits.some((fit) => fit.steps.length > 0);
    this.replay = run && hasSteps ? new Replay(run) : null;
    this.views.forget();
  }

  /** @param {View} view */
  takeView(view) {
    if (!this.views.answered(view.id)) return;
    const isOfThisDim = Boolean(view.densities.y) === (this.state?.dim === 2);
    if (!isOfThisDim) return;
    this.view = view;
    this.viewProblem = null;
    if (!view.landscape) return;
    this.landscape = view.landscape;
    this.isFine = view.landscape.columns.length > COARSEST;
  }

  lost() {
    this.giveUp();
    this.views.forget();
    this.training.lost();
    this.page.lost();
  }

  // --- what is shown ---

  /**
   * A state to show; fits of another target, dimension or q's family are no longer of it.
   * @param {State} state
   */
  show(state) {
    const old = this.state;
    this.state = state;
    if (old && old.dim !== state.dim) {
      this.view = null;
      this.landscape = null;
    }
    if (old && !isSame([old.dim, old.target], [state.dim, state.target])) this.dropFits();
    this.alpha.follow(state);
    this.views.changed();
  }

  isFitShown() {
    return this.shownId !== "own" && this.shownMixture() !== null;
  }

  /** Of the fit that is shown, if there is one. @returns {Mixture | null} */
  shownMixture() {
    if (this.shownId === "own" || !this.state) return null;
    return this.fits(this.state).find((fit) => fit.id === this.shownId)?.mixture ?? null;
  }

  /** @returns {Mixture} */
  shownQ() {
    const own = /** @type {State} */ (this.state).q;
    return this.shownMixture() ?? own;
  }

  /** As requests have it: none for the state's own. */
  fitQ() {
    return this.shownMixture();
  }

  wanted() {
    const state = /** @type {State} */ (this.state);
    const shown = this.shownQ();
    const { landscape, dim } = state;
    // A landscape is a section through the present q: its other parameters matter too.
    const rest = dim === 1 && shown.weights.length === 1 ? null : otherParameters(shown, landscape);
    const key = [dim, state.target, landscape, divergencesOf(state), rest, state.q.weights.length];
    return { state, q: this.fitQ(), landscapeKey: JSON.stringify(key) };
  }

  /** @param {State} state */
  fits(state) {
    const { hello, landscape, training, replay } = this;
    const fits = hello ? this.maker.fits({ hello, state, landscape, training, replay }) : [];
    return this.alpha.beside(fits, landscape ?? state.landscape);
  }

  /** The fits as they are now, and the ways of their best runs. @param {State} state @returns {{ fits: ShownFit[], ways: Way[] }} */
  recorded(state) {
    const { hello, landscape, training, replay } = this;
    if (!hello) return { fits: [], ways: [] };
    const isReplay = training.status === "idle" && replay !== null && replay.run.dim === state.dim;
    // A run that was opened is recorded to its end, wherever its scrubber is.
    const whole = isReplay ? new Replay(replay.run) : null;
    const fits = new SceneMaker().fits({ hello, state, landscape, training, replay: whole });
    return { fits, ways: fits.map(({ id }) => whole?.way(id) ?? training.way(id)) };
  }

  /** @param {State} state @returns {Known | null} */
  scene(state) {
    const { hello, training, replay } = this;
    if (!hello) return null;
    this.draws.follow(state, this.fitQ());
    const isReplayShown = replay !== null && replay.run.dim === state.dim;
    const fits = this.fits(state);
    const shown = fits.find((fit) => fit.id === this.shownId);
    const troubles = [
      ...fits.map(({ title, message }) => ({ title, message })),
      // One that could not begin has no q to show.
      ...training.list.filter((fit) => !fit.q).map(({ id, message }) => ({ title: id, message })),
    ]
      .filter(({ message }) => message)
      .map(({ title, message }) => `${title}: ${message}`);
    const planned = training.status !== "idle" ? this.planned : state.optimizer.steps;
    return {
      hello,
      state,
      q: shown?.mixture ?? state.q,
      shownId: shown ? this.shownId : "own",
      view: this.view,
      landscape: this.landscape,
      isFine: this.isFine,
      fits,
      fitStyles: this.maker.fitStyles(hello, state.fits),
      styles: this.maker.styles(hello),
      training: {
        status: training.status,
        step: training.step,
        planned: isReplayShown && training.status === "idle" ? (replay.steps.at(-1) ?? 0) : planned,
        isStopped: training.list.some((fit) => fit.status === "stopped"),
      },
      replay: replay && {
        name: replay.run.name,
        step: replay.step,
        index: replay.index,
        steps: replay.steps,
        target: replay.run.target,
      },
      isReplayShown,
      draws: this.draws.shown(),
      alpha: this.alpha.shown(this.shownId === ALPHA_ID),
      showsTotals: this.showsTotals,
      isConnected: this.connection.isOpen,
      messages: [...(this.viewProblem ? [this.viewProblem] : []), ...troubles],
      answerMs: this.view?.ms ?? null,
      speed: this.speed,
    };
  }

  // --- training ---

  run(isPaused = false) {
    const state = /** @type {State} */ (this.state);
    // The values follow what runs: the fit they followed before, or the last one.
    const wanted = state.fits.find((fit) => fit.id === this.shownId) ?? state.fits.at(-1);
    this.training.clear();
    this.shownId = wanted?.id ?? "own";
    this.planned = state.optimizer.steps;
    this.ask({ type: "run", state, paused: isPaused, speed: this.speed });
    // Until there is news of the fit, and where there never is, what is shown is q.
    this.views.changed();
  }

  pauseOrResume() {
    this.send({ type: this.training.status === "paused" ? "resume" : "pause" });
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.speed = speed;
    this.send({ type: "speed", speed });
  }

  /** @param {boolean} isOpen */
  openAlpha(isOpen) {
    this.alpha.open(isOpen);
    if (isOpen || this.shownId !== ALPHA_ID) return;
    this.shownId = "own";
    this.views.changed();
  }

  /** @param {number} place */
  moveAlpha(place) {
    this.alpha.move(place);
    this.shownId = ALPHA_ID;
    this.views.changed();
  }

  /** @param {boolean} isOn */
  showTotals(isOn) {
    this.showsTotals = isOn;
    this.views.changed();
  }

  /** @param {number} index */
  scrub(index) {
    if (!this.replay) return;
    this.replay.index = index;
    if (this.isFitShown()) this.views.changed();
  }

  /** Ends what trains and forgets it. */
  dropFits() {
    if (this.training.status === "idle") return;
    this.send({ type: "stop" });
    this.training.clear();
    if (this.shownId === "own") return;
    this.shownId = "own";
    this.views.changed();
  }
}

/** A landscape of no more columns than this was made while something moved. */
const COARSEST = 40;

/**
 * What a landscape is a section at: all that is on neither axis.
 * @param {Mixture} q @param {State["landscape"]} landscape
 */
function otherParameters(q, { component, parameters }) {
  const k = Math.min(component, q.weights.length - 1);
  const copy = structuredClone(q);
  for (const name of parameters) {
    const at = name.endsWith("2") ? 1 : 0;
    if (name === "correlation") copy.correlations[k] = 0;
    else (name.startsWith("std") ? copy.stds : copy.means)[k][at] = 0;
  }
  return copy;
}
