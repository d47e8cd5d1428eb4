// The player of a painted film. To the left of the line, the original goes with it.
const [player, original] = [$("player"), $("before")];
const LATE = 0.1; // s between the two

function showPlayer(on) {
  $("frame").classList.toggle("plays", on);
  Object.assign($("frame"), on ? { role: "group", ariaLabel: filled(words.filmIn, style) } : { role: null, ariaLabel: null });
  player.hidden = original.hidden = $("controls").hidden = !on;
  zoomTo(1);
}
for (const what of ["play", "pause", "seeking", "timeupdate", "loadedmetadata"])
  player.addEventListener(what, () => {
    if (Math.abs(original.currentTime - player.currentTime) > LATE) original.currentTime = player.currentTime;
    player.paused ? original.pause() : original.play().catch(() => {});
    $("play").classList.toggle("on", !player.paused);
    $("play").setAttribute("aria-label", player.paused ? words.play : words.pause);
    $("at").value = 100 * (player.currentTime / player.duration || 0);
    $("clock").textContent = `${clockOf(player.currentTime)} / ${clockOf(player.duration || 0)}`;
    $("at").setAttribute("aria-valuetext", $("clock").textContent);
  });
$("play").onclick = () => (player.paused ? player.play() : player.pause());
$("at").oninput = () => (player.currentTime = ($("at").value / 100) * player.duration);
$("mute").onclick = () => {
  player.muted = !player.muted;
  $("mute").setAttribute("aria-pressed", player.muted);
};
$("large").onclick = () => (document.fullscreenElement ? document.exitFullscreen() : $("frame").requestFullscreen());
$("large").hidden = !document.fullscreenEnabled;
original.onerror = () => original.hasAttribute("src") && $("frame").classList.remove("plays"); // it cannot be compared
