// What was made since the page was opened, as encoded pictures: one click brings one back with its
// photo and settings, and any two can be compared.
const MOST_MADE = 24, SEEN = 1600; // pictures; px of their longer side
let made = [], versus = false, unpacks = 0; // the newest is the last; whether a click puts one beside the line; how often one came back

// How a picture was made: its style, and the settings that are not as at first.
const TOLD = {
  strength: (value) => `${words.strength} ${percentOf(value / 100)}`, stroke: (value) => `${words.stroke}: ${words.strokes[value]}`,
  strokes: () => words.strokesOn, colors: () => words.colors, area: (value) => words.areas[value], feather: (value) => `${words.feather} ${percentOf(value / 100)}`,
};
const madeLike = (values) => [mixedOf(values), ...Object.keys(TOLD).filter((id) => String(values[id]) !== String(PLAIN[id])).map((id) => TOLD[id](values[id]))].join(", ");
function mixedOf(values) {
  const other = styleNamed(values.mix);
  return other ? `${workOf(values)} + ${workOf(other)} ${percentOf(values.part / 100)}` : workOf(values);
}

// Keep the picture as it is seen, in place of one with the same settings.
function keepMade() {
  now.values = settled();
  if (!film && !live && now.painted && !now.kept) addMade(now, compose(blank(...fitted(now.photo, SEEN)), now.photo));
}
function addMade({ file, name, edits, refined }, picture, strip = false) {
  const values = settled(), key = JSON.stringify(values), one = { file, name, values, key, refined, strip, edited: Boolean(edits), invert: $("invert").checked };
  one.face = create("button", { type: "button", onclick: () => (versus ? compareWith(one) : bringBack(one)) });
  one.face.append(centered(picture));
  one.ready = Promise.all([blobOf(picture, strip ? "image/png" : "image/webp"), edits && blobOf(canvasOf(edits), "image/png")]);
  const before = made.findIndex((each) => !each.strip && each.file === file && each.key === key);
  before < 0 ? (made = [...made, one].slice(-MOST_MADE)) : (made[before] = one);
  offerMade();
  return one;
}

// One alone is what is shown anyway. What cannot come back goes: a style that has gone, or a photo
// that only the server had, after another one.
function offerMade() {
  const styles = new Set(facts.styles.map(({ name }) => name));
  made = made.filter(({ file, values }) => styles.has(values.style) && (file instanceof Blob || file === now.file));
  $("made").hidden = Boolean(film);
  $("made").classList.toggle("few", made.length < 2); // whose place waits, so that the picture keeps its size
  const at = document.activeElement;
  $("made-faces").replaceChildren(...made.map(({ face }) => face).reverse());
  if ($("made-faces").contains(at)) at.focus({ preventScroll: true });
  const shown = JSON.stringify(settled()), [left, right] = document.querySelectorAll(".side");
  [left.textContent, right.textContent] = now.other ? [madeLike(now.other.of.values), madeLike(settled())] : [words.sidePhoto, words.sidePainted];
  for (const one of made) {
    one.face.title = filled(words.madeLike, { name: one.name, title: madeLike(one.values) });
    one.face.setAttribute("aria-current", one.file === now.file && one.key === shown);
    one.face.classList.toggle("beside", one === now.other?.of);
  }
}

async function bringBack(one) {
  await idle();
  await (now.file === one.file ? unpack(one) : open(one.file, one));
}

// Show one again, with its settings; it is painted again only if more is asked for than to see it.
async function unpack(one) {
  const mine = ++unpacks, [picture, edits] = await Promise.all((await one.ready).map((blob) => blob && createImageBitmap(blob)));
  if (mine !== unpacks || now.file !== one.file) return [picture, edits].forEach((each) => each?.close()); // something else was asked for
  corrections++; // of what was shown
  before = [];
  endSaving();
  apply(one.values);
  Object.assign(now, { values: one.values, painted: drawn(picture), kept: one.strip ? "strip" : true, edits: edits && drawn(edits), refined: one.refined, note: "" });
  keep("edits", now.edits && pixels(now.edits));
  offerUndo();
  session.invert = $("invert").checked = Boolean(now.edits) && one.invert;
  show();
  ready(true);
  offerWays();
  offerMade();
  $("picture").setAttribute("aria-label", filled(words.pictureIn, style));
  say(one.strip ? "boothDone" : "cameBack", { title: workOf(style) });
  painting();
}

// To the left of the line is another picture, or the photo.
let compared = 0; // how often that was asked for
async function compareWith(one) {
  const mine = ++compared;
  if (!one) versus = false;
  $("versus").setAttribute("aria-pressed", versus);
  now.other = null;
  if (one) {
    const picture = await createImageBitmap((await one.ready)[0]);
    if (mine !== compared || !versus) return picture.close(); // another was chosen
    now.other = Object.assign(blank(...fitted(now.photo, SEEN)), { of: one });
    const { width, height } = now.other, scale = Math.min(width / picture.width, height / picture.height);
    const [wide, high] = [picture.width * scale, picture.height * scale];
    now.other.getContext("2d").drawImage(picture, (width - wide) / 2, (height - high) / 2, wide, high);
    picture.close();
    if ($("split").value < 5) $("split").value = 50;
    say("beside", { title: madeLike(one.values) });
  }
  offerMade();
  show();
}
$("versus").onclick = () => {
  versus = !versus;
  const others = made.filter(({ face }) => face.getAttribute("aria-current") === "false");
  return compareWith(versus ? others.at(-1) : null);
};
