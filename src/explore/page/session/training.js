// The fits that train now, as the server tells of them: every run's places, the best run, what it is worth.

/** @import { FitNews, Mixture, Way } from "../types.d.ts" */
import { mixtureOfRow, placeInRow } from "../model/parameters.js";

/**
 * One run: its rows of parameters, and where it ended.
 * @typedef {{ rows: number[][], value: number | null, optimum: number | null, hasFailed: boolean,
 *             key: string, path: [number, number][], drawn: number }} Run
 * @typedef {Omit<FitNews, "runs" | "restart" | "status"> & { runs: Run[], steps: number[], status: string, q: Mixture | null }} Trained
 */

export class Training {
  constructor() {
    /** @type {Map<string, Trained>} */
    this.fits = new Map();
    /** Changes with everything that is heard. */
    this.version = 0;
  }

  clear() {
    this.fits = new Map();
    this.version += 1;
  }

  /** @param {FitNews[]} news */
  take(news) {
    this.version += 1;
    const ids = new Set(news.map((fit) => fit.id));
    for (const id of this.fits.keys()) if (!ids.has(id)) this.fits.delete(id);
    for (const { runs, trace, restart, ...rest } of news) {
      const known = restart ? undefined : this.fits.get(rest.id);
      const fit = { ...rest, trace: known?.trace ?? [], runs: known?.runs ?? runs.map(newRun), steps: known?.steps ?? [] };
      fit.trace.push(...trace);
      // Of few runs there is a row for each record, and of many the last alone; the end may add one.
      const fresh = runs[0]?.rows.length ?? 0;
      for (let i = 0; i < fresh; i += 1) fit.steps.push(trace[i + Math.max(trace.length - fresh, 0)]?.[0] ?? fit.step);
      runs.forEach((run, r) => {
        const own = fit.runs[r];
        if (!own) return;
        own.rows.push(...run.rows);
        own.value = run.value;
        own.optimum = run.optimum;
        own.hasFailed = run.has_failed;
      });
      this.fits.set(rest.id, fit);
    }
  }

  /** Where the best run of a fit was at each step. @param {string} id @returns {Way} */
  way(id) {
    const fit = this.fits.get(id);
    const rows = fit?.runs[fit.best]?.rows ?? [];
    return fit?.q ? wayOf(fit.steps, rows, fit.q) : { steps: [], q: [] };
  }

  get list() {
    return [...this.fits.values()];
  }

  get status() {
    const states = this.list.map((fit) => fit.status);
    if (states.includes("running")) return "running";
    if (states.includes("paused")) return "paused";
    return states.length > 0 ? "done" : "idle";
  }

  get step() {
    return Math.max(0, ...this.list.map((fit) => fit.step));
  }

  lost() {
    this.version += 1;
    for (const fit of this.list)
      if (fit.status === "running" || fit.status === "paused") fit.status = "stopped";
  }
}

/** The way of a run by its rows, which are rounded, but for the last. @param {number[]} steps @param {number[][]} rows @param {Mixture} last @returns {Way} */
function wayOf(steps, rows, last) {
  const dim = last.means[0].length;
  const q = rows.map((row, i) => (i === rows.length - 1 ? last : mixtureOfRow(row, dim)));
  return { steps: steps.slice(0, rows.length), q };
}

/** @returns {Run} */
function newRun() {
  return { rows: [], value: null, optimum: null, hasFailed: false, key: "", path: [], drawn: 0 };
}

/**
 * A run over two parameters of a component; what was worked out before is kept.
 * @param {Run} run @param {[string, string]} parameters @param {number} component
 * @param {number} components @param {number} dim
 */
export function pathOver(run, parameters, component, components, dim) {
  const key = `${parameters.join()},${component}`;
  if (run.key !== key) Object.assign(run, { key, path: [], drawn: 0 });
  const [first, second] = parameters.map((name) => placeInRow(name, component, components, dim));
  for (; run.drawn < run.rows.length; run.drawn += 1) {
    const row = run.rows[run.drawn];
    run.path.push([row[first], row[second]]);
  }
  return run.path;
}
