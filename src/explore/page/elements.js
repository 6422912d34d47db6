// Small pieces of the page. Text goes in as text: nothing from the server or a link is ever markup.

const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
  return document.getElementById(id);
}

/** An element with properties, data attributes ("data-…", "aria-…", "role", "for") and children. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** A short sample of a line; `fill` draws it as the edge of a filled area. */
export function swatch({ color, dash = [], fill = null }) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of Object.entries({
    width: 26,
    height: 12,
    viewBox: "0 0 26 12",
    "aria-hidden": "true",
    class: "swatch",
  }))
    svg.setAttribute(name, value);
  if (fill) {
    const area = document.createElementNS(SVG, "rect");
    for (const [name, value] of Object.entries({ x: 1, y: 2, width: 24, height: 10, fill }))
      area.setAttribute(name, value);
    svg.append(area);
  }
  const line = document.createElementNS(SVG, "line");
  const y = fill ? 2 : 6;
  for (const [name, value] of Object.entries({
    x1: 1,
    x2: 25,
    y1: y,
    y2: y,
    stroke: color,
    "stroke-width": 2.25,
    "stroke-dasharray": dash.join(" "),
  }))
    line.setAttribute(name, value);
  svg.append(line);
  return svg;
}

/** Hands a file to the person. */
export function download(name, mime, content) {
  const link = element("a", {
    href: URL.createObjectURL(new Blob([content], { type: mime })),
    download: name,
  });
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads the blob after the click; it may go once that has surely happened.
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}
