// The camera alone: nothing is opened, and a photo taken is saved as it is painted.
taker = () => () => {};
[words.ready, words.live] = [words.readyLens, words.pictureLive];
document.querySelector(".claim").textContent = words.pictureLive;
function offerWays() {}
const refresh = async () => {};
async function restore() {
  document.body.classList.add("lens");
  document.querySelector(`[name=area][value=${facts.area}]`).checked = true;
  $("strength").value = 100 * facts.strength;
  $("strength").parentElement.hidden = facts.fixed;
  tellValues();
}
$("snap").onclick = () => $("picture").toBlob((blob) => save(blob, `faststyle-${style.name}.png`));
