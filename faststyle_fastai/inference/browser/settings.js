// Settings: all that is asked for.
const asked = () => ({
  style, other: second(), share: $("part").value / 100, strength: $("strength").value / 100, stroke: $("stroke").value,
  colors: $("colors").checked, mask: mask(),
});
const mask = () => ({
  area: document.querySelector("[name=area]:checked").value, feather: $("feather").value / 100,
  invert: $("invert").checked, edits: now.edits && pixels(now.edits),
});

for (const [value] of Object.entries(facts.strokes)) $("stroke").append(new Option(words.strokes[value], value, false, value === "medium"));
for (const area of facts.areas) $("area").append(choice("area", area, words.areas[area], area === "all", () => correct()));
$("stroke").onchange = $("colors").onchange = $("part").onchange = () => paint();
$("strength").onchange = () => (blends ? remember() : paint());
$("mix").onchange = () => (($("parts").hidden = !$("mix").value), paint());

// What they are at first.
const PLAIN = { stroke: "medium", strength: 100, colors: false, feather: 0, part: 50, mix: "", area: "all" };
const SETTINGS = Object.keys(PLAIN).filter((id) => id !== "area");
const field = (id) => ($(id).type === "checkbox" ? "checked" : "value");

// A reload in the same tab shows the same settings.
function remember() {
  const values = { ...Object.fromEntries(SETTINGS.map((id) => [id, $(id)[field(id)]])), area: mask().area };
  $("reset").hidden = Object.entries(PLAIN).every(([id, value]) => String(values[id]) === String(value));
  try {
    sessionStorage.settings = JSON.stringify({ ...values, style: style.name });
  } catch {} // not in every window
}
function settle() {
  const kept = JSON.parse(sessionStorage.settings ?? "null");
  if (!kept) return;
  const one = facts.styles.find(({ name }) => name === kept.style);
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
$("reset").onclick = async () => {
  $("strength").focus(); // the button goes
  await reset();
};
