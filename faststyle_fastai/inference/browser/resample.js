const bounded = (value) => Math.min(1, Math.max(0, value));

// The colors of an image in [0, 1], one plane after the other.
function planes({ data, width, height }) {
  const n = width * height, found = new Float32Array(3 * n);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < 3; c++) found[c * n + i] = data[4 * i + c] / 255;
  return { data: found, width, height };
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

// A photo with this short side; `resize_short` in Python.
function resized(image, short) {
  const [width, height] = scaled(image, short / Math.min(image.width, image.height));
  if (width === image.width && height === image.height) return planes(image);
  return resampled(width, height, 255, (c) => resampler(image.data, image, width, height, linear, 4, c));
}
const scaled = ({ width, height }, scale) => [width, height].map((side) => Math.max(1, Math.round(side * scale)));

// An image from a function that gives the rows of each color, in which `one` stands for 1.
function resampled(width, height, one, rowsOf) {
  const data = new Float32Array(3 * width * height);
  for (let c = 0, i = 0; c < 3; c++) {
    const row = rowsOf(c);
    for (let y = 0; y < height; y++) for (const v of row(y)) data[i++] = v / one;
  }
  return { data, width, height };
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

// How closely each color follows the photo's luminance; `follows` in finish.py.
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

// A function that gives the rows of a resampled plane, from top to bottom. The plane may be one of
// the interleaved channels of an image.
function resampler(plane, { width, height }, wide, high, kernel, channels = 1, channel = 0) {
  const across = taps(width, wide, kernel), down = taps(height, high, kernel), kept = new Map();
  const stretched = (y) => {
    let line = kept.get(y);
    if (line) return line;
    kept.set(y, (line = new Float32Array(wide)));
    for (let x = 0; x < wide; x++) {
      const { first, weights } = across[x], start = y * width + first;
      for (let k = 0; k < weights.length; k++) line[x] += weights[k] * plane[(start + k) * channels + channel];
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

// Give an image these colors.
function write(image, { data }) {
  const n = image.width * image.height;
  for (let i = 0; i < n; i++) for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.round(255 * data[c * n + i]);
}
