// One contour map of log10 of each divergence over two parameters of q, with the paths of the fits.

import { HandleLayer } from "./handles.js";
import { bandPicture, levelLine, valleyRamp } from "./contours.js";
import {
  clipTo,
  drawAxes,
  haloText,
  linearScale,
  logScale,
  prepared,
  shortNumber,
  strokeWith,
  useFont,
  withAlpha,
} from "./draw.js";
import { isStd, parameterOf, setParameter, snapped } from "./model.js";
import { swatch } from "./elements.js";

export class Landscapes {
  constructor(app, root) {
    this.app = app;
    this.root = root;
    this.maps = new Map();
  }

  get isDragging() {
    return [...this.maps.values()].some((map) => map.handles.isDragging);
  }

  draw() {
    const landscape = this.app.landscape;
    this.reconcile(landscape?.surfaces ?? []);
    for (const surface of landscape?.surfaces ?? []) this.maps.get(surface.name).draw(landscape, surface);
  }

  reconcile(surfaces) {
    const names = new Set(surfaces.map((surface) => surface.name));
    for (const [name, map] of this.maps) {
      if (names.has(name)) continue;
      map.figure.remove();
      this.maps.delete(name);
    }
    for (const { name } of surfaces) {
      if (!this.maps.has(name)) this.maps.set(name, new LandscapeMap(this.app, name));
    }
    const wanted = surfaces.map((surface) => this.maps.get(surface.name).figure);
    if (wanted.some((figure, i) => this.root.children[i] !== figure)) this.root.replaceChildren(...wanted);
    this.root.dataset.count = String(surfaces.length);
  }
}

/** The values of an axis may be spaced evenly or by a constant factor: the scale follows them. */
function scaleFor(values, from, to) {
  const last = values.length - 1;
  const middle = values[Math.floor(last / 2)];
  const part = Math.floor(last / 2) / last;
  const even = values[0] + part * (values[last] - values[0]);
  const geometric = values[0] > 0 ? values[0] * (values[last] / values[0]) ** part : even;
  const isLog = values[0] > 0 && Math.abs(middle - geometric) < Math.abs(middle - even);
  return (isLog ? logScale : linearScale)(values[0], values[last], from, to);
}

/** Levels of log10 at round steps; what is far above the rest does not use up the colours. */
function levelsOf(table) {
  const sorted = table.filter((v) => v !== null && Number.isFinite(v)).sort((a, b) => a - b);
  if (sorted.length === 0) return [];
  const at = (part) => sorted[Math.min(Math.floor(part * sorted.length), sorted.length - 1)];
  const low = Math.max(sorted[0], at(0.02) - 1);
  const high = Math.max(at(0.92), low + 0.1);
  const step =
    [0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5].find((s) => (high - low) / s <= 14) ?? (high - low) / 14;
  const levels = [];
  for (let i = Math.ceil(low / step + 1e-6); i * step < high; i += 1) levels.push(i * step);
  return levels;
}

const BAR = 9;

class LandscapeMap {
  constructor(app, name) {
    this.app = app;
    this.name = name;
    this.cache = null;
    this.build();
    this.handles = new HandleLayer(this.container, {
      refresh: () => this.draw(this.landscape, this.surface),
      onEmpty: (px, py) => (this.isInside(px, py) ? "q" : null),
    });
    this.container.addEventListener("pointermove", (event) => this.hover(event));
    this.container.addEventListener("pointerleave", () => {
      this.here.textContent = "";
    });
  }

  build() {
    const { title, symbol } = this.app.divergence(this.name);
    this.figure = document.createElement("figure");
    this.figure.className = "map";
    this.figure.dataset.test = `landscape-${this.name}`;
    const caption = document.createElement("figcaption");
    const heading = document.createElement("strong");
    heading.textContent = symbol;
    const words = document.createElement("span");
    words.className = "muted";
    words.textContent = title;
    this.here = document.createElement("span");
    this.here.className = "here";
    this.swatch = document.createElement("span");
    caption.append(this.swatch, heading, words, this.here);
    this.container = document.createElement("div");
    this.container.className = "plot";
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute(
      "aria-label",
      `Contour map of ${title}, with the current q and the paths of the fits`,
    );
    this.container.append(this.canvas);
    this.figure.append(caption, this.container);
  }

  draw(landscape, surface) {
    const { palette } = this.app;
    const { context, width, height } = prepared(this.canvas);
    this.swatch.replaceChildren(swatch(this.app.style(this.name)));
    const frame = { left: 42, right: width - 10, top: 28, bottom: height - 76 };
    this.frame = frame;
    const x = scaleFor(landscape.columns, frame.left, frame.right);
    const y = scaleFor(landscape.rows, frame.bottom, frame.top);
    Object.assign(this, { x, y, landscape, surface });
    const picture = this.picture(landscape, surface, frame, x, y);
    context.save();
    clipTo(context, frame);
    hatch(context, frame, palette);
    context.drawImage(picture.bands, frame.left, frame.top);
    for (const line of picture.lines) {
      context.lineWidth = 0.6;
      context.strokeStyle = "rgb(0 20 40 / 0.32)";
      context.stroke(line);
    }
    this.drawPaths(context, x, y, frame);
    this.drawOptima(context, frame, x, y, surface.optima ?? []);
    this.drawCross(context, frame, x, y);
    context.restore();
    const [xTitle, yTitle] = landscape.titles;
    drawAxes(context, frame, x, y, palette, { xTicks: 5, yTicks: 5, xLabel: xTitle, yLabel: yTitle });
    this.drawBar(context, frame, height, picture);
    this.handles.update(this.handleItems(landscape, frame, x, y));
  }

  picture(landscape, surface, frame, x, y) {
    const size = [
      Math.max(Math.round(frame.right - frame.left), 1),
      Math.max(Math.round(frame.bottom - frame.top), 1),
    ];
    const key = `${size.join()},${this.app.palette.isDark}`;
    if (this.cache?.surface === surface && this.cache.key === key) return this.cache;
    const levels = levelsOf(surface.log10);
    const ramp = valleyRamp(this.app.palette.isDark);
    const colors = [null, ...levels].map((_, i) => ramp(1 - i / Math.max(levels.length, 1)));
    const { columns, rows } = landscape;
    const bands = bandPicture({
      table: surface.log10,
      columns,
      rows,
      levels,
      colors,
      width: size[0],
      height: size[1],
      xScale: scaleFor(columns, 0, size[0]),
      yScale: scaleFor(rows, size[1], 0),
    });
    const lines = levels.map((level) => levelLine(surface.log10, columns, rows, level, x, y));
    this.cache = { surface, key, bands, lines, levels, colors };
    return this.cache;
  }

  drawPaths(context, x, y, frame) {
    const fits = this.app.shownFits().filter((fit) => fit.path.length > 0);
    const ordered = [...fits].sort((a, b) => Number(a.name === this.name) - Number(b.name === this.name));
    for (const fit of ordered) this.drawPath(context, fit, x, y, frame);
  }

  drawPath(context, fit, x, y) {
    const { halo } = this.app.palette.map;
    const isOwn = fit.name === this.name;
    context.beginPath();
    fit.path.forEach(([a, b], i) => (i === 0 ? context.moveTo(x(a), y(b)) : context.lineTo(x(a), y(b))));
    if (!isOwn) {
      strokeWith(context, withAlpha(halo, 0.3), 3);
      strokeWith(context, withAlpha(fit.mapColor, 0.6), 1.25, fit.dash);
      return;
    }
    strokeWith(context, withAlpha(halo, 0.9), 5);
    strokeWith(context, fit.mapColor, 2.25, fit.dash);
    const [a, b] = fit.path[fit.path.length - 1];
    context.beginPath();
    context.arc(x(a), y(b), 4, 0, 2 * Math.PI);
    context.fillStyle = fit.mapColor;
    context.fill();
    strokeWith(context, halo, 1.5);
  }

  drawOptima(context, frame, x, y, optima) {
    const palette = this.app.palette.map;
    useFont(context, palette, 11, "600");
    context.textBaseline = "middle";
    context.textAlign = "center";
    const shown = optima
      .map((optimum) => ({ ...optimum, px: x(optimum.at[0]), py: y(optimum.at[1]) }))
      .filter(({ px, py }) => px >= frame.left && px <= frame.right && py >= frame.top && py <= frame.bottom);
    const marks = [this.pointOfQ(x, y), ...shown.map(({ px, py }) => [px, py])].map(([px, py]) =>
      boxAround(px, py, 9, 9),
    );
    const taken = [...marks, ...this.ownPathPoints(x, y).map(([px, py]) => boxAround(px, py, 3, 3))];
    for (const { px, py, value, is_best: isBest } of shown) {
      diamond(context, px, py, 5.5);
      context.fillStyle = isBest ? palette.ink : palette.halo;
      context.fill();
      strokeWith(context, isBest ? palette.halo : palette.ink, 1.5);
      const text = shortNumber(value, 3);
      const box = freeBox(px, py, context.measureText(text).width, frame, taken);
      taken.push(box);
      haloText(
        context,
        text,
        (box.left + box.right) / 2,
        (box.top + box.bottom) / 2,
        palette.ink,
        withAlpha(palette.halo, 0.85),
      );
    }
  }

  /** Some points along the paths on their own map, which text should not hide. */
  ownPathPoints(x, y) {
    const paths = this.app
      .shownFits()
      .filter((fit) => fit.name === this.name)
      .map((fit) => fit.path);
    return paths.flatMap((path) =>
      path.filter((_, i) => i % Math.ceil(path.length / 200) === 0).map(([a, b]) => [x(a), y(b)]),
    );
  }

  /** Fine lines through the current q, which lead the eye to both axes. */
  drawCross(context, frame, x, y) {
    const [px, py] = this.pointOfQ(x, y);
    context.beginPath();
    context.moveTo(px, frame.top);
    context.lineTo(px, frame.bottom);
    context.moveTo(frame.left, py);
    context.lineTo(frame.right, py);
    strokeWith(context, withAlpha(this.app.palette.map.q, 0.7), 1, [1.5, 3]);
  }

  pointOfQ(x, y) {
    const q = this.app.shownQ();
    const [first, second] = this.landscape.parameters;
    return [x(parameterOf(q, first)), y(parameterOf(q, second))];
  }

  drawBar(context, frame, height, { levels, colors }) {
    if (levels.length < 2) return;
    const { palette } = this.app;
    const top = height - 30;
    const wide = (frame.right - frame.left) / colors.length;
    colors.forEach(([r, g, b], i) => {
      context.fillStyle = `rgb(${r} ${g} ${b})`;
      const from = Math.round(frame.left + i * wide);
      context.fillRect(from, top, Math.round(frame.left + (i + 1) * wide) - from, BAR);
    });
    context.strokeStyle = palette.axis;
    context.lineWidth = 1;
    context.strokeRect(
      Math.round(frame.left) - 0.5,
      top - 0.5,
      Math.round(frame.right - frame.left),
      BAR + 1,
    );
    const [low, high] = [levels[0], levels[levels.length - 1]];
    const place = linearScale(low, high, frame.left + wide, frame.right - wide);
    this.barTicks(context, top + BAR, 10 ** low, 10 ** high, (value) => place(Math.log10(value)), frame);
  }

  barTicks(context, top, low, high, place, frame) {
    const { palette } = this.app;
    useFont(context, palette);
    context.fillStyle = palette.muted;
    context.strokeStyle = palette.axis;
    context.textBaseline = "top";
    context.textAlign = "right";
    const unit = this.app.divergence(this.name).in_nats ? "nats" : "";
    const unitWidth = unit ? context.measureText(unit).width + 6 : 0;
    context.fillText(unit, frame.right, top + 6);
    context.textAlign = "center";
    context.beginPath();
    for (const tick of logScale(low, high, 0, 1).ticks(5)) {
      const px = Math.round(place(tick.value)) - 0.5;
      context.moveTo(px, top);
      context.lineTo(px, top + 4);
      if (px + context.measureText(tick.text).width / 2 < frame.right - unitWidth)
        context.fillText(tick.text, px, top + 6);
    }
    context.stroke();
  }

  handleItems(landscape, frame, x, y) {
    const { app } = this;
    const [px, py] = this.pointOfQ(x, y);
    const q = app.shownQ();
    const values = landscape.parameters.map((name) => parameterOf(q, name));
    const move = (a, b) =>
      app.editQ((own) => {
        setParameter(own, landscape.parameters[0], this.rounded(0, a, x));
        setParameter(own, landscape.parameters[1], this.rounded(1, b, y));
      });
    const inside = (p, scale) =>
      Math.min(Math.max(p, Math.min(scale.from, scale.to)), Math.max(scale.from, scale.to));
    return [
      {
        key: "q",
        kind: "dot",
        tone: "q",
        x: px,
        y: py,
        hidden: !this.isInside(px, py),
        value: values[0],
        low: x.low,
        high: x.high,
        label: `current q on the map of ${app.divergence(this.name).title}`,
        text: landscape.titles
          .map((title, i) => `${title.split(" ").pop()} ${shortNumber(values[i], 3)}`)
          .join(", "),
        drag: (toX, toY) => move(x.invert(inside(toX, x)), y.invert(inside(toY, y))),
        nudge: (dx, dy) =>
          move(
            ...[
              [values[0], dx, x],
              [values[1], dy, y],
            ].map(([value, d, scale]) => value + d * keyStepOver(scale)),
          ),
      },
    ];
  }

  rounded(which, value, scale) {
    const name = this.landscape.parameters[which];
    // On a logarithmic axis small values need a finer grid than the length of the axis gives.
    const span = isStd(name)
      ? Math.min(scale.high - scale.low, Math.abs(value) * 20)
      : scale.high - scale.low;
    return snapped(value, span);
  }

  isInside(px, py) {
    const { left, right, top, bottom } = this.frame ?? {};
    return px >= left - 1 && px <= right + 1 && py >= top - 1 && py <= bottom + 1;
  }

  /** The divergence under the pointer, as the map's nearest point has it. */
  hover(event) {
    if (!this.frame || !this.surface) return;
    const box = this.container.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    if (!this.isInside(px, py)) {
      this.here.textContent = "";
      return;
    }
    const { columns, rows } = this.landscape;
    const column = nearestIndex(columns, this.x.invert(px));
    const row = nearestIndex(rows, this.y.invert(py));
    const value = this.surface.log10[row * columns.length + column];
    this.here.textContent = value === null ? "∞" : `≈ ${shortNumber(10 ** value, 2)}`;
  }
}

function keyStepOver(scale) {
  return 10 ** Math.floor(Math.log10((scale.high - scale.low) / 100));
}

function nearestIndex(values, wanted) {
  let best = 0;
  for (let i = 1; i < values.length; i += 1)
    if (Math.abs(values[i] - wanted) < Math.abs(values[best] - wanted)) best = i;
  return best;
}

function boxAround(px, py, halfWidth, halfHeight) {
  return { left: px - halfWidth, right: px + halfWidth, top: py - halfHeight, bottom: py + halfHeight };
}

/** A place beside a mark for its text, on the first side where nothing else is. */
function freeBox(px, py, width, frame, taken) {
  const [w, h] = [width / 2 + 2, 7];
  const sides = [
    [w + 9, 0],
    [-w - 9, 0],
    [0, -16],
    [0, 16],
  ];
  const boxes = sides.map(([dx, dy]) => boxAround(px + dx, py + dy, w, h));
  const fits = (box) =>
    box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
  const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  return (
    boxes.find((box) => fits(box) && !taken.some((other) => meets(box, other))) ??
    boxes.find(fits) ??
    boxes[0]
  );
}

function diamond(context, px, py, size) {
  context.beginPath();
  context.moveTo(px, py - size);
  context.lineTo(px + size, py);
  context.lineTo(px, py + size);
  context.lineTo(px - size, py);
  context.closePath();
}

/** The ground where the divergence is infinite. */
function hatch(context, frame, palette) {
  context.beginPath();
  for (let px = frame.left - (frame.bottom - frame.top); px < frame.right; px += 7) {
    context.moveTo(px, frame.bottom);
    context.lineTo(px + frame.bottom - frame.top, frame.top);
  }
  strokeWith(context, palette.axis, 0.75);
}
