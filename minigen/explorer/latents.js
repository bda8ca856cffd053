"use strict";
// Where an item comes from: latents by seed, their coordinates along the sliders' directions, the circle through one.
// All of it happens among draws of a standard normal; a uniform prior is reached from there and left to there.

/** A generator of this page's own, Marsaglia's xorshift32 (2003): a function that gives numbers in (0, 1). */
function xorshift32(seed) {
  let state = Math.imul(seed + 1, 0x9e3779b1) || 1; // neighbouring seeds set out far apart
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 4294967296;
  };
  for (let i = 0; i < 16; i++) next();
  return next;
}

/** n draws of a standard normal, by Box and Muller. */
function normals(n, next) {
  return Float64Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next()));
}

/** Φ(x): a half and the density times x + x³/3 + x⁵/15 + … (Marsaglia 2004); 0 and 1 beyond what a double tells. */
function normalShare(x) {
  if (Math.abs(x) > 8) return x > 0 ? 1 : 0;
  let sum = x, term = x;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum); k += 2) sum += term *= (x * x) / k;
  return 0.5 + (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

/** Φ⁻¹(p) for p in (0, 1), by halving the interval. */
function normalQuantile(p) {
  let low = -8, high = 8;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** A draw of the prior as one of a standard normal, in double precision. */
function toNormal(z, prior) {
  if (prior === "normal") return Float64Array.from(z);
  return Float64Array.from(z, (value) => normalQuantile(Math.min(Math.max((value + 1) / 2, 1e-7), 1 - 1e-7)));
}

/** The inverse, in single precision: what the network takes. */
function fromNormal(n, prior) {
  return prior === "normal" ? Float32Array.from(n) : Float32Array.from(n, (value) => 2 * normalShare(value) - 1);
}

const product = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const combined = (...terms) => terms[0][1].map((_, i) => terms.reduce((sum, [factor, a]) => sum + factor * a[i], 0));

/** Rows of a matrix that lies in one row of numbers. */
function rowsOf(numbers, length) {
  return Array.from({ length: numbers.length / length }, (_, i) => numbers.subarray(i * length, (i + 1) * length));
}

/** The page's data with latents by seed, directions and spans as rows of numbers. */
function unpacked(data) {
  const rows = (text) => rowsOf(float32Of(text), data.latent);
  return { ...data, latents: rows(data.latents), axes: rows(data.axes), spans: rows(data.spans) };
}

/** z of a seed, as NumPy drew it where the page has it, else by the page's own generator; and which of the two. */
function latentOf(seed, data) {
  const at = data.seeds.indexOf(seed);
  if (at >= 0) return { z: data.latents[at], own: false };
  return { z: fromNormal(normals(data.latent, xorshift32(seed)), data.prior), own: true };
}

/** Vectors made orthonormal one after the other, by Gram and Schmidt. */
function orthonormal(vectors) {
  const basis = [];
  for (const vector of vectors) {
    let v = Float64Array.from(vector);
    for (const e of basis) v = combined([1, v], [-product(v, e), e]);
    basis.push(combined([1 / (Math.sqrt(product(v, v)) + 1e-30), v]));
  }
  return basis;
}

/**
 * c + r (a cos 2πt + b sin 2πt), a circle through n at t = 0, every point as long as n: as `sample --loop` has it.
 * spans: two draws, from which the directions across are made.
 */
function circle(n, t, spans) {
  const Z = n.length;
  const tilt = Z > 2 ? Math.PI / 6 : Math.PI / 2;
  const length = Math.sqrt(product(n, n));
  const basis = orthonormal([n, ...spans.slice(0, Math.min(2, Z - 1))]);
  const along = basis[0], across = basis[1], b = basis[basis.length - 1];
  const a = combined([Math.sin(tilt), along], [Math.cos(tilt), across]);
  const c = combined([Math.cos(tilt), along], [-Math.sin(tilt), across]);
  const r = Math.sin(tilt), angle = 2 * Math.PI * t;
  return combined([length * Math.cos(tilt), c], [length * r * Math.cos(angle), a], [length * r * Math.sin(angle), b]);
}

/** The point of the circle at a frame: frame T is frame 0, which is n itself. */
function onCircle(n, frame, T, spans) {
  const t = (frame % T) / T;
  return t === 0 ? n : circle(n, t, spans);
}

/** What stands beside z: a class as 1 among zeros; factors scaled to [−1, 1], those on a circle as cosine and sine. */
function told(data, classNumber, factors) {
  const cells = data.classes.map((_, k) => (k === classNumber ? 1 : 0));
  data.factors.forEach(({ lowest, highest, cyclic }, k) => {
    const share = (factors[k] - lowest) / (highest - lowest), angle = 2 * Math.PI * share;
    cells.push(...(cyclic ? [Math.cos(angle), Math.sin(angle)] : [2 * share - 1]));
  });
  return cells;
}
