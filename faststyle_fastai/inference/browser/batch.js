// Several photos: each is opened, painted and finished, and all are saved in one .zip.
let queue = [], batch = null; // the photos that were opened together; what goes on, until it ends

async function openAll(files) {
  if (batch) await stopAll();
  const photos = files.filter((file) => !isFilm(file));
  offerQueue(photos.length > 1 ? photos : []);
  await open(queue[0] ?? files[0]);
}
function offerQueue(photos) {
  queue = photos;
  $("all").hidden = !queue.length;
  $("all").textContent = filled(words.paintAll, { n: queue.length });
}
function stopAll() {
  batch.stopped = true;
  Object.assign($("all"), { disabled: true, textContent: words.halting });
  stopFullSize();
  return batch.end;
}
$("all").onclick = () => {
  if (batch) return stopAll();
  batch = { stopped: false };
  batch.end = paintQueue(batch);
};

async function paintQueue(mine) {
  const type = $("format").value, made = new Map(), failed = [];
  $("all").textContent = words.stop;
  hold(true);
  for (const [i, file] of queue.entries()) {
    fill($("bar"), i / queue.length);
    await idle(); // the first one may be painted just now
    if (mine.stopped) break;
    if (now.file !== file || !now.painted) await open(file);
    if (mine.stopped) break;
    const name = unused(fileName(type), made);
    const blob = now.file === file && now.painted && (await finished(type));
    if (blob) made.set(name, blob);
    else if (!mine.stopped) failed.push(file.name);
  }
  batch = null;
  $("bar").hidden = true;
  hold(false);
  $("all").disabled = false;
  const name = `faststyle-${inStyle()}.zip`, n = queue.length;
  offerQueue(queue);
  if (made.size) save(await zip(made), name);
  const missing = failed.length ? filled(words.notAll, { names: failed.join(", ") }) : "";
  say(made.size ? "savedAll" : "stopped", { name, done: made.size, n, missing });
}

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
