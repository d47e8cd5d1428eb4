// The painting as a file: downloaded, copied or shared. Its format and quality are chosen in a panel,
// beside which the picture is that file.
const ENDINGS = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/avif": "avif" };
let offered = null, asks = 0, measuring = 0, saidBefore = ""; // the file in the panel; how often one was asked for; which of these is made; what was said before

for (const option of [...$("format").options]) if (!encodes(option.value)) option.remove();
const panelOpen = () => $("saving").matches(":popover-open");
const chosenType = () => $("format").value;
for (const name of Object.keys(facts.papers ?? {})) $("paper").add(new Option(name === "letter" ? words.letter : name.toUpperCase(), name));

// A photo's own format, until another is chosen.
function offerFormat(type) {
  if (!$("format").dataset.chosen) $("format").value = type === "image/png" ? type : "image/jpeg";
  offerTimes();
  $("quality").parentElement.hidden = chosenType() === "image/png";
  $("paper").parentElement.hidden = film || !["image/jpeg", "image/png"].includes(chosenType()); // others say no resolution
}

// It can be larger than the photo, painted at that size; a title says why not.
function offerTimes() {
  const [width, height] = now.file.pixels?.split("×") ?? [now.photo.width, now.photo.height], most = facts.most ?? MOST;
  const why = now.refined ? "refinedAsIs" : 4 * width * height > most ? "tooLarge" : tooFine() ? "tooFine" : "";
  $("times").disabled = Boolean(film || why || now.kept === "strip");
  $("times").value = $("times").disabled ? 1 : $("times").dataset.wanted ?? 1;
  $("times").parentElement.title = why && filled(words[why], { most: most / 1e6 });
  $("ending").textContent = $("format").selectedOptions[0].text + ($("times").value > 1 ? " 2×" : "");
}

// A picture fills a paper, which is turned as it is: its pixels per inch, 0 without a paper.
const paper = () => ($("paper").parentElement.hidden ? "" : $("paper").value);
function perInch(size) {
  const sides = facts.papers?.[paper()], [short, long] = [...size].sort((a, b) => a - b);
  return sides ? Math.round(25.4 * Math.max(short / sides[0], long / sides[1])) : 0;
}

const stopSaving = ({ detail }) => detail > 1 || stopFullSize(); // not by half of a double click

// The painting at full size, as a file.
async function finished(type) {
  if (now.kept === "strip") return asSeen(type);
  const stop = $("download"), from = document.activeElement, { file } = now;
  const wanted = measuring, goes = () => wanted === measuring; // unless its panel was closed
  await remasking; // the file is masked as it
  if (now.kept) await paint();
  if (!goes() || now.file !== file || (now.kept && !lost)) return; // another one was opened, or it could not be painted
  ready(false);
  if (!batch) Object.assign(stop, { textContent: words.stop, disabled: false, onclick: stopSaving }); // which has its own
  try {
    const quality = $("quality").value / 100;
    const blob = await fullSize({ ...asked(), type, quality, larger: $("times").value > 1, paper: paper() }, (done) => goes() && sayShare("saving", { percent: Math.round(100 * done) }, done));
    if (!blob && goes()) say("stopped");
    return blob;
  } catch (error) {
    if (lost) return asSeen(type);
    say("notSaved", { why: error.message });
  } finally {
    if (!panelOpen()) forgetFull();
    Object.assign(stop, { onclick: download });
    nameDownload();
    ready(now.painted && !busy);
    if (document.activeElement === document.body) from.focus({ preventScroll: true }); // it was disabled
  }
}
// Without the server, or of a strip, the picture on the page.
function asSeen(type) {
  const picture = compose(blank(...fitted(now.photo, LONGEST)), now.photo);
  now.size = `${picture.width}×${picture.height}`;
  return blobOf(picture, encodesHere(type) ? type : "image/jpeg", $("quality").value / 100);
}
function encodesHere(type) {
  return blank(1, 1).toDataURL(type).startsWith(`data:${type}`);
}

function save(blob, name) {
  const link = create("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
const inStyle = () => [style, second()].filter(Boolean).map(({ name }) => name.replace(/[\\/:*?"<>|]/g, "_")).join("-");
const fileName = () => `${now.name}-${inStyle()}`; // without its ending

// What the button saves: a photo, a frame, or the film once it is painted.
function nameDownload() {
  $("download").classList.toggle("main", !film || Boolean(film.painted));
  $("download").textContent = !film ? words.download : film.painted ? (film.whole ? words.downloadFilm : words.downloadPart) : words.downloadFrame;
}
async function download() {
  if (film?.painted) {
    save(film.painted, film.called);
    return say("made", { name: film.called });
  }
  const name = fileName(), blob = offered ?? (await finished(chosenType())); // settings may change meanwhile
  if (!blob) return;
  save(blob, `${name}.${ENDINGS[blob.type]}`);
  say("saved", { size: now.size, reduced: lost ? words.savedSeen : now.reduced });
}
$("download").onclick = $("save").onclick = download;

// The file as it would be saved, and how large it is; of several that are asked for, the last one.
async function measure() {
  const mine = ++asks;
  [offered, toShare, changes, $("save").disabled] = [null, null, changes + 1, true];
  $("weight").textContent = words.weighing;
  await idle();
  while (mine === asks && $("download").onclick === stopSaving) await wait(200);
  if (mine !== asks) return;
  measuring = mine;
  const blob = await finished(chosenType());
  if (measuring === mine) measuring = 0;
  if (mine !== asks) return; // it was closed, or that one goes on
  if (!blob) return endSaving();
  const picture = await createImageBitmap(blob).catch(() => null), dpi = now.kept === "strip" || lost ? 0 : perInch(now.size.split("×").map(Number));
  if (mine !== asks) return picture?.close(); // that one goes on
  now.filed = picture && canvasOf(picture, ...fitted(picture, LONGEST)); // or only the server knows its format
  picture?.close();
  [offered, $("save").disabled] = [blob, false];
  $("weight").textContent = filled(words.weight, { size: now.size, bytes: inBytes(blob.size) }) + (dpi ? filled(words.perInch, { dpi }) : "");
  tell($("said"), $("weight").textContent, false);
  show();
}
function inBytes(n) {
  const [unit, each] = n < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
  return inUnit(n / each, unit);
}
function endSaving() {
  [toShare, changes] = [null, changes + 1];
  $("saving").hidePopover();
}
$("saving").onbeforetoggle = ({ newState }) => {
  if (newState === "open") return void ([saidBefore, $("save").disabled] = [$("said").textContent, true]); // until it is measured
  [offered, now.filed] = [null, null];
  asks++; // what is measured now is not wanted
  if (measuring) stopFullSize(), tell($("said"), saidBefore, false);
  measuring = 0;
  forgetFull();
  if (document.activeElement === document.body) $("as").focus(); // what had the focus was disabled
  show();
};
$("saving").ontoggle = () => panelOpen() && measure();
$("saving").addEventListener("focusout", ({ relatedTarget: to }) => to && to !== $("as") && !$("saving").contains(to) && endSaving());
$("format").onchange = () => {
  $("format").dataset.chosen = true;
  offerFormat();
  return measure();
};
$("quality").onchange = $("paper").onchange = measure;
$("times").onchange = () => {
  $("times").dataset.wanted = $("times").value;
  offerTimes();
  return measure();
};

$("copy").onclick = async () => {
  const file = finished("image/png"), made = file.then((blob) => blob ?? Promise.reject(new Error(words.stopped)));
  await navigator.clipboard.write([new ClipboardItem({ "image/png": made })]).then( // within the click, as Safari asks
    () => say("copied", { size: now.size }),
    async () => (await file) && say("notCopied"),
  );
};
$("copy").hidden = !(window.ClipboardItem && navigator.clipboard?.write);

$("share").hidden = !navigator.canShare?.({ files: [new File([""], "a.jpg", { type: "image/jpeg" })] });
let toShare = null, changes = 0; // what took longer than a click counts: the next one shares it
$("share").onclick = async () => {
  const name = `${fileName()}.jpg`, made = toShare, before = changes, blob = made ?? (await finished("image/jpeg"));
  if (!blob) return;
  const failed = (error) => {
    if (error.name === "AbortError") return say("stopped");
    if (error.name !== "NotAllowedError" || made) return say("notSaved", { why: error.message });
    if (before !== changes) return; // another one is painted now
    toShare = blob;
    say("shareAgain");
  };
  await navigator.share({ files: [new File([blob], name, { type: "image/jpeg" })] }).then(() => say("shared", { size: now.size }), failed);
};
