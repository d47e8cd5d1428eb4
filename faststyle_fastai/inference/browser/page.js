// The page: styles and settings chosen, photos opened, painted and saved.
const MOST = 50e6, LESS = 16e6; // pixels of a photo, and where a browser refuses larger canvases
const SMALL = 160; // px of the sides of thumbnails
const READ = 400; // px of a painting's short side, as in first_sight.py
let style = facts.styles[0], sent, busy = false, again = false;

for (const item of document.querySelectorAll("[data-say]")) item.textContent = words[item.dataset.say];
for (const item of document.querySelectorAll("[data-label]")) item.setAttribute("aria-label", words[item.dataset.label]);

// Styles: a button each, with the painting, and later with the photo in this style.
function offer(one, first = false) {
  const button = document.createElement("button"), title = document.createElement("span");
  [button.type, button.title] = ["button", one.painting];
  if (one.image) button.append(Object.assign(new Image(), { src: one.image, alt: "" }));
  title.className = "name";
  title.textContent = one.title;
  button.append(title);
  button.onclick = () => choose(one);
  one.button = button;
  first ? $("styles").children[1].before(button) : $("styles").append(button);
  $("mix").append(new Option(one.title, facts.styles.indexOf(one)));
  button.setAttribute("aria-pressed", one === style);
}

function choose(one) {
  style = one;
  for (const other of facts.styles) other.button.setAttribute("aria-pressed", other === one);
  try {
    history.replaceState(null, "", `#${encodeURIComponent(one.name)}`);
  } catch {} // a page inside another may not
  paint();
}

if (facts.sight) {
  const own = document.createElement("label"), file = document.createElement("input");
  Object.assign(file, { type: "file", accept: "image/*", id: "own", onchange: () => file.files[0] && readStyle(file.files[0]) });
  own.className = "button";
  own.title = words.ownTitle;
  own.innerHTML = '<span class="plus" aria-hidden="true">+</span><span class="name"></span>';
  own.lastChild.textContent = words.own;
  own.append(file);
  $("styles").append(own);
}
$("mix").append(new Option(words.mixNone, ""));
facts.styles.forEach((one) => offer(one));
$("styles").hidden = $("mixing").hidden = facts.styles.length === 1 && !facts.sight;
const named = facts.styles.find((one) => one.name === decodeURIComponent(location.hash.slice(1)));
if (named) choose(named);

// A style from any painting: its scales and shifts, predicted at first sight.
async function readStyle(file) {
  say("reading");
  try {
    const image = await createImageBitmap(file), short = Math.min(image.width, image.height);
    const scale = Math.min(1, (2 * READ) / short), part = canvasOf(image, Math.round(image.width * scale), Math.round(image.height * scale));
    await started;
    const { row, palette } = await ask("read", { image: pixels(part), short: READ });
    const name = file.name.replace(/\.[^.]*$/, ""), side = Math.min(part.width, part.height), thumb = canvasOf({ width: SMALL, height: SMALL });
    thumb.getContext("2d").drawImage(part, (part.width - side) / 2, (part.height - side) / 2, side, side, 0, 0, SMALL, SMALL);
    const one = { name, title: name, painting: file.name, image: thumb.toDataURL("image/jpeg"), rows: { [facts.sight]: row }, palette: { ...facts.palette, moments: palette } };
    facts.styles.push(one);
    offer(one, true);
    if (now.photo) choose(one);
    else choose(one), say("ready");
  } catch (error) {
    console.warn(error);
    say("notRead", { name: file.name, why: error.message });
  }
}

// A style's weights in a network: its place in a table, or its own row.
function row(one, network) {
  const found = one.rows[network], values = new Float32Array(facts.networks[network]);
  if (typeof found === "number") values[found] = 1;
  else values.set(typeof found === "string" ? new Float32Array(decoded(found).buffer) : found);
  return values;
}

// The style, or the mixture, for the worker: in the first network that knows all of it.
function chosen(one = style, other = facts.styles[$("mix").value || -1], share = $("part").value / 100) {
  other = other === one ? undefined : other;
  const network = Object.keys(facts.networks).find((name) => name in one.rows && (!other || name in other.rows));
  const found = { network, row: row(one, network), palette: one.palette };
  if (!other) return found;
  const second = row(other, network), blend = (a, b) => a + share * (b - a);
  found.row = found.row.map((v, i) => blend(v, second[i]));
  found.palette = one.palette && other.palette && { ...one.palette, moments: one.palette.moments.map((line, i) => line.map((v, j) => blend(v, other.palette.moments[i][j]))) };
  return found;
}

// What to paint of an image, for the worker.
function areaOf(image) {
  const area = document.querySelector("[name=area]:checked").value;
  const how = { area, feather: $("feather").value / 100, invert: $("invert").checked };
  if (area !== "all") Object.assign(how, squares(image));
  return how;
}
const maskOf = () => ({ ...areaOf(now.photo), edits: now.edits && pixels(now.edits) });

for (const [value] of Object.entries(facts.strokes)) $("stroke").append(new Option(words.strokes[value], value, false, value === "medium"));
for (const area of facts.areas) $("area").append(choice("area", area, words.areas[area], area === "all", correct));
$("stroke").onchange = $("colors").onchange = $("part").onchange = () => paint();
$("mix").onchange = () => (($("parts").hidden = !$("mix").value), paint());

async function open(file) {
  if (file.type.startsWith("video/")) return openFilm(file);
  stopLive();
  say("opening");
  try {
    const image = await createImageBitmap(file); // upright, as its EXIF says
    now.reduced = "";
    now.photo = photoOf(image, MOST) ?? photoOf(image, LESS);
    image.close();
  } catch {
    return say("notPicture", { name: file.name });
  }
  Object.assign(now, { name: file.name.replace(/\.[^.]*$/, ""), painted: null, edits: null });
  $("format").value = file.type === "image/png" ? "image/png" : "image/jpeg";
  document.body.classList.add("open");
  show();
  await paint();
  paintThumbnails();
}

// The photo on a canvas of at most so many pixels; null where the browser refuses such a canvas.
function photoOf(image, most) {
  const scale = Math.min(1, Math.sqrt(most / (image.width * image.height)));
  const canvas = canvasOf(image, Math.floor(image.width * scale) || 1, Math.floor(image.height * scale) || 1);
  if (scale < 1) now.reduced = filled(words.reduced, { size: `${image.width}x${image.height}`, most: most / 1e6 });
  const there = canvas.getContext("2d");
  return there && canvas.width && (most === LESS || there.getImageData(0, 0, 1, 1).data[3] || opaque(image)) ? canvas : null;
}
const opaque = (image) => canvasOf(image, 1, 1).getContext("2d").getImageData(0, 0, 1, 1).data[3] < 255;

function ready(done) {
  for (const id of ["download", "copy", "share"]) $(id).disabled = !done;
}

async function paint() {
  if (!now.photo || live) return;
  if (busy) return void (again = true);
  busy = true;
  let where, nobody;
  ready(false);
  say("painting");
  const begun = performance.now();
  try {
    await started;
    do {
      again = false;
      const how = { ...chosen(), short: facts.strokes[$("stroke").value], colors: $("colors").checked, mask: maskOf() };
      if (sent !== now.photo) how.image = pixels(now.photo); // the worker keeps it
      sent = now.photo;
      const { image, gpu, seen } = await ask("paint", how);
      where = gpu ? words.onGpu : "";
      nobody = seen ? "" : words.nobody;
      if (live) break;
      now.painted = canvasOf(image);
      show();
    } while (again);
    if (!live) {
      say("paintedIn", { seconds: ((performance.now() - begun) / 1000).toFixed(1), where, nobody, reduced: now.reduced });
      ready(true);
    }
  } catch (error) {
    console.warn(error);
    say("failed");
  }
  busy = false;
}

// The same painting under another mask.
async function correct() {
  if (busy || !now.painted || live) return paint();
  const photo = now.photo, { image, seen } = await ask("mask", { mask: maskOf() });
  if (now.photo !== photo || live) return;
  now.painted = canvasOf(image);
  show();
  say(seen ? "ready" : "nobody");
}
$("feather").onchange = $("invert").onchange = correct;
$("erase").onclick = () => ((now.edits = null), correct());

// The photo in each style, when there is nothing else to do.
async function paintThumbnails() {
  const photo = now.photo, side = Math.min(photo.width, photo.height), small = canvasOf({ width: SMALL, height: SMALL });
  small.getContext("2d").drawImage(photo, (photo.width - side) / 2, (photo.height - side) / 2, side, side, 0, 0, SMALL, SMALL);
  const image = pixels(small);
  for (const one of facts.styles.length > 1 ? [...facts.styles] : []) {
    while (busy || live) await new Promise((done) => setTimeout(done, 200));
    if (now.photo !== photo) return;
    const { image: painted } = await ask("thumbnail", { image, ...chosen(one, undefined) });
    if (now.photo !== photo) return;
    one.button.firstChild.replaceWith(canvasOf(painted));
  }
}

// The painting at the photo's size, as a file.
async function finished(type) {
  const stop = $("download");
  let stopped = false;
  ready(false);
  Object.assign(stop, { textContent: words.stop, disabled: false, onclick: () => ((stopped = true), ask("stop")) });
  try {
    const how = { strength: $("strength").value / 100 };
    const { image } = await ask("enlarge", how, (done) => say("saving", { percent: Math.round(100 * done) }));
    if (stopped || !image) return void say("stopped");
    const canvas = canvasOf(image);
    return await new Promise((done) => canvas.toBlob(done, type, 0.95));
  } catch (error) {
    say("notSaved", { why: error.message });
  } finally {
    Object.assign(stop, { textContent: words.download, onclick: download });
    ready(true);
  }
}
const size = () => `${now.photo.width}x${now.photo.height}`;

function save(blob, name) {
  const link = document.createElement("a");
  [link.href, link.download] = [URL.createObjectURL(blob), name];
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
const fileName = (type) => `${now.name}-${style.name}.${type === "image/png" ? "png" : "jpg"}`;

async function download() {
  const type = $("format").value, blob = await finished(type);
  if (!blob) return;
  save(blob, fileName(type));
  say("saved", { size: size(), reduced: now.reduced });
}
$("download").onclick = download;

$("copy").onclick = async () => {
  const blob = await finished("image/png");
  if (!blob) return;
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]).then(
    () => say("copied", { size: size() }),
    (error) => say("notSaved", { why: error.message }),
  );
};
$("copy").hidden = !(window.ClipboardItem && navigator.clipboard?.write);

$("share").hidden = !navigator.canShare?.({ files: [new File([""], "a.jpg", { type: "image/jpeg" })] });
$("share").onclick = async () => {
  const blob = await finished("image/jpeg");
  if (!blob) return;
  const file = new File([blob], fileName("image/jpeg"), { type: "image/jpeg" });
  await navigator.share({ files: [file] }).then(() => say("shared", { size: size() }), (error) => say("notSaved", { why: error.message }));
};

$("choose").onclick = () => $("file").click();
$("file").onchange = () => $("file").files[0] && open($("file").files[0]);
addEventListener("dragover", (event) => (event.preventDefault(), document.body.classList.add("over")));
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const file = event.dataTransfer.files[0];
  if (file) event.target.closest("#styles") && facts.sight ? readStyle(file) : open(file);
});
addEventListener("paste", (event) => event.clipboardData.files[0] && open(event.clipboardData.files[0]));

if (document.querySelector("[rel=manifest]")) navigator.serviceWorker?.register("sw.js").catch(console.warn);

started.then(
  () => now.photo || say("ready"),
  (error) => say("noRuntime", { why: error.message }),
);
