// A recording: what is on screen as plain data, with every fit at some of its steps and what each q there is worth.

/** @import { Landscape, Mixture, RecordedFit, RecordedView, Recording, State, View } from "../types.d.ts" */
/** @import { Session } from "../session/session.js" */
import { momentAt, thinned } from "./moments.js";

/** Steps that are kept of each fit, in one dimension and in two, where a view takes longer. */
const MOST_STEPS = [61, 21];
/** Integrands are kept in so many parts of their largest value, and landscapes to so many decimals. */
const GRAIN = 4000;
const DECIMALS = 1e4;

/**
 * Records what a session shows; it asks the server for a view at each of the steps.
 * @param {Session} session @param {State} state
 * @param {(done: number, all: number) => void} progress @returns {Promise<Recording>}
 */
export async function record(session, state, progress) {
  const { hello, landscape } = session;
  if (!hello) throw new Error("the server has not said anything yet");
  const shown = session.scene(state)?.shownId ?? "own";
  const { fits, ways } = session.recorded(state);
  const steps = thinned([...new Set(ways.flatMap((way) => way.steps))].sort((a, b) => a - b), MOST_STEPS[state.dim - 1]);
  const own = await viewOf(session, state, null);
  /** @type {RecordedFit[]} */
  const recorded = [];
  for (const [i, fit] of fits.entries()) {
    const way = ways[i];
    const moments = steps.map((step) => momentAt(way.steps, step));
    /** @type {RecordedView[]} */
    const views = [];
    for (const moment of moments) {
      progress(i * steps.length + views.length, ways.length * steps.length);
      // In the plane the bounds of the last step alone are worth their time.
      const isQuick = state.dim === 2 && views.length < steps.length - 1;
      views.push(slim(await viewOf(session, state, way.q[moment], isQuick)));
    }
    recorded.push({
      fit: { ...fit, mixture: /** @type {Mixture} */ (way.q.at(-1)) },
      steps: way.steps,
      q: moments.map((moment) => way.q[moment]),
      views,
    });
  }
  return {
    hello: { version: hello.version, divergences: hello.divergences.map((one) => ({ ...one, estimators: [] })) },
    state,
    shownId: fits.some((fit) => fit.id === shown) ? shown : "own",
    showsTotals: session.showsTotals,
    steps,
    own: { ...slim(own), densities: { ...own.densities, integrands: undefined } },
    landscape: landscape && rounded(landscape),
    fits: recorded,
  };
}

/** @param {Session} session @param {State} state @param {Mixture | null} q @returns {Promise<View>} */
async function viewOf(session, state, q, isQuick = false) {
  const values = isQuick ? "quick" : "sure";
  const reply = await session.request({ type: "view", state, q, landscape: "none", values, totals: session.showsTotals });
  if (reply.type !== "view") throw new Error(reply.type === "error" ? reply.message : "the server did not answer");
  return reply;
}

/** What of a view cannot be drawn from the densities' parameters. @param {View} view @returns {RecordedView} */
function slim({ values, covered, densities }) {
  const integrands = densities.integrands?.map(({ name, symbol, values: curve, totals }) => ({
    name,
    symbol,
    ...grained(curve),
    ...(totals && { totals: grained(totals) }),
  }));
  return { values, covered, integrands: integrands ?? [] };
}

/** As whole numbers of a unit. @param {number[]} curve */
function grained(curve) {
  const most = curve.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  return { unit: most / GRAIN, parts: curve.map((value) => Math.round((value / most) * GRAIN)) };
}

/** @param {Landscape} landscape @returns {Landscape} */
function rounded(landscape) {
  const tidy = (/** @type {number | null} */ value) => (value === null ? null : Math.round(value * DECIMALS) / DECIMALS);
  return {
    ...landscape,
    surfaces: landscape.surfaces.map((surface) => ({ ...surface, log10: surface.log10.map(tidy) })),
  };
}

/** The page that plays a recording. @param {string} player @param {Recording} recording */
export function savedPage(player, recording) {
  // Nothing in it may end the element that it is in.
  const data = JSON.stringify(recording).replaceAll("<", "\\u003c");
  return player.replace("/* recording */", () => data);
}
