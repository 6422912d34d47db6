// What the server says of something that cannot be, as sentences.

/**
 * Where it stands in the config that the page would save says nothing to who looks at the page.
 * @param {{ message: string, help: string | null }} refusal
 */
export function told({ message, help }) {
  const what = message.replace(/^explored\.toml:\d+: /, "");
  return [what, help].filter((text) => text !== null).map(sentence).join(" ");
}

/** @param {string} text */
function sentence(text) {
  const end = /[.!?]$/.test(text) ? "" : ".";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}
