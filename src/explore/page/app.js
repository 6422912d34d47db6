// klfit explore: the page. It keeps the state, asks the server for views, and has the parts draw.
// All mathematics happens in the server.

import { ConvergencePlot } from "./convergence.js";
import { DensityPlot } from "./densities.js";
import { currentPalette, seriesStyle } from "./draw.js";
import { byId, bytesOf, download, element, swatch } from "./elements.js";
import { Replay, Training } from "./fits.js";
import { Landscapes } from "./landscape.js";
import { checkedState, decodedState, encodedState, freshState } from "./model.js";
import { LandscapeControls, Panel, ValuesTable } from "./panel.js";
import { Connection, ViewRequests } from "./socket.js";

const LINK_DELAY = 300;
const PLAY_SECONDS = 6;
const STATUS_WORDS = { idle: "Ready", running: "Running", paused: "Paused", done: "Done" };

class App {
  constructor() {
    this.hello = null;
    this.state = null;
    this.view = null;
    this.landscape = null;
    this.training = new Training();
    this.replay = null;
    this.shownId = "own";
    this.lastId = 0;
    this.isDrawn = true;
    // The state of the dimension that is not shown, for the way back.
    this.kept = {};
    this.styles = new Map();
    this.palette = currentPalette();
    this.connection = new Connection({
      onMessage: (message) => this.receive(message),
      onLost: () => this.lost(),
    });
    this.views = new ViewRequests({
      nextId: () => this.nextId(),
      send: (message) => this.hello !== null && this.connection.send(message),
      describe: () => this.described(),
    });
    this.parts = [
      new DensityPlot(this, byId("density-plot")),
      new Landscapes(this, byId("maps")),
      new ConvergencePlot(this, byId("convergence")),
      new Panel(this),
      new LandscapeControls(this),
      new ValuesTable(this),
      new Legend(this),
      new Transport(this),
      new Scrubber(this),
    ];
    this.panel = this.parts[3];
    this.listen();
  }

  start() {
    this.connection.open();
  }

  listen() {
    new Theme(this);
    new Saving(this);
    byId("reconnect").addEventListener("click", () => this.connection.reconnect());
    for (const input of document.querySelectorAll("input[name=dim]"))
      input.addEventListener("change", () => this.setDim(Number(input.value)));
    window.addEventListener("hashchange", () => this.adoptLink());
    const observer = new ResizeObserver(() => this.render());
    for (const id of ["density-plot", "maps", "convergence"]) observer.observe(byId(id));
  }

  nextId() {
    this.lastId += 1;
    return this.lastId;
  }

  // --- messages from the server ---

  receive(message) {
    const take = {
      hello: (m) => this.greet(m),
      view: (m) => this.takeView(m),
      progress: (m) => this.takeProgress(m),
      config: (m) => download(m.name, "application/toml", m.toml),
      figure: (m) => download(m.name, m.mime, bytesOf(m.data)),
      error: (m) => this.takeError(m),
    }[message.type];
    take?.(message);
  }

  greet(hello) {
    const isFirst = this.hello === null;
    this.hello = hello;
    byId("banner").hidden = true;
    byId("version").textContent = `klfit ${hello.version}`;
    this.panel.begin(hello);
    this.styles.clear();
    this.replay =
      hello.run && [1, 2].includes(hello.run.dim) && hello.run.fits.some((fit) => fit.steps.length > 0)
        ? new Replay(hello.run)
        : null;
    if (isFirst) {
      this.state = checkedState(decodedState(location.hash), hello) ?? hello.state;
      document.body.classList.remove("waiting");
    }
    // Not `changed`: only what a person does belongs in the link.
    this.views.forget();
    this.views.changed();
    this.render();
  }

  takeView(message) {
    const isAwaited = this.views.answered(message.id);
    if (!isAwaited) return;
    const isRightDim = Boolean(message.densities?.y) === (this.state.dim === 2);
    if (isRightDim) {
      this.view = message;
      if (message.landscape) this.landscape = message.landscape;
      this.viewProblem = null;
    }
    byId("answer-time").textContent = Number.isFinite(message.ms)
      ? `answered in ${message.ms.toFixed(1)} ms`
      : "";
    this.render();
  }

  takeProgress(message) {
    this.training.take(message, this.state.landscape.parameters);
    if (this.shownId !== "own" && this.training.fits.has(this.shownId)) this.views.changed();
    this.render();
  }

  takeError({ id, message, help }) {
    const isView = this.views.answered(id);
    const text = [message, help].filter(Boolean).join(" ");
    if (isView) this.viewProblem = text;
    else this.say(text);
    this.render();
  }

  lost() {
    byId("banner").hidden = false;
    this.views.forget();
    this.training.lost();
    if (this.hello) this.render();
  }

  /** A passing word near the controls. */
  say(text) {
    this.notice = text;
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => {
      this.notice = null;
      this.render();
    }, 8000);
    this.render();
  }

  // --- the state ---

  /** Every change of the state goes through here. */
  edit(change) {
    const next = structuredClone(this.state);
    change(next);
    const targetChanged = JSON.stringify(next.target) !== JSON.stringify(this.state.target);
    this.state = next;
    if (targetChanged) this.dropFits();
    this.changed();
  }

  /** Changes q; if the q of a fit is shown, a copy of it becomes the person's own. */
  editQ(change) {
    const own = structuredClone(this.shownQ());
    change(own);
    this.shownId = "own";
    this.edit((state) => {
      state.start = own;
    });
  }

  changed() {
    this.views.changed();
    this.render();
    clearTimeout(this.linkTimer);
    this.linkTimer = setTimeout(() => this.writeLink(), LINK_DELAY);
  }

  writeLink() {
    history.replaceState(null, "", `#${encodedState(this.state)}`);
  }

  adoptLink() {
    const state = this.hello && checkedState(decodedState(location.hash), this.hello);
    if (!state || encodedState(state) === encodedState(this.state)) return;
    this.dropFits();
    this.adopt(state);
  }

  setDim(dim) {
    if (dim === this.state.dim) return;
    this.kept[this.state.dim] = this.state;
    this.dropFits();
    this.adopt(this.kept[dim] ?? freshState(dim, this.state));
  }

  adopt(state) {
    const isOtherDim = state.dim !== this.state.dim;
    this.state = state;
    this.shownId = "own";
    if (isOtherDim) [this.view, this.landscape] = [null, null];
    this.changed();
  }

  described() {
    const { state } = this;
    const q = this.shownId === "own" ? null : this.shownQ();
    const shown = this.shownQ();
    const { parameters } = state.landscape;
    // In 2-D a landscape is a section through the present q: its other parameters matter too.
    const rest =
      state.dim === 1
        ? null
        : Object.fromEntries(
            ["mean1", "mean2", "std1", "std2", "correlation"]
              .filter((name) => !parameters.includes(name))
              .map((name) => [name, sectionAt(shown, name)]),
          );
    return {
      state,
      q,
      landscapeKey: JSON.stringify([state.dim, state.target, state.landscape, state.fits, rest]),
    };
  }

  // --- what is shown ---

  divergence(name) {
    return (
      this.hello.divergences.find((d) => d.name === name) ?? {
        name,
        title: name,
        symbol: name,
        in_nats: true,
      }
    );
  }

  style(name) {
    if (!this.styles.has(name)) {
      const { divergences } = this.hello;
      const { color: mapColor } = seriesStyle(name, divergences, this.palette.map);
      this.styles.set(name, { ...seriesStyle(name, divergences, this.palette), mapColor });
    }
    return this.styles.get(name);
  }

  /** The fits to draw: those that train, or else those of the opened run. */
  shownFits() {
    const titles = new Map(this.hello.divergences.map((d) => [d.name, d]));
    // Paths are over what the maps show, which a new choice of parameters changes a moment later.
    const { parameters } = this.landscape ?? this.state.landscape;
    const source = this.training.status === "idle" && this.isReplayShown() ? this.replay : this.training;
    return source.shown(titles, parameters).map((fit) => ({ ...fit, ...this.style(fit.name) }));
  }

  isReplayShown() {
    return this.replay !== null && this.replay.run.dim === this.state.dim;
  }

  shownQ() {
    if (this.shownId === "own") return this.state.start;
    const fit = this.shownFits().find((candidate) => candidate.id === this.shownId);
    if (fit?.gaussian) return fit.gaussian;
    this.shownId = "own";
    return this.state.start;
  }

  showQ(id) {
    this.shownId = id;
    this.changed();
  }

  plannedSteps() {
    if (this.training.status !== "idle") return this.plannedByRun ?? 0;
    return this.isReplayShown() ? this.replay.steps.at(-1) : this.state.optimizer.steps;
  }

  // --- training ---

  run(paused = false) {
    this.training.clear();
    this.shownId = "own";
    this.plannedByRun = this.state.optimizer.steps;
    this.connection.send({ type: "run", id: this.nextId(), state: this.state, paused });
    this.render();
  }

  /** Ends what trains and forgets it: its target or its dimension is no longer the one shown. */
  dropFits() {
    if (this.training.status === "idle") return;
    this.connection.send({ type: "stop" });
    this.training.clear();
    if (this.shownId !== "own") this.shownId = "own";
  }

  // --- drawing ---

  render() {
    if (!this.isDrawn || !this.state) return;
    this.isDrawn = false;
    requestAnimationFrame(() => {
      this.isDrawn = true;
      document.body.dataset.dim = String(this.state.dim);
      byId(`dim-${this.state.dim}`).checked = true;
      for (const part of this.parts) part.draw();
    });
  }

  restyle() {
    this.palette = currentPalette();
    this.styles.clear();
    this.render();
  }
}

function sectionAt(q, name) {
  if (name === "correlation") return q.correlation;
  return (name.startsWith("std") ? q.stds : q.mean)[name.endsWith("2") ? 1 : 0];
}

/** Names what is drawn over the densities. */
class Legend {
  constructor(app) {
    this.app = app;
    this.root = byId("legend");
    this.key = null;
  }

  draw() {
    const { palette } = this.app;
    const entries = [
      { title: "target p", color: palette.p, fill: palette.pFill },
      { title: "approximation q", color: palette.q, fill: palette.qFill },
      ...this.fits(),
    ];
    const key = JSON.stringify(entries);
    if (key === this.key) return;
    this.key = key;
    this.root.replaceChildren(
      ...entries.map((entry) =>
        element("li", { className: entry.isPending ? "pending" : "" }, swatch(entry), entry.title),
      ),
    );
  }

  /** The fits that are drawn; before there are any, those that Run will draw, so that nothing jumps. */
  fits() {
    const { app } = this;
    const shown = app.shownFits().map(({ title, color, dash }) => ({ title: `fit: ${title}`, color, dash }));
    if (shown.length > 0) return shown;
    return app.state.fits.map((name) => {
      const { color, dash } = app.style(name);
      return { title: `fit: ${app.divergence(name).title}`, color, dash, isPending: true };
    });
  }
}

/** Run, Pause, Step and Reset, and the words beside them. */
class Transport {
  constructor(app) {
    this.app = app;
    const press = (id, action) => byId(id).addEventListener("click", action);
    press("run", () => app.run());
    press("pause", () => this.pauseOrResume());
    press("step", () => this.step());
    press("reset", () => this.reset());
  }

  pauseOrResume() {
    const { app } = this;
    app.connection.send({ type: app.training.status === "paused" ? "resume" : "pause" });
  }

  /** One step: of what is paused, of what runs (which pauses it), or of a new run. */
  step() {
    const { app } = this;
    const { status } = app.training;
    if (status === "idle" || status === "done") app.run(true);
    app.connection.send({ type: "step" });
  }

  reset() {
    const { app } = this;
    app.connection.send({ type: "stop" });
    app.training.clear();
    app.shownId = "own";
    app.changed();
  }

  draw() {
    const { app } = this;
    const { status } = app.training;
    const isConnected = app.connection.isOpen;
    byId("run").disabled = !isConnected;
    byId("step").disabled = !isConnected;
    byId("pause").disabled = !isConnected || (status !== "running" && status !== "paused");
    byId("reset").disabled = status === "idle";
    byId("pause").textContent = status === "paused" ? "Resume" : "Pause";
    this.drawStatus(status);
    const failed = app.training.list
      .filter((fit) => fit.status === "failed")
      .map((fit) => `${app.divergence(fit.name).title} failed: ${fit.message ?? "no reason given"}`);
    const message = [app.viewProblem, app.notice, ...failed].filter(Boolean).join(" · ");
    byId("message").textContent = message;
    byId("message").hidden = message === "";
  }

  drawStatus(status) {
    const { app } = this;
    const isStopped = app.training.list.some((fit) => fit.status === "stopped");
    const word = isStopped ? "Stopped" : STATUS_WORDS[status];
    const step = Math.max(0, ...app.training.list.map((fit) => fit.step ?? 0));
    // The word alone is announced; the count changes too often to be read out.
    if (byId("status").textContent !== word) byId("status").textContent = word;
    byId("status-step").textContent = status === "idle" ? "" : `step ${step} of ${app.plannedByRun ?? step}`;
  }
}

/** The trajectory of an opened run. */
class Scrubber {
  constructor(app) {
    this.app = app;
    this.range = byId("scrubber");
    this.range.addEventListener("input", () => this.go(Number(this.range.value)));
    byId("play").addEventListener("click", () => this.toggle());
    this.isPlaying = false;
  }

  go(index) {
    this.app.replay.index = index;
    if (this.app.shownId !== "own") this.app.views.changed();
    this.app.render();
  }

  toggle() {
    const { replay } = this.app;
    this.isPlaying = !this.isPlaying;
    if (!this.isPlaying) {
      this.app.render();
      return;
    }
    if (replay.index >= replay.steps.length - 1) replay.index = 0;
    this.begun = performance.now();
    this.from = replay.index;
    this.tick();
  }

  tick() {
    const { replay } = this.app;
    if (!this.isPlaying || !replay) return;
    const last = replay.steps.length - 1;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const index = Math.min(
      this.from + Math.floor(((performance.now() - this.begun) / (PLAY_SECONDS * 1000)) * last),
      last,
    );
    this.isPlaying = index < last;
    this.go(index);
    // Who prefers less motion sees two pictures a second instead of a film.
    if (this.isPlaying && isCalm) setTimeout(() => this.tick(), 500);
    else if (this.isPlaying) requestAnimationFrame(() => this.tick());
  }

  draw() {
    const { app } = this;
    const { replay } = app;
    const isShown = app.isReplayShown();
    byId("replay").hidden = !isShown;
    if (!isShown) {
      this.isPlaying = false;
      return;
    }
    const isHidden = app.training.status !== "idle";
    this.range.max = String(replay.steps.length - 1);
    this.range.value = String(replay.index);
    this.range.disabled = isHidden;
    byId("play").disabled = isHidden;
    this.range.setAttribute("aria-valuetext", `step ${replay.step}`);
    byId("play").textContent = this.isPlaying ? "Stop" : "Play";
    byId("replay-name").textContent = `Run “${replay.run.name}”`;
    byId("replay-step").textContent = `step ${replay.step} of ${replay.steps.at(-1)}`;
    byId("replay-note").textContent = this.note(isHidden);
  }

  note(isHidden) {
    const { app } = this;
    if (isHidden) return "Reset to come back to it.";
    return sameTarget(app.replay.run.target, app.state.target) ? "" : "It was fitted to another target.";
  }
}

function sameTarget(a, b) {
  const numbers = ({ weights, means, stds, correlations }) =>
    [weights, means, stds, correlations ?? []].flat(2);
  const [first, second] = [numbers(a), numbers(b)];
  return first.length === second.length && first.every((value, i) => Math.abs(value - second[i]) < 1e-6);
}

class Saving {
  constructor(app) {
    this.app = app;
    byId("save-config").addEventListener("click", () => this.ask({ type: "config" }));
    byId("save-svg").addEventListener("click", () =>
      this.ask({ type: "figure", q: this.q(), format: "svg" }),
    );
    byId("save-png").addEventListener("click", () =>
      this.ask({ type: "figure", q: this.q(), format: "png" }),
    );
    byId("copy-link").addEventListener("click", () => this.copyLink());
  }

  q() {
    return this.app.shownId === "own" ? null : this.app.shownQ();
  }

  ask({ type, ...rest }) {
    this.app.connection.send({ type, id: this.app.nextId(), state: this.app.state, ...rest });
  }

  async copyLink() {
    this.app.writeLink();
    try {
      await navigator.clipboard.writeText(location.href);
      this.app.say("Link copied.");
    } catch {
      this.app.say("The link is in the address bar; this browser does not let the page copy it.");
    }
  }
}

/** Light or dark: as the system says until the person chooses. */
class Theme {
  constructor(app) {
    this.app = app;
    this.media = matchMedia("(prefers-color-scheme: dark)");
    this.media.addEventListener("change", () => this.apply());
    byId("theme").addEventListener("click", () => this.toggle());
    this.chosen = remembered();
    this.apply();
  }

  get isDark() {
    return this.chosen ? this.chosen === "dark" : this.media.matches;
  }

  toggle() {
    this.chosen = this.isDark ? "light" : "dark";
    try {
      localStorage.setItem("klfit-theme", this.chosen);
    } catch {
      /* A browser without storage forgets the choice, and that is all. */
    }
    this.apply();
  }

  apply() {
    if (this.chosen) document.documentElement.dataset.theme = this.chosen;
    byId("theme").textContent = this.isDark ? "Light" : "Dark";
    byId("theme").setAttribute("aria-label", this.isDark ? "Use light colours" : "Use dark colours");
    this.app.restyle();
  }
}

function remembered() {
  try {
    const value = localStorage.getItem("klfit-theme");
    return value === "light" || value === "dark" ? value : null;
  } catch {
    return null;
  }
}

new App().start();
