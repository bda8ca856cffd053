"use strict";
// A decoder in plain JavaScript: its steps, as the page's data list them, and how their numbers are read.
// One item at a time, all numbers in one row, channels last.

/** The bytes that base64 text stands for. */
function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** Base64 text of little-endian float32 → Float32Array. */
function float32Of(text) {
  const bytes = bytesOf(text), view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

/** Base64 text of little-endian float16 → Float32Array: a sign, 5 bits of exponent, 10 of fraction. */
function float16Of(text) {
  const bytes = bytesOf(text), view = new DataView(bytes.buffer);
  const numbers = new Float32Array(bytes.length / 2);
  for (let i = 0; i < numbers.length; i++) {
    const half = view.getUint16(2 * i, true);
    const exponent = (half >> 10) & 31, fraction = half & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    numbers[i] = half >> 15 ? -size : size;
  }
  return numbers;
}

/** Σ_k a[i + k] b[j + k] over n products, added up in double precision. */
function dot(a, i, b, j, n) {
  let sum = 0;
  for (let k = 0; k < n; k++) sum += a[i + k] * b[j + k];
  return sum;
}

/** Along one axis, for each tap of the window: the pairs (place in x, place in y) that it joins. */
function pairsAlong(axis, { sizes, outs, window, stride, dilation, before }) {
  return Array.from({ length: window[axis] }, (_, tap) => {
    const pairs = [];
    for (let o = 0; o < outs[axis]; o++) {
      const i = o * stride[axis] + tap * dilation[axis] - before[axis];
      if (i >= 0 && i < sizes[axis]) pairs.push([i, o]);
    }
    return pairs;
  });
}

/** Of a convolution over three axes all (place in x, place in y, tap) that meet, tap after tap, in one row of threes. */
function meetings(step) {
  const [first, second, third] = [0, 1, 2].map((axis) => pairsAlong(axis, step));
  const [, H, W] = step.sizes, [, OH, OW] = step.outs, [, KH, KW] = step.window;
  const found = [];
  first.forEach((ts, kt) => second.forEach((hs, kh) => third.forEach((ws, kw) => {
    const tap = (kt * KH + kh) * KW + kw;
    for (const [i0, o0] of ts) for (const [i1, o1] of hs) for (const [i2, o2] of ws) {
      found.push((i0 * H + i1) * W + i2, (o0 * OH + o1) * OW + o2, tap);
    }
  })));
  return Int32Array.from(found);
}

/** A convolution, which gathers: from x, which is wide, to y.  Or its transpose, which spreads: from y to x. */
function convolution(step, numbers, transposed) {
  const { inputs, outputs, weight, bias } = step;
  const meets = meetings(step), wide = transposed ? 0 : 1;
  const places = (transposed ? step.sizes : step.outs).reduce((a, b) => a * b);
  return (given) => {
    const made = new Float32Array(places * outputs);
    if (bias !== null) for (let p = 0; p < places; p++) made.set(numbers.subarray(bias, bias + outputs), p * outputs);
    for (let m = 0; m < meets.length; m += 3) {
      const to = meets[m + wide] * outputs, from = meets[m + 1 - wide] * inputs;
      let w = weight + meets[m + 2] * outputs * inputs;
      for (let c = 0; c < outputs; c++, w += inputs) made[to + c] += dot(given, from, numbers, w, inputs);
    }
    return made;
  };
}

/** Each step, with its settings and all numbers of the network → a function from one row of numbers to the next. */
const STEPS = {
  dense: ({ inputs, outputs, weight, bias }, numbers) => (x) =>
    Float32Array.from({ length: outputs }, (_, c) =>
      dot(x, 0, numbers, weight + c * inputs, inputs) + (bias === null ? 0 : numbers[bias + c])),
  conv: (step, numbers) => convolution(step, numbers, false),
  convTranspose: (step, numbers) => convolution(step, numbers, true),
  scale: ({ channels, scale, shift }, numbers) => (x) =>
    x.map((value, i) => value * numbers[scale + (i % channels)] + numbers[shift + (i % channels)]),
  take: ({ count }) => (x) => x.subarray(0, count),
  multiply: ({ by }) => (x) => x.map((value) => by * value),
  leakyRelu: ({ slope }) => (x) => x.map((value) => (value > 0 ? value : slope * value)),
  tanh: () => (x) => x.map(Math.tanh),
  sigmoid: () => (x) => x.map((value) => 1 / (1 + Math.exp(-value))),
};

/** The network of the page's data: a function from a row of latents, and what it is told, to an item in one row. */
function networkOf(data) {
  const numbers = data.network.dtype === "float16" ? float16Of(data.weights) : float32Of(data.weights);
  const steps = data.network.steps.map((step) => STEPS[step.op](step, numbers));
  return (row) => steps.reduce((x, step) => step(x), row);
}

/** By how much the network misses, at most, what NumPy made of the same row: NaN if anything is no number. */
function largestMiss(network, reference) {
  const made = network(float32Of(reference.row)), wanted = float32Of(reference.item);
  if (made.length !== wanted.length) return NaN;
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(made[i] - value)), 0);
}
