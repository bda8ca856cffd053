"use strict";
// The controls: sliders, buttons, keys, the pointer; and how the page begins.

/** A labelled slider at the end of a box. */
function addSlider(box, name, { lowest, highest, step }, onInput) {
  const row = document.createElement("label");
  const title = document.createElement("span"), input = document.createElement("input");
  const output = document.createElement("output");
  row.className = "slider";
  title.textContent = name;
  Object.assign(input, { type: "range", min: lowest, max: highest, step });
  input.setAttribute("aria-label", name);
  output.setAttribute("aria-hidden", "true"); // the slider says its value itself, and only when it is asked
  input.addEventListener("input", () => onInput(Number(input.value)));
  row.append(title, input, output);
  box.append(row);
  return { input, output };
}

const sliders = data.names.map((name, k) =>
  addSlider(find(k < data.shown ? "sliders" : "more"), name, { lowest: -3.5, highest: 3.5, step: 0.01 }, (value) =>
    moveAlong(k, value)));

const factorSliders = data.factors.map(({ name, lowest, highest }, k) => {
  const slider = addSlider(find("factors"), name, { lowest, highest, step: (highest - lowest) / 200 }, (value) => {
    state.factors[k] = value;
    slider.output.textContent = value.toFixed(2);
    compute();
  });
  setSlider(slider.input, slider.output, state.factors[k]);
  return slider;
});

const classButtons = data.classes.length ? ["by the seed", ...data.classes].map((name, k) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = name;
  button.addEventListener("click", () => {
    state.chosen = k === 0 ? null : k - 1;
    compute();
  });
  find("classes").append(button);
  return button;
}) : [];

for (const [id, act] of Object.entries({
  previous: () => goTo(state.seed - 1),
  next: () => goTo(state.seed + 1),
  random: randomSeed,
  loop: toggleLoop,
  play: togglePlay,
  reset,
})) find(id).addEventListener("click", act);
find("seed").addEventListener("change", (event) => goTo(Number(event.target.value)));
find("at").addEventListener("input", (event) => stopAt(Number(event.target.value) - 1));
find("at").max = plays ? data.frames : 1;
for (const id of ["play", "frame", "at"]) find(id).hidden = !plays;
find("loop").hidden = data.spans.length === 0;
find("class-box").hidden = !data.classes.length;
find("factor-box").hidden = !data.factors.length;
find("more-box").hidden = data.names.length <= data.shown;

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  const slides = target.type === "range"; // which has a use for arrows only
  if (event.ctrlKey || event.metaKey || event.altKey || (target.matches("input") && !slides)) return;
  if ((slides && key.startsWith("Arrow")) || (key === " " && target.matches("button, summary"))) return;
  const acts = {
    ArrowLeft: () => goTo(state.seed - 1),
    ArrowRight: () => goTo(state.seed + 1),
    r: randomSeed,
    " ": plays ? togglePlay : toggleLoop,
    l: toggleLoop,
    ...(plays && { ",": () => stopAt(state.frame - 1), ".": () => stopAt(state.frame + 1) }),
    Escape: reset,
  };
  if (!acts[key] || (find("loop").hidden && acts[key] === toggleLoop)) return;
  event.preventDefault();
  acts[key]();
});

if (moves) {
  const turn = (across, up) => {
    state.view.azimuth -= across;
    state.view.elevation = Math.min(Math.max(state.view.elevation + up, -5), 85);
    showFrame();
  };
  let held = null; // where the pointer was last
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    held = [event.clientX, event.clientY];
  });
  canvas.addEventListener("pointermove", ({ clientX, clientY }) => {
    if (!held) return;
    turn(0.5 * (clientX - held[0]), 0.4 * (clientY - held[1]));
    held = [clientX, clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { held = null; });
  canvas.addEventListener("keydown", (event) => {
    const turns = { ArrowLeft: [10, 0], ArrowRight: [-10, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };
    if (!turns[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    turn(...turns[event.key]);
  });
  canvas.classList.add("turns");
  canvas.tabIndex = 0; // for the keys that turn it
  addEventListener("resize", showFrame);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showFrame);
} else {
  [canvas.width, canvas.height] = [data.image.width, data.image.height];
}

ask(float32Of(data.reference.row), (item) => {
  const miss = largestMiss(item, data.reference);
  const verdict = `DEMO-${miss <= LIMIT ? "OK" : "FAIL"} ${miss.toExponential(1)}`;
  find("check").textContent = verdict;
  find("check").classList.toggle("wrong", !(miss <= LIMIT));
  console.log(verdict);
});
state.begun = performance.now();
goTo(state.seed);
requestAnimationFrame(tick);
