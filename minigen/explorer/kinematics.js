"use strict";
// From what a network of motion gives to the places of a skeleton's joints: lengths in metres, y up.

/** Three axes, the columns of a rotation, from two vectors (a, b) by Gram and Schmidt; a fixed axis for one of none. */
function axesOf(x, i) {
  let a = [x[i], x[i + 1], x[i + 2]], b = [x[i + 3], x[i + 4], x[i + 5]];
  if (!(inner(a, a) > 1e-12)) a = [1, 0, 0];
  const first = unit(a);
  const rest = less(b, first);
  if (!(inner(rest, rest) > 1e-12 && inner(rest, rest) > 1e-10 * inner(b, b))) {
    b = Math.abs(first[0]) < 0.6 ? [1, 0, 0] : [0, 1, 0];
  }
  const second = unit(less(unit(less(b, first)), first));
  return [first, second, cross(first, second)];
}

const inner = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const unit = (a) => a.map((value) => value / Math.sqrt(inner(a, a)));
const less = (b, e) => { const share = inner(b, e); return b.map((value, k) => value - share * e[k]); };
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/** R v, R given by its columns. */
const turned = (R, v) => [0, 1, 2].map((k) => R[0][k] * v[0] + R[1][k] * v[1] + R[2][k] * v[2]);

/** The turn about the vertical by an angle, from +z towards +x. */
const aboutY = (angle) => [[Math.cos(angle), 0, -Math.sin(angle)], [0, 1, 0], [Math.sin(angle), 0, Math.cos(angle)]];

/** The network's numbers (T, moving) as features (T, 6J + 4); what never moves stands at its mean. */
function featuresOf(item, body) {
  const F = body.mean.length, M = body.moving.length;
  return Array.from({ length: item.length / M }, (_, t) => {
    const x = Float32Array.from(body.mean);
    body.moving.forEach((place, k) => { x[place] += item[t * M + k] * body.deviation[place]; });
    return x.subarray(0, F);
  });
}

/**
 * Where every point of the figure is in each frame: T arrays of [x, y, z].
 *
 * The heading is summed up first, then the velocity along it; of joints, turns and places are handed on from each
 * parent.  After the joints come the body's further points.
 */
function placesOf(item, body) {
  const J = body.parents.length;
  let heading = 0, x = 0, z = 0;
  return featuresOf(item, body).map((features) => {
    const [left, forward, height, yaw] = features.subarray(6 * J);
    const about = aboutY(heading);
    const turns = [], places = [];
    body.parents.forEach((parent, j) => {
      let R = body.above.includes(j) ? aboutY(0) : axesOf(features, 6 * j);
      if (j === body.carrier) R = R.map((axis) => turned(about, axis));
      const offset = j === body.carrier ? [x, height, z] : body.translations[j];
      turns.push(parent < 0 ? R : R.map((axis) => turned(turns[parent], axis)));
      places.push(parent < 0 ? offset : plus(places[parent], turned(turns[parent], offset)));
    });
    for (const { frame, joint, offset } of body.points) places.push(plus(places[joint], turned(turns[frame], offset)));
    const step = turned(about, [left / body.fps, 0, forward / body.fps]);
    heading += yaw / body.fps;
    x += step[0];
    z += step[2];
    return places;
  });
}

const plus = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** The mean of a path over `window` frames around each, its ends continued point-symmetrically: what a camera follows. */
function smoothed(path, window) {
  const half = Math.min(Math.floor(window / 2), path.length - 1), last = path.length - 1;
  const at = (t) => {
    if (t < 0) return path[0].map((value, k) => 2 * value - path[-t][k]);
    if (t > last) return path[last].map((value, k) => 2 * value - path[2 * last - t][k]);
    return path[t];
  };
  return path.map((_, t) => {
    const sum = [0, 0, 0];
    for (let s = t - half; s <= t + half; s++) at(s).forEach((value, k) => { sum[k] += value / (2 * half + 1); });
    return sum;
  });
}
