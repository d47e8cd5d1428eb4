const facts = JSON.parse(document.getElementById("facts").textContent);
const $ = (id) => document.getElementById(id);
const say = (text) => ($("said").textContent = text);
const bytes = (id) => Uint8Array.from(atob($(id).textContent.trim()), (c) => c.charCodeAt(0));
const LONGEST = 1600; // px of the picture on the page
const MOST = 16e6; // pixels of a photo; some telephones refuse larger canvases
const LIVE = 240; // px of the camera's short side
const SQUARE = 256; // px of what the networks for people see

async function inflated(data) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The runtime is inside the page, or in the network.
async function runtime(cdn) {
  if (!cdn) return [$("ort").textContent, $("mjs").textContent, await inflated(bytes("wasm"))];
  const wasm = "ort-wasm-simd-threaded.asyncify", files = ["ort.webgpu.min.js", `${wasm}.mjs`, `${wasm}.wasm`];
  const found = await Promise.all(files.map((file) => fetch(cdn + file)));
  if (!found.every((file) => file.ok)) throw new Error("the runtime cannot be loaded");
  const [ort, mjs, binary] = found;
  return [await ort.text(), await mjs.text(), await binary.arrayBuffer()];
}

// Whether there is a graphics card that works, and not a slow imitation of one.
async function hasGpu() {
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
function ask(task, how, watch) {
  return new Promise((done, fail) => {
    waiting.set(++calls, { done, fail, watch });
    worker.postMessage({ id: calls, task, ...how });
  });
}

async function start() {
  const [ort, mjs, wasm] = await runtime($("cdn").textContent.trim());
  const code = new Blob([ort, "\n", $("worker").textContent], { type: "text/javascript" });
  worker = new Worker(URL.createObjectURL(code));
  worker.onmessage = answer;
  worker.onerror = (event) => waiting.forEach(({ fail }) => fail(new Error(event.message)));
  const [model, people] = await Promise.all(["model", "people"].map((id) => inflated(bytes(id))));
  await ask("start", { mjs, wasm, model, people, sure: facts.sure, gpu: await hasGpu().catch(() => false), count: facts.styles.length });
}
const started = start();

let photo, whole, sent, painted, camera, frame, name, type, style = 0, busy = false, again = false;

facts.styles.forEach(({ title, painting, image }, i) => {
  const button = document.createElement("button");
  [button.type, button.title] = ["button", painting];
  button.setAttribute("aria-pressed", i === 0);
  if (image) {
    const picture = document.createElement("img");
    picture.src = image;
    picture.alt = "";
    button.append(picture);
  }
  button.append(Object.assign(document.createElement("span"), { textContent: title }));
  button.onclick = () => {
    style = i;
    [...$("styles").children].forEach((b, k) => b.setAttribute("aria-pressed", k === i));
    paint();
  };
  $("styles").append(button);
});
if (facts.styles.length === 1) $("styles").hidden = true;

for (const stroke of Object.keys(facts.strokes)) $("stroke").append(new Option(stroke, stroke, false, stroke === "medium"));
for (const [area, said] of Object.entries(facts.areas)) $("area").append(new Option(said, area));
$("stroke").onchange = $("area").onchange = paint;
$("strength").oninput = show;
$("split").oninput = show;

function canvasOf(image, width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  if (image instanceof ImageData) context.putImageData(image, 0, 0);
  else context.drawImage(image, 0, 0, width, height);
  return canvas;
}
const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);

// An image as the networks for people see it: stretched to a square, and padded to one.
function squares(image) {
  const scale = SQUARE / Math.max(image.width, image.height), padded = canvasOf(image, SQUARE, SQUARE);
  const context = padded.getContext("2d");
  context.clearRect(0, 0, SQUARE, SQUARE);
  context.drawImage(image, 0, 0, Math.round(image.width * scale), Math.round(image.height * scale));
  return { stretched: pixels(canvasOf(image, SQUARE, SQUARE)), padded: pixels(padded) };
}

// The style, for the worker.
const chosen = () => ({ style, palette: facts.styles[style].palette });

// What to paint of an image, for the worker.
function areaOf(image) {
  const area = $("area").value;
  return area === "all" ? { area } : { area, ...squares(image) };
}

async function open(file) {
  stopCamera();
  say("Opening…");
  try {
    const image = await createImageBitmap(file), pixels = image.width * image.height;
    const scale = Math.min(1, Math.sqrt(MOST / pixels));
    whole = scale < 1 ? ` The photo has ${image.width}x${image.height} px; this page paints at most ${MOST / 1e6} megapixels.` : "";
    photo = canvasOf(image, Math.floor(image.width * scale), Math.floor(image.height * scale));
  } catch {
    return say(`${file.name} is not a picture that this browser can read. Use a JPEG or PNG.`);
  }
  type = file.type === "image/png" ? file.type : "image/jpeg";
  name = file.name.replace(/\.[^.]*$/, "");
  painted = null;
  document.body.classList.add("open");
  show();
  await paint();
}

async function paint() {
  if (!photo || camera) return;
  if (busy) return void (again = true);
  busy = true;
  let where, nobody;
  $("download").disabled = true;
  say("Painting…");
  const begun = performance.now();
  try {
    await started;
    do {
      again = false;
      const how = { ...chosen(), short: facts.strokes[$("stroke").value], ...areaOf(photo) };
      if (sent !== photo) how.image = pixels(photo); // the worker keeps it
      sent = photo;
      const { image, gpu, seen } = await ask("paint", how);
      where = gpu ? " on the graphics card" : "";
      nobody = seen ? "" : " No person is found: no face can be seen.";
      if (camera) break;
      painted = canvasOf(image, image.width, image.height);
      show();
    } while (again);
    if (!camera) {
      say(`Painted in ${((performance.now() - begun) / 1000).toFixed(1)} s${where}.${nobody}`);
      $("download").disabled = false;
    }
  } catch (error) {
    console.warn(error);
    say("The photo could not be painted. Choose broader strokes, or a smaller photo.");
  }
  busy = false;
}

// The painting over the photo, to the right of the line. It is transparent where nothing is painted.
function show() {
  const from = camera ? frame : photo;
  if (!from) return;
  const scale = Math.min(1, LONGEST / Math.max(from.width, from.height)), canvas = $("picture");
  [canvas.width, canvas.height] = [Math.round(from.width * scale), Math.round(from.height * scale)];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(from, 0, 0, canvas.width, canvas.height);
  if (!painted) return;
  const left = camera ? 0 : Math.round((canvas.width * $("split").value) / 100);
  context.save();
  context.beginPath();
  context.rect(left, 0, canvas.width, canvas.height);
  context.clip();
  context.globalAlpha = $("strength").value / 100;
  context.drawImage(painted, 0, 0, canvas.width, canvas.height);
  context.restore();
  if (left) context.fillStyle = "#fff", context.fillRect(left - 1, 0, 2, canvas.height);
}

$("download").onclick = async () => {
  $("download").disabled = true;
  try {
    const how = { strength: $("strength").value / 100 };
    const { image } = await ask("enlarge", how, (done) => say(`Full size: ${Math.round(100 * done)} %`));
    const canvas = canvasOf(image, image.width, image.height);
    const blob = await new Promise((done) => canvas.toBlob(done, type, 0.95));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${name}-${facts.styles[style].name}.${type === "image/png" ? "png" : "jpg"}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    say(`Saved at ${image.width}x${image.height} px.${whole}`);
  } catch (error) {
    say(`It could not be saved: ${error.message}.`);
  }
  $("download").disabled = false;
};

$("place").onclick = () => document.body.classList.contains("open") || $("file").click();
$("file").onchange = () => $("file").files[0] && open($("file").files[0]);
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
});
addEventListener("paste", (event) => event.clipboardData.files[0] && open(event.clipboardData.files[0]));

function stopCamera() {
  if (!camera) return;
  camera.getTracks().forEach((track) => track.stop());
  camera = painted = null;
  $("camera").textContent = "Camera";
  if (!photo) {
    document.body.classList.remove("open");
    return say("Ready.");
  }
  show();
  paint();
}

$("camera").onclick = async () => {
  if (camera) return stopCamera();
  $("camera").disabled = true;
  let mine;
  try {
    mine = camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    painted = sent = null;
    $("camera").textContent = "Stop";
    $("download").disabled = true;
    document.body.classList.add("open");
    const video = document.createElement("video");
    Object.assign(video, { srcObject: mine, muted: true, playsInline: true });
    await Promise.all([video.play(), started]);
    $("camera").disabled = false;
    while (camera === mine) {
      const begun = performance.now(), now = canvasOf(video, video.videoWidth, video.videoHeight);
      const { image } = await ask("paint", { ...chosen(), image: pixels(now), short: LIVE, ...areaOf(now) });
      if (camera !== mine) break;
      [frame, painted] = [now, canvasOf(image, image.width, image.height)];
      show();
      say(`${(1000 / (performance.now() - begun)).toFixed(1)} pictures a second`);
    }
  } catch (error) {
    if (camera === mine) stopCamera();
    say(`The camera is not available (${error.message}).`);
  }
  $("camera").disabled = false;
};

started.then(
  () => photo || say("Ready."),
  (error) => say(`This browser cannot run the network: ${error.message}.`),
);
