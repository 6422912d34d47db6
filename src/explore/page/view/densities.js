// The densities with their handles: curves and integrands in 1-D, contours and ellipses in 2-D.

/** @import { Actions, Palette, Part, Scene } from "../types.d.ts" */
import { HandleLayer } from "./handles.js";
import { LinePlot } from "./line.js";
import { Memo } from "./memo.js";
import { PlanePlot } from "./plane.js";
import { Probe } from "./probe.js";

/** @implements {Part} */
export class DensityPlot {
  /** @param {HTMLElement} container @param {Actions} actions */
  constructor(container, actions) {
    this.container = container;
    const canvas = /** @type {HTMLCanvasElement} */ (container.querySelector("canvas"));
    this.line = new LinePlot(canvas, actions);
    this.plane = new PlanePlot(canvas, actions);
    this.canvas = canvas;
    this.memo = new Memo();
    this.probe = new Probe(container);
    this.handles = new HandleLayer(container, {
      refresh: () => actions.redraw(),
      onHold: (isHeld) => actions.hold(isHeld),
    });
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw(scene, palette) {
    const { state, q, view, fits, styles, isMoving } = scene;
    const { clientWidth, clientHeight } = this.canvas;
    const { target, axes, dim } = state;
    if (
      !this.memo.changed(
        target,
        axes,
        q,
        view?.densities,
        fits,
        styles,
        palette,
        isMoving,
        clientWidth,
        clientHeight,
      )
    )
      return;
    this.container.classList.toggle("plane", dim === 2);
    const plot = dim === 1 ? this.line : this.plane;
    const handles = plot.draw(scene, palette);
    this.handles.update(scene.isRecorded ? [] : handles);
    this.probe.update(dim === 1 ? this.line.plotted : null);
  }
}
