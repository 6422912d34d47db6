// What a fit looks like, in words.

const NUMBERS = ["none", "one", "two", "three", "four", "five", "six"];

/** @param {number} count */
function spelled(count) {
  return NUMBERS[count] ?? String(count);
}

/**
 * Which of the modes of p are covered: "covers both bumps", "sits on one bump".
 * @param {string} subject @param {boolean[]} covered
 */
export function coverage(subject, covered) {
  const [held, all] = [covered.filter(Boolean).length, covered.length];
  const say = (/** @type {string} */ words) => `${subject} ${words}`.trim();
  if (all <= 1) return "";
  if (all >= NUMBERS.length)
    return say(held === all ? `covers all ${all} modes` : `covers ${held} of ${all} modes`);
  if (held === all) return say(all === 2 ? "covers both bumps" : `covers all ${spelled(all)} bumps`);
  if (held === 0) return say(all === 2 ? "sits on neither bump" : "sits on no bump");
  if (held === 1) return say(all === 2 ? "sits on one bump" : `sits on one bump of ${spelled(all)}`);
  return say(`covers ${spelled(held)} bumps of ${spelled(all)}`);
}
