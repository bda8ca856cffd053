"use strict";
// What the page does: its controls, its keys, and what they put on the canvas.

const find = (id) => document.getElementById(id);
const data = unpacked(JSON.parse(find("data").textContent));
const network = networkOf(data);
const canvas = find("picture");
const moves = data.kind === "motion";
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const LIMIT = 1e-4; // by how much the page may miss NumPy: sums in another order, not another network
const LAST_SEED = 2 ** 32 - 2;
const FPS = moves ? data.body.fps : 24;
const ROUND = moves ? 4 * data.frames : 96; // frames of one way round the circle
const VIEW = { azimuth: 40, elevation: 14 };

const state = {
  seed: data.seed,
  own: false, // whether the seed's latent is the page's own draw and not NumPy's
  normal: null, // z as a draw of a standard normal
  exact: null, // z itself while it is the seed's
  chosen: null, // a class, or null: the seed's
  factors: data.factors.map(({ lowest, highest }) => (lowest + highest) / 2),
  circle: null, // where the loop began: the latent, and when
  playing: moves && !calm.matches,
  frame: 0,
  view: { ...VIEW },
  scene: null,
};

// From the state to the canvas ----------------------------------------------------------------------------------------

const classNow = () => state.chosen ?? state.seed % data.classes.length;

/** Compute the item of the state and show it. */
function compute() {
  const z = state.exact ?? fromNormal(state.normal, data.prior);
  const row = Float32Array.from([...z, ...told(data, classNow(), state.factors)]);
  const begun = performance.now();
  const item = network(row);
  find("pace").textContent = `${(performance.now() - begun).toFixed(1)} ms`;
  if (moves) state.scene = sceneOf(item, data.body);
  else showImage(item);
  show();
}

/** Numbers in [−1, 1] as grey levels or colours. */
function showImage(item) {
  const { height, width, channels } = data.image;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) pixels.data[4 * i + c] = Math.round(127.5 * (item[i * channels + (c % channels)] + 1));
    pixels.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

/** What a command says of the factors that are told here; nothing where there are none. */
function asked() {
  const values = data.factors.map(({ name }, k) => `${name}=${Number(state.factors[k].toPrecision(6))}`);
  return values.length ? ` --set ${values.join(" ")}` : "";
}

/** Bring the figure, the sliders and the words up to date with the state. */
function show() {
  if (moves) showFigure();
  sliders.forEach(({ input, output }, k) => setSlider(input, output, product(state.normal, data.axes[k])));
  find("seed").value = state.seed;
  find("previous").disabled = state.seed === 0;
  const origin = state.own
    ? "drawn by this page's own generator; python -m minigen.sample draws another one"
    : `as python -m minigen.sample --seeds ${state.seed}${asked()}`;
  say("origin", state.exact ? origin : `${origin}; moved since`);
  press(find("loop"), state.circle !== null);
  classButtons.forEach((button, k) => press(button, k === 0 ? state.chosen === null : state.chosen === k - 1));
  const what = data.classes.length ? `, ${data.classes[classNow()]}` : "";
  say("told", what.slice(2));
  canvas.setAttribute("aria-label", `${moves ? "A figure in motion" : "A picture"}, seed ${state.seed}${what}`);
}

function showFigure() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "line", "shadow", "ink", "left", "right"];
  const colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  const sharp = Math.min(window.devicePixelRatio || 1, 3), box = canvas.getBoundingClientRect();
  const [width, height] = [Math.round(box.width * sharp), Math.round(box.height * sharp)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  drawFigure(canvas, state.scene, state.frame, state.view, data.body, colours);
  find("frame").textContent = `frame ${state.frame + 1} of ${data.frames}`;
  press(find("play"), state.playing);
}

/** Put words into an element; where they stand already nothing is done, so that nobody hears them twice. */
function say(id, words) {
  if (find(id).textContent !== words) find(id).textContent = words;
}

const press = (button, down) => button.setAttribute("aria-pressed", String(down));

function setSlider(input, output, value) {
  input.value = value;
  output.textContent = value.toFixed(2);
}

// What one can do -----------------------------------------------------------------------------------------------------

/** Go to a seed; the circle, if one is being walked, begins anew there. */
function goTo(seed) {
  state.seed = Math.min(Math.max(Math.trunc(seed) || 0, 0), LAST_SEED);
  const { z, own } = latentOf(state.seed, data);
  Object.assign(state, { own, exact: z, normal: toNormal(z, data.prior) });
  if (state.circle) startCircle();
  compute();
}

/** Move along a direction until the latent's coordinate on it is the value. */
function moveAlong(k, value) {
  state.circle = null;
  state.normal = combined([1, state.normal], [value - product(state.normal, data.axes[k]), data.axes[k]]);
  state.exact = null;
  compute();
}

function startCircle() {
  state.circle = { from: state.normal, exact: state.exact, begun: performance.now(), frame: 0 };
}

function toggleLoop() {
  if (state.circle) state.circle = null;
  else startCircle();
  show();
}

function togglePlay() {
  state.playing = !state.playing;
  state.begun = performance.now() - (1000 * state.frame) / FPS;
  show();
}

function reset() {
  state.circle = state.chosen = null;
  state.factors = data.factors.map(({ lowest, highest }) => (lowest + highest) / 2);
  factorSliders.forEach(({ input, output }, k) => setSlider(input, output, state.factors[k]));
  state.view = { ...VIEW };
  goTo(state.seed);
}

const randomSeed = () => goTo(Math.floor(Math.random() * 1e6));

/** What time brings: the next point of the circle, the next frame of the clip. */
function tick(now) {
  if (state.circle) {
    const frame = Math.max(0, Math.floor(((now - state.circle.begun) * FPS) / 1000));
    if (frame !== state.circle.frame) {
      const { from, exact } = state.circle;
      state.circle.frame = frame;
      state.normal = onCircle(from, frame, ROUND, data.spans);
      state.exact = frame % ROUND === 0 ? exact : null;
      compute();
    }
  }
  if (moves && state.playing) {
    const frame = Math.max(0, Math.floor(((now - state.begun) * FPS) / 1000)) % data.frames;
    if (frame !== state.frame) {
      state.frame = frame;
      showFigure();
    }
  }
  requestAnimationFrame(tick);
}

// The controls --------------------------------------------------------------------------------------------------------

/** A labelled slider at the end of a box. */
function addSlider(box, name, { lowest, highest, step }, onInput) {
  const row = document.createElement("label");
  const title = document.createElement("span"), input = document.createElement("input");
  const output = document.createElement("output");
  row.className = "slider";
  title.textContent = name;
  Object.assign(input, { type: "range", min: lowest, max: highest, step });
  input.setAttribute("aria-label", name);
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
find("play").hidden = find("frame").hidden = !moves;
find("loop").hidden = data.spans.length === 0;
find("class-box").hidden = !data.classes.length;
find("factor-box").hidden = !data.factors.length;
find("more-box").hidden = data.names.length <= data.shown;

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input")) return;
  if (key === " " && target.matches("button, summary")) return;
  const acts = {
    ArrowLeft: () => goTo(state.seed - 1),
    ArrowRight: () => goTo(state.seed + 1),
    r: randomSeed,
    " ": moves ? togglePlay : toggleLoop,
    l: toggleLoop,
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
    showFigure();
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
  addEventListener("resize", showFigure);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showFigure);
} else {
  [canvas.width, canvas.height] = [data.image.width, data.image.height];
}

const miss = largestMiss(network, data.reference);
const verdict = `DEMO-${miss <= LIMIT ? "OK" : "FAIL"} ${miss.toExponential(1)}`;
find("check").textContent = verdict;
find("check").classList.toggle("wrong", !(miss <= LIMIT));
console.log(verdict);

state.begun = performance.now();
goTo(state.seed);
requestAnimationFrame(tick);
