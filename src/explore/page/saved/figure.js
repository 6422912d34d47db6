// What a figure shows besides the state: the fits as they are drawn, with their ways.

/** @import { Mixture, Scene, ShownFit } from "../types.d.ts" */
import { thinned } from "./moments.js";

/** So many points of ways go into one message. */
const MOST_POINTS = 2000;

/** @param {Scene} scene */
export function shownIn({ fits, q, shownId }) {
  const ways = fits.reduce((sum, fit) => sum + fit.runs.length, 0);
  const most = Math.max(Math.floor(MOST_POINTS / Math.max(ways, 1)), 2);
  return {
    q: shownId === "own" ? null : q,
    fits: fits.map((fit) => {
      const paths = fit.runs.map((run) => thinned(run.path, most));
      return {
        title: fit.title,
        divergence: fit.divergence,
        q: fit.mixture,
        others: otherEnds(fit),
        path: paths[fit.best] ?? [],
        paths: paths.filter((_, r) => r !== fit.best),
      };
    }),
  };
}

/** One end for each optimum that the best run did not reach. @param {ShownFit} fit @returns {Mixture[]} */
function otherEnds({ ends, best }) {
  const seen = new Set([null, ends[best]?.optimum ?? null]);
  return ends.filter(({ optimum }) => !seen.has(optimum) && seen.add(optimum)).map((end) => end.mixture);
}
