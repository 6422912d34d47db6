// The one-standard-deviation ellipse of a Gaussian in the plane, as two half axes that can be dragged.

/** @import { Gaussian } from "../types.d.ts" */
import { clamp } from "./numbers.js";
import { LARGEST_CORRELATION } from "./parameters.js";

/**
 * The half axes as two vectors. `near` is the direction the first one had before: eigenvectors have neither sign
 * nor order, and a handle must not jump.
 * @param {Gaussian} gaussian @param {number} near
 */
export function ellipseAxes(gaussian, near) {
  const [s1, s2] = gaussian.stds;
  const a = s1 * s1;
  const d = s2 * s2;
  const b = gaussian.correlation * s1 * s2;
  const half = Math.hypot((a - d) / 2, b);
  const isRound = half < 1e-9 * (a + d);
  const angle = isRound ? near : 0.5 * Math.atan2(2 * b, a - d);
  const major = Math.sqrt((a + d) / 2 + half);
  const minor = Math.sqrt(Math.max((a + d) / 2 - half, 1e-12));
  const vector = (/** @type {number} */ length, /** @type {number} */ direction) => [
    length * Math.cos(direction),
    length * Math.sin(direction),
  ];
  const choices = [0, 1, 2, 3].map((quarter) => {
    const direction = angle + (quarter * Math.PI) / 2;
    const [first, second] = quarter % 2 === 0 ? [major, minor] : [minor, major];
    return { direction, axes: [vector(first, direction), vector(second, direction + Math.PI / 2)] };
  });
  return choices.reduce((best, choice) =>
    Math.cos(choice.direction - near) > Math.cos(best.direction - near) + 1e-9 ? choice : best,
  );
}

/**
 * The standard deviations and correlation of the ellipse with these half axes (at right angles).
 * @param {number[]} first @param {number[]} second
 */
export function fromEllipseAxes(first, second) {
  const a = first[0] ** 2 + second[0] ** 2;
  const d = first[1] ** 2 + second[1] ** 2;
  const b = first[0] * first[1] + second[0] * second[1];
  const correlation = clamp(b / Math.sqrt(a * d), -LARGEST_CORRELATION, LARGEST_CORRELATION);
  return { stds: [Math.sqrt(a), Math.sqrt(d)], correlation };
}
