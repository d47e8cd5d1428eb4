// What all parts of a page use.
const words = JSON.parse(document.getElementById("words").textContent);
const $ = (id) => document.getElementById(id);
const filled = (text, how = {}) => text.replace(/{(\w+)}/g, (_, key) => how[key] ?? "");
const workOf = (style) => style.title.split(" · ")[0]; // without its painter
const bytesOf = (address) => Uint8Array.from(atob(address.split(",")[1]), (c) => c.charCodeAt(0)); // of a data address
const BAD = ["failed", "noCamera", "noFilm", "noRuntime", "nobody", "notCopied", "notForgotten", "notFilm", "notPicture", "notRead", "notSaved", "ownFailed", "noPhotos"];
function tell(line, text, bad) {
  if (line.textContent === text) return; // or screen readers would hear it again
  line.textContent = text;
  line.classList.toggle("bad", bad);
  line.setAttribute("role", bad ? "alert" : "status");
  if (bad) line.scrollIntoView({ block: "nearest" });
}
const say = (key, how, line = $("said")) => tell(line, filled(words[key], how), BAD.includes(key));
