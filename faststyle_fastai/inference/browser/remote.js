// Paints on the computer that serves the page. The functions are those of local.js.
const facts = JSON.parse(document.getElementById("facts").textContent);
Object.assign(words, { open: words.openServed, hint: words.hintServed, hintTap: words.hintServedTap, private: words.privateServed, credits: words.creditsServed, ownTitle: words.ownTitleServed, ownReady: words.ownReadyServed });
const started = Promise.resolve();
const blends = false; // strength is the network's, so that another one is another painting
const lasting = true;
const forget = async (one) =>
  confirm(filled(words.forgetServed, one)) && call("forget", { how: { style: one.name } }).catch((error) => say("notForgotten", { why: error.message }));
const films = false; // another tab paints them, with sound
function paintElsewhere(film) {
  say("filmServed");
  parent.postMessage({ film }, location.origin);
}
const visitor = (sessionStorage.visitor ??= Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => n.toString(16)).join(""));

async function call(what, { body, how, method = "POST" } = {}) {
  const headers = { visitor, how: encodeURIComponent(JSON.stringify(how ?? {})) };
  const answer = await fetch(`/studio/${what}`, { method, body, headers }).catch(() => {
    throw new Error(words.gone);
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}
const pictureOf = async (answer) => canvasOf(await createImageBitmap(await answer.blob()));

const keep = () => {}; // the server has them
const keepStyles = () => {};
const mixable = (one, other) => one.mixes.includes(other.name);
const plain = ({ style, other, share, strength, stroke, colors }) => ({ style: style.name, other: other?.name, share, strength, stroke, colors });

// The photo is sent once.
let uploaded, upload;
async function send(file) {
  const answer = await call("photo", { body: file, how: { name: file.name } });
  file.pixels = (await answer.json()).size.join("×"); // also of a photo that only the server can read
}
function sendPhoto(file = now.file) {
  if (uploaded !== file) [uploaded, upload] = [file, send(file)];
  return upload.catch((error) => {
    uploaded = null;
    throw error;
  });
}

// The server can read more formats than the browser.
async function bitmapOf(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    await sendPhoto(file);
    return createImageBitmap(await (await call("source", { method: "GET" })).blob());
  }
}

// A reload shows the same photo again, which the server has.
async function restore() {
  settle();
  const answer = await call("source", { method: "GET" });
  if (answer.status === 204) return;
  now.photo = await pictureOf(answer.clone());
  const size = answer.headers.get("size").replace("x", "×");
  uploaded = { name: decodeURIComponent(answer.headers.get("name")), type: "", pixels: size };
  upload = Promise.resolve();
  await opened(uploaded, size);
}

let whole, noted; // the last painting without its mask, and what the server notes of it
async function repaint(source, { live, mask, ...how }) {
  if (live) {
    const body = await blobOf(source, "image/jpeg");
    return { image: await pictureOf(await call("frame", { body, how: { ...plain(how), area: mask.area } })), where: "", seen: true };
  }
  await sendPhoto();
  now.size = now.file.pixels;
  const stop = looking(3000, ({ job }) => job && say("behind", { job }));
  const answer = await call("paint", { how: plain(how) }).finally(stop);
  whole = await pictureOf(answer);
  noted = answer.headers.get("note");
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
  context.drawImage(await createImageBitmap(await answer.blob()), 0, 0, image.width, image.height);
  return { image, seen: answer.headers.get("seen") === "yes" };
}

async function thumbnail(square, style) {
  await sendPhoto();
  return pictureOf(await call("thumbnail", { how: { style: style.name } }));
}

// Look at what the server is doing, now and then.
function looking(every, look) {
  const clock = setInterval(async () => look(await (await call("progress", { method: "GET" })).json()), every);
  return () => clearInterval(clock);
}

async function fullSize({ mask, type, ...how }, watch) {
  const stop = looking(500, ({ share }) => share !== null && watch(share));
  try {
    const answer = await maskCall("finish", mask, plain(how), type);
    return answer.status === 204 ? null : await answer.blob();
  } finally {
    stop();
  }
}
const stopFullSize = () => call("stop");

// Who leaves needs no more of it.
addEventListener("pagehide", () => fetch("/studio/stop", { method: "POST", keepalive: true, headers: { visitor } }));

const styleOf = async (file) => (await call("style", { body: file, how: { name: file.name } })).json();

// The style refined on this photo, for a while.
let refining = false;
function offerFiner() {
  $("finer").hidden = !style.known;
  if (!refining) $("finer").textContent = noted === "refined" ? words.finerAgain : words.finer;
  $("finer").disabled = !refining && Boolean(second());
  $("one").hidden = $("finer").hidden || !$("finer").disabled;
  $("keep").hidden = noted !== "refined";
}
$("finer").onclick = async () => {
  if (refining) return void call("stop");
  refining = true;
  await idle();
  busy = true;
  $("finer").textContent = words.stop;
  ready(false);
  const stop = looking(1500, async ({ share, preview }) => {
    if (share) say("refining", { percent: Math.round(100 * share) });
    if (!preview || !refining) return;
    now.painted = await pictureOf(await call("preview", { method: "GET" }));
    if (refining) show();
  });
  say("beforeRefining");
  const refined = await call("refine", { how: plain(asked()) }).catch((error) => say("failed", { why: error.message }));
  stop();
  [refining, busy] = [false, false];
  offerFiner();
  if (!refined) return ready(true);
  await paint();
};
$("keep").onclick = async () => {
  const kept = await (await call("keep")).json();
  await refresh();
  choose(facts.styles.find((one) => one.name === kept.name) ?? style);
  await idle();
  say("kept", { title: style.title });
};

// Styles come and go on other tabs of the page.
async function refresh() {
  const found = await (await call("styles", { method: "GET" })).json();
  if (JSON.stringify(found.map((one) => one.name)) === JSON.stringify(facts.styles.map((one) => one.name))) return;
  facts.styles.splice(0, Infinity, ...found);
  style = facts.styles.find((one) => one.name === style.name) ?? facts.styles[0];
  offerAll();
  if (now.photo) paintThumbnails().catch(console.warn);
}
new IntersectionObserver(([seen]) => seen.isIntersecting && refresh().catch((error) => say("failed", { why: error.message }))).observe(document.body);
addEventListener("message", async ({ data, origin }) => {
  if (origin !== location.origin || !data.style) return;
  await refresh();
  const one = facts.styles.find(({ name }) => name === data.style || name.startsWith(`${data.style}: `));
  if (one) choose(one);
});
