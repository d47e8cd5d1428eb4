// Faces stay faces: their features are drawn into a painting, as by `with_faces` in faces.py.
const ALIKE = 0.3; // intersection over union from which two boxes are of one face
const KEPT = 0.5, FEATURES = 0.8; // share of the painted detail that is kept, and of the photo's added
const DETAIL = 0.05, TIMES = 3; // reach of the blur, of a face's size, and how often it is applied
const HALF = [0.62, 0.72], RAISED = 0.08, SOFT = 0.4; // of an ellipse: its axes, how far it is above the box, and its edge

// Left, top, right and bottom of each face as shares of a photo, the surest first.
function facesIn({ scores, boxes }, { width, height }) {
  const longest = Math.max(width, height), best = [];
  const likely = [...scores.data.keys()].filter((i) => scores.data[i] > sure).sort((i, j) => scores.data[j] - scores.data[i]);
  for (const i of likely) {
    const box = [width, height, width, height].map((side, k) => (boxes.data[4 * i + k] * longest) / side);
    if (best.every((other) => overlap(box, other) <= ALIKE)) best.push(box);
  }
  return best.map((box) => box.map(bounded));
}
// These in the middle of the photo, as a square.
function inSquare(faces, { width, height }) {
  const side = Math.min(width, height);
  return faces.map((face) => face.map((value, k) => ((value - 0.5) * (k % 2 ? height : width)) / side + 0.5));
}
function overlap(a, b) {
  const area = ([left, top, right, bottom]) => Math.max(0, right - left) * Math.max(0, bottom - top);
  const both = area(a.map((value, k) => Math[k < 2 ? "max" : "min"](value, b[k])));
  return both / (area(a) + area(b) - both);
}

function drawFaces({ data, width, height }, photo, faces) {
  const n = width * height, light = luminance(photo);
  for (const [left, top, right, bottom] of faces) {
    const size = [(right - left) * width, (bottom - top) * height];
    const center = [((left + right) / 2) * width, ((top + bottom) / 2) * height - RAISED * size[1]], axes = size.map((side, k) => HALF[k] * side);
    const [[x0, x1], [y0, y1]] = [width, height].map((side, k) => {
      const reach = (1 + SOFT) * axes[k];
      return [Math.max(0, Math.floor(center[k] - reach)), Math.min(side, Math.floor(center[k] + reach) + 1)];
    });
    const wide = x1 - x0, high = y1 - y0, reach = Math.max(1, Math.round(DETAIL * Math.max(...size)));
    const at = (i) => (y0 + Math.floor(i / wide)) * width + x0 + (i % wide);
    const part = (plane) => Float32Array.from({ length: wide * high }, (_, i) => plane[at(i)]);
    const blurred = (values) => {
      for (let i = 0; i < TIMES; i++) values = boxed(values, wide, high, reach);
      return values;
    };
    const own = part(light), soft = blurred(own);
    for (let c = 0; c < 3; c++) {
      const plane = data.subarray(c * n, c * n + n), colors = part(plane), mean = blurred(colors);
      for (let i = 0; i < colors.length; i++) {
        const away = Math.hypot((x0 + (i % wide) + 0.5 - center[0]) / axes[0], (y0 + Math.floor(i / wide) + 0.5 - center[1]) / axes[1]);
        const near = bounded((1 + SOFT - away) / (2 * SOFT)), drawn = mean[i] + KEPT * (colors[i] - mean[i]) + FEATURES * (own[i] - soft[i]);
        plane[at(i)] += near ** 2 * (3 - 2 * near) * (bounded(drawn) - colors[i]);
      }
    }
  }
}
