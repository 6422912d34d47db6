// A finished run that was opened, and the place of its scrubber.

/** @import { Mixture, Run, RunFit, ShownFit, Style, Way } from "../types.d.ts" */
import { componentOf } from "../model/mixture.js";
import { parameterOf } from "../model/parameters.js";

export class Replay {
  /** @param {Run} run */
  constructor(run) {
    this.run = run;
    this.steps = [...new Set(run.fits.flatMap((fit) => fit.steps))].sort((a, b) => a - b);
    this.index = this.steps.length - 1;
  }

  get step() {
    return this.steps[this.index];
  }

  /** The last logged moment of a fit at or before the present step. @param {RunFit} fit */
  moment(fit) {
    let i = 0;
    while (i + 1 < fit.steps.length && fit.steps[i + 1] <= this.step) i += 1;
    return i;
  }

  /** Where a fit was at each step. @param {string} id @returns {Way} */
  way(id) {
    const { steps, q } = this.run.fits[Number(id.replace("run-", ""))];
    return { steps, q };
  }

  /**
   * @param {{ parameters: [string, string], component: number }} over
   * @param {(fit: { id: string, divergence: string }[]) => Record<string, Style>} styled
   * @returns {ShownFit[]}
   */
  shown({ parameters, component }, styled) {
    const fits = this.run.fits
      .map((fit, i) => ({ ...fit, id: `run-${i}` }))
      .filter((fit) => fit.q.length > 0);
    const styles = styled(fits);
    return fits.map((fit) => {
      const now = this.moment(fit);
      const at = (/** @type {Mixture} */ q) => componentOf(q, Math.min(component, q.weights.length - 1));
      /** @type {[number, number][]} */
      const path = fit.q
        .slice(0, now + 1)
        .map((q) => [parameterOf(at(q), parameters[0]), parameterOf(at(q), parameters[1])]);
      return {
        id: fit.id,
        divergence: fit.divergence,
        title: fit.label,
        style: styles[fit.id],
        status: "done",
        message: null,
        mixture: fit.q[now],
        best: 0,
        runs: [{ path, optimum: null, hasFailed: false }],
        trace: fit.steps.map((step, k) => [step, fit.values[k]]),
        mark: fit.steps[now],
        value: fit.values[now],
        values: [],
        covered: [],
        ends: [],
      };
    });
  }
}
