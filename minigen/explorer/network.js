"use strict";
// A decoder in plain JavaScript: its steps, as the page's data list them, and how their numbers are read.
// One item at a time, all numbers in one row, channels last.

const PIECE = 3e5; // products of a convolution between two pauses: some milliseconds

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

/**
 * made[to + c] += Σ_k given[from + k] numbers[w + c · inputs + k] for all outputs c, added up in double precision.
 * Four outputs at a time, so that a given number is read once for all four: twice as fast as one by one.
 */
function addDots(made, to, outputs, given, from, inputs, numbers, w) {
  let c = 0;
  for (; c + 3 < outputs; c += 4, w += 4 * inputs) {
    const w1 = w + inputs, w2 = w1 + inputs, w3 = w2 + inputs;
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (let k = 0; k < inputs; k++) {
      const x = given[from + k];
      s0 += x * numbers[w + k];
      s1 += x * numbers[w1 + k];
      s2 += x * numbers[w2 + k];
      s3 += x * numbers[w3 + k];
    }
    made[to + c] += s0;
    made[to + c + 1] += s1;
    made[to + c + 2] += s2;
    made[to + c + 3] += s3;
  }
  for (; c < outputs; c++, w += inputs) {
    let sum = 0;
    for (let k = 0; k < inputs; k++) sum += given[from + k] * numbers[w + k];
    made[to + c] += sum;
  }
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

/**
 * A convolution, which gathers: from x, which is wide, to y.  Or its transpose, which spreads: from y to x.
 * In pieces of so many products, with a pause after each.
 */
function convolution(step, numbers, transposed) {
  const { inputs, outputs, weight, bias } = step;
  const meets = meetings(step), wide = transposed ? 0 : 1;
  const places = (transposed ? step.sizes : step.outs).reduce((a, b) => a * b);
  const piece = 3 * Math.ceil(PIECE / (inputs * outputs));
  const add = (made, given, first, end) => {
    for (let m = first; m < end; m += 3) {
      const to = meets[m + wide] * outputs, from = meets[m + 1 - wide] * inputs;
      addDots(made, to, outputs, given, from, inputs, numbers, weight + meets[m + 2] * outputs * inputs);
    }
  };
  return function* (given) {
    const made = new Float32Array(places * outputs);
    if (bias !== null) for (let p = 0; p < places; p++) made.set(numbers.subarray(bias, bias + outputs), p * outputs);
    for (let m = 0; m < meets.length; m += piece) {
      add(made, given, m, Math.min(m + piece, meets.length));
      yield;
    }
    return made;
  };
}

/** Rows of numbers, one after the other, in one row. */
function joined(parts) {
  const made = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    made.set(part, at);
    at += part.length;
  }
  return made;
}

/** The numbers of a clip's frames, `count` of them in one row, each as a row of its own. */
const framesOf = (x, count) => rowsOf(x, x.length / count);

/**
 * From z the codes of a clip's frames: c + r (a cos θ + b sin θ), which says the moment, after the clip's content.
 * a, b, c: orthonormal, made from the first numbers of z; `ahead`: a is fixed along the first number.
 */
function codes({ motion, ahead, radius, angles }, z) {
  const count = ahead ? 2 : 3, still = z.subarray(count * motion);
  const drawn = rowsOf(z.subarray(0, count * motion), motion);
  if (ahead) drawn.unshift(Float32Array.from({ length: motion }, (_, i) => (i ? 0 : 1)));
  const [a, b, c] = orthonormal(drawn);
  return joined(angles.flatMap((angle) => [
    still, combined([radius, c], [radius * Math.cos(angle), a], [radius * Math.sin(angle), b]),
  ]));
}

/** Each step, with its settings and all numbers of the network → a function from one row of numbers to the next. */
const STEPS = {
  dense: ({ inputs, outputs, weight, bias }, numbers) => (x) => {
    const made = bias === null ? new Float32Array(outputs) : numbers.slice(bias, bias + outputs);
    addDots(made, 0, outputs, x, 0, inputs, numbers, weight);
    return made;
  },
  conv: (step, numbers) => convolution(step, numbers, false),
  convTranspose: (step, numbers) => convolution(step, numbers, true),
  scale: ({ channels, scale, shift }, numbers) => (x) => {
    const made = new Float32Array(x.length);
    for (let i = 0; i < x.length; i += channels) {
      for (let c = 0; c < channels; c++) made[i + c] = x[i + c] * numbers[scale + c] + numbers[shift + c];
    }
    return made;
  },
  frames: ({ count, order }) => (x) => {
    const frames = framesOf(x, count);
    return joined(order.map((t) => frames[t]));
  },
  codes: (step) => (x) => codes(step, x),
  each: ({ count, steps }, numbers) => {
    const act = inTurn(steps, numbers);
    return function* (x) {
      const made = [];
      for (const frame of framesOf(x, count)) made.push(yield* act(frame));
      return joined(made);
    };
  },
  take: ({ count }) => (x) => x.subarray(0, count),
  multiply: ({ by }) => (x) => x.map((value) => by * value),
  leakyRelu: ({ slope }) => (x) => x.map((value) => (value > 0 ? value : slope * value)),
  tanh: () => (x) => x.map(Math.tanh),
  sigmoid: () => (x) => x.map((value) => 1 / (1 + Math.exp(-value))),
};

/** The steps one after the other, with the pauses that they make. */
function inTurn(steps, numbers) {
  const acts = steps.map((step) => STEPS[step.op](step, numbers));
  return function* (x) {
    for (const act of acts) {
      const made = act(x);
      x = ArrayBuffer.isView(made) ? made : yield* made;
    }
    return x;
  };
}

/**
 * The network of the page's data: a function from a row of latents, and what it is told, to an item in one row.
 * Its `pieces` computes the same with a pause every few milliseconds: an iterator, whose last value is the item.
 */
function networkOf(data) {
  const numbers = data.network.dtype === "float16" ? float16Of(data.weights) : float32Of(data.weights);
  const pieces = inTurn(data.network.steps, numbers);
  const network = (row) => {
    const run = pieces(row);
    let step = run.next();
    while (!step.done) step = run.next();
    return step.value;
  };
  return Object.assign(network, { pieces });
}

/** By how much an item misses, at most, what NumPy made of the same row: NaN if anything is no number. */
function largestMiss(item, { item: text, every }) {
  const wanted = float32Of(text);
  if (wanted.length !== Math.ceil(item.length / every)) return NaN;
  return wanted.reduce((most, value, i) => Math.max(most, Math.abs(item[every * i] - value)), 0);
}
