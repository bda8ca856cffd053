"use strict";
// What the page holds, what the network makes of it, how that is shown, and what one can do.

const find = (id) => document.getElementById(id);
const data = unpacked(JSON.parse(find("data").textContent));
const network = networkOf(data);
const canvas = find("picture");
const moves = data.kind === "motion", clips = data.kind === "clip", plays = moves || clips;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

const LIMIT = 1e-4; // by how much the page may miss NumPy: sums in another order, not another network
const LAST_SEED = 2 ** 32 - 2;
const FPS = plays ? data.fps : 24;
const REST = clips && !data.loops ? Math.round(FPS / 2) : 0; // frames for which the last one of a clip with an end stays
const ROUND = moves ? 4 * data.frames : clips ? data.frames * Math.ceil(96 / data.frames) : 96; // once round the circle
const SLICE_MS = 20; // for which it computes at a stretch, so that the page always answers
const VIEW = { azimuth: 40, elevation: 14 };

const state = {
  seed: data.seed,
  own: false, // whether the seed's latent is the page's own draw and not NumPy's
  normal: null, // z as a draw of a standard normal
  exact: null, // z itself while it is the seed's
  chosen: null, // a class, or null: the seed's
  factors: data.factors.map(({ lowest, highest }) => (lowest + highest) / 2),
  circle: null, // where the loop began: the latent, and when
  playing: plays && !calm.matches,
  begun: 0, // when frame 0 was shown, or would have been
  frame: 0,
  view: { ...VIEW },
  item: null, // what was computed last: numbers, or the scene of a figure
};

// What is computed ----------------------------------------------------------------------------------------------------

const work = { run: null, then: null, spent: 0, next: null };

/**
 * Compute the item of a row and hand it on: at once, or, where that takes long, a slice with each frame of the screen.
 * What is asked for meanwhile waits; of several rows only the last one does.
 */
function ask(row, then) {
  work.next = { row, then };
  if (!work.run) workOn();
}

function workOn() {
  let now = performance.now();
  for (const end = now + SLICE_MS; now < end && (work.run || work.next);) {
    if (!work.run) {
      const { row, then } = work.next;
      Object.assign(work, { run: network.pieces(row), then, spent: 0, next: null });
    }
    const { done, value } = work.run.next();
    work.spent += performance.now() - now;
    now = performance.now();
    if (!done) continue;
    work.run = null;
    find("pace").textContent = `${work.spent.toFixed(1)} ms`;
    work.then(value);
  }
}

const classNow = () => state.chosen ?? state.seed % data.classes.length;

/** Bring what is drawn, and the words, up to date with the state. */
function compute() {
  const z = state.exact ?? fromNormal(state.normal, data.prior);
  ask(Float32Array.from([...z, ...told(data, classNow(), state.factors)]), (item) => {
    state.item = moves ? sceneOf(item, data.body) : item;
    showFrame();
  });
  show();
}

// From the state to the canvas ----------------------------------------------------------------------------------------

function showFrame() {
  if (!state.item) return;
  if (moves) showFigure();
  else showImage(clips ? framesOf(state.item, data.frames)[state.frame] : state.item);
  if (!plays) return;
  find("frame").textContent = `frame ${state.frame + 1} of ${data.frames}`;
  find("at").value = state.frame + 1;
  const said = state.playing ? "playing" : `${state.frame + 1} of ${data.frames}`; // or it would count aloud
  find("at").setAttribute("aria-valuetext", said);
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

function showFigure() {
  const style = getComputedStyle(document.documentElement);
  const names = ["paper", "line", "shadow", "ink", "left", "right"];
  const colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  const sharp = Math.min(window.devicePixelRatio || 1, 3), box = canvas.getBoundingClientRect();
  const [width, height] = [Math.round(box.width * sharp), Math.round(box.height * sharp)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  drawFigure(canvas, state.item, state.frame, state.view, data.body, colours);
}

/** What a command says of the class and the factors that are told here; nothing where there are none. */
function asked() {
  const label = state.chosen === null ? "" : ` --label ${quoted(data.classes[state.chosen])}`;
  const values = data.factors.map(({ name }, k) => `${name}=${Number(state.factors[k].toPrecision(6))}`);
  return label + (values.length ? ` --set ${values.join(" ")}` : "");
}

/** A word as a shell takes it. */
const quoted = (word) => (/^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);

/** Bring the sliders, the buttons and the words up to date with the state. */
function show() {
  sliders.forEach(({ input, output }, k) => setSlider(input, output, product(state.normal, data.axes[k])));
  find("seed").value = state.seed;
  find("previous").setAttribute("aria-disabled", String(state.seed === 0)); // disabled, it would lose the focus
  const origin = state.own
    ? "drawn by this page's own generator; python -m minigen.sample draws another one"
    : `as python -m minigen.sample --seeds ${state.seed}${asked()}`;
  say("origin", state.exact ? origin : `${origin}; moved since`);
  press(find("loop"), state.circle !== null);
  press(find("play"), state.playing);
  classButtons.forEach((button, k) => press(button, k === 0 ? state.chosen === null : state.chosen === k - 1));
  const what = data.classes.length ? `, ${data.classes[classNow()]}` : "";
  say("told", what.slice(2));
  const kind = moves ? "A figure in motion" : clips ? "A clip" : "A picture";
  canvas.setAttribute("aria-label", `${kind}, seed ${state.seed}${what}`);
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
  state.begun = performance.now() - (1000 * (state.frame + 0.5)) / FPS; // amid the frame: that one is shown, no other
  showFrame();
  show();
}

/** Stop at a frame; before the first one comes the last. */
function stopAt(frame) {
  state.playing = false;
  state.frame = (frame + data.frames) % data.frames;
  showFrame();
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

/** What time brings: more of what is being computed, the next point of the circle, the next frame of the clip. */
function tick(now) {
  if (work.run || work.next) workOn();
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
  if (state.playing) {
    const passed = Math.max(0, Math.floor(((now - state.begun) * FPS) / 1000)) % (data.frames + REST);
    const frame = Math.min(passed, data.frames - 1);
    if (frame !== state.frame) {
      state.frame = frame;
      showFrame();
    }
  }
  requestAnimationFrame(tick);
}
