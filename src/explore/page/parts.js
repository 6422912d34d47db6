// All parts of the page, in the order in which they draw.

/** @import { Actions, Part, Scene } from "./types.d.ts" */
import { FitsPanel } from "./panel/fits-panel.js";
import { LandscapeControls } from "./panel/landscape-controls.js";
import { AxesPanel, OptimizerPanel, QPanel, TargetPanel } from "./panel/settings.js";
import { AlphaPanel } from "./view/alpha.js";
import { ConvergencePlot } from "./view/convergence.js";
import { DensityPlot } from "./view/densities.js";
import { Glossary } from "./teach/glossary.js";
import { Lessons } from "./teach/lessons.js";
import { Presets } from "./teach/presets.js";
import { DrawsPanel } from "./view/draws.js";
import { byId, setText } from "./view/elements.js";
import { Landscapes } from "./view/landscapes.js";
import { Legend } from "./view/legend.js";
import { Scrubber } from "./view/scrubber.js";
import { Transport } from "./view/transport.js";
import { ValuesTable } from "./view/values.js";

/** @param {Actions} actions @returns {Part[]} */
export function pageParts(actions) {
  const press = (/** @type {string} */ id, /** @type {() => void} */ action) =>
    byId(id).addEventListener("click", action);
  press("save-config", () => actions.save("config"));
  press("save-svg", () => actions.save("svg"));
  press("save-png", () => actions.save("png"));
  press("save-page", () => actions.save("page"));
  press("copy-link", () => actions.copyLink());
  const totals = byId("totals");
  totals.addEventListener("click", () => actions.showTotals(totals.getAttribute("aria-pressed") !== "true"));
  new Glossary();
  return [
    new Lessons(actions),
    new Presets(byId("presets"), actions),
    new Transport(actions),
    new Legend(byId("legend")),
    new DensityPlot(byId("density-plot"), actions),
    new Landscapes(byId("maps"), actions),
    new ConvergencePlot(/** @type {HTMLCanvasElement} */ (byId("convergence"))),
    new ValuesTable(actions),
    new AlphaPanel(actions),
    new DrawsPanel(actions),
    new QPanel(actions),
    new TargetPanel(actions),
    new FitsPanel(actions),
    new OptimizerPanel(actions),
    new AxesPanel(actions),
    new LandscapeControls(actions),
    new Scrubber(actions),
    { draw: drawRest },
  ];
}

/** @param {Scene} scene */
function drawRest({ answerMs, showsTotals, state }) {
  const totals = byId("totals");
  totals.hidden = state.dim === 2;
  totals.setAttribute("aria-pressed", String(showsTotals));
  setText(byId("answer-time"), answerMs === null ? "" : `answered in ${answerMs.toFixed(1)} ms`);
}
