// Several photos: each is opened, painted and finished, and all are saved in one .zip.
let queue = [], batch = null; // the photos that were opened together; what goes on, until it ends

async function openAll(files) {
  if (batch) await stopAll();
  const photos = files.filter((file) => !isFilm(file));
  if (photos.length > 1) offerQueue(photos);
  const mine = queue, left = files.filter(isFilm);
  for (const file of photos.length > 1 ? photos : files.slice(0, 1)) {
    const before = openings;
    await open(file);
    if (queue !== mine || now.file === file || openings > before + 1) break; // else it cannot be read
    if (file.face) standing(file, "failed"), left.push(file);
  }
  if (queue !== mine) return; // something else was opened
  if (photos.length < 2 && queue.length && now.file === files[0]) offerQueue([]);
  const several = photos.length > 1;
  if ((several ? left : files.slice(1)).length === 0) return;
  await idle();
  $("said").append(several ? filled(words.notAll, { names: left.map(({ name }) => name).join(", ") }) : ` ${filled(words.onlyFirst, files[0])}`);
}
function offerQueue(photos) {
  queue = photos;
  $("queue").hidden = !queue.length;
  $("queue").replaceChildren(...queue.map(faceInQueue));
  showQueue(queue).catch(console.warn);
  nameQueue();
}
function nameQueue() {
  $("all").hidden = !queue.length;
  $("all").textContent = filled(words.paintAll, { n: queue.length });
}
// Each photo of them, and how far it is.
function faceInQueue(file) {
  file.face = create("button", { type: "button", title: file.name, onclick: () => now.file !== file && open(file) });
  standing(file, "waits");
  return file.face;
}
function standing(file, state) {
  file.face.dataset.state = state;
  file.face.setAttribute("aria-label", filled(words.standing[state], file));
}
const seeQueue = () => queue.forEach((file) => file.face.setAttribute("aria-current", file === now.file));
async function showQueue(files) {
  for (const file of files) {
    const image = await createImageBitmap(file).catch(() => null); // only the server can read it
    if (queue !== files) return;
    if (image) file.face.append(centered(image));
    image?.close();
  }
}
function stopAll() {
  batch.stopped = true;
  Object.assign($("all"), { disabled: true, textContent: words.halting });
  stopFullSize();
  return batch.end;
}
$("all").onclick = ({ detail }) => {
  if (batch) return detail > 1 || stopAll(); // not by half of a double click
  batch = { stopped: false };
  batch.end = paintQueue(batch);
};

async function paintQueue(mine) {
  const done = new Map(), failed = [], area = document.querySelector("[name=area]:checked");
  queue.forEach((file) => standing(file, "waits"));
  $("all").textContent = words.stop;
  hold(true);
  endSaving();
  for (const [i, file] of queue.entries()) {
    fill($("bar"), i / queue.length);
    await idle(); // the first one may be painted just now
    if (mine.stopped) break;
    standing(file, "runs");
    area.checked = true; // one without a person was painted whole
    if (now.file !== file || !now.painted) await open(file).catch(console.warn);
    const blob = !mine.stopped && now.file === file && now.painted && (await finished(chosenType()));
    standing(file, blob ? "done" : mine.stopped ? "waits" : "failed");
    if (mine.stopped && !blob) break;
    if (blob) done.set(unused(`${fileName()}.${ENDINGS[blob.type]}`, done), blob); // of the type it has
    else failed.push(file.name);
  }
  batch = null;
  area.checked = true;
  hold(false);
  $("all").disabled = false;
  const name = `faststyle-${inStyle()}.zip`, n = queue.length;
  nameQueue();
  if (done.size) save(await zip(done), name);
  const missing = failed.length ? filled(words.notAll, { names: failed.join(", ") }) : "";
  if (done.size) say("savedAll", { name, done: done.size, n, missing });
  else mine.stopped ? say("stopped") : tell($("said"), missing.trim(), true);
  if (now.photo) paintThumbnails().catch(console.warn);
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
    const about = [...littleEndian(2, 20, 0x800, 0, 0, 0x21), ...littleEndian(4, crc(bytes), bytes.length, bytes.length), ...littleEndian(2, called.length, 0)];
    parts.push(Uint8Array.of(0x50, 0x4b, 3, 4, ...about), called, blob);
    list.push(Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0, ...about, ...littleEndian(2, 0, 0, 0), ...littleEndian(4, 0, at)), called);
    at += 30 + called.length + bytes.length;
  }
  const size = list.reduce((sum, part) => sum + part.length, 0), n = files.size;
  const end = Uint8Array.of(0x50, 0x4b, 5, 6, ...littleEndian(2, 0, 0, n, n), ...littleEndian(4, size, at), 0, 0);
  return new Blob([...parts, ...list, end], { type: "application/zip" });
}
