// Densities and integrands over the line.

/** @import { Actions, Curve, Densities, Frame, Palette, Scale, Scene, ShownFit } from "../types.d.ts" */
import { drawAxes } from "../draw/axes.js";
import { clipTo, drawCurve, prepared, strokeWith, useFont } from "../draw/canvas.js";
import { basinColor, withAlpha } from "../draw/palette.js";
import { StickyLimit, linearScale } from "../draw/scales.js";
import { gaussianDensity, mixtureDensity } from "../model/mixture.js";
import { shortNumber } from "../model/numbers.js";
import { lineHandles } from "./line-handles.js";

/** @type {Record<string, string>} */
const INTEGRANDS = { "forward-kl": "p log(p/q)", "reverse-kl": "q log(q/p)" };
/** A canvas narrower than this has fewer ticks and shorter words. */
const NARROW = 480;
/** The axis of the integrands is no shorter. */
const SMALLEST = 1e-3;
/** Ends of a swarm that are drawn as curves, one for each optimum. */
const MOST_ENDS = 8;

/** @typedef {ShownFit & { curve: number[], others: { curve: number[], optimum: number | null }[] }} FitCurve */

export class LinePlot {
  /** @param {HTMLCanvasElement} canvas @param {Actions} actions */
  constructor(canvas, actions) {
    this.canvas = canvas;
    this.actions = actions;
    this.top = new StickyLimit();
    this.high = new StickyLimit();
    this.low = new StickyLimit();
    this.hadTotals = false;
    /** Where what was drawn is, for whoever reads from it. @type {import("./probe.js").Plotted | null} */
    this.plotted = null;
  }

  /** Draws everything and returns the handles. @param {Scene} scene @param {Palette} palette */
  draw(scene, palette) {
    this.canvas.style.maxHeight = "";
    const { context, width, height } = prepared(this.canvas);
    const upper = { left: 46, right: width - 10, top: 26, bottom: Math.round(height * 0.6) };
    const lower = { left: 46, right: width - 10, top: upper.bottom + 38, bottom: height - 34 };
    const { axes } = scene.state;
    const x = linearScale(axes.x[0], axes.x[1], upper.left, upper.right);
    const densities = scene.view?.densities.integrands ? scene.view.densities : null;
    const y = this.drawDensities(context, upper, x, scene, palette, densities);
    this.drawIntegrands(context, lower, x, scene, palette, densities);
    this.plotted = densities && { x, upper, lower, densities };
    return lineHandles({ scene, actions: this.actions, x, y, frame: upper, top: this.top });
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Scale} x @param {Scene} scene
   * @param {Palette} palette @param {Densities | null} densities
   */
  drawDensities(context, frame, x, scene, palette, densities) {
    const fits = densities ? fitCurves(scene, densities.x) : [];
    const limit = this.top.follow(highest(scene, densities, fits), scene.isMoving);
    const y = linearScale(0, limit, frame.bottom, frame.top);
    context.save();
    clipTo(context, { ...frame, top: frame.top - 2 });
    if (densities) {
      const xs = densities.x;
      drawCurve(context, xs, densities.p, x, y, { color: "transparent", fill: palette.pFill });
      drawComponents(context, scene.state.target, xs, x, y, withAlpha(palette.p, 0.45));
      drawCurve(context, xs, densities.q, x, y, { color: "transparent", fill: palette.qFill });
      drawCurve(context, xs, densities.p, x, y, { color: palette.p, width: 1.75 });
      for (const { curve, optimum } of fits.flatMap((fit) => fit.others))
        drawCurve(context, xs, curve, x, y, { color: basinColor(palette, optimum), width: 1.25 });
      drawComponents(context, scene.q, xs, x, y, withAlpha(palette.q, 0.6));
      for (const { curve, style } of fits)
        drawCurve(context, xs, curve, x, y, {
          color: palette.series[style.slot],
          dash: style.dash,
          width: 2,
        });
      drawCurve(context, xs, densities.q, x, y, { color: palette.q, width: 1.75 });
    }
    context.restore();
    drawAxes(context, frame, x, y, palette, {
      xTicks: frame.right < NARROW ? 5 : 10,
      yTicks: 4,
      yLabel: "density",
      hideXText: true,
    });
    return y;
  }

  /**
   * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Scale} x @param {Scene} scene
   * @param {Palette} palette @param {Densities | null} densities
   */
  drawIntegrands(context, frame, x, scene, palette, densities) {
    const curves = shownCurves(densities, scene.showsTotals);
    if (scene.showsTotals !== this.hadTotals) this.high.value = this.low.value = 0;
    this.hadTotals = scene.showsTotals;
    const extreme = (/** @type {number} */ sign) =>
      curves.reduce((most, { values }) => values.reduce((a, v) => Math.max(a, sign * (v ?? 0)), most), 0);
    const [most, least] = [extreme(1), extreme(-1)];
    // Where one side is next to nothing it still gets a sliver, so that the zero line stays inside.
    const top = this.high.follow(Math.max(most, 0.08 * least, SMALLEST), scene.isMoving);
    const bottom = this.low.follow(Math.max(least, 0.08 * most, SMALLEST), scene.isMoving);
    const y = linearScale(-bottom, top, frame.bottom, frame.top);
    context.save();
    clipTo(context, frame);
    context.beginPath();
    context.moveTo(frame.left, Math.round(y(0)) + 0.5);
    context.lineTo(frame.right, Math.round(y(0)) + 0.5);
    strokeWith(context, palette.axis, 1);
    for (const { name, values } of curves) {
      const { slot, dash } = scene.styles[name];
      const color = palette.series[slot];
      drawCurve(context, densities?.x ?? [], values, x, y, {
        color,
        dash,
        width: 1.5,
        fill: withAlpha(color, 0.1),
      });
    }
    context.restore();
    const left = labelIntegrands(context, frame, curves, scene, palette);
    useFont(context, palette);
    drawAxes(context, frame, x, y, palette, {
      xTicks: frame.right < NARROW ? 5 : 10,
      yTicks: 3,
      yLabel: axisLabels(scene.showsTotals).find((label) => context.measureText(label).width < left - 8),
      xLabel: "x",
    });
  }
}

/** The integrands, or their integrals up to each place once those are there. @param {Densities | null} densities @param {boolean} areTotals @returns {Curve[]} */
function shownCurves(densities, areTotals) {
  const curves = densities?.integrands ?? [];
  if (!areTotals) return curves;
  return curves.flatMap((curve) => (curve.totals ? [{ ...curve, values: curve.totals }] : []));
}

/** Of which the first is taken that there is room for. @param {boolean} areTotals */
function axisLabels(areTotals) {
  return areTotals
    ? ["integral up to x, nats", "nats up to x", "nats"]
    : ["integrand, nats per unit of x", "integrand"];
}

/** @param {Scene} scene @param {number[]} xs @returns {FitCurve[]} */
function fitCurves(scene, xs) {
  return scene.fits
    .filter((fit) => fit.mixture.means[0].length === 1)
    .map((fit) => ({
      ...fit,
      curve: xs.map((at) => mixtureDensity(at, fit.mixture)),
      others: otherEnds(fit).map(({ mixture, optimum }) => ({
        curve: xs.map((at) => mixtureDensity(at, mixture)),
        optimum,
      })),
    }));
}

/** Of a fit with many runs, one end at each of the other optima. @param {ShownFit} fit */
function otherEnds({ ends, best }) {
  const seen = new Set([ends[best]?.optimum, null]);
  const others = ends.filter(({ optimum }) => !seen.has(optimum) && seen.add(optimum));
  return others.slice(0, MOST_ENDS);
}

/**
 * How high the densities go.
 * @param {Scene} scene @param {Densities | null} densities @param {FitCurve[]} fits
 */
function highest({ q }, densities, fits) {
  const peaks = q.weights.map((weight, k) => weight * gaussianDensity(0, 0, q.stds[k][0]));
  const own = fits.flatMap((fit) => [fit.curve, ...fit.others.map((other) => other.curve)]);
  const curves = densities ? [densities.p, densities.q, ...own] : [];
  return curves.reduce(
    (most, curve) => curve.reduce((a, b) => Math.max(a, b ?? 0), most),
    Math.max(...peaks),
  );
}

/**
 * @param {CanvasRenderingContext2D} context @param {import("../types.d.ts").Mixture} mixture @param {number[]} xs
 * @param {Scale} x @param {Scale} y @param {string} color
 */
function drawComponents(context, { weights, means, stds }, xs, x, y, color) {
  if (weights.length === 1) return;
  // Far out the curve would only dot the axis.
  const least = 0.004 * y.high;
  weights.forEach((weight, k) => {
    const values = xs.map((at) => {
      const value = weight * gaussianDensity(at, means[k][0], stds[k][0]);
      return value < least ? null : value;
    });
    drawCurve(context, xs, values, x, y, { color, width: 1, dash: [1.5, 2.5] });
  });
}

/**
 * Says from the right what is what; where that ends on the left.
 * @param {CanvasRenderingContext2D} context @param {Frame} frame @param {Curve[]} curves @param {Scene} scene
 * @param {Palette} palette
 */
function labelIntegrands(context, frame, curves, scene, palette) {
  useFont(context, palette, 11.5);
  context.textAlign = "right";
  context.textBaseline = "alphabetic";
  let right = frame.right;
  for (const { name, symbol, values } of [...curves].reverse()) {
    const { slot, dash } = scene.styles[name];
    const words = INTEGRANDS[name] ?? symbol;
    const end = scene.showsTotals ? (values[values.length - 1] ?? null) : null;
    const text = end === null ? words : `∫ ${words} = ${shortNumber(end, 4)}`;
    context.fillStyle = palette.series[slot];
    context.fillText(text, right, frame.top - 12);
    right -= context.measureText(text).width + 6;
    context.beginPath();
    context.moveTo(right - 22, frame.top - 16);
    context.lineTo(right, frame.top - 16);
    strokeWith(context, palette.series[slot], 2, dash);
    right -= 36;
  }
  return right + 14;
}
