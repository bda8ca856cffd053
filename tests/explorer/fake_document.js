// Just so much of a browser as the page's controls use: elements by their ids, events, a clock that a test moves on.
"use strict";

class Element {
  constructor(tag, id = "", text = "") {
    Object.assign(this, { tag, id, textContent: text, value: "", attributes: {}, children: [], heard: {}, drawn: [] });
    this.classList = { add: (name) => { this.className = name; }, toggle: (name, on) => { this.className = on ? name : ""; } };
  }
  addEventListener(type, act) { (this.heard[type] ??= []).push(act); }
  setAttribute(name, value) { this.attributes[name] = value; }
  append(...parts) { this.children.push(...parts); }
  setPointerCapture() {}
  matches(selector) { return selector.split(", ").includes(this.tag); }
  getBoundingClientRect() { return { width: 400, height: 400 }; }
  getContext() {
    const call = (target, name) => (target[name] ??= (...given) => { this.drawn.push([name, ...given]); });
    return new Proxy({}, { get: call });
  }
  fire(type, event = {}) {
    const given = { target: this, preventDefault() {}, stopPropagation() { given.stopped = true; }, ...event };
    for (const act of this.heard[type] ?? []) act(given);
    if (type === "keydown" && this.root && !given.stopped) this.root.fire(type, given);
  }
}

class ImageData {
  constructor(width, height) { Object.assign(this, { width, height, data: new Uint8ClampedArray(4 * width * height) }); }
}

/** What the scripts of a page find around them; `pass(ms)` lets time pass, one frame of the screen after another. */
module.exports = (html, text, calm) => {
  const found = {};
  for (const [, tag, attributes] of html.matchAll(/<(\w+)([^>]*\bid="[^"]+"[^>]*)>/g)) {
    const id = attributes.match(/\bid="([^"]+)"/)[1];
    found[id] = new Element(tag, id, text(id));
  }
  let now = 0, next = null;
  const document = new Element("document");
  for (const element of Object.values(found)) element.root = document; // to which what is typed rises
  Object.assign(document, {
    getElementById: (id) => found[id],
    createElement: (tag) => new Element(tag),
    documentElement: new Element("html"),
  });
  return {
    document, ImageData, window: { devicePixelRatio: 1 },
    console: { log() {} },
    performance: { now: () => now },
    addEventListener() {},
    matchMedia: (query) => ({ matches: calm && query.includes("reduced-motion"), addEventListener() {} }),
    getComputedStyle: () => ({ getPropertyValue: (name) => name }),
    requestAnimationFrame: (act) => { next = act; },
    pass: (ms) => { for (const end = now + ms; now < end;) { now += 10; next(now); } },
    key: (name, target = new Element("body")) => document.fire("keydown", { key: name, target }),
  };
};
