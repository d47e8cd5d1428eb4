// Paints an image with strokes of thick paint, of the usual width: as strokes.py, drawing.py and
// relief.py do. What the numbers are is said there.
const SIDE = 1024, FINEST = 1.5, WIDTH = 0.05, LAYERS = 5, PASSES = 2;
const STEP = 2, LONGEST = 9, MINIMUM = 4, TURN = 0.64, INERTIA = 0.3, SAME = 0.12, NEAR = 0.02;
const FAR = [0.12, 0.02], ACROSS = [-0.8, -0.4, 0, 0.4, 0.8], FIRST = -0.001, LEAST = 0.1 * 0.06 ** 0.7;
const HAIRS = 1.3, HAIRY = 6, TONE = [0.035, 60], GROUND = 100, THICK = 70, UNEVEN = 0.6;
const STEEP = 17 * 0.5, GLOSS = 0.09 * 0.5, SHINE = 40, LIT = [0.3, 1.8], LAMP = unit([-0.5, -0.6, 0.62]);

function unit(v) {
  const length = Math.hypot(...v) + 1e-6;
  return v.map((x) => x / length);
}

// Numbers in [0, 1) that are the same each time (mulberry32), and some with deviation 1.
function numbers(seed) {
  return () => {
    let t = (seed += 0x6d2b79f5);
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const normal = (next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

const drawing = (width, height, color) => {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  Object.assign(context, { fillStyle: color, lineCap: "round", lineJoin: "round" }).fillRect(0, 0, width, height);
  return context;
};
const seenIn = (context) => planes(context.getImageData(0, 0, context.canvas.width, context.canvas.height));

function strokesOf(image) {
  const side = Math.min(SIDE, 2 * Math.max(image.width, image.height)), scale = side / Math.max(image.width, image.height);
  const [width, height] = scaled(image, scale), n = width * height, colors = split(image.data, image);
  const source = resampled(width, height, 1, (c) => resampler(colors[c], image, width, height, cubic));
  const ground = split(source.data, source).map((plane) => Math.round(255 * plane.slice().sort()[n >> 1]));
  const canvas = drawing(width, height, `rgb(${ground})`), next = numbers(1), edges = structure(source), brushes = [];
  const smooth = (plane, size) => {
    const reach = Math.floor(size) >> 1;
    return reach ? boxed(boxed(plane, width, height, reach), width, height, reach) : plane;
  };
  const when = smooth(Float32Array.from({ length: n }, () => normal(next)), width / 8), spread = Math.sqrt(when.reduce((sum, v) => sum + v * v, 0) / n);
  for (let i = 0; i < LAYERS; i++) {
    const half = Math.max(FINEST, (side * WIDTH) / 2 ** (i + 1)), least = i ? LEAST * (1 + i) : FIRST, brush = { width: 2 * half, strokes: [] };
    const field = { width, height, n, source: source.data, way: directions(edges, half, smooth) };
    field.blurred = new Float32Array(3 * n);
    split(source.data, source).forEach((plane, c) => field.blurred.set(smooth(plane, half), c * n));
    for (let pass = 0; pass < PASSES; pass++) {
      field.now = seenIn(canvas).data;
      const found = starts(field, half, least).map((at) => judged(traced(at, field, half), field, half));
      const kept = found.filter((one) => one && one.gain > least / 2);
      for (const one of kept) one.when = when[at(field, ...one.points[one.points.length >> 1])] + 0.3 * spread * normal(next);
      kept.sort((a, b) => a.when - b.when);
      kept.forEach(({ points, color }) => line(canvas, points, color, brush.width));
      brush.strokes.push(...kept);
    }
    brushes.push(brush);
    if (half === FINEST) break;
  }
  return { width, height, ground, brushes };
}

const at = ({ width, height }, x, y) => Math.min(height - 1, Math.max(0, Math.round(y))) * width + Math.min(width - 1, Math.max(0, Math.round(x)));

// Products of the luminance's derivatives.
function structure(image) {
  const { width, height } = image, soft = boxed(luminance(image), width, height, 1), found = [0, 1, 2].map(() => new Float32Array(width * height));
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const left = x ? -1 : 0, right = x < width - 1 ? 1 : 0, up = y ? -width : 0, down = y < height - 1 ? width : 0;
      const dx = 2 * (soft[i + right] - soft[i + left]) + soft[i + up + right] - soft[i + up + left] + soft[i + down + right] - soft[i + down + left];
      const dy = 2 * (soft[i + down] - soft[i + up]) + soft[i + down + left] - soft[i + up + left] + soft[i + down + right] - soft[i + up + right];
      found[0][i] = dx * dx, found[1][i] = dx * dy, found[2][i] = dy * dy;
    }
  return found;
}

// Angles along the edges; where it is flat, of edges far away.
function directions(edges, half, smooth) {
  let near = edges.map((plane) => smooth(plane, 1.5 * half + 3));
  const total = near.map((plane) => plane.slice());
  for (const weight of FAR) {
    half *= 4;
    near = near.map((plane) => smooth(plane, half));
    near.forEach((plane, k) => plane.forEach((v, i) => (total[k][i] += weight * v)));
  }
  const [xx, xy, yy] = total;
  return xx.map((v, i) => Math.atan2(2 * xy[i], v - yy[i]) / 2 + Math.PI / 2);
}

// The worst place of each square of the canvas that differs by more than `least`.
function starts({ width, height, n, blurred, now }, apart, least) {
  const side = Math.min(Math.max(STEP, Math.round(apart)), width, height), found = [];
  for (let top = 0; top + side <= height; top += side)
    for (let left = 0; left + side <= width; left += side) {
      let worst = -1, place, sum = 0;
      for (let y = top; y < top + side; y++)
        for (let x = left, i = y * width + left; x < left + side; x++, i++) {
          const error = (Math.abs(blurred[i] - now[i]) + Math.abs(blurred[n + i] - now[n + i]) + Math.abs(blurred[2 * n + i] - now[2 * n + i])) / 3;
          sum += error;
          if (error > worst) [worst, place] = [error, [x, y]];
        }
      if (sum / side ** 2 > least) found.push(place);
    }
  return found;
}

// A stroke that follows the directions from a place to both sides.
const traced = (place, field, half) => [...follow(place, -1, field, half).reverse(), place, ...follow(place, 1, field, half)];
function follow([x, y], sign, field, half) {
  const { width, height, n, way, blurred, now } = field, first = at(field, x, y), step = Math.max(half, STEP), path = [];
  let last = [sign * Math.cos(way[first]), sign * Math.sin(way[first])];
  while (path.length < LONGEST) {
    const here = at(field, x, y), ahead = [Math.cos(way[here]), Math.sin(way[here])], cosine = ahead[0] * last[0] + ahead[1] * last[1];
    if (Math.abs(cosine) <= TURN) break;
    last = unit(last.map((v, k) => (1 - INERTIA) * Math.sign(cosine) * ahead[k] + INERTIA * v));
    [x, y] = [x + step * last[0], y + step * last[1]];
    if (x < 0 || y < 0 || x >= width || y >= height) break;
    const i = at(field, x, y);
    let off = 0, better = 0;
    for (let c = 0; c < 3; c++) {
      off += Math.abs(blurred[c * n + i] - blurred[c * n + first]) / 3;
      better += Math.abs(blurred[c * n + i] - now[c * n + i]) / 3;
    }
    if (off >= SAME || off > better + NEAR) break;
    path.push([x, y]);
  }
  return path;
}

// A stroke's color, and how much closer it brings the canvas.
function judged(points, field, half) {
  if (points.length < MINIMUM) return null;
  const { n, source, now } = field;
  const places = beside(points).flatMap(([[x, y], [u, v]]) => ACROSS.map((share) => at(field, x + half * share * u, y + half * share * v)));
  const color = [0, 1, 2].map((c) => {
    const values = Float32Array.from(places, (i) => source[c * n + i]).sort(), middle = values.length >> 1;
    return values.length % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  });
  let gain = 0;
  for (const i of places) for (let c = 0; c < 3; c++) gain += Math.abs(source[c * n + i] - now[c * n + i]) - Math.abs(source[c * n + i] - color[c]);
  return { points, color: color.map((v) => Math.round(255 * v)), gain: gain / (3 * places.length) };
}

// Points of a line, and unit vectors across it there.
function beside(points) {
  return points.map((point, i) => {
    const from = points[Math.max(0, i - 1)], to = points[Math.min(points.length - 1, i + 1)], [x, y] = unit([to[0] - from[0], to[1] - from[1]]);
    return [point, [-y, x]];
  });
}

// A line through points, as a quadratic spline.
function line(context, points, color, width) {
  Object.assign(context, { strokeStyle: `rgb(${color})`, lineWidth: width });
  context.beginPath();
  context.moveTo(points[0][0] + 0.5, points[0][1] + 0.5);
  points.slice(1, -1).forEach(([x, y], i) => {
    const [u, v] = i < points.length - 3 ? [(x + points[i + 2][0]) / 2, (y + points[i + 2][1]) / 2] : points.at(-1);
    context.quadraticCurveTo(x + 0.5, y + 0.5, u + 0.5, v + 0.5);
  });
  context.stroke();
}

// Strokes with the hairs of their brushes, in relief, as planes of this size.
function brushed(strokes, width, height) {
  const views = [drawing(width, height, `rgb(${strokes.ground})`), drawing(width, height, `rgb(${[GROUND, GROUND, GROUND]})`)];
  views.forEach((view) => view.scale(width / strokes.width, height / strokes.height));
  const next = numbers(2), clipped = (v) => Math.min(255, Math.max(0, v));
  let level = GROUND;
  for (const brush of strokes.brushes) {
    const half = brush.width / 2, hairs = HAIRS * half >= HAIRY ? Math.floor(HAIRS * half) : 0;
    const thick = THICK * Math.sqrt(brush.width / Math.max(strokes.width, strokes.height));
    level += thick;
    for (const { points, color } of brush.strokes) {
      const rise = clipped(level + UNEVEN * thick * normal(next)), shades = [color, [rise, rise, rise]], sides = hairs ? beside(points) : [];
      views.forEach((view, k) => line(view, points, shades[k], brush.width));
      for (let i = 0; i < hairs; i++) {
        const share = -0.9 + (1.8 * i) / (hairs - 1), tone = TONE[0] * normal(next);
        const hair = sides.map(([[x, y], [u, v]]) => [x + half * share * u, y + half * share * v]);
        views.forEach((view, k) => line(view, hair, shades[k].map((v) => clipped(v * (1 + tone) + TONE[1] * tone)), (0.9 * brush.width) / hairs));
      }
    }
  }
  return lit(seenIn(views[0]), seenIn(views[1]).data.subarray(0, width * height));
}

// An image as paint of these heights, lit from the upper left; in place.
function lit(image, heights) {
  const { data, width, height } = image, n = width * height, scale = Math.max(width, height) / SIDE;
  const reach = Math.round((Math.sqrt(12 * (0.7 * scale) ** 2 + 1) - 1) / 2); // a box as wide as Python's Gaussian
  const soft = boxed(heights, width, height, reach), half = unit([LAMP[0], LAMP[1], LAMP[2] + 1]);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const dx = STEEP * scale * ((x < width - 1 ? soft[i + 1] : soft[i]) - soft[i]), dy = STEEP * scale * ((y < height - 1 ? soft[i + width] : soft[i]) - soft[i]);
      const upright = 1 / Math.sqrt(1 + dx * dx + dy * dy);
      const [toward, mirrored] = [LAMP, half].map((v) => upright * (v[2] - v[0] * dx - v[1] * dy));
      const shade = Math.min(LIT[1], Math.max(LIT[0], toward / LAMP[2])), shine = GLOSS * Math.max(0, Math.max(0, mirrored) ** SHINE - half[2] ** SHINE);
      for (let c = 0; c < 3; c++) data[c * n + i] = Math.min(1, data[c * n + i] ** 2.2 * shade + shine) ** (1 / 2.2);
    }
  return image;
}
