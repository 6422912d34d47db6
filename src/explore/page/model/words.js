// What a fit looks like, in words.

const NUMBERS = ["none", "one", "two", "three", "four", "five", "six"];

/** @param {number} count */
function spelled(count) {
  return NUMBERS[count] ?? String(count);
}

/**
 * Which of the bumps of p are covered: "covers both", "sits on one". Of many components it says how much instead: they
 * are no bumps, but what a shape is made of.
 * @param {string} subject @param {boolean[]} covered
 */
export function coverage(subject, covered) {
  const [held, all] = [covered.filter(Boolean).length, covered.length];
  const say = (/** @type {string} */ words) => `${subject} ${words}`.trim();
  if (all <= 1) return "";
  if (all > NUMBERS.length - 1) {
    if (held === all) return say("covers all of p");
    return say(held === 0 ? "covers no part of p" : `covers ${Math.round((100 * held) / all)} % of p`);
  }
  if (held === all) return say(all === 2 ? "covers both" : `covers all ${spelled(all)}`);
  if (held === 0) return say(all === 2 ? "sits on neither" : "sits on none");
  if (held === 1) return say(all === 2 ? "sits on one" : `sits on one of ${spelled(all)}`);
  return say(`covers ${spelled(held)} of ${spelled(all)}`);
}
