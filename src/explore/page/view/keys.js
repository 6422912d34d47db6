// Keys that work wherever the focus is: undo and redo, and the space bar to run and pause.

/** @import { Actions } from "../types.d.ts" */
import { buttonById } from "./elements.js";

/** Where a key is typed, or does something of its own. */
const TYPED = "input[type=text], textarea, [contenteditable]";
const PRESSED = "button, a, select, summary, input:not([type=range])";

/** @param {Actions} actions */
export function listenToKeys(actions) {
  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    if (isUndo(event)) {
      event.preventDefault();
      if (event.shiftKey || event.key.toLowerCase() === "y") actions.redo();
      else actions.undo();
      return;
    }
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (event.key !== " " || !isPlain || event.repeat) return;
    if (target.matches(TYPED) || target.matches(PRESSED)) return;
    event.preventDefault();
    if (!buttonById("pause").disabled) actions.pauseOrResume();
    else if (!buttonById("run").disabled) actions.run();
  });
}

/** Ctrl-Z, Ctrl-Shift-Z, Ctrl-Y; with the command key on a Mac. @param {KeyboardEvent} event */
function isUndo(event) {
  const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey;
  return isCommand && ["z", "y"].includes(event.key.toLowerCase());
}
