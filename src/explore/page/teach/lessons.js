// The lessons: one at a time, with a prediction, and what became of it.

/** @import { Actions, Part, Scene } from "../types.d.ts" */
/** @import { Lesson } from "../model/lessons.js" */
import { LESSONS, lessonOfLink, verdict } from "../model/lessons.js";
import { byId, element, setText } from "../view/elements.js";
import { withTerms } from "./glossary.js";

/** @implements {Part} */
export class Lessons {
  /** @param {Actions} actions */
  constructor(actions) {
    this.actions = actions;
    this.root = byId("lesson");
    /** The one that was drawn last. @type {Lesson | null} */
    this.lesson = null;
    /** @type {string | null} */
    this.predicted = null;
    /** @type {ReturnType<typeof verdict> | null} */
    this.verdict = null;
    this.drawn = "";
    window.addEventListener("hashchange", () => this.follow());
    this.follow();
  }

  /** The lesson that the address names. */
  follow() {
    const lesson = lessonOfLink(location.hash);
    if (!lesson) return;
    this.forget();
    this.actions.beginLesson(lesson);
  }

  forget() {
    this.predicted = null;
    this.verdict = null;
  }

  /** @param {string} choice */
  predict(choice) {
    this.predicted = choice;
    this.actions.run();
  }

  /** @param {Scene} scene */
  draw({ training, fits, isConnected, lesson }) {
    if (lesson !== this.lesson) this.forget();
    this.lesson = lesson;
    if (training.status !== "done") this.verdict = null;
    else if (this.lesson && !this.verdict && fits.length > 0)
      this.verdict = verdict(this.lesson, this.predicted, fits);
    const key = [this.lesson?.id, this.predicted, this.verdict?.text, training.status, isConnected].join("|");
    if (key === this.drawn) return;
    const focused =
      document.activeElement instanceof HTMLElement ? document.activeElement.dataset.test : undefined;
    const hadFocus = this.root.contains(document.activeElement);
    this.drawn = key;
    this.root.replaceChildren(...(this.lesson ? this.steps(this.lesson, training.status) : this.offer()));
    // What was pressed is made anew: the focus stays where it was.
    const again = focused && this.root.querySelector(`[data-test="${focused}"]`);
    if (hadFocus && again instanceof HTMLElement) again.focus({ preventScroll: true });
    setText(byId("lesson-said"), this.verdict?.text ?? "");
  }

  offer() {
    return [
      element(
        "div",
        { className: "card-head" },
        element("h2", { textContent: "New here?" }),
        element("a", {
          href: `#${LESSONS[0].id}`,
          className: "button",
          textContent: "Begin",
          "data-test": "lesson-begin",
        }),
      ),
      element("p", {
        className: "muted note",
        textContent: `${spelled(LESSONS.length)} short steps: say what will happen, and see what does.`,
      }),
    ];
  }

  /** @param {Lesson} lesson @param {string} status */
  steps(lesson, status) {
    const at = LESSONS.indexOf(lesson);
    const close = element("button", {
      type: "button",
      className: "small",
      textContent: "Close",
      "aria-label": "Close the lessons",
      "data-test": "lesson-close",
    });
    close.addEventListener("click", () => this.actions.beginLesson(null));
    return [
      element(
        "div",
        { className: "card-head" },
        element(
          "h2",
          {},
          element("span", { className: "muted", textContent: `${at + 1} / ${LESSONS.length}  ` }),
          lesson.title,
        ),
        element(
          "span",
          { className: "lesson-ways" },
          way(at - 1, "‹", "Lesson before"),
          way(at + 1, "›", "Next lesson"),
          close,
        ),
      ),
      element("p", {}, ...withTerms(lesson.text)),
      element(
        "p",
        { className: "question" },
        lesson.question,
        // Once is enough.
        ...(at === 0
          ? [element("span", { className: "muted note", textContent: " Choose; the fit then runs." })]
          : []),
      ),
      this.choices(lesson, status),
      ...this.outcome(at),
    ];
  }

  /** @param {Lesson} lesson @param {string} status */
  choices(lesson, status) {
    const isOn = status === "running" || status === "paused";
    const buttons = lesson.choices.map(({ id, text }) => {
      const button = element("button", {
        type: "button",
        textContent: text,
        "aria-pressed": String(this.predicted === id),
        "data-test": `predict-${id}`,
        disabled: isOn && this.predicted !== id,
      });
      button.addEventListener("click", () => !isOn && this.predict(id));
      return button;
    });
    return element("div", { className: "choices", role: "group", "aria-label": lesson.question }, ...buttons);
  }

  /** @param {number} at */
  outcome(at) {
    if (!this.verdict) return [];
    const next = LESSONS[at + 1];
    const finish = element("button", {
      type: "button",
      textContent: "Finish: move p and q yourself",
      "data-test": "lesson-finish",
    });
    finish.addEventListener("click", () => this.actions.finishLessons());
    const text = element(
      "p",
      { className: `verdict ${this.verdict.isRight ? "right" : ""}`, "data-test": "verdict" },
      ...withTerms(this.verdict.text),
    );
    if (!next) return [text, finish];
    const link = element("a", {
      href: `#${next.id}`,
      className: "button",
      textContent: `Next: ${next.title}`,
      "data-test": "lesson-next",
    });
    return [text, link];
  }
}

/** A link to another lesson. @param {number} at @param {string} sign @param {string} title */
function way(at, sign, title) {
  const lesson = LESSONS[at];
  if (!lesson) return element("span", { className: "way off", "aria-hidden": "true", textContent: sign });
  return element("a", {
    href: `#${lesson.id}`,
    className: "way",
    textContent: sign,
    title: `${title}: ${lesson.title}`,
    "aria-label": `${title}: ${lesson.title}`,
  });
}

/** @param {number} count */
function spelled(count) {
  return ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight"][count] ?? String(count);
}
