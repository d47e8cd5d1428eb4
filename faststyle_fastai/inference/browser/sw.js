// Keeps the studio's files, so that it also starts without a network.
const OURS = `faststyle ${registration.scope} `; // others of this origin have their own
const CACHE = `${OURS}@@DIGEST@@`;
const FILES = ["./", "manifest.webmanifest", "icon-192.png", "icon-512.png"];

addEventListener("install", (event) => {
  const kept = caches.open(CACHE).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" }))));
  event.waitUntil(kept.then(() => skipWaiting()));
});
addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => names.filter((name) => /^faststyle-/.test(name) || (name.startsWith(OURS) && name !== CACHE))); // earlier versions named them so
  event.waitUntil(old.then((names) => Promise.all(names.map((name) => caches.delete(name)))).then(() => clients.claim()));
});
addEventListener("fetch", (event) => {
  const asked = event.request.mode === "navigate" ? event.request.url.replace(/index\.html(?=$|[?#])/, "") : event.request;
  const found = caches.open(CACHE).then((cache) => cache.match(asked, { ignoreSearch: true })).catch(() => {}); // storage may be refused
  event.respondWith(found.then((answer) => answer ?? fetch(event.request)));
});
