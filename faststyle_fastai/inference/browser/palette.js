const TINY = 1e-4, GAIN = 1.6; // of the colors: least variance, and most change of contrast

// Bring an image's colors nearer to a painting's; `toward_palette` in finish.py.
function approach(data, { share, moments }) {
  const n = data.length / 3, planes = split(data, { width: n, height: 1 }), three = [0, 1, 2];
  const center = planes.map((plane) => plane.reduce((sum, v) => sum + v, 0) / n);
  const gaussian = (mean, product) => three.map((i) => three.map((j) => product(i, j) - mean[i] * mean[j] + (i === j ? TINY : 0)));
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
