// A closer look at the picture: by Ctrl and the wheel (or a pinch), the keys + - 0, or the buttons.
// What does not fit is scrolled to: by dragging, or by Shift and the arrow keys.
const NEAREST = 8, STEPS = 1.5, PAN = 60; // most enlargement, and that of a key or a button; px of a key
let zoom = 1;

function zoomTo(wanted, x, y) { // around a point of the window; without one, around the middle
  const around = $("place").getBoundingClientRect(), before = $("frame").getBoundingClientRect();
  [x, y] = [x ?? around.left + around.width / 2, y ?? around.top + around.height / 2];
  const share = [(x - before.left) / before.width, (y - before.top) / before.height];
  zoom = Math.min(NEAREST, Math.max(1, wanted));
  document.body.classList.toggle("zoomed", zoom > 1);
  [$("nearer").disabled, $("farther").disabled, $("fitted").hidden] = [zoom === NEAREST, zoom === 1, zoom === 1];
  $("fitted").textContent = `${percentOf(zoom)} · ${words.fit}`;
  fit();
  const after = $("frame").getBoundingClientRect();
  $("place").scrollBy(after.left + share[0] * after.width - x, after.top + share[1] * after.height - y);
}

const zooms = () => now.photo && !film && !live;
$("place").addEventListener("wheel", (event) => {
  if (!event.ctrlKey || !zooms()) return;
  event.preventDefault(); // or all of the page would be enlarged
  zoomTo(zoom * 2 ** (-event.deltaY / 200), event.clientX, event.clientY);
}, { passive: false });
for (const [id, other, times] of [["nearer", "farther", STEPS], ["farther", "nearer", 1 / STEPS]])
  $(id).onclick = () => (zoomTo(zoom * times), $(id).disabled && $(other).focus());
$("fitted").onclick = () => (zoomTo(1), $("nearer").focus());
// The mouse holds it anywhere but at the line; fingers scroll by themselves.
let grip = null;
$("picture").addEventListener("pointerdown", ({ pointerId, pointerType, button, clientX, clientY }) => {
  if (zoom === 1 || brush !== "none" || pointerType !== "mouse" || button) return;
  $("picture").setPointerCapture(pointerId);
  grip = [clientX, clientY];
});
$("picture").addEventListener("pointermove", ({ clientX, clientY }) => {
  if (!grip) return;
  $("place").scrollBy(grip[0] - clientX, grip[1] - clientY);
  grip = [clientX, clientY];
});
$("picture").addEventListener("lostpointercapture", () => (grip = null));
const KEYS = { "+": () => zoom * STEPS, "=": () => zoom * STEPS, "-": () => zoom / STEPS, 0: () => 1 };
addEventListener("keydown", (event) => {
  if (event.shiftKey && event.key in ARROWS && zoom > 1 && !event.target.closest("aside, .styles")) {
    event.preventDefault(); // with Shift, the arrow keys scroll
    return $("place").scrollBy(...ARROWS[event.key].map((way) => PAN * way));
  }
  if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS) || !zooms()) return;
  if (event.target.matches("select, input:not([type=range], [type=radio], [type=checkbox])")) return;
  zoomTo(KEYS[event.key]());
});
