// The page: styles and settings are chosen, and photos are painted in them.
const SOFT = 300; // px of a painting's short side below which its strokes are soft
const READ = 400; // px of a painting's short side, as in first_sight.py
let style = facts.styles.find((one) => one.builtin !== false), busy = false, again = false, lost = false; // whether the server is

// What a slider says beside its name.
function tellValue(slider) {
  const { unit = "%", seconds } = slider.dataset;
  const value = seconds ? `${clockOf((slider.value / 100) * seconds)} / ${clockOf(Number(seconds))}` : unit === "%" ? percentOf(slider.value / 100) : inUnit(slider.value, unit);
  slider.previousElementSibling.textContent = value;
  slider.setAttribute("aria-valuetext", value);
}
const sliders = [...document.querySelectorAll("aside input[type=range]")];
const tellValues = () => sliders.forEach(tellValue);
for (const slider of sliders) slider.addEventListener("input", () => tellValue(slider));
tellValues();

// Styles: later with the photo in each of them.
function offer(one, first = false) {
  one.button = faceOf(one, () => choose(one));
  first ? $("faces").prepend(one.button) : $("faces").append(one.button);
}

function offerAll() {
  const within = $("faces").contains(document.activeElement);
  $("faces").replaceChildren();
  facts.styles.forEach((one) => offer(one));
  mark($("faces"), style.button);
  offerMixtures();
  offerMade();
  reveal(style.button);
  if (within) style.button.focus({ preventScroll: true });
}

// What the style can be mixed with; the choice stays where it still can.
function offerMixtures() {
  const before = second();
  $("mix").replaceChildren(new Option(words.mixNone, ""));
  for (const one of facts.styles)
    if (one !== style && mixable(style, one)) $("mix").append(Object.assign(new Option(workOf(one), one.name, false, one.name === before?.name), { one }));
  $("mix").disabled = $("mix").options.length < 2;
  $("no-mix").hidden = !$("mix").disabled || facts.styles.length < 2;
  $("mixing").hidden = facts.styles.length < 2;
  $("parts").hidden = !$("mix").value;
}
const second = () => $("mix").selectedOptions[0]?.one;

function choose(one) {
  chosen(one);
  if (brush !== "none") takeBrush("none");
  if (now.photo) return paint();
  sayReady();
  showSample().catch(console.warn);
}
function chosen(one) {
  style = one;
  titled($("title"), one);
  mark($("faces"), one.button);
  reveal(one.button);
  offerMixtures();
  $("forget").hidden = !one.forgettable;
  if ($("split").value > 90) $("split").value = 0; // or nothing of it would be seen
  inAddress(one);
}
function titled(line, one) {
  [line.firstChild.textContent, line.lastChild.textContent] = [workOf(one), one.title.split(" · ")[1] ?? ""];
}
titled($("title"), style);
function inAddress(one) {
  if (location.hash.startsWith("#/")) return; // another view
  try {
    history.replaceState({ ...history.state, known: true }, "", one.link ?? (one.own && !lasting ? location.href.split("#")[0] : `#${encodeURIComponent(one.name)}`));
  } catch {} // a page inside another may not
}
$("styles").onkeydown = (event) => {
  if (event.key === "Delete" && !event.repeat && event.target === style.button && !$("forget").hidden) return $("forget").click();
  arrows(event, $("faces"));
};

function atEnd() {
  const { scrollLeft, clientWidth, scrollWidth } = $("styles"), at = Math.abs(scrollLeft); // below 0 from right to left
  $("styles").classList.toggle("end", at + clientWidth > scrollWidth - 4);
  $("less").hidden = at < 4;
}
$("styles").onscroll = atEnd;
new ResizeObserver(atEnd).observe($("styles"));
for (const [id, way] of [["less", -0.7], ["more", 0.7]])
  $(id).onclick = () => $("styles").scrollBy({ left: ahead * way * $("styles").clientWidth, behavior: still.matches ? "auto" : "smooth" });
Object.assign($("own").parentElement, { hidden: !facts.sight, title: words.ownTitle });
$("own").accept = facts.files ?? "image/*";
onFiles($("own"), ([file]) => readStyle(file));
offerAll();
function inHash() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {} // not from this page
}
$("styles").hidden = facts.styles.length === 1 && !facts.sight;
const named = styleNamed(inHash());
if (named) choose(named);

// A style from any painting.
async function readStyle(file) {
  say("reading");
  try {
    let part;
    if (!lasting || !file.name.endsWith(".safetensors")) {
      const image = await createImageBitmap(file).catch(() => {
        if (!lasting) throw new Error(words.unreadable); // a server reads more
      });
      const scale = image && Math.min(1, (2 * READ) / Math.min(image.width, image.height));
      part = image && onWhite(canvasOf(image, Math.round(image.width * scale), Math.round(image.height * scale)));
      image?.close();
    }
    await started;
    const one = { own: true, forgettable: true, builtin: false, painting: file.name, image: part && centered(part).toDataURL("image/jpeg"), ...(await styleOf(file, part)) };
    addStyle(one);
    const anew = $("mix").value || $("strength").value < 100 ? words.anewSettings : ""; // it is seen as it is
    [$("mix").value, $("strength").value] = ["", 100];
    tellValues();
    choose(one);
    if (!now.photo) return;
    paintThumbnails([one]).catch(console.warn);
    if (!lasting) return;
    await idle();
    say(one.side < SOFT ? "ownSmall" : "ownAdded", { ...one, anew });
  } catch (error) {
    console.warn(error);
    say("notRead", { name: file.name, why: error.message });
  }
}

// A painting of one's own goes again, by its button or the Delete key.
$("forget").onclick = async ({ detail }) => {
  if (detail > 1) return; // half of a double click
  const gone = style;
  if (!sure(gone)) return;
  facts.styles.splice(facts.styles.indexOf(gone), 1); // first, so that nothing is painted in it
  gone.button.remove();
  choose(facts.styles[0]);
  style.button.focus();
  try {
    await forget(gone);
    keepStyles();
    await idle();
    say("forgotten", gone);
  } catch (error) {
    facts.styles.unshift(gone);
    offer(gone, true);
    await idle();
    say("notForgotten", { why: error.message });
  }
};

// Count what was painted, or could not be, for tests.
const painting = () => (document.body.dataset.painted = 1 + Number(document.body.dataset.painted));

function ready(done) {
  for (const id of ["download", "copy", "share", "as"]) $(id).disabled = !done;
  document.body.classList.toggle("strip", Boolean(done) && now.kept === "strip");
  if (done && now.file) offerTimes(); // it may be closed meanwhile
}

async function paint() {
  if (!now.photo || live) return;
  unpacks++;
  corrections++; // what is corrected now is not wanted: this paints under the mask of now
  remember();
  offerFilm();
  if (busy) return void (again = true);
  [busy, again] = [true, false];
  if (!now.kept) endSaving();
  document.body.classList.add("painting");
  let where, seen;
  ready(false);
  say("painting");
  const begun = performance.now();
  try {
    await started;
    do {
      again = false;
      const photo = now.photo, values = settled(), found = await repaint(photo, asked());
      ({ where, seen } = found);
      if (live) break;
      if (now.photo !== photo) continue; // another was opened
      Object.assign(now, { painted: found.image, values, kept: false });
      show();
    } while (again);
    if (!live && now.photo) {
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      const mixed = second() ? filled(words.mixed, { title: workOf(second()) }) : "";
      if (seen) say(film?.painted ? "filmAgain" : film ? "momentPainted" : now.refined || !(seconds > 0) ? "painted" : "paintedIn", { seconds, where, mixed, reduced: now.reduced + now.note });
      else await paintAll();
      ready(!filming);
      keepMade();
      $("picture").setAttribute("aria-label", filled(film ? words.frameIn : words.pictureIn, { title: style.title + mixed }));
      offerWays();
    }
  } catch (error) {
    console.warn(error);
    if (lost && now.values) apply(now.values); // as it is seen
    say(lost ? "lost" : "failed", { why: error.message });
    ready(now.painted && !filming); // what is shown can still be saved
  }
  painting();
  document.body.classList.remove("painting");
  busy = false;
  if (again) return paint(); // after a failure
}

// Without a person, all of a photo is painted. A film may show one at another moment.
async function paintAll() {
  if (film || now.edits) return say("nobodyHere");
  document.querySelector("[name=area][value=all]").checked = true;
  remember(true);
  now.painted = (await remask(now.photo, mask())).image;
  show();
  say("nobody");
}

// The same painting under another mask; of several that are asked for, the last one is shown.
let corrections = 0, remasking;
async function correct(done = "masked") {
  const mine = ++corrections;
  endSaving();
  offerSwap();
  keep("edits", now.edits && pixels(now.edits));
  session.invert = $("invert").checked;
  if (busy || !now.painted || now.kept || live) return paint();
  offerFilm();
  remember();
  const photo = now.photo, found = await (remasking = remask(photo, mask()).catch((error) => say(lost ? "lost" : "failed", { why: error.message })));
  if (!found || now.photo !== photo || live || mine !== corrections) return;
  const { image, seen } = found;
  now.painted = image;
  show();
  if (seen) say(done, { area: words.areas[mask().area] });
  else await paintAll();
  keepMade();
  painting();
}
// Corrections that a reload found again.
function correctAgain(edits, invert) {
  now.edits = edits;
  offerUndo();
  $("invert").checked = invert === "true";
  return correct("corrected");
}
$("feather").onchange = $("invert").onchange = () => correct();

const idle = async () => {
  while (busy || live || opening) await wait(200);
};

// What comes next, before a photo is chosen.
function sayReady() {
  started.then(
    () => now.photo || live || say("ready", { title: workOf(style) }),
    (error) => say("noRuntime", { why: error.message }),
  );
}
$("choose").onclick = () => $("file").click();
$("film-me").onclick = () => $("camera").click();

// Before a photo is chosen: a sample, and what becomes of it.
async function showSample() {
  const one = style;
  if (!facts.sample) return;
  const painted = await sampleIn(one);
  const { src } = $("sample").children[1];
  if (one === style) $("sample").children[1].src = painted;
  URL.revokeObjectURL(one === style ? src : painted);
}
if (facts.sample) {
  $("sample").onpointermove = ({ clientX }) => {
    const { left, width } = $("sample").getBoundingClientRect();
    $("sample").style.setProperty("--at", `${(100 * (clientX - left)) / width}%`);
  };
  $("try").onclick = () => open(new File([bytesOf(facts.sample[0])], "cat.jpg", { type: "image/jpeg" }));
}
if (document.querySelector("[rel=manifest]")) navigator.serviceWorker?.register("sw.js").catch(console.warn);

delay(false);
const restored = restore().catch(console.warn);
sayReady();
