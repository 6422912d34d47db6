// Small pieces of the page. Text goes in as text: nothing from the server or a link is ever markup.

const SVG = "http://www.w3.org/2000/svg";

/** The element of the page with this id. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** @param {string} id @returns {HTMLButtonElement} */
export function buttonById(id) {
  return /** @type {HTMLButtonElement} */ (byId(id));
}

/** @param {string} id @returns {HTMLInputElement} */
export function inputById(id) {
  return /** @type {HTMLInputElement} */ (byId(id));
}

/** @param {string} id @returns {HTMLSelectElement} */
export function selectById(id) {
  return /** @type {HTMLSelectElement} */ (byId(id));
}

/**
 * Sets a text where it is another: what stays the same is not read out again.
 * @param {Node} node @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * An element with properties, attributes ("data-…", "aria-…", "role", "for") and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, unknown>} properties @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, String(value));
    else Object.assign(made, { [name]: value });
  }
  made.append(...children);
  return made;
}

/**
 * An element of a picture.
 * @param {string} tag @param {Record<string, string | number>} attributes @param {...Node} children
 */
export function svg(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * A short sample of a line; `fill` draws it as the edge of a filled area.
 * @param {{ color: string, dash?: number[], fill?: string | null }} look
 */
export function swatch({ color, dash = [], fill = null }) {
  const y = fill ? 2 : 6;
  return svg(
    "svg",
    { width: 26, height: 12, viewBox: "0 0 26 12", "aria-hidden": "true", class: "swatch" },
    ...(fill ? [svg("rect", { x: 1, y: 2, width: 24, height: 10, fill })] : []),
    svg("line", {
      x1: 1,
      x2: 25,
      y1: y,
      y2: y,
      stroke: color,
      "stroke-width": 2.25,
      "stroke-dasharray": dash.join(" "),
    }),
  );
}

/**
 * Puts a sample into its place, where it is not there yet.
 * @param {HTMLElement} place @param {string} color @param {number[]} dash
 */
export function showSwatch(place, color, dash) {
  const key = color + dash.join();
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren(swatch({ color, dash }));
}

/** Hands a file to the person. @param {string} name @param {string} mime @param {BlobPart} content */
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

/** @param {string} base64 */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}
