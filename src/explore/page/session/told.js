// What the server says of something that cannot be, as sentences.

/** @param {{ message: string, help: string | null }} refusal */
export function told({ message, help }) {
  return [message, help].filter((text) => text !== null).map(sentence).join(" ");
}

/** @param {string} text */
function sentence(text) {
  const end = /[.!?]$/.test(text) ? "" : ".";
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}
