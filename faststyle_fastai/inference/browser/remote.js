// Paints on the computer that serves the page. The functions are those of local.js.
const started = Promise.resolve();
const blends = false; // strength is the network's, so that another one is another painting
const lasting = true;
document.body.classList.add("served");
const sure = (one) => confirm(filled(words.forgetSure, one));
const forget = (one) => (leave(one.name), call("remove", { how: { style: one.name, untrained: true } }));
const visitor = (session.visitor ??= Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16)).join(""));

const LOOKS = ["styles", "source", "progress", "original", "mine", "work", "example", "jobs", "picture", "curve", "losses", "result"]; // which change nothing, as in app.py
// Calls for a photo name it: another tab, or a slow upload, may have sent another one since.
const OF_PHOTO = ["paint", "mask", "thumbnail", "finish", "refine", "paint_film", "frame_at"];
const keyOf = (file) => (file.key ??= String(Math.random()));

async function call(what, { body, how, again = false, signal } = {}) {
  const method = LOOKS.includes(what) ? "GET" : "POST", headers = { visitor, how: encodeURIComponent(JSON.stringify(how ?? {})) };
  const file = what === "frame_at" ? uploaded : now.file; // a film is sent before it is shown
  if (file && OF_PHOTO.includes(what)) headers.photo = keyOf(file);
  if (body?.size > facts.upload) throw Object.assign(new Error(filled(words.tooHeavy, { most: facts.upload >> 20 })), { status: 413 });
  const answer = await fetch(`/page/${what}`, { method, body, headers, signal }).catch(async (error) => {
    if (signal?.aborted) throw error;
    if (body && !(await body.slice(0, 1).arrayBuffer().catch(() => null))) throw new Error(words.unreadable); // a folder, or it has changed
    lose();
    throw new Error(words.gone);
  });
  if (answer.status === 410 && !again && file) { // a server that was started again, or has forgotten it
    if (!isFilm(file)) uploaded = null;
    await (isFilm(file) ? sendFilm(file) : sendPhoto());
    return call(what, { body, how, signal, again: true });
  }
  if (!answer.ok) throw Object.assign(new Error(await answer.text()), { status: answer.status });
  return answer;
}
const jsonOf = async (answer) => (await answer).json();
const bodyOf = async (answer) => (await answer).blob();
const pictureOf = async (answer) => drawn(await createImageBitmap(await bodyOf(answer)));

// The server has gone: say so, and go on once it is back.
const RETRY = 2000; // ms
function lose() {
  if (lost) return;
  lost = true;
  say("lost", {}, lineHere());
  const clock = setInterval(async () => {
    if (!(await fetch("/").catch(() => null))?.ok || !lost) return;
    clearInterval(clock);
    lost = false;
    say("found", {}, lineHere());
    await refresh().catch(console.warn);
    if (address.has("clean")) return live || $("camera").click();
    if (!now.photo) return sayReady();
    if (!filming) await paint(); // which sends the photo or film again
    paintThumbnails().catch(console.warn);
  }, RETRY);
}

// A picture of a style, which is not waited for once the style goes or gets another name.
const styleFile = (name) => name.split(": ")[0]; // which may hold several styles
const waits = { __proto__: null }; // file of styles -> what ends these calls
function pictureIn(what, how) {
  const { signal } = (waits[styleFile(String(how.style))] ??= new AbortController());
  return call(what, { how, signal });
}
function leave(name) {
  waits[name]?.abort();
  delete waits[name];
}

// Of what a reload shows again, the server has all but the corrections.
function keep(key, value) {
  if (key !== "edits") return;
  try {
    delete session.edits;
    if (value) session.edits = canvasOf(value).toDataURL();
  } catch {} // no room
}
const keepStyles = () => {};
const tooFine = () => false; // the server paints in tiles
const mixable = (one, other) => one.file === other.file || (one.known && other.known && (one.forgettable || other.forgettable)); // as in library.py
const plain = ({ mask, ...how }) => ({ ...how, style: how.style.name, other: how.other?.name, painterly: Boolean($("painterly")?.checked) });

// The photo is sent once, even if the server refuses it.
const REFUSED = [400, 413];
let uploaded, upload;
async function send(file) {
  const body = !(file instanceof Blob) ? await blobOf(now.photo, "image/png") : file.large ? await smaller(file, ROOM) : file; // after a reload, as it is shown
  const { size, moves } = await jsonOf(call("photo", { body, how: { name: body === file ? file.name : file.name.replace(/\.[^.]*$/, ".png"), key: keyOf(file) } }));
  Object.assign(file, { pixels: size.join("×"), moves }); // also of a photo that only the server can read
}
function sendPhoto(file = now.file) {
  if (uploaded === file) return upload;
  if (isFilm(file)) return sendFilm(file);
  const before = [uploaded, upload], mine = send(file);
  [uploaded, upload] = [file, mine];
  return mine.catch((error) => {
    const refused = file === now.file && REFUSED.includes(error.status);
    if (upload === mine && !refused) [uploaded, upload] = before; // the server still has it
    throw error;
  });
}

// The server can read more formats than the browser.
async function bitmapOf(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    await sendPhoto(file);
    return createImageBitmap(await bodyOf(call("source")));
  }
}

// Films: the server reads and paints them. Its frames are photos.
const FILMS = /\.(mp4|mov|mkv|webm|avi|m4v|mpg|mpeg)$/i; // where the browser knows no type
const films = true;
const isFilm = (file) => file.type.startsWith("video/") || FILMS.test(file.name);
const forgetFilm = () => {};
async function readFilm(file) {
  const { size, seconds } = await jsonOf(call("film", { body: file.film ?? file, how: { name: file.name, key: keyOf(file) } }));
  [uploaded, upload] = [file, Promise.resolve()];
  file.pixels = size.join("×");
  return { size: file.pixels, seconds };
}
let framed = Promise.resolve(); // one after the other: the last one asked for is the photo
let resent = null; // the film that is sent again, for all that is asked meanwhile
function sendFilm(file) {
  const frame = () => call("frame_at", { how: { share: $("moment").value / 100 }, again: true });
  if (resent?.file !== file) resent = { file, done: readFilm(file).then(frame).finally(() => (resent = null)) };
  return resent.done;
}
const frameAt = (_, share) => (framed = framed.catch(() => {}).then(() => pictureOf(call("frame_at", { how: { share } }))));

let whole, noted; // the last painting without its mask, and what the server notes of it
async function repaint(source, { live, mask, ...how }) {
  if (live) {
    const body = await blobOf(source, "image/jpeg");
    return { image: await pictureOf(call("frame", { body, how: { ...plain(how), short: live, area: mask.area } })), where: "", seen: true };
  }
  await sendPhoto();
  now.size = now.file.pixels;
  if (now.file.moves) now.reduced = words.stillOnly;
  const stop = looking(3000, ({ job }) => job && say("behind", { job: words.kinds[job] }));
  const answer = await call("paint", { how: plain(how) }).finally(stop);
  whole = await pictureOf(answer);
  noted = answer.headers.get("note");
  now.refined = ["refined", "partly"].includes(noted);
  now.note = noted === "sight" && how.other ? "" : (words[noted] ?? ""); // mixtures are not refined
  return { where: "", ...(await remask(source, mask)) };
}

// The mask of a photo, for the server; `edits` go as a body, since headers are short.
async function maskCall(what, mask, how = {}, type = undefined) {
  const { area, feather, invert, edits } = mask;
  const body = edits ? await blobOf(canvasOf(edits), "image/png") : undefined;
  return call(what, { body, how: { ...how, area, feather, invert, type } });
}

async function remask(source, mask) {
  const image = canvasOf(whole);
  if (mask.area === "all" && !mask.edits && !mask.invert) return { image, seen: true };
  const answer = await maskCall("mask", mask), context = image.getContext("2d");
  context.globalCompositeOperation = "destination-in";
  context.drawImage(await pictureOf(answer), 0, 0, image.width, image.height);
  return { image, seen: answer.headers.get("seen") === "yes" };
}

async function thumbnail(square, style) {
  await sendPhoto();
  return pictureOf(pictureIn("thumbnail", { style: style.name }));
}

// Look at what the server is doing, now and then.
function looking(every, look) {
  let on = true; // an answer under way comes too late
  const clock = setInterval(() => jsonOf(call("progress")).then((found) => on && look(found)).catch(console.warn), every);
  return () => ((on = false), clearInterval(clock));
}

async function fullSize({ mask, type, quality, larger, paper, ...how }, watch) {
  const stop = looking(500, ({ share }) => share !== null && watch(share));
  try {
    const answer = await maskCall("finish", mask, { ...plain(how), quality, larger, paper }, type);
    if (answer.status === 204) return null;
    now.size = answer.headers.get("size").replace("x", "×");
    return await answer.blob();
  } finally {
    stop();
  }
}
const stopFullSize = () => call("stop");
const forgetFull = () => {}; // the server keeps it
const encodes = (type) => facts.types?.includes(type); // the camera alone saves no photos

// Who leaves needs no more of it.
addEventListener("pagehide", () => fetch("/page/stop", { method: "POST", keepalive: true, headers: { visitor } }));

// An image of more than `most` pixels with `enough` of them.
async function smaller(file, enough, most = enough) {
  const image = await createImageBitmap(file).catch(() => null); // the server reads more
  if (!image) return file;
  if (image.width * image.height <= most) return image.close(), file;
  return blobOf(shrunk(image, enough), "image/jpeg").finally(() => image.close());
}

// A painting becomes a style of the page; a very large one is sent smaller.
const ENOUGH = 8e6; // pixels of a painting
async function styleOf(file) {
  const body = await smaller(file, Math.min(ENOUGH, ROOM), Math.min(MOST, facts.most ?? MOST));
  return jsonOf(call("style", { body, how: { name: file.name } }));
}

// The sample in a style.
const sampleIn = async (one) => URL.createObjectURL(await bodyOf(pictureIn("example", { style: one.name, sample: true })));
