// Several photos: each is opened, painted and finished, and all are saved in one .zip.
let queue = [], batch = null; // the photos that were opened together; what goes on

async function openAll(files) {
  batch = null;
  const photos = files.filter((file) => !isFilm(file));
  offerQueue(photos.length > 1 ? photos : []);
  await open(queue[0] ?? files[0]);
}
function offerQueue(photos) {
  queue = photos;
  $("all").hidden = !queue.length;
  $("all").textContent = filled(words.paintAll, { n: queue.length });
}

$("all").onclick = async () => {
  if (batch) return (batch = null), stopFullSize();
  const mine = (batch = {}), photos = queue, type = $("format").value, made = new Map(), failed = [];
  $("all").textContent = words.stop;
  hold(true);
  for (const [i, file] of photos.entries()) {
    fill($("bar"), i / photos.length);
    if (now.file !== file || !now.painted) await open(file);
    if (batch !== mine) break;
    const blob = now.file === file && now.painted && (await finished(type));
    if (blob) made.set(unused(fileName(type), made), blob);
    else if (batch === mine) failed.push(file.name);
  }
  if (batch === mine) batch = null;
  if (batch) return; // another one has begun
  $("bar").hidden = true;
  hold(false);
  if (queue === photos) offerQueue(photos);
  const name = `faststyle-${inStyle()}.zip`;
  if (made.size) save(await zip(made), name);
  const missing = failed.length ? filled(words.notAll, { names: failed.join(", ") }) : "";
  say(made.size ? "savedAll" : "stopped", { name, done: made.size, n: photos.length, missing });
};

// A name that no other file has: a.jpg, then a-2.jpg.
function unused(name, taken, n = 2) {
  if (!taken.has(name)) return name;
  const other = name.replace(/(\.\w+)$/, `-${n}$1`);
  return taken.has(other) ? unused(name, taken, n + 1) : other;
}

// Files by their names as one .zip; pictures are compressed already.
async function zip(files) {
  const parts = [], list = [], utf8 = new TextEncoder();
  let at = 0;
  for (const [name, blob] of files) {
    const bytes = new Uint8Array(await blob.arrayBuffer()), called = utf8.encode(name);
    // Version 2.0, names in UTF-8, no compression, 1980-01-01; then checksum, sizes, length of the name.
    const about = [...numbers(2, 20, 0x800, 0, 0, 0x21), ...numbers(4, crc(bytes), bytes.length, bytes.length), ...numbers(2, called.length, 0)];
    parts.push(Uint8Array.of(0x50, 0x4b, 3, 4, ...about), called, blob);
    list.push(Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0, ...about, ...numbers(2, 0, 0, 0), ...numbers(4, 0, at)), called);
    at += 30 + called.length + bytes.length;
  }
  const size = list.reduce((sum, part) => sum + part.length, 0), n = files.size;
  const end = Uint8Array.of(0x50, 0x4b, 5, 6, ...numbers(2, 0, 0, n, n), ...numbers(4, size, at), 0, 0);
  return new Blob([...parts, ...list, end], { type: "application/zip" });
}
const numbers = (size, ...values) => values.flatMap((value) => Array.from({ length: size }, (_, i) => (value >>> (8 * i)) & 255));

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
const crc = (bytes) => ~bytes.reduce((sum, byte) => CRC[(sum ^ byte) & 255] ^ (sum >>> 8), -1);
