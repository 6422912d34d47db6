// A recording that plays: the parts of the page that draw, with what was recorded in the place of a server.

/** @import { Actions, Hello, Part, Recording, Scene, ShownFit, View } from "../types.d.ts" */
import { currentPalette, divergenceStyles } from "../draw/palette.js";
import { ConvergencePlot } from "../view/convergence.js";
import { DensityPlot } from "../view/densities.js";
import { byId } from "../view/elements.js";
import { Landscapes } from "../view/landscapes.js";
import { Legend } from "../view/legend.js";
import { Scrubber } from "../view/scrubber.js";
import { Theme } from "../view/theme.js";
import { ValuesTable } from "../view/values.js";
import { fitAt, viewAt } from "./playback.js";

class Player {
  /** @param {Recording} recording */
  constructor(recording) {
    this.recording = recording;
    this.index = Math.max(recording.steps.length - 1, 0);
    this.shownId = recording.shownId;
    this.palette = currentPalette();
    this.hello = helloOf(recording);
    this.styles = divergenceStyles(recording.hello.divergences);
    this.isDrawn = true;
    /** What was made of the present step and choice, so that parts see that it is the same. */
    this.made = { key: "", fits: /** @type {ShownFit[]} */ ([]), view: /** @type {View | null} */ (null) };
    const actions = this.actions();
    new Theme(() => {
      this.palette = currentPalette();
      this.render();
    });
    /** @type {Part[]} */
    this.parts = [
      new Legend(byId("legend")),
      new DensityPlot(byId("density-plot"), actions),
      new Landscapes(byId("maps"), actions),
      new ConvergencePlot(/** @type {HTMLCanvasElement} */ (byId("convergence"))),
      new ValuesTable(actions),
      new Scrubber(actions),
    ];
    const { state, landscape, fits, hello } = recording;
    byId("version").textContent = `klfit ${hello.version}`;
    byId("landscapes").hidden = landscape === null;
    byId("convergence-card").hidden = fits.length === 0;
    byId("landscape-note").hidden = state.dim === 1 && state.q.weights.length === 1;
    document.body.dataset.dim = String(state.dim);
    const observer = new ResizeObserver(() => this.render());
    for (const id of ["density-plot", "maps", "convergence"]) observer.observe(byId(id));
  }

  /** What can be done here; of what else there is on the page of a server, nothing is shown. @returns {Actions} */
  actions() {
    const some = {
      redraw: () => this.draw(),
      hold: () => {},
      scrub: (/** @type {number} */ index) => {
        this.index = index;
        this.render();
      },
      showQ: (/** @type {string} */ id) => {
        this.shownId = id;
        this.render();
      },
    };
    return /** @type {Actions} */ (/** @type {unknown} */ (some));
  }

  render() {
    if (!this.isDrawn) return;
    this.isDrawn = false;
    requestAnimationFrame(() => {
      this.isDrawn = true;
      this.draw();
    });
  }

  draw() {
    const scene = this.scene();
    for (const part of this.parts) part.draw(scene, this.palette);
  }

  /** @returns {Scene} */
  scene() {
    const { recording, hello, index, shownId } = this;
    const { state, steps, landscape } = recording;
    const key = `${index},${shownId}`;
    if (this.made.key !== key) {
      const fits = recording.fits.map((fit) => fitAt(fit, index, steps));
      this.made = { key, fits, view: viewAt(recording, index, shownId) };
    }
    const { fits, view } = this.made;
    const last = steps.at(-1) ?? 0;
    return {
      hello,
      state,
      q: fits.find((fit) => fit.id === shownId)?.mixture ?? state.q,
      shownId,
      view,
      landscape,
      isFine: true,
      fits,
      fitStyles: {},
      styles: this.styles,
      training: { status: "idle", step: last, planned: last, isStopped: false },
      replay: { name: "", step: steps[index] ?? 0, index, steps, target: state.target },
      isReplayShown: steps.length > 1,
      draws: { isOpen: false, count: 2, drawn: null, problem: null },
      alpha: { isOpen: false, isShown: false, path: null, problem: null, place: 0 },
      showsTotals: recording.showsTotals,
      isConnected: false,
      isRecorded: true,
      messages: [],
      answerMs: null,
      speed: 1,
      canUndo: false,
      canRedo: false,
      lesson: null,
      isMoving: false,
    };
  }
}

/** @param {Recording} recording @returns {Hello} */
function helloOf({ hello, state }) {
  const limits = { components: 0, q_components: 0, restarts: 0, steps: 0, fits: 0 };
  return { ...hello, optimizers: [], limits, state, run: null };
}

new Player(JSON.parse(byId("recording").textContent ?? "")).render();
