// klfit explore: the page. It keeps the state, asks the server for views, and has the parts draw what is known.
// All mathematics happens in the server.

/** @import { Actions, Hello, Part, Preset, Reply, Scene, State } from "./types.d.ts" */
/** @import { Lesson } from "./model/lessons.js" */
import { currentPalette } from "./draw/palette.js";
import { encodedState, stateOfLink } from "./model/link.js";
import { lessonOfLink } from "./model/lessons.js";
import { applyPreset } from "./model/presets.js";
import { freshState, isSame } from "./model/state.js";
import { shownIn } from "./saved/figure.js";
import { record, savedPage } from "./saved/recording.js";
import { Session } from "./session/session.js";
import { Store } from "./session/store.js";
import { told } from "./session/told.js";
import { pageParts } from "./parts.js";
import { byId, download, inputById, bytesOf } from "./view/elements.js";
import { listenToKeys } from "./view/keys.js";
import { Theme } from "./view/theme.js";

const LINK_DELAY = 300;
/** A passing word stays this long, in milliseconds. */
const NOTICE = 8000;
/** Between two pictures for who prefers less motion. */
const CALM = 500;

/** @implements {Actions} */
class App {
  constructor() {
    /** @type {Store | null} */
    this.store = null;
    this.session = new Session({
      changed: () => this.render(),
      heard: (message) => this.hear(message),
      lost: () => this.lost(),
    });
    /** The states of the dimensions that are not shown, for the way back. @type {Record<number, State>} */
    this.kept = {};
    /** The lesson that is on. @type {Lesson | null} */
    this.lesson = null;
    this.palette = currentPalette();
    /** @type {string | null} */
    this.notice = null;
    this.noticeTimer = 0;
    this.linkTimer = 0;
    this.moveTimer = 0;
    this.isHeld = false;
    this.isMoving = false;
    this.isDrawn = true;
    this.drawnAt = -Infinity;
    /** @type {Part[]} */
    this.parts = pageParts(this);
    new Theme(() => this.restyle());
    listenToKeys(this);
    this.listen();
  }

  start() {
    this.session.open();
  }

  listen() {
    byId("reconnect").addEventListener("click", () => this.session.connection.reconnect());
    for (const dim of [1, 2]) inputById(`dim-${dim}`).addEventListener("change", () => this.setDim(dim));
    window.addEventListener("hashchange", () => this.adoptLink());
    const observer = new ResizeObserver(() => this.render());
    for (const id of ["density-plot", "maps", "convergence"]) observer.observe(byId(id));
  }

  // --- what the server says that is not the session's alone ---

  /** @param {Reply} message */
  hear(message) {
    switch (message.type) {
      case "hello":
        this.greet(message);
        break;
      case "config":
        download(message.name, "application/toml", message.toml);
        break;
      case "figure":
        download(message.name, message.mime, bytesOf(message.data));
        break;
      case "error":
        this.say(told(message));
        break;
    }
  }

  lost() {
    byId("banner").hidden = false;
    this.render();
  }

  /** @param {Hello} hello */
  greet(hello) {
    byId("banner").hidden = true;
    byId("version").textContent = `klfit ${hello.version}`;
    if (!this.store) {
      const { state, problem } = stateOfLink(location.hash, hello);
      this.store = new Store(state ?? lessonOfLink(location.hash)?.state ?? hello.state);
      document.body.classList.remove("waiting");
      if (problem) this.say(problem);
    }
    // Not `changed`: only what a person does belongs in the link.
    this.session.show(this.store.state);
    this.render();
  }

  // --- the state ---

  get state() {
    if (!this.store) throw new Error("the server has not said anything yet");
    return this.store.state;
  }

  /** @param {(state: State) => void} change */
  edit(change, tag = "") {
    if (!this.store?.edit(change, tag)) return;
    this.move();
    this.changed();
  }

  /** @param {Parameters<Actions["editQ"]>[0]} change */
  editQ(change, tag = "") {
    const shown = this.session.shownQ();
    this.session.shownId = "own";
    this.edit((state) => {
      state.q = structuredClone(shown);
      change(state.q, state);
    }, tag);
  }

  undo() {
    if (this.store?.undo()) this.changed();
  }

  redo() {
    if (this.store?.redo()) this.changed();
  }

  /** @param {State} state */
  adopt(state) {
    if (!this.store) return;
    this.store.close();
    this.store.edit((next) => Object.assign(next, structuredClone(state)), "");
    this.session.shownId = "own";
    this.changed();
  }

  /** @param {Preset} preset */
  choose(preset) {
    this.session.dropFits();
    this.session.shownId = "own";
    this.edit((state) => applyPreset(state, preset));
  }

  /** @param {Lesson | null} lesson */
  beginLesson(lesson) {
    this.lesson = lesson;
    if (!this.store) return;
    this.session.dropFits();
    if (lesson) this.adopt(lesson.state);
    // The address stays the lesson's until something is changed.
    clearTimeout(this.linkTimer);
    if (lesson) history.replaceState(null, "", `#${lesson.id}`);
    else this.writeLink();
    this.render();
  }

  finishLessons() {
    const { hello } = this.session;
    this.beginLesson(null);
    if (hello) this.adopt(hello.state);
  }

  /** @param {number} dim */
  setDim(dim) {
    if (dim === this.state.dim) return;
    this.kept[this.state.dim] = this.state;
    this.adopt(this.kept[dim] ?? freshState(dim, this.state));
  }

  changed() {
    const { dim, target } = this.state;
    // With another target there is no lesson left.
    if (this.lesson && !isSame([dim, target], [this.lesson.state.dim, this.lesson.state.target]))
      this.lesson = null;
    this.session.show(this.state);
    this.render();
    clearTimeout(this.linkTimer);
    this.linkTimer = setTimeout(() => this.writeLink(), LINK_DELAY);
  }

  writeLink() {
    history.replaceState(null, "", `#${encodedState(this.state)}`);
  }

  adoptLink() {
    const { hello } = this.session;
    if (!hello) return;
    const { state, problem } = stateOfLink(location.hash, hello);
    if (problem) this.say(problem);
    if (state && !isSame(state, this.state)) this.adopt(state);
  }

  /** Something moves: pictures may be coarser until it rests. */
  move() {
    this.isMoving = true;
    clearTimeout(this.moveTimer);
    if (this.isHeld) return;
    this.moveTimer = setTimeout(() => {
      this.isMoving = false;
      this.render();
    }, 200);
  }

  /** @param {boolean} isHeld */
  hold(isHeld) {
    this.isHeld = isHeld;
    if (isHeld) return;
    this.store?.close();
    this.move();
  }

  // --- fits ---

  /** @param {string} id */
  showQ(id) {
    this.session.shownId = id;
    this.session.show(this.state);
    this.render();
  }

  run(isPaused = false) {
    this.session.run(isPaused);
    this.render();
  }

  pauseOrResume() {
    this.session.pauseOrResume();
  }

  step() {
    const { status } = this.session.training;
    if (status === "idle" || status === "done") this.run(true);
    this.session.send({ type: "step" });
  }

  reset() {
    this.session.dropFits();
    this.changed();
  }

  /** @param {number} speed */
  setSpeed(speed) {
    this.session.setSpeed(speed);
    this.render();
  }

  /** @param {boolean} isOpen */
  openAlpha(isOpen) {
    this.session.openAlpha(isOpen);
    this.render();
  }

  /** @param {number} place */
  moveAlpha(place) {
    this.session.moveAlpha(place);
    this.render();
  }

  /** @param {boolean} isOpen */
  openDraws(isOpen) {
    this.session.draws.open(isOpen);
    this.render();
  }

  /** @param {number} count */
  countDraws(count) {
    this.session.draws.setCount(count);
    this.render();
  }

  drawAgain() {
    this.session.draws.again();
  }

  /** @param {boolean} isOn */
  showTotals(isOn) {
    this.session.showTotals(isOn);
    this.render();
  }

  /** @param {number} index */
  scrub(index) {
    this.session.scrub(index);
    this.render();
  }

  // --- saving ---

  /** @param {"config" | "svg" | "png" | "page"} kind */
  save(kind) {
    if (kind === "page") this.savePage();
    else if (kind === "config") this.session.ask({ type: "config", state: this.state });
    else {
      const scene = this.scene();
      if (scene) this.session.ask({ type: "figure", state: this.state, shown: shownIn(scene), format: kind });
    }
  }

  async savePage() {
    const progress = (/** @type {number} */ done, /** @type {number} */ all) =>
      this.say(`The page is being put together: ${Math.floor((100 * done) / Math.max(all, 1))} %`);
    progress(0, 1);
    try {
      const recording = await record(this.session, this.state, progress);
      const player = await this.session.request({ type: "player" });
      if (player.type !== "player") throw new Error(player.type === "error" ? player.message : player.type);
      download(player.name, "text/html", savedPage(player.html, recording));
      this.say("The page is saved: it plays without klfit, from a disk or on a site.");
    } catch (error) {
      this.say(`The page could not be saved: ${error instanceof Error ? error.message : error}`);
    }
  }

  async copyLink() {
    this.writeLink();
    try {
      await navigator.clipboard.writeText(location.href);
      this.say("Link copied.");
    } catch {
      this.say("The link is in the address bar; this browser does not let the page copy it.");
    }
  }

  /** A passing word near the controls. @param {string} text */
  say(text) {
    this.notice = text;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => {
      this.notice = null;
      this.render();
    }, NOTICE);
    this.render();
  }

  // --- drawing ---

  render() {
    if (!this.isDrawn || !this.store) return;
    this.isDrawn = false;
    const draw = () =>
      requestAnimationFrame(() => {
        this.isDrawn = true;
        this.drawnAt = performance.now();
        this.redraw();
      });
    // Who prefers less motion sees two pictures a second of what runs, instead of a film.
    const isFilm = this.session.training.status === "running" && !this.isMoving;
    const isCalm = isFilm && matchMedia("(prefers-reduced-motion: reduce)").matches;
    const wait = isCalm ? this.drawnAt + CALM - performance.now() : 0;
    if (wait > 0) setTimeout(draw, wait);
    else draw();
  }

  /** @returns {Scene | null} */
  scene() {
    const { store, session, lesson, isMoving, notice } = this;
    const known = store && session.scene(store.state);
    if (!known) return null;
    const messages = notice === null ? known.messages : [...known.messages, notice];
    return { ...known, messages, lesson, isMoving, canUndo: store.canUndo, canRedo: store.canRedo };
  }

  redraw() {
    const scene = this.scene();
    if (!scene) return;
    document.body.dataset.dim = String(scene.state.dim);
    document.body.classList.toggle("learning", scene.lesson !== null);
    inputById(`dim-${scene.state.dim}`).checked = true;
    for (const part of this.parts) part.draw(scene, this.palette);
  }

  restyle() {
    this.palette = currentPalette();
    this.render();
  }
}

new App().start();
