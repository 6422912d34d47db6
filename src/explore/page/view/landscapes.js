// The landscapes, one for each divergence that is fitted, with the note below them.

/** @import { Actions, Palette, Part, Scene } from "../types.d.ts" */
import { LandscapeMap } from "./landscape-map.js";

/** @implements {Part} */
export class Landscapes {
  /** @param {HTMLElement} root @param {Actions} actions */
  constructor(root, actions) {
    this.root = root;
    this.actions = actions;
    /** @type {Map<string, LandscapeMap>} */
    this.maps = new Map();
  }

  /** @param {Scene} scene @param {Palette} palette */
  draw(scene, palette) {
    const surfaces = scene.landscape?.surfaces ?? [];
    for (const [name, map] of this.maps) {
      if (surfaces.some((surface) => surface.name === name)) continue;
      map.figure.remove();
      this.maps.delete(name);
    }
    const maps = surfaces.map(({ name }) => this.map(name, scene));
    const isInPlace = maps.every((map, i) => this.root.children[i] === map.figure);
    if (!isInPlace) this.root.replaceChildren(...maps.map((map) => map.figure));
    this.root.dataset.count = String(surfaces.length);
    maps.forEach((map, i) => map.draw(scene, surfaces[i], palette));
  }

  /** @param {string} name @param {Scene} scene */
  map(name, scene) {
    const known = this.maps.get(name);
    if (known) return known;
    const label = scene.hello.divergences.find((d) => d.name === name);
    const map = new LandscapeMap(name, label, this.actions);
    this.maps.set(name, map);
    return map;
  }
}
