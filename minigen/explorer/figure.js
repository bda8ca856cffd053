"use strict";
// A figure of limbs on a canvas, seen from a side that one chooses: left limbs in one colour, right ones in another.

const TILE_M = 0.5; // between two lines on the ground, which belong to the world, so that travel shows
const GROUND_M = 2; // of the ground so much is drawn around the body
const FOLLOW_S = 1; // the camera follows the mean place over this long, so that sway stays visible

/** What is drawn of an item: its places, and the way that the camera goes along. */
function sceneOf(item, body) {
  const places = placesOf(item, body);
  const way = smoothed(places.map((points) => points[body.carrier]), FOLLOW_S * body.fps);
  return { places, way: way.map(([x, , z]) => [x, body.floor, z]) };
}

/** The camera's axes (to the right, up, towards the viewer): it stands before the body, or at its right hand at 90°. */
function cameraAxes({ azimuth, elevation }) {
  const [a, e] = [azimuth, elevation].map((degrees) => (degrees * Math.PI) / 180);
  const near = [-Math.sin(a), 0, Math.cos(a)], right = [Math.cos(a), 0, Math.sin(a)];
  const mixed = (up, towards) => [towards * near[0], up, towards * near[2]];
  return [right, mixed(Math.cos(e), -Math.sin(e)), mixed(Math.sin(e), Math.cos(e))];
}

/** Frame t of a scene.  colours: paper, line, shadow, ink, left, right. */
function drawFigure(canvas, scene, t, view, body, colours) {
  const pen = canvas.getContext("2d");
  const { width, height } = canvas;
  const scale = (0.78 * height) / (body.tall + body.head - body.floor);
  const axes = cameraAxes(view), centre = scene.way[t];
  const seen = (p) => {
    const rel = p.map((value, k) => value - centre[k]);
    const [right, up, near] = axes.map((axis) => inner(axis, rel));
    return [width / 2 + scale * right, 0.88 * height - scale * up, near];
  };
  const stroke = (points, colour, thickness) => {
    pen.strokeStyle = colour;
    pen.lineWidth = thickness;
    pen.beginPath();
    points.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.stroke();
  };
  pen.fillStyle = colours.paper;
  pen.fillRect(0, 0, width, height);
  pen.lineCap = pen.lineJoin = "round";
  const unitOf = height / 420; // thicknesses are written for a canvas so high

  for (const line of groundLines(centre)) stroke(line.map(seen), colours.line, unitOf);
  stroke(scene.way.map(seen), colours.shadow, 1.5 * unitOf);

  const points = scene.places[t];
  const flat = ([x, , z]) => seen([x, body.floor, z]);
  for (const limb of body.limbs) stroke(limb.points.map((k) => flat(points[k])), colours.shadow, 4 * unitOf);

  const depth = (k) => seen(points[k])[2];
  const parts = body.limbs.map((limb) => ({ limb, near: mean(limb.points.map(depth)) }));
  if (body.head) parts.push({ limb: null, near: depth(points.length - 1) });
  for (const { limb } of parts.sort((a, b) => a.near - b.near)) {
    if (!limb) {
      const [x, y] = seen(points[points.length - 1]);
      disc(pen, x, y, scale * body.head + 1.5 * unitOf, colours.paper);
      disc(pen, x, y, scale * body.head, colours.ink);
      continue;
    }
    const way = limb.points.map((k) => seen(points[k])), thickness = (limb.thin ? 4.5 : 9) * unitOf;
    stroke(limb.side ? way.slice(1) : way, colours.paper, thickness + 3 * unitOf);
    stroke(way, colours[limb.side || "ink"], thickness);
  }
}

const mean = (values) => values.reduce((a, b) => a + b) / values.length;

function disc(pen, x, y, radius, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

/** Lines of the ground around a place, each as its two ends. */
function groundLines([cx, floor, cz]) {
  const lines = [];
  for (const across of [true, false]) {
    const middle = across ? cx : cz;
    for (let k = Math.ceil((middle - GROUND_M) / TILE_M); k * TILE_M <= middle + GROUND_M; k++) {
      const at = k * TILE_M, half = Math.sqrt(Math.max(0, GROUND_M ** 2 - (at - middle) ** 2));
      const ends = [-half, half];
      lines.push(ends.map((end) => (across ? [at, floor, cz + end] : [cx + end, floor, at])));
    }
  }
  return lines;
}
