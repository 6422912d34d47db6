// Eight short steps. Each asks for a prediction before Run, and compares it with what happened.

/** @import { Fit, Mixture, ShownFit, State } from "../types.d.ts" */
import { line } from "./presets.js";
import { VERSION } from "./state.js";

/**
 * `happened` gives the choice that came true, from the fits that have ended, and `because` words of why. A landscape that
 * tells the answer is shown once there is a prediction, unless the lesson is about it; `marksBest`: only the best optima are
 * marked on it, and not those of lessons to come.
 * @typedef {{ id: string, text: string }} Choice
 * @typedef {{ id: string, title: string, text: string, question: string, choices: Choice[], state: State,
 *             showsLandscape?: boolean, marksBest?: boolean, happened(fits: ShownFit[]): string,
 *             because: Record<string, string | ((fits: ShownFit[]) => string)> }} Lesson
 */

const TWO = line([0.5, -3, 1], [0.5, 3, 1]);
const NARROW = line([1, 1.5, 0.6]);

/** @param {string} divergence @param {string} [id] @returns {Fit} */
const exact = (divergence, id = divergence) => ({ id, divergence, estimator: { type: "quadrature" } });
const FORWARD = exact("forward-kl");
const REVERSE = exact("reverse-kl");

/** @param {string} id @param {string} gradient @returns {Fit} */
const drawn = (id, gradient) => ({
  id,
  divergence: "reverse-kl",
  estimator: { type: "monte-carlo", gradient, samples: 8 },
});

/**
 * @param {{ target?: Mixture, q?: Mixture, fits: Fit[], restarts?: number, steps?: number, reach?: number }} what
 * @returns {State}
 */
function start({ target = TWO, q = NARROW, fits, restarts = 1, steps = 500, reach = 10 }) {
  return {
    version: VERSION,
    dim: 1,
    target,
    q,
    restarts,
    fits,
    optimizer: { type: "adam", learning_rate: 0.05, steps },
    axes: { x: [-reach, reach], y: [-10, 10] },
    landscape: {
      component: 0,
      parameters: ["mean", "std"],
      ranges: [
        [-reach / 2, reach / 2],
        [0.1, 0.6 * reach],
      ],
    },
  };
}

/** @param {ShownFit[]} fits @param {string} id */
const fitOf = (fits, id) => fits.find((fit) => fit.id === id) ?? fits[0];

/** Over both bumps, on one, or on neither. @param {ShownFit} fit */
function place({ covered }) {
  const held = covered.filter(Boolean).length;
  return held === covered.length ? "both" : held === 1 ? "one" : "neither";
}

/** How many optima the runs of a fit ended at. @param {ShownFit} fit */
function optima({ runs }) {
  return String(new Set(runs.map((run) => run.optimum).filter((optimum) => optimum !== null)).size);
}

/** How far a fit still moves: the largest of its last values. @param {ShownFit} fit */
function shaking({ trace }) {
  const last = trace.slice(Math.floor(0.7 * trace.length)).map(([, value]) => value ?? Infinity);
  return Math.max(...last);
}

const WHERE = [
  { id: "both", text: "wide, over both bumps" },
  { id: "one", text: "narrow, on the right bump" },
  { id: "neither", text: "narrow, in the gap between" },
];

/** @type {Lesson[]} */
export const LESSONS = [
  {
    id: "lesson-1",
    title: "Forward KL",
    text: "p has two bumps, and q is one Gaussian beside the right one. The [[forward KL]], KL(p‖q), averages log p/q over p.",
    question: "Where will forward KL end?",
    choices: WHERE,
    state: start({ fits: [FORWARD] }),
    happened: (fits) => place(fits[0]),
    because: {
      both: "What counts is where p has its mass. Where p has mass and q has none, log p/q is huge: q has to cover everything, at the price of being where p is not. Its mean and variance are those of p.",
    },
  },
  {
    id: "lesson-2",
    title: "Reverse KL",
    text: "The same p and the same start. The [[reverse KL]], KL(q‖p), averages log q/p over q.",
    marksBest: true,
    question: "Where will reverse KL end?",
    choices: WHERE,
    state: start({ fits: [REVERSE] }),
    happened: (fits) => place(fits[0]),
    because: {
      one: "What counts is where q has its mass. It pays for being where p is not, and nothing for what it leaves out: it keeps to one bump. Which of the two, its start decides: it began beside the right one.",
    },
  },
  {
    id: "lesson-3",
    title: "Another start",
    text: "Reverse KL again, from a wider q, nearer to the middle. The [[landscape]] of KL(q‖p) shows every q there is, light where it is small.",
    showsLandscape: true,
    question: "Where will reverse KL end from here?",
    choices: WHERE,
    state: start({ q: line([1, 1, 2.5]), fits: [REVERSE] }),
    happened: (fits) => place(fits[0]),
    because: {
      both: "It ended in another hollow, so shallow that it hardly shows: an [[optimum]] over both bumps, of 0.841 nats, worse than 0.689 on one. It looks like the end of forward KL and is not: σ is 2.74, and not 3.16.",
      one: "From here too it found the better optimum, on one bump.",
    },
  },
  {
    id: "lesson-4",
    title: "Many starts",
    text: "Forward and reverse KL from 32 random [[starts]] each. Every run will leave a line from its first dot to its last, in the colour of the optimum it ends at.",
    question: "How many optima will the runs of reverse KL end at?",
    choices: [
      { id: "1", text: "one" },
      { id: "2", text: "two" },
      { id: "3", text: "three" },
    ],
    state: start({ fits: [FORWARD, REVERSE], restarts: 32, steps: 1000 }),
    happened: (fits) => optima(fitOf(fits, "reverse-kl")),
    because: {
      3: "One on each bump and a worse one over both; forward KL has a single one. The starts that end at the same one make up the [[basins]].",
      2: "Those on the two bumps were found, and the one over both was missed this time.",
    },
  },
  {
    id: "lesson-5",
    title: "Closer together",
    text: "Here the bumps of p stand so close together that they hardly count as two.",
    question: "Where will reverse KL end now?",
    choices: [
      { id: "both", text: "wide, over both bumps" },
      { id: "one", text: "narrow, on one bump" },
    ],
    state: start({ target: line([0.5, -1.2, 1], [0.5, 1.2, 1]), fits: [FORWARD, REVERSE], reach: 8 }),
    happened: (fits) => place(fitOf(fits, "reverse-kl")),
    because: {
      both: "Between bumps that overlap, p is dense: being there costs little, and one optimum is left. Both directions nearly agree.",
    },
  },
  {
    id: "lesson-6",
    title: "Heavy tails",
    text: "p has one bump and heavy tails: far out it falls off more slowly than a Gaussian. It is put together from seven Gaussians with one mean.",
    question: "Which fit will be wider?",
    choices: [
      { id: "forward", text: "forward KL" },
      { id: "reverse", text: "reverse KL" },
      { id: "same", text: "about the same" },
    ],
    state: start({
      target: line(
        [1 / 7, 0, 0.616],
        [1 / 7, 0, 0.806],
        [1 / 7, 0, 0.986],
        [1 / 7, 0, 1.2],
        [1 / 7, 0, 1.5],
        [1 / 7, 0, 2.04],
        [1 / 7, 0, 3.67],
      ),
      fits: [FORWARD, REVERSE],
    }),
    happened: (fits) => {
      const [forward, reverse] = ["forward-kl", "reverse-kl"].map((id) => fitOf(fits, id).mixture.stds[0][0]);
      if (Math.abs(forward - reverse) < 0.05 * forward) return "same";
      return forward > reverse ? "forward" : "reverse";
    },
    because: {
      forward: (fits) => {
        const [forward, reverse] = ["forward-kl", "reverse-kl"].map((id) =>
          fitOf(fits, id).mixture.stds[0][0].toFixed(2),
        );
        return `Forward KL has to cover the tails, and takes the variance of p, tails and all: its σ is ${forward}. Reverse KL fits the middle and lets the tails go: its σ is ${reverse}.`;
      },
    },
  },
  {
    id: "lesson-7",
    title: "A q that can be p",
    text: "Now q is a [[mixture]] of two Gaussians, as p is.",
    question: "Will the two directions still end apart?",
    choices: [
      { id: "alike", text: "no: both reach p" },
      { id: "forward", text: "yes: only forward KL reaches p" },
      { id: "reverse", text: "yes: only reverse KL reaches p" },
    ],
    state: start({ q: line([0.5, -1, 1.5], [0.5, 2, 1.5]), fits: [FORWARD, REVERSE], steps: 1000 }),
    happened: (fits) => {
      const [forward, reverse] = ["forward-kl", "reverse-kl"].map(
        (id) => (fitOf(fits, id).value ?? 1) < 1e-3,
      );
      if (forward && reverse) return "alike";
      return forward ? "forward" : "reverse";
    },
    because: {
      alike:
        "q can be p exactly, and every divergence is 0 there, but for rounding, and nowhere else. The direction matters where q cannot be p.",
      forward: "Reverse KL is at a worse optimum: even a q that could be p may not find it.",
    },
  },
  {
    id: "lesson-8",
    title: "Draws for integrals",
    text: "Where integrals cannot be had, [[draws]] of q stand in: here 8 at each step, with three ways to take the gradient: [[pathwise]], [[score function]] and [[sticking the landing]].",
    question: "p is a Gaussian, as q is. Which fit will come to rest at p, and not go on shaking?",
    choices: [
      { id: "reverse-kl", text: "pathwise" },
      { id: "reverse-kl-n2", text: "score function" },
      { id: "reverse-kl-n3", text: "sticking the landing" },
    ],
    state: start({
      target: line([1, 2, 1]),
      q: line([1, -1, 2]),
      fits: [
        drawn("reverse-kl", "pathwise"),
        drawn("reverse-kl-n2", "score-function"),
        drawn("reverse-kl-n3", "sticking-the-landing"),
      ],
      reach: 8,
    }),
    happened: (fits) => fits.reduce((best, fit) => (shaking(fit) < shaking(best) ? fit : best)).id,
    because: {
      "reverse-kl-n3":
        "At q = p its gradient is 0 for every single draw, so it comes to rest. The others go on shaking by the noise of their draws: see Convergence. Where a fit ends is up to the divergence and the start; how steadily it gets there, to the gradient.",
    },
  },
];

/** The lesson of a hash; null if it names none. @param {string} hash */
export function lessonOfLink(hash) {
  return LESSONS.find((lesson) => `#${lesson.id}` === hash) ?? null;
}

/**
 * What is said once the fits have ended.
 * @param {Lesson} lesson @param {string | null} predicted @param {ShownFit[]} fits
 */
export function verdict(lesson, predicted, fits) {
  const happened = lesson.happened(fits);
  const text = (/** @type {string | null} */ id) => lesson.choices.find((choice) => choice.id === id)?.text;
  const said = predicted === null ? "" : `You said: ${text(predicted)}. `;
  const was = predicted === happened ? "So it was." : `It was: ${text(happened) ?? happened}.`;
  const why = lesson.because[happened] ?? "";
  const because = typeof why === "string" ? why : why(fits);
  return { isRight: predicted === happened, text: `${said}${was} ${because}`.trim() };
}
