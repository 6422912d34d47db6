// Which of some steps are looked at.

/** The last place at or before a step. @param {number[]} steps @param {number} step */
export function momentAt(steps, step) {
  let i = 0;
  while (i + 1 < steps.length && steps[i + 1] <= step) i += 1;
  return i;
}

/**
 * So many of a list at most, the first and the last among them.
 * @template T @param {T[]} list @param {number} most
 */
export function thinned(list, most) {
  if (list.length <= most) return list;
  const at = (/** @type {number} */ i) => list[Math.round((i * (list.length - 1)) / (most - 1))];
  return Array.from({ length: most }, (_, i) => at(i));
}
