// Styles as links: the same bytes as in links.py, which says what they are.
const VERSION = 1, NAMES = 0, ROW = 1, MOST_SAID = 60, EXTREME = 100;
const LINK = /#s=([\w-]{1,4096})\s*$/;
const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

function linkOfNames(shares) {
  const utf8 = new TextEncoder();
  return sealed(join([NAMES], ...Object.entries(shares).map(([name, share]) => [share, name.length, ...utf8.encode(name)])));
}

function linkOfRow({ id, widths }, title, moments, row) {
  const colors = moments.flatMap((line, i) => line.slice(i)).slice(0, 9), ranges = [], codes = [];
  for (let i = 0, at = 0; i < widths.length; at += widths[i++]) {
    const part = row.subarray(at, at + widths[i]), low = Math.min(...part), step = Math.fround((Math.max(...part) - low) / 255);
    ranges.push(low, step);
    for (const value of part) codes.push(Math.floor((value - low) / (step || 1) + 0.5));
  }
  const said = new TextEncoder().encode([...title].slice(0, MOST_SAID).join("")), view = new DataView(new ArrayBuffer(4 * (9 + ranges.length)));
  [...colors, ...ranges].forEach((value, i) => view.setFloat32(4 * i, value, true));
  return sealed(join([ROW], hexed(id), [said.length], said, new Uint8Array(view.buffer), codes));
}
const hexed = (id) => id.match(/../g).map((byte) => parseInt(byte, 16));

function sealed(body) {
  const data = join([VERSION], littleEndian(4, crc(body)), body);
  return `#s=${btoa(String.fromCharCode(...data)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
const littleEndian = (size, ...values) => values.flatMap((value) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 255));

// What a link holds: shares of styles by their names, or a row with its network, title and moments.
// An error's message is the key of what is said of it.
function readLink(link, { ids, widths, names }) {
  const check = (right, key = "linkDamaged") => {
    if (!right) throw new Error(key);
  };
  const text = LINK.exec(link)?.[1];
  check(text && text.length % 4 !== 1);
  const data = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)), body = data.subarray(5);
  check(body.length > 1 && littleEndian(4, crc(body)).every((byte, i) => byte === data[1 + i]));
  check(data[0] === VERSION && body[0] <= ROW, "linkOther");
  const said = (from, to) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body.subarray(from, to));
    } catch {
      check(false);
    }
  };
  if (body[0] === NAMES) {
    const shares = new Map();
    for (let at = 1; at < body.length; at += 2 + body[at + 1]) {
      const name = said(at + 2, at + 2 + body[at + 1]);
      check(names.includes(name), "linkOther");
      check(!shares.has(name) && body[at]);
      shares.set(name, body[at]);
    }
    check([...shares.values()].reduce((sum, share) => sum + share) <= 150);
    return { shares };
  }
  const network = Object.keys(ids).find((key) => hexed(ids[key]).every((byte, i) => byte === body[1 + i]));
  check(network, "linkOther");
  const at = 6 + body[5], n = 9 + 2 * widths.length, title = said(6, at);
  check(body.length === at + 4 * n + widths.reduce((sum, width) => sum + width));
  check([...title].length <= MOST_SAID && title.trim() && !/[\p{Cc}/\\]/u.test(title));
  const view = new DataView(body.buffer, body.byteOffset + at), numbers = Array.from({ length: n }, (_, i) => view.getFloat32(4 * i, true));
  const row = [], moments = [0, 1, 2, 3].map(() => [0, 0, 0, 1]);
  const inside = (...values) => check(values.every((value) => Math.abs(value) < EXTREME)); // nor NaN
  inside(...numbers.slice(0, 9));
  for (let i = 0, j = 0, k = 0; i < 3; i++) for (j = i; j < 4; j++) moments[i][j] = moments[j][i] = numbers[k++];
  for (let i = 0, from = at + 4 * n; i < widths.length; from += widths[i++]) {
    const [low, step] = numbers.slice(9 + 2 * i);
    inside(low, low + 255 * step);
    for (const code of body.subarray(from, from + widths[i])) row.push(low + step * code);
  }
  return { network, title, moments, row: Float32Array.from(row) };
}

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
const crc = (bytes) => ~bytes.reduce((sum, byte) => CRC[(sum ^ byte) & 255] ^ (sum >>> 8), -1);
