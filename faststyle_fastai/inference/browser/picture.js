// What is shown: the painting over the photo, the line between them, and corrections by hand.
const LONGEST = 2400; // px of the picture on the page
const SQUARE = 256; // px of what the networks for people see
const EDITS = 1024; // px of the longer side of corrections

// What is open. Canvases: `photo`; `painted`, transparent where nothing is painted; `edits` of
// corrections, white to paint and black to keep the photo; `other`, shown in place of the photo to
// the left of the line; `filed`, the file that is offered, in place of the painting. `kept` says that
// `painted` is the picture as it was seen, which came back, or a "strip" of the booth; `values` are the
// settings of what is seen.
const now = { photo: null, file: null, size: "", painted: null, edits: null, name: "", reduced: "", note: "", other: null, filed: null, values: null, kept: false };

function blank(width, height) {
  const canvas = create("canvas", { width, height });
  canvas.getContext("2d", { willReadFrequently: true }).imageSmoothingQuality = "high";
  return canvas;
}
function canvasOf(image, width = image.width, height = image.height) {
  const canvas = blank(width, height), context = canvas.getContext("2d");
  if (image instanceof ImageData) context.putImageData(image, 0, 0);
  else context.drawImage(image, 0, 0, width, height);
  return canvas;
}
// An image of at most so many pixels.
function shrunk(image, most) {
  const scale = Math.min(1, Math.sqrt(most / (image.width * image.height)));
  return canvasOf(image, Math.floor(image.width * scale) || 1, Math.floor(image.height * scale) || 1);
}
// A bitmap on a canvas; its memory would wait for a long time.
function drawn(bitmap) {
  const canvas = canvasOf(bitmap);
  bitmap.close();
  return canvas;
}
function onWhite(canvas) {
  const context = canvas.getContext("2d");
  Object.assign(context, { globalCompositeOperation: "destination-over", fillStyle: "#fff" }).fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}
function blobOf(canvas, type, quality = 0.95) {
  if (type === "image/jpeg") onWhite(canvas); // or what is transparent would be black
  return new Promise((done) => canvas.toBlob(done, type, quality));
}
const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);

const fitted = ({ width, height }, longest) => {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [width, height].map((n) => Math.max(1, Math.round(n * scale)));
};

// The pixels of a canvas; clear ones have the colors around them, not black, as by `filled` in finish.py.
const CLEAR = 16, COARSE = 256; // of 255, below which a color is not known; px of what it is taken from
function opaque(canvas) {
  const image = pixels(canvas), { data } = image;
  let i = 3;
  while (data[i] >= CLEAR) i += 4;
  if (i > data.length) return image;
  const small = pixels(canvasOf(canvas, ...fitted(canvas, COARSE)));
  small.data.set(surrounded(small, small.data));
  const fill = pixels(canvasOf(canvasOf(small), canvas.width, canvas.height)).data;
  for (; i < data.length; i += 4) if (data[i] < CLEAR) for (let c = 1; c < 4; c++) data[i - c] = fill[i - c];
  return image;
}
// Colors and opacities of up to 255, four numbers a pixel: all opaque.
function surrounded({ width, height }, data) {
  const w = Math.ceil(width / 2), h = Math.ceil(height / 2), half = new Float32Array(4 * w * h), found = new Float32Array(data);
  if (Math.max(width, height) === 1) return found.fill(255, 3);
  const above = (i) => 4 * ((Math.floor(i / width) >> 1) * w + ((i % width) >> 1));
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 4; c++) half[above(i) + c] += c < 3 ? data[4 * i + c] * data[4 * i + 3] : data[4 * i + 3];
  for (let i = 0; i < half.length; i += 4) {
    for (let c = 0; c < 3; c++) half[i + c] /= half[i + 3] || 1;
    half[i + 3] = Math.min(255, half[i + 3]);
  }
  const fill = surrounded({ width: w, height: h }, half);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) found[4 * i + c] = fill[above(i) + c] + (data[4 * i + c] - fill[above(i) + c]) * (data[4 * i + 3] / 255);
    found[4 * i + 3] = 255;
  }
  return found;
}

// An image as the networks for people see it: stretched to a square, and padded to one.
function squares(image) {
  const scale = SQUARE / Math.max(image.width, image.height), padded = blank(SQUARE, SQUARE);
  padded.getContext("2d").drawImage(image, 0, 0, Math.round(image.width * scale), Math.round(image.height * scale));
  return { stretched: pixels(canvasOf(image, SQUARE, SQUARE)), padded: pixels(padded) };
}

// The painting to the right of the line, over the photo.
function show(from = now.photo, at = $("split").value) {
  if (!from) return;
  const canvas = $("picture");
  [canvas.width, canvas.height] = fitted(from, LONGEST);
  const { width, height } = canvas;
  fit();
  const live = document.body.classList.contains("live"), drawing = document.body.classList.contains("drawing");
  const left = live || drawing ? 0 : Math.round((width * at) / 100);
  $("frame").style.setProperty("--n", at);
  $("split").setAttribute("aria-valuetext", filled(words.splitAt, { share: $("split").value }));
  compose(canvas, from, left);
  if (now.painted && $("shown").checked && !live && !film) canvas.getContext("2d").drawImage(kept(width, height), 0, 0);
}
function compose(canvas, from, left = 0) {
  const { width, height } = canvas, context = canvas.getContext("2d"), { other } = now;
  context.imageSmoothingQuality = "high";
  context.drawImage(from, 0, 0, width, height);
  if (!now.painted) return canvas;
  if (other && left) context.drawImage(other, 0, 0, (other.width * left) / width, other.height, 0, 0, left, height);
  context.save();
  context.beginPath();
  context.rect(left, 0, width, height);
  context.clip();
  if (now.filed || now.kept) context.clearRect(0, 0, width, height); // they hold the photo, too
  else {
    context.globalCompositeOperation = "source-atop"; // what is transparent stays so
    context.globalAlpha = blends ? $("strength").value / 100 : live || !now.values ? 1 : Math.min(1, $("strength").value / (now.values.strength || 1)); // until it is painted so
  }
  context.drawImage(now.filed ?? now.painted, 0, 0, width, height);
  context.restore();
  return canvas;
}

// The first painting comes from the right, so that the line is seen to move.
const SWEEP = 1200; // ms
const still = matchMedia("(prefers-reduced-motion: reduce)");
function sweep(photo = now.photo, begun = performance.now()) {
  const left = 1 - (performance.now() - begun) / SWEEP;
  if (now.photo !== photo || live) return;
  if (still.matches || left <= 0 || $("split").value > 0 || brush !== "none") return show();
  show(photo, 100 * left ** 2);
  requestAnimationFrame(() => sweep(photo, begun));
}

// A red veil over what stays a photo.
function kept(width, height) {
  const veil = blank(width, height), context = veil.getContext("2d");
  context.fillStyle = "#e0000090";
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(now.painted, 0, 0, width, height);
  return veil;
}

// The picture as large as its place allows.
function fit() {
  const { width, height } = $("picture"), place = $("place"), style = getComputedStyle(place);
  document.body.style.setProperty("--ratio", height / width);
  const wide = place.offsetWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  const high = place.offsetHeight - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom) - $("controls").offsetHeight;
  const scale = zoom * Math.min(wide / width, high / height);
  place.style.setProperty("--wide", `${Math.floor(width * scale)}px`);
  place.style.setProperty("--high", `${Math.floor(height * scale)}px`);
}
new ResizeObserver(() => now.photo && fit()).observe($("place"));
$("split").addEventListener("input", () => document.body.classList.add("compared"));
$("split").oninput = $("strength").oninput = () => show();
$("shown").oninput = () => (now.kept ? paint() : show());

// Corrections by finger or mouse: strokes on a small canvas of the photo's proportions.
const UNDONE = 20; // strokes that can be undone
const STEP = 0.02; // of a side, by which a key moves the brush
let brush = "none", last = null, before = [];
for (const [value, key] of [["none", "brushNone"], ["paint", "brushPaint"], ["keep", "brushKeep"]])
  $("brush").append(choice("brush", value, words[key], value === "none", () => takeBrush(value)));
function takeBrush(value) {
  brush = value;
  document.querySelector(`[name=brush][value=${value}]`).checked = true;
  document.body.classList.toggle("drawing", value !== "none");
  $("ring").hidden = true;
  if (value !== "none") say("drawNow");
  $("picture").tabIndex = value === "none" ? -1 : 0;
  $("picture").setAttribute("role", value === "none" ? "img" : "application"); // it takes keys
  value === "none" ? $("picture").removeAttribute("aria-describedby") : $("picture").setAttribute("aria-describedby", "keys");
  show();
}
$("by-hand").ontoggle = () => {
  if (!$("by-hand").open) return takeBrush("none");
  takeBrush(mask().area === "all" ? "keep" : "paint");
  $("by-hand").scrollIntoView();
};
addEventListener("keydown", ({ key }) => key === "Escape" && brush !== "none" && takeBrush("none"));

// Keep the corrections as they are, to return to them.
const rememberEdits = () => (before = [...before.slice(-UNDONE), now.edits && canvasOf(now.edits)]);
function offerUndo() {
  $("undo").disabled = !before.length;
  $("erase").disabled = !now.edits;
  offerSwap();
}
// Without corrections, there is nothing to swap that the choice of the area doesn't.
function offerSwap() {
  $("invert").parentElement.hidden = !now.edits;
  if (!now.edits) $("invert").checked = false;
}
function forgetEdits() {
  [now.edits, before, drawing] = [null, [], false];
  offerUndo();
  takeBrush("none");
  keep("edits", null);
}
$("undo").onclick = () => {
  now.edits = before.pop();
  offerUndo();
  if ($("undo").disabled) $("picture").focus();
  correct("undone");
};
$("erase").onclick = () => {
  rememberEdits();
  now.edits = null;
  offerUndo();
  $("undo").focus();
  correct("corrected");
};

// A radio button with a label.
function choice(group, value, text, checked, chosen) {
  const label = create("label", { className: "check" });
  label.append(create("input", { type: "radio", name: group, value, checked, onchange: chosen }), create("span", { textContent: text }));
  return label;
}

// The brush is at a place of the picture, in shares of its sides.
let place = [0.5, 0.5], drawing = false;
function draw() {
  const { edits } = now, context = edits.getContext("2d"), at = [place[0] * edits.width, place[1] * edits.height];
  const size = ($("size").value / 100) * Math.max(edits.width, edits.height);
  Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: size, strokeStyle: brush === "paint" ? "#fff" : "#000" });
  context.beginPath();
  context.moveTo(...(last ?? at));
  context.lineTo(...at);
  context.stroke();
  last = at;
  const shown = $("picture").getContext("2d"), scale = $("picture").width / edits.width;
  Object.assign(shown, { lineCap: "round", lineWidth: size * scale, strokeStyle: brush === "paint" ? "#fff8" : "#e0000060" });
  shown.beginPath();
  shown.arc(at[0] * scale, at[1] * scale, (size * scale) / 2, 0, 7);
  shown.fillStyle = shown.strokeStyle;
  shown.fill();
}
function startStroke() {
  rememberEdits();
  now.edits ??= blank(...fitted(now.photo, EDITS));
  offerUndo();
  [drawing, last] = [true, null];
  draw();
}
function endStroke() {
  if (drawing) correct("corrected");
  drawing = false;
}
function moveTo(x, y) {
  place = [x, y].map((n) => Math.min(1, Math.max(0, n)));
  const { clientWidth: wide, clientHeight: high } = $("picture"), side = ($("size").value / 100) * Math.max(wide, high);
  Object.assign($("ring").style, { left: `${place[0] * wide}px`, top: `${place[1] * high}px`, width: `${side}px` });
  $("ring").hidden = false;
  if (drawing) draw();
}
const pointTo = (event) => {
  const box = $("picture").getBoundingClientRect();
  moveTo((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
};
$("picture").onpointerdown = (event) => {
  if (brush === "none" || !now.painted || event.button || !event.isPrimary) return;
  $("picture").setPointerCapture(event.pointerId);
  pointTo(event);
  startStroke();
};
$("picture").onpointermove = (event) => brush !== "none" && event.isPrimary && pointTo(event);
$("picture").onpointerleave = () => ($("ring").hidden = true);
$("picture").onpointerup = $("picture").onpointercancel = (event) => event.isPrimary && endStroke();

// By keyboard, arrow keys move the brush and the space bar draws for as long as it is held.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
$("picture").onkeydown = (event) => {
  const arrow = ARROWS[event.key];
  if (brush === "none" || !now.painted || event.shiftKey || !(arrow || event.key === " ")) return;
  event.preventDefault();
  if (arrow) moveTo(place[0] + STEP * arrow[0], place[1] + STEP * arrow[1]);
  else if (!drawing) startStroke();
};
$("picture").onkeyup = (event) => event.key === " " && endStroke();
$("picture").onfocus = () => brush !== "none" && moveTo(...place);
$("picture").onblur = endStroke;
