// The fits that train now, and the finished run that was opened, in one form for the plots:
// {id, name, title, symbol, mixture, gaussian|null, path, trace, mark, status, message}.

import { parameterOf } from "./model.js";

/** The fits the server is training. */
export class Training {
  constructor() {
    this.clear();
  }

  clear() {
    this.fits = new Map();
  }

  /** `parameters`: the landscape's two names when the message came, which its path points are in. */
  take(message, parameters) {
    if (message.restart) this.restart(message);
    for (const news of message.fits) {
      const fit = this.fits.get(news.name) ?? this.begun(news.name, parameters);
      const { status, step, value, q } = news;
      Object.assign(fit, { status, step, value, q, message: news.message ?? null });
      // Other parameters were chosen meanwhile: which ones new points are in is not known.
      if (fit.parameters.join() !== parameters.join()) fit.parameters = [];
      if (message.restart) [fit.path, fit.trace, fit.parameters] = [[], [], parameters];
      fit.path.push(...(news.path ?? []).filter((point) => point.every(Number.isFinite)));
      fit.trace.push(...(news.trace ?? []));
      if (q) fit.history.push(q);
    }
  }

  restart(message) {
    const names = new Set(message.fits.map((fit) => fit.name));
    for (const name of this.fits.keys()) if (!names.has(name)) this.fits.delete(name);
  }

  begun(name, parameters) {
    const fit = { name, path: [], trace: [], history: [], parameters };
    this.fits.set(name, fit);
    return fit;
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

  lost() {
    for (const fit of this.list)
      if (fit.status === "running" || fit.status === "paused") fit.status = "stopped";
  }

  /**
   * Path points are in the parameters of the time they were sent. Over other ones the path is put
   * together from the q of each message, which is coarser.
   */
  pathOver(fit, parameters) {
    if (fit.parameters.join() === parameters.join()) return fit.path;
    return fit.history.map((q) => parameters.map((name) => parameterOf(q, name)));
  }

  shown(titles, parameters) {
    return this.list
      .filter((fit) => fit.q)
      .map((fit) => ({
        id: fit.name,
        name: fit.name,
        title: titles.get(fit.name)?.title ?? fit.name,
        gaussian: fit.q,
        mixture: {
          weights: [1],
          means: [fit.q.mean],
          stds: [fit.q.stds],
          correlations: [fit.q.correlation ?? 0],
        },
        path: this.pathOver(fit, parameters),
        trace: fit.trace,
        mark: null,
      }));
  }
}

/** A finished run and the place of its scrubber. */
export class Replay {
  constructor(run) {
    this.run = run;
    this.steps = [...new Set(run.fits.flatMap((fit) => fit.steps))].sort((a, b) => a - b);
    this.index = this.steps.length - 1;
  }

  get step() {
    return this.steps[this.index];
  }

  /** The last logged moment of a fit at or before the present step. */
  moment(fit) {
    let i = 0;
    while (i + 1 < fit.steps.length && fit.steps[i + 1] <= this.step) i += 1;
    return i;
  }

  shown(titles, parameters) {
    return this.run.fits
      .filter((fit) => fit.q.length > 0)
      .map((fit, i) => {
        const now = this.moment(fit);
        const mixture = fit.q[now];
        const single = (m) =>
          m.weights.length === 1
            ? { mean: m.means[0], stds: m.stds[0], correlation: m.correlations?.[0] ?? 0 }
            : null;
        const gaussians = fit.q.slice(0, now + 1).map(single);
        return {
          id: `run-${i}`,
          name: fit.divergence,
          title: fit.label || (titles.get(fit.divergence)?.title ?? fit.divergence),
          mixture,
          gaussian: single(mixture),
          path: gaussians.includes(null)
            ? []
            : gaussians.map((q) => parameters.map((name) => parameterOf(q, name))),
          trace: fit.steps.map((step, k) => [step, fit.values[k]]),
          mark: fit.steps[now],
          value: fit.values[now],
        };
      });
  }
}
