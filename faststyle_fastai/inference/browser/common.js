// What all parts of a page use.
const words = JSON.parse(document.getElementById("words").textContent);
const $ = (id) => document.getElementById(id);
const filled = (text, how = {}) => text.replace(/{(\w+)}/g, (_, key) => how[key] ?? "");
const workOf = (style) => style.title.split(" · ")[0]; // without its painter
const bytesOf = (address) => Uint8Array.from(atob(address.split(",")[1]), (c) => c.charCodeAt(0)); // of a data address
const BAD = ["failed", "noCamera", "noFilm", "noRuntime", "nobody", "notCopied", "notForgotten", "notFilm", "notPicture", "notRead", "notSaved"];
function say(key, how, bad = BAD.includes(key)) {
  $("said").textContent = filled(words[key], how);
  $("said").classList.toggle("bad", bad);
  $("said").setAttribute("role", bad ? "alert" : "status");
  if (bad) $("said").scrollIntoView({ block: "nearest" });
}
