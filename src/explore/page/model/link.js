// The state as what follows the # of an address.

/** @import { Hello, State } from "../types.d.ts" */
import { checkedState } from "./check.js";
import { VERSION } from "./state.js";

/** @param {State} state */
export function encodedState(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** What the hash holds as JSON, unchecked; null if it holds none. @param {string} hash */
function decoded(hash) {
  try {
    const binary = atob(hash.replace(/^#/, "").replaceAll("-", "+").replaceAll("_", "/"));
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))));
  } catch {
    return null;
  }
}

/**
 * The state in a hash; or, if there is none that can be taken, why not. A hash of a lesson is none of ours.
 * @param {string} hash @param {Hello} hello @returns {{ state: State | null, problem: string | null }}
 */
export function stateOfLink(hash, hello) {
  const text = hash.replace(/^#/, "");
  if (text === "" || text.startsWith("lesson-")) return { state: null, problem: null };
  const candidate = decoded(text);
  const state = checkedState(candidate, hello);
  if (state) return { state, problem: null };
  if (Number.isInteger(candidate?.version) && candidate.version !== VERSION)
    return {
      state: null,
      problem: `This link was made by ${candidate.version < VERSION ? "an earlier" : "a later"} klfit and cannot be read here: you see the usual start instead.`,
    };
  return { state: null, problem: "This link is not whole: you see the usual start instead." };
}
