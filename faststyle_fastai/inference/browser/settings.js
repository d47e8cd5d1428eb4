// Settings: all that is asked for.
const asked = () => ({
  style, other: second(), share: $("part").value / 100, strength: $("strength").value / 100, stroke: $("stroke").value,
  strokes: $("strokes").checked, colors: $("colors").checked, mask: mask(),
});
const mask = () => ({
  area: document.querySelector("[name=area]:checked").value, feather: film ? 0 : $("feather").value / 100,
  invert: $("invert").checked, edits: now.edits && pixels(now.edits),
});

for (const [value] of Object.entries(facts.strokes)) $("stroke").append(new Option(words.strokes[value], value, false, value === "medium"));
for (const area of facts.areas) $("area").append(choice("area", area, words.areas[area], area === "all", () => correct()));
$("stroke").onchange = $("strokes").onchange = $("colors").onchange = $("part").onchange = () => paint();
$("strength").onchange = () => (blends && !now.kept ? (remember(), busy || keepMade()) : paint());
$("mix").onchange = () => (($("parts").hidden = !$("mix").value), paint());

// What they are at first.
const MOST_STEPS = 100; // that can be undone
const PLAIN = { stroke: "medium", strength: 100, strokes: false, colors: false, feather: 0, part: 50, mix: "", area: "all" };
if ($("smooth")) Object.assign(PLAIN, { smooth: false, painterly: false }); // of films
const SETTINGS = Object.keys(PLAIN).filter((id) => id !== "area");
const field = (id) => ($(id).type === "checkbox" ? "checked" : "value");

// Those that are set, and the style.
const settled = () => ({ ...Object.fromEntries(SETTINGS.map((id) => [id, $(id)[field(id)]])), area: mask().area, style: style.name, title: style.title });

// A reload in the same tab shows the same settings, and a step back those before.
let steps = [], step = -1;
function remember(instead = false) {
  const values = settled();
  const told = JSON.stringify(values);
  $("reset").hidden = Object.entries(PLAIN).every(([id, value]) => String(values[id]) === String(value));
  session.settings = told;
  $("title").firstChild.textContent = mixedOf(values);
  if (told === steps[step]) return;
  endSaving();
  if (instead) step -= 1 + (told === steps[step - 1]);
  steps = [...steps.slice(0, step + 1), told].slice(-MOST_STEPS);
  step = steps.length - 1;
  offerSteps();
}
const offerSteps = () => ([$("back").disabled, $("forth").disabled] = [step < 1, step > steps.length - 2]);
async function go(by) {
  const told = steps[step + by];
  if (!told || !now.photo || !$("held").hidden) return;
  step += by;
  offerSteps();
  if (document.activeElement.disabled) $(by < 0 ? "forth" : "back").focus(); // that was the last step
  const seen = made.find(({ file, key }) => file === now.file && key === told);
  if (seen && !seen.edited && !now.edits && !busy && !live) return unpack(seen);
  apply(JSON.parse(told));
  return paint();
}
[$("back").onclick, $("forth").onclick] = [() => go(-1), () => go(1)];
addEventListener("keydown", (event) => {
  const typed = event.key.toLowerCase(), key = typed > "~" ? { KeyZ: "z", KeyY: "y" }[event.code] : typed; // on an Arabic keyboard, too
  if (!(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key) || event.target.matches("[type=text]") || $("paint").hidden) return;
  event.preventDefault();
  if (key === "y" || event.shiftKey) go(1);
  else if (before.length && $("by-hand").open && $("held").hidden) $("undo").click();
  else go(-1);
});
// The settings of a picture, and its style if it is still there.
function apply(values) {
  const one = styleNamed(values.style);
  if (one && one !== style) chosen(one);
  set(values);
}
function settle() {
  const kept = JSON.parse(session.settings ?? "null");
  if (!kept) return;
  const one = styleNamed(kept.style);
  if (one && !named) choose(one); // the address says otherwise
  set(kept);
}
function set(values) {
  for (const id of SETTINGS) $(id)[field(id)] = values[id];
  if ($("mix").selectedIndex < 0) $("mix").value = ""; // it has gone, or this style is not mixed with it
  document.querySelector(`[name=area][value=${values.area}]`).checked = true;
  $("parts").hidden = !$("mix").value;
  offerSwap();
  tellValues();
  remember();
}
function reset() {
  set(PLAIN);
  return paint();
}
$("reset").onclick = () => ($("strength").focus(), reset()); // the button goes
