// The runtime and the networks, which are inside the page, and the worker that runs them.
const facts = JSON.parse(document.getElementById("facts").textContent);
const words = JSON.parse(document.getElementById("words").textContent);
const $ = (id) => document.getElementById(id);
const filled = (text, how = {}) => text.replace(/{(\w+)}/g, (_, key) => how[key] ?? "");
const say = (key, how) => ($("said").textContent = filled(words[key], how));
const decoded = (text) => Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
const bytes = (id) => decoded($(id).textContent);

async function inflated(data) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

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
function ask(task, how = {}, watch = undefined) {
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
  const programs = {};
  for (const name of facts.programs) programs[name] = await inflated(bytes(`program-${name}`));
  const gpu = await hasGpu().catch(() => false);
  await ask("start", { mjs, wasm, programs, gpu, sure: facts.sure, first: Object.keys(facts.networks)[0] });
}
const started = start();
