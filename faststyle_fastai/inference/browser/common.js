// What all parts of a page use. It runs once the words are there: the rest of a studio comes much later.
const address = new URLSearchParams(location.search);
const $ = (id) => document.getElementById(id);
const facts = JSON.parse($("facts").textContent);
const create = (tag, how) => Object.assign(document.createElement(tag), how);
// Words in the first language of the browser's that there is; ?lang=de comes before them.
const languages = JSON.parse($("words").textContent), wanted = [address.get("lang"), ...navigator.languages];
const language = wanted.map((name) => name?.split("-")[0].toLowerCase()).find((name) => Object.hasOwn(languages, name)) ?? "en";
const words = languages[language], ahead = language === "ar" ? -1 : 1; // to the right, or to the left
Object.assign(document.documentElement, { lang: language, dir: ahead < 0 ? "rtl" : "ltr" });
if (document.title === languages.en.title) document.title = document.querySelector("h1").textContent = words.title; // not one's own
// What a reload finds again, where the browser keeps it.
const session = (() => {
  try {
    return sessionStorage;
  } catch {
    return {};
  }
})();
const inUnit = (n, unit) => new Intl.NumberFormat(language, { style: "unit", unit, maximumSignificantDigits: 3 }).format(n);
const percentOf = (share) => new Intl.NumberFormat(language, { style: "percent" }).format(share);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const styleNamed = (name) => facts.styles.find((one) => one.name === name);
// What a second click does not begin again while it goes on.
function once(work) {
  let runs = null;
  return (...given) => (runs ??= work(...given).finally(() => (runs = null)));
}
// Take the files of an input, and empty it, so that the same ones can be chosen again.
const onFiles = (input, take) => (input.onchange = () => {
  const files = [...input.files];
  input.value = "";
  if (files.length) take(files);
});
const filled = (text, how = {}) => text.replace(/{(\w+)}/g, (_, key) => how[key] ?? "");
const workOf = (style) => style.title.split(" · ")[0]; // without its painter
const clockOf = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`; // 0:07
const decoded = (text) => Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (c) => c.charCodeAt(0)); // in browsers before 2025
const bytesOf = (address) => decoded(address.split(",")[1]); // of a data address
const BAD = ["failed", "lost", "noAddress", "noCamera", "noFilm", "noRuntime", "notCopied", "notForgotten", "notFilm", "notPicture", "notRead", "notSaved", "ownFailed", "noPhotos", "notTaught", "filmInPart", "linkDamaged", "linkOther"];
function tell(line, text, bad, live = true) {
  line.ariaLive = live ? null : "off";
  if (line.textContent === text) return; // or screen readers would hear it again
  line.textContent = text;
  line.classList.toggle("bad", bad);
  line.setAttribute("role", bad ? "alert" : "status");
  if (bad) line.scrollIntoView({ block: "nearest" });
}
function say(key, how, line = $("said")) {
  delete line.dataset.quarter; // what goes on next is heard from its start
  tell(line, sentence(words[key], how), BAD.includes(key));
}
// Why something failed is a sentence of its own where it names the file.
function sentence(text, how = {}) {
  const why = how.why?.replace(/\.+$/, "");
  return why && how.name && why.includes(how.name) ? `${why}.` : filled(text, { ...how, why });
}
// How far something is, in a bar; null is not known yet.
function fill(bar, share) {
  bar.hidden = false;
  share === null ? bar.removeAttribute("value") : (bar.value = share);
}
// How far something is, which screen readers hear at every quarter.
function sayShare(key, how, share, line = $("said")) {
  const quarter = String(Math.floor(4 * share));
  const live = line.dataset.quarter !== quarter;
  line.dataset.quarter = quarter;
  tell(line, filled(words[key], how), false, live);
}

// What is seen meanwhile; what begins something waits.
for (const item of document.querySelectorAll("[data-say]")) item.textContent = words[item.dataset.say];
for (const item of document.querySelectorAll("[data-alt]")) item.alt = words[item.dataset.alt];
for (const item of document.querySelectorAll("[data-label]")) item.setAttribute("aria-label", words[item.dataset.label]);
facts.sample?.forEach((address, i) => ($("sample").children[i].src = address));
$("sample").hidden = $("try").hidden = !facts.sample;
const delay = (on) => document.querySelectorAll("header, #choose, .ways").forEach((each) => (each.inert = on));
delay(true);
