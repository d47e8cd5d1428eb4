// Paints on this device: the runtime and the networks are inside the page, and a worker runs them.
// The functions after `started`, and those of webm.js, are those of remote.js and closer.js.
const FORMAT = 3; // of what is kept; anything older goes
const bytes = (id) => decoded($(id).textContent);

// Whether there is a graphics card that works, and not a slow imitation of one. The runtime waits
// for it by JavaScript Promise Integration.
async function hasGpu() {
  if (!WebAssembly.Suspending) return false;
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter || adapter.info.isFallbackAdapter) return false;
  (await adapter.requestDevice()).destroy();
  return true;
}

// The worker answers each call by its number.
const waiting = new Map();
let worker, calls = 0;
function answer({ data }) {
  const call = waiting.get(data.id);
  if (data.progress !== undefined) return call.watch?.(data.progress);
  waiting.delete(data.id);
  data.error ? call.fail(new Error(data.error)) : call.done(data);
}
function ask(task, how = {}, watch = undefined) {
  return new Promise((done, fail) => {
    waiting.set(++calls, { done, fail, watch });
    worker.postMessage({ id: calls, task, ...how });
  });
}

async function start() {
  const gpu = await hasGpu().catch(() => false), build = gpu ? "gpu" : "cpu"; // of the runtime, for this browser
  const code = new Blob([$(`ort-${build}`).textContent, "\n", $("worker").textContent], { type: "text/javascript" });
  worker = new Worker(URL.createObjectURL(code));
  worker.onmessage = answer;
  worker.onerror = (event) => waiting.forEach(({ fail }) => fail(new Error(event.message)));
  const programs = Object.fromEntries(facts.programs.map((name) => [name, bytes(`program-${name}`)]));
  for (const one of facts.styles) if (typeof one.work === "string") one.work = placesIn(await canvasFrom(one.work));
  const given = { mjs: $(`mjs-${build}`).textContent, wasm: bytes(`wasm-${build}`), programs, gpu, sure: facts.sure };
  await ask("start", { ...given, first: Object.keys(facts.networks)[0] });
}
const started = start();
const blends = true; // strength blends the painting with the photo
const lasting = false; // another visit has no paintings of one's own
const sure = () => true;
const forget = async () => {};
const isFilm = (file) => file.type.startsWith("video/");
const bitmapOf = (file) => createImageBitmap(file).catch(() => {
  throw new Error(filled(/\.hei[cf]$/i.test(file.name) ? words.heic : words.notPicture, file));
});
const offerWays = () => ($("by-hand").hidden = Boolean(film)); // what is closer to a painting needs Python

// A style's weights in a network: its place in a table, or its own row.
function row(one, network) {
  const found = one.rows[network], values = new Float32Array(facts.networks[network]);
  if (typeof found === "number") values[found] = 1;
  else values.set(typeof found === "string" ? new Float32Array(decoded(found).buffer) : found);
  return values;
}

// The first network that knows these styles.
const networkOf = (...styles) => Object.keys(facts.networks).find((name) => styles.every((one) => name in one.rows));
const mixable = (one, other) => networkOf(one, other) !== undefined;

// A style, or a mixture of two. Its places do more than its row, but they change from frame to
// frame, and two styles share none.
async function mixed(one, other, share, steady) {
  if (one.work && !other && !steady) return { network: "neighbors", work: one.work };
  for (const each of other ? [one, other] : [one]) await completed(each);
  const network = networkOf(...(other ? [one, other] : [one])), found = { network, row: row(one, network), palette: one.palette };
  if (!other) return found;
  const second = row(other, network), blend = (a, b) => a + share * (b - a);
  found.row = found.row.map((v, i) => blend(v, second[i]));
  found.palette = one.palette && other.palette && { ...one.palette, moments: one.palette.moments.map((line, i) => line.map((v, j) => blend(v, other.palette.moments[i][j]))) };
  return found;
}

// A painting's row, once it is needed.
async function completed(one) {
  if (one.rows[facts.sight] !== null) return;
  const { row, moments } = await ask("read", { work: one.work, short: READ });
  [one.rows[facts.sight], one.palette] = [row, { ...facts.palette, moments }];
}

// A reload in the same tab shows the same photo and paintings. The browser keeps them until another
// tab opens the page, whose photo is not this one's.
const tab = Number((session.tab ??= Math.random()));
const shelf = new Promise((done) => {
  const asked = indexedDB.open(`faststyle ${location.pathname}`, FORMAT);
  asked.onupgradeneeded = () => {
    for (const name of asked.result.objectStoreNames) asked.result.deleteObjectStore(name);
    asked.result.createObjectStore("kept");
  };
  asked.onsuccess = () => {
    asked.result.onversionchange = () => asked.result.close(); // or a later version waits for this tab
    done(asked.result);
  };
  asked.onerror = asked.onblocked = () => done(null);
});
async function storing(act) {
  const found = (await shelf)?.transaction("kept", "readwrite").objectStore("kept");
  return found && new Promise((done, fail) => {
    const asked = act(found);
    [asked.onsuccess, asked.onerror] = [() => done(asked.result), () => fail(asked.error)];
  });
}
const keep = (key, value) => storing((found) => found.put({ tab, value }, key)).catch(() => storing((found) => found.delete(key))).catch(console.warn);
const stored = async (key) => {
  const found = await storing((store) => store.get(key));
  return found?.tab === tab ? found.value : null;
};
const keepStyles = () => keep("styles", facts.styles.filter((one) => one.own).map(({ button, ...one }) => one));
async function restore() {
  const styles = await stored("styles");
  if (!styles && !session.settings) return storing((found) => found.clear());
  if (styles?.length) facts.styles.unshift(...styles), offerAll();
  settle();
  if (history.state?.opened) await reopen();
}
async function reopen() {
  const photo = await stored("photo");
  if (!photo) return;
  const edits = await stored("edits"), { invert } = session;
  await open(photo);
  if (!edits || now.file !== photo) return; // or another was opened
  await correctAgain(canvasOf(edits), invert);
}

// Paint a photo or a frame: a canvas for the image, and whether a person was seen.
let sent;
async function repaint(source, { style, other, share, stroke, strokes, live, colors, mask }) {
  const how = { strokes: strokes && !live && !film, ...(await mixed(style, other, share, live || film)), short: live ?? facts.strokes[stroke], colors, mask: seenBy({ ...mask, draws: !live && !film }, source) };
  if (source !== sent) how.image = opaque(source); // the worker keeps it
  sent = source;
  const { image, gpu, seen } = await ask("paint", how).catch((error) => ((sent = null), Promise.reject(error)));
  return { image: canvasOf(image), where: gpu ? words.onGpu : "", seen };
}

// The same painting under another mask.
async function remask(source, mask) {
  const { image, seen } = await ask("mask", { mask: seenBy(mask, source) });
  return { image: canvasOf(image), seen };
}
const seenBy = (mask, source) => (mask.area === "all" && !mask.draws ? mask : { ...mask, ...squares(source) });

const thumbnail = async (square, style, faces = true) => canvasOf((await ask("thumbnail", { image: opaque(square), faces, ...(await mixed(style)) })).image);

// The last painting at full size, or twice as large, as a file; null if it was stopped.
let full = {}; // it, while its file is chosen
async function fullSize({ strength, type, quality, larger, paper }, watch) {
  const { width, height } = now.photo, twice = () => opaque(canvasOf(now.photo, 2 * width, 2 * height));
  const mine = full.larger === larger ? full : (full = {}); // to forget it replaces `full`
  if (!mine.image) Object.assign(mine, { larger }, await ask("enlarge", { strength, image: larger && twice() }, watch));
  const { image } = mine;
  if (!image) return forgetFull(), null;
  now.size = `${image.width}×${image.height}`;
  const blob = await blobOf(canvasOf(image), type, quality);
  if (!blob) throw new Error(filled(words.tooManyPixels, { most: LESS / 1e6 })); // for this browser
  return paper ? dense(blob, perInch([image.width, image.height])) : blob;
}
// A JPEG or PNG that says its pixels per inch.
async function dense(blob, dpi) {
  const bytes = new Uint8Array(await blob.arrayBuffer()), header = new DataView(bytes.buffer);
  if (blob.type === "image/jpeg") {
    header.setUint8(13, 1); // per inch
    for (const at of [14, 16]) header.setUint16(at, dpi);
    return new Blob([bytes], { type: blob.type });
  }
  const chunk = new DataView(new ArrayBuffer(21)), side = Math.round(dpi / 0.0254); // per meter
  [9, 0x70485973, side, side].forEach((value, i) => chunk.setUint32(4 * i, value)); // its length, pHYs
  chunk.setUint8(16, 1);
  chunk.setUint32(17, crc(new Uint8Array(chunk.buffer, 4, 13)));
  return new Blob([bytes.slice(0, 33), chunk, bytes.slice(33)], { type: blob.type });
}
// Whether the worker lacks the memory to paint it at 1.4 times its size, or more.
function tooFine() {
  const { width, height } = now.photo, least = Math.min(width, height), scale = Math.min(1, (facts.strokes[$("stroke").value] || least) / least);
  return 4 * scale ** 2 * width * height > 2 * (style.work && !second() ? CLOSE : LARGEST);
}
const forgetFull = () => (full = {});
const encodes = encodesHere;
const stopFullSize = () => ask("stop");

// A picture inside the page.
const canvasFrom = async (address) => drawn(await createImageBitmap(new Blob([bytesOf(address)], { type: "image/jpeg" })));

// The sample in a style.
async function sampleIn(one) {
  await started;
  return (await thumbnail(await canvasFrom(facts.sample[0]), one, false)).toDataURL("image/jpeg");
}

// A painting whose places photos take.
const placesIn = (canvas) => ({ image: pixels(canvas), id: Math.random() });

// The style of a painting.
const styleOf = async (file, canvas) => ({ ...called(file.name.replace(/\.[^.]*$/, "")), work: placesIn(canvas), rows: { [facts.sight]: null } });

// The name and the title of a style of one's own.
function called(stem) {
  const spoken = (name) => name.replaceAll("_", " ").toLowerCase();
  const taken = facts.styles.some((one) => !one.own && [one.name, workOf(one)].map(spoken).includes(spoken(stem)));
  const name = taken ? filled(words.ownNamed, { name: stem }) : stem;
  const title = name.replaceAll("_", " ");
  return { name, title: title.charAt(0).toLocaleUpperCase(language) + title.slice(1) };
}

// A style, or a mixture of two, as a link; a painting as films take it.
async function linkOf(one, other, share) {
  const styles = other ? [one, other] : [one];
  if (one.link && !other) return one.link;
  if (!styles.some(({ own }) => own)) return linkOfNames(Object.fromEntries(styles.map(({ name }, i) => [name, Math.round(100 * (!other ? 1 : i ? share : 1 - share))])));
  const { network, row, palette } = await mixed(one, other, share, true), { ids, widths } = facts.shared;
  return linkOfRow({ id: ids[network], widths }, styles.map(workOf).join(" + "), palette.moments, row);
}

// The style in a link; a built-in one is itself.
async function styleIn(link) {
  const ships = facts.styles.filter(({ own }) => !own), found = readLink(link, { ...facts.shared, names: ships.map(({ name }) => name) });
  if (!found.shares) return { ...called(found.title), rows: { [found.network]: found.row }, palette: { ...facts.palette, moments: found.moments } };
  const parts = [...found.shares].map(([name, share]) => [ships.find((one) => one.name === name), share / 100]), [[first]] = parts;
  if (parts.length === 1) return first;
  const sum = (values) => values[0].map((_, i) => values.reduce((all, each, k) => all + parts[k][1] * each[i], 0)), rows = {};
  for (const network in facts.networks) rows[network] = sum(parts.map(([one]) => row(one, network)));
  const all = parts.reduce((total, [, share]) => total + share, 0), tables = parts.map(([one]) => one.palette.moments);
  const moments = tables[0].map((_, i) => sum(tables.map((table) => table[i])).map((v) => v / all));
  return { ...called(parts.map(([one]) => workOf(one)).join(" + ")), rows, palette: { ...facts.palette, moments } };
}
