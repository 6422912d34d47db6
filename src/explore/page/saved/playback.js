// A recording at one of its steps, as the parts of the page draw it.

/** @import { RecordedFit, Recording, ShownFit, View } from "../types.d.ts" */
import { mixtureDensity } from "../model/mixture.js";
import { momentAt } from "./moments.js";

/** A fit at one of the recorded steps. @param {RecordedFit} recorded @param {number} index @param {number[]} steps @returns {ShownFit} */
export function fitAt({ fit, steps: own, q, views }, index, steps) {
  const isLast = index === steps.length - 1;
  const count = isLast ? Infinity : momentAt(own, steps[index]) + 1;
  const { values, covered } = views[index];
  const mark = momentAt(
    fit.trace.map(([step]) => step),
    steps[index],
  );
  return {
    ...fit,
    mixture: q[index],
    runs: fit.runs.map((run) => ({ ...run, optimum: isLast ? run.optimum : null, path: run.path.slice(0, count) })),
    mark: isLast ? null : fit.trace[mark][0],
    value: fit.trace[mark][1],
    values: values.slice(0, 2).map(({ name, value }) => [name, value]),
    covered,
    ends: isLast ? fit.ends : [],
  };
}

/** What there is to see of the q that is shown. @param {Recording} recording @param {number} index @param {string} shownId @returns {View} */
export function viewAt({ own, fits, state }, index, shownId) {
  const shown = fits.find(({ fit }) => fit.id === shownId);
  const { values, covered, integrands } = shown?.views[index] ?? own;
  const known = { id: 0, ms: 0, values, covered, landscape: null };
  // The plane is the same object at every step: of it p alone is drawn, which stays.
  if (state.dim === 2) return { ...known, densities: own.densities };
  const q = shown?.q[index];
  return {
    ...known,
    densities: {
      ...own.densities,
      q: q ? own.densities.x.map((x) => mixtureDensity(x, q)) : own.densities.q,
      integrands: integrands.map(({ name, symbol, totals, ...values }) => ({
        name,
        symbol,
        values: curveOf(values),
        ...(totals && { totals: curveOf(totals) }),
      })),
    },
  };
}

/** @param {{ unit: number, parts: number[] }} grained */
function curveOf({ unit, parts }) {
  return parts.map((part) => part * unit);
}
