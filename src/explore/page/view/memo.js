// Whether what a picture shows has changed since it was drawn.

export class Memo {
  constructor() {
    /** @type {unknown[] | null} */
    this.last = null;
  }

  /** True unless every input is the one of the last time. @param {...unknown} inputs */
  changed(...inputs) {
    const { last } = this;
    if (last && last.length === inputs.length && inputs.every((input, i) => Object.is(input, last[i])))
      return false;
    this.last = inputs;
    return true;
  }

  forget() {
    this.last = null;
  }
}
