// Paints in a worker, so that the page answers while it works. "start" takes the runtime and the
// network, "paint" a photo; "enlarge" gives the last painting at the photo's size.
const SMALLEST = 5; // px of a side that the network accepts
const TINY = 1e-4, GAIN = 1.6; // of the colors: least variance, and most change of contrast
const CERTAIN = 0.1; // likelihoods of people this near to 0 or 1 become 0 or 1
let session, finder, model, people, sure, gpu, styles, whole, asked, small, painted, area;

onmessage = async ({ data }) => {
  try {
    postMessage({ id: data.id, ...(await tasks[data.task](data)) });
  } catch (error) {
    postMessage({ id: data.id, error: String(error.message || error) });
  }
};

const tasks = {
  async start({ mjs, wasm, count, ...given }) {
    const script = new Blob([mjs], { type: "text/javascript" });
    ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(script) };
    ort.env.wasm.wasmBinary = wasm;
    // Threads need memory that browsers share only with pages of an isolated server.
    ort.env.wasm.numThreads = self.crossOriginIsolated ? navigator.hardwareConcurrency : 1;
    ort.env.logLevel = "error";
    ({ model, people, sure, gpu } = given);
    styles = count;
    await load().catch(leaveGpu);
    return {};
  },

  async paint({ image, style, short, palette, ...what }) {
    if (image) whole = image; // else the photo of the last call
    if (image || short !== asked) small = reduced(planes(whole), short);
    asked = short;
    const { data, width, height } = small, n = width * height;
    const rows = new Float32Array(styles);
    rows[style] = 1;
    const wide = Math.max(width, SMALLEST), high = Math.max(height, SMALLEST);
    const run = () =>
      session.run({
        photo: new ort.Tensor("float32", cut(data, width, height, wide, high), [1, 3, high, wide]),
        style: new ort.Tensor("float32", rows, [1, styles]),
      });
    const found = await run().catch((error) => leaveGpu(error).then(run));
    if (palette) approach(found.painted.data, palette);
    const inside = found.painted.data.map((v) => Math.min(1, Math.max(0, v)));
    painted = { data: cut(inside, wide, high, width, height), width, height };
    area = await areaOf(what);
    const shown = new ImageData(width, height), at = area.rows(width, height);
    for (let y = 0, i = 0; y < height; y++) {
      const share = at(y);
      for (let x = 0; x < width; x++, i++) {
        for (let c = 0; c < 3; c++) shown.data[4 * i + c] = Math.round(255 * painted.data[c * n + i]);
        shown.data[4 * i + 3] = 255 * share(x, data[i], data[n + i], data[2 * n + i]);
      }
    }
    return { image: shown, gpu, seen: area.seen };
  },

  // The last painting at the photo's size, with the photo's detail where the painting kept its
  // edges; as `enlarged` in enlarge.py.
  enlarge({ id, strength }) {
    const { width, height } = whole, data = whole.data.slice(), light = luminance(small);
    const same = width === small.width && height === small.height;
    const sources = same ? [] : [painted.data, light, follows(painted, light)];
    const rows = sources
      .flatMap((source) => split(source, small))
      .map((plane) => resampler(plane, small, width, height, cubic));
    const n = small.width * small.height, painting = area.rows(width, height);
    for (let y = 0; y < height; y++) {
      const share = painting(y), line = rows.map((row) => row(y));
      for (let x = 0; x < width; x++) {
        const at = 4 * (y * width + x), i = y * width + x;
        const red = data[at] / 255, green = data[at + 1] / 255, blue = data[at + 2] / 255;
        const own = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        const weight = strength * share(x, red, green, blue);
        for (let c = 0; c < 3; c++) {
          let value = same ? painted.data[c * n + i] : line[c][x] + line[4 + c][x] * (own - line[3][x]);
          value = Math.min(1, Math.max(0, value));
          data[at + c] = Math.round(data[at + c] + weight * (255 * value - data[at + c]));
        }
      }
      if (y % 100 === 0) postMessage({ id, progress: y / height });
    }
    return { image: new ImageData(data, width, height) };
  },
};

// What is painted of the photo: whether a person was asked for and seen, and a function that gives,
// for a size and then a row, the share at a column with this color; `likelihood` in people.py.
async function areaOf({ area, stretched, padded }) {
  if (area === "all") return { seen: true, rows: () => () => () => 1 };
  finder ??= await ort.InferenceSession.create(people, { executionProviders: ["wasm"] });
  const square = (image) => new ort.Tensor("float32", planes(image).data, [1, 3, image.height, image.width]);
  const found = await finder.run({ stretched: square(stretched), padded: square(padded) });
  const seen = found.sure.data[0] > sure, inside = area === "person";
  if (!seen) return { seen, rows: () => () => () => (inside ? 0 : 1) };
  const sources = [...split(found.slope.data, stretched), found.offset.data];
  const rows = (width, height) => {
    const lines = sources.map((plane) => resampler(plane, stretched, width, height, linear));
    return (y) => {
      const [r, g, b, offset] = lines.map((line) => line(y));
      return (x, red, green, blue) => {
        const likely = r[x] * red + g[x] * green + b[x] * blue + offset[x];
        const person = Math.min(1, Math.max(0, (likely - CERTAIN) / (1 - 2 * CERTAIN)));
        return inside ? person : 1 - person;
      };
    };
  };
  return { seen, rows };
}

// Bring an image's colors nearer to a painting's; `toward_palette` in finish.py.
function approach(data, { share, moments }) {
  const n = data.length / 3, planes = split(data, { width: n, height: 1 }), three = [0, 1, 2];
  const center = planes.map((plane) => plane.reduce((sum, v) => sum + v, 0) / n);
  const gaussian = (mean, product) => {
    const at = (i, j) => product(i, j) - mean[i] * mean[j] + (i === j ? TINY : 0);
    return three.map((i) => three.map((j) => at(i, j)));
  };
  const own = gaussian(center, (i, j) => planes[i].reduce((sum, v, k) => sum + v * planes[j][k], 0) / n);
  const target = three.map((i) => moments[i][3]), wanted = gaussian(target, (i, j) => moments[i][j]);
  const root = ofMatrix(own, Math.sqrt), inverse = ofMatrix(own, (v) => 1 / Math.sqrt(v));
  const middle = ofMatrix(times(times(root, wanted), root), Math.sqrt);
  const whole = ofMatrix(times(times(inverse, middle), inverse), (v) => Math.min(v, GAIN));
  const turn = whole.map((row, i) => row.map((v, j) => (i === j ? 1 - share : 0) + share * v));
  const mean = center.map((v, i) => v + share * (target[i] - v));
  for (let k = 0; k < n; k++) {
    const off = three.map((i) => planes[i][k] - center[i]);
    for (const i of three) planes[i][k] = mean[i] + turn[i][0] * off[0] + turn[i][1] * off[1] + turn[i][2] * off[2];
  }
}

const times = (a, b) => a.map((row) => b[0].map((_, j) => row.reduce((sum, v, k) => sum + v * b[k][j], 0)));

// A function of a symmetric 3x3 matrix, applied to its eigenvalues (Jacobi's method).
function ofMatrix(matrix, f) {
  const turned = matrix.map((row) => [...row]), vectors = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  for (let sweep = 0; sweep < 10; sweep++)
    for (const [p, q] of [[0, 1], [0, 2], [1, 2]]) {
      if (Math.abs(turned[p][q]) < 1e-14) continue;
      const slope = (turned[q][q] - turned[p][p]) / (2 * turned[p][q]);
      const tan = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.hypot(slope, 1));
      const cos = 1 / Math.hypot(tan, 1), sin = tan * cos;
      const turn = (row) => ([row[p], row[q]] = [cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]]);
      [...turned, ...vectors].forEach(turn);
      for (let k = 0; k < 3; k++) {
        const [a, b] = [turned[p][k], turned[q][k]];
        [turned[p][k], turned[q][k]] = [cos * a - sin * b, sin * a + cos * b];
      }
    }
  const values = turned.map((row, i) => f(Math.max(row[i], 1e-8)));
  return vectors.map((a) => vectors.map((b) => values.reduce((sum, v, k) => sum + v * a[k] * b[k], 0)));
}

// Three planes cropped to another size, or enlarged by repeating their last row and column.
function cut(data, width, height, wide, high) {
  if (width === wide && height === high) return data;
  const found = new Float32Array(3 * wide * high);
  for (let i = 0; i < found.length; i++) {
    const x = Math.min(i % wide, width - 1), y = Math.min(Math.floor(i / wide) % high, height - 1);
    found[i] = data[(Math.floor(i / (wide * high)) * height + y) * width + x];
  }
  return found;
}

async function load() {
  session = await ort.InferenceSession.create(model, { executionProviders: [gpu ? "webgpu" : "wasm"] });
}

// A graphics card may have too little memory, or none left.
async function leaveGpu(error) {
  if (!gpu) throw error;
  gpu = false;
  await load();
}

// The colors of an image in [0, 1], one plane after the other.
function planes({ data, width, height }) {
  const n = width * height, found = new Float32Array(3 * n);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < 3; c++) found[c * n + i] = data[4 * i + c] / 255;
  return { data: found, width, height };
}

// A photo as small as its strokes ask for; `painting_shape` and `resize_short` in Python.
function reduced(photo, short) {
  const scale = short / Math.min(photo.width, photo.height);
  if (!short || scale >= 1) return photo;
  const width = Math.round(photo.width * scale), height = Math.round(photo.height * scale);
  const found = new Float32Array(3 * width * height);
  split(photo.data, photo).forEach((plane, c) => {
    const row = resampler(plane, photo, width, height, linear);
    for (let y = 0; y < height; y++) found.set(row(y), (c * height + y) * width);
  });
  return { data: found, width, height };
}

function luminance({ data, width, height }) {
  const n = width * height, light = new Float32Array(n);
  for (let i = 0; i < n; i++) light[i] = 0.2126 * data[i] + 0.7152 * data[n + i] + 0.0722 * data[2 * n + i];
  return light;
}

function split(plane, { width, height }) {
  const n = width * height, parts = [];
  for (let i = 0; i < plane.length; i += n) parts.push(plane.subarray(i, i + n));
  return parts;
}

// How closely each color follows the photo's luminance; `follows` in enlarge.py.
function follows({ data, width, height }, light) {
  const n = width * height, slopes = new Float32Array(3 * n);
  const mean = (values) => boxed(values, width, height, 4);
  const center = mean(light), squares = mean(light.map((v) => v * v));
  for (let c = 0; c < 3; c++) {
    const color = data.subarray(c * n, c * n + n);
    const both = mean(color.map((v, i) => v * light[i])), middle = mean(color);
    const slope = both.map((v, i) => {
      const found = (v - center[i] * middle[i]) / (squares[i] - center[i] * center[i] + 1e-3);
      return Math.min(1.5, Math.max(-1, found));
    });
    slopes.set(mean(slope), c * n);
  }
  return slopes;
}

// Means over windows of 2 * reach + 1 pixels, smaller at the edges.
function boxed(values, width, height, reach) {
  const across = new Float32Array(values.length), found = new Float32Array(values.length);
  const line = (from, to, start, step, n) => {
    let sum = 0, count = 0;
    for (let i = -reach; i < n; i++) {
      if (i + reach < n) (sum += from[start + (i + reach) * step]), count++;
      if (i - reach - 1 >= 0) (sum -= from[start + (i - reach - 1) * step]), count--;
      if (i >= 0) to[start + i * step] = sum / count;
    }
  };
  for (let y = 0; y < height; y++) line(values, across, y * width, 1, width);
  for (let x = 0; x < width; x++) line(across, found, x, width, height);
  return found;
}

// Kernels of resampling, and how far they reach.
const linear = { reach: 1, at: (t) => Math.max(0, 1 - Math.abs(t)) };
const cubic = {
  reach: 2,
  at(t) {
    t = Math.abs(t);
    if (t < 1) return 1.5 * t ** 3 - 2.5 * t ** 2 + 1;
    return t < 2 ? -0.5 * t ** 3 + 2.5 * t ** 2 - 4 * t + 2 : 0;
  },
};

// A function that gives the rows of a resampled plane, from top to bottom.
function resampler(plane, { width, height }, wide, high, kernel) {
  const across = taps(width, wide, kernel), down = taps(height, high, kernel), kept = new Map();
  const stretched = (y) => {
    let line = kept.get(y);
    if (line) return line;
    kept.set(y, (line = new Float32Array(wide)));
    for (let x = 0; x < wide; x++) {
      const { first, weights } = across[x], start = y * width + first;
      for (let k = 0; k < weights.length; k++) line[x] += weights[k] * plane[start + k];
    }
    return line;
  };
  return (y) => {
    const { first, weights } = down[y], line = new Float32Array(wide);
    for (const old of kept.keys()) if (old < first) kept.delete(old);
    weights.forEach((weight, k) => {
      const source = stretched(first + k);
      for (let x = 0; x < wide; x++) line[x] += weight * source[x];
    });
    return line;
  };
}

// For each of `long` places, the first of n values that it sees, and the weights of these.
function taps(n, long, { reach, at }) {
  const scale = n / long, stretch = Math.max(1, scale), found = [];
  for (let i = 0; i < long; i++) {
    const center = (i + 0.5) * scale, far = reach * stretch;
    const first = Math.max(0, Math.floor(center - far + 0.5));
    const end = Math.min(n, Math.floor(center + far + 0.5));
    const weights = Array.from({ length: end - first }, (_, k) => at((first + k - center + 0.5) / stretch));
    const sum = weights.reduce((a, b) => a + b, 0);
    found.push({ first, weights: weights.map((w) => w / sum) });
  }
  return found;
}
