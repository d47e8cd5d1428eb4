// A film: one of its frames is painted as a photo is, and then all of them.
let film, filming = false; // what is open; whether it is being painted

async function openFilm(file) {
  if (!films) return say("noFilm");
  say("opening");
  try {
    const found = await readFilm(file); // what is open stays if it cannot be read
    stopLive();
    closeFilm();
    await showFilm({ file, address: URL.createObjectURL(file), ...found });
  } catch (error) {
    console.warn(error);
    say("notFilm", { name: file.name, why: error.message ?? words.unreadable });
  }
}

// Show a film that was read, by its first frame.
async function showFilm(found) {
  film = found;
  [$("moment").value, $("original").checked] = [0, false];
  $("moment").dataset.seconds = found.seconds;
  tellValue($("moment"));
  now.reduced = "";
  now.photo = await frameAt(found, 0);
  await opened(found.file, found.size ?? `${now.photo.width}×${now.photo.height}`);
  if (film !== found) return; // something else was opened
  offerFilm();
  say("filmFirst", found);
}

function closeFilm() {
  if (film) forgetFilm(film), URL.revokeObjectURL(film.address);
  offerFilm();
  film = null;
  document.body.classList.remove("film");
  $("film").hidden = $("of-film").hidden = true;
  nameDownload();
}

// The painted film, to be played and saved; none once something else is asked for.
function offerFilm(painted = null, called = "") {
  if (!film) return;
  if (film.shown) URL.revokeObjectURL(film.shown);
  Object.assign(film, { painted, called, shown: painted && URL.createObjectURL(painted) });
  seeFilm();
}

// Show the painted film, or else one of its moments.
function seeFilm() {
  const { painted } = film;
  document.body.classList.add("film");
  $("film").hidden = $("of-film").hidden = false;
  $("film").classList.toggle("main", !painted);
  $("film").textContent = painted ? words.paintFilmAgain : words.paintFilm;
  $("original").parentElement.hidden = !painted || !film.address;
  $("moment").parentElement.hidden = Boolean(painted);
  $("player").hidden = !painted;
  $("frame").hidden = Boolean(painted);
  if (painted) {
    $("player").poster = $("picture").toDataURL("image/jpeg"); // until it plays
    play(film.shown);
  } else {
    $("player").pause();
    $("player").removeAttribute("src");
    $("original").checked = false;
  }
  nameDownload();
}

// Play a file from the moment where the other one was, so that they can be compared.
function play(address) {
  const player = $("player"), { currentTime, paused } = player, again = player.hasAttribute("src");
  player.src = address;
  player.onloadedmetadata = () => {
    player.currentTime = again ? currentTime : 0;
    if (again && !paused) player.play();
  };
}
$("original").onchange = () => play($("original").checked ? film.address : film.shown);
$("player").onerror = () => $("original").checked && (($("original").checked = false), play(film.shown), say("notPlayed"));

$("moment").onchange = async () => {
  try {
    now.photo = await frameAt(film, $("moment").value / 100);
  } catch (error) {
    return say("notFilm", { name: film.file.name, why: error.message });
  }
  now.painted = null;
  show();
  await paint();
  paintThumbnails().catch(console.warn);
};

// Settings wait while a job goes on in them.
const settings = document.querySelectorAll("#styles, #paint .more, #paint aside > :not(#said, #bar, #film, #closer, #held)");
function hold(on) {
  settings.forEach((each) => (each.inert = on));
  $("held").hidden = !on;
}

$("film").onclick = () => {
  if (filming) return stopFilm();
  return followFilm((ours, watch) => paintFilm(ours, watch));
};

// Show how a film is painted, until it is there.
async function followFilm(work) {
  const ours = film;
  await idle();
  filming = true;
  offerFilm();
  hold(true);
  ready(false);
  $("film").textContent = words.stop;
  $("film").classList.remove("main");
  const done = await work(ours, (share) => Object.assign($("bar"), { hidden: false, value: share })).catch((error) => {
    console.warn(error);
    say("notFilm", { name: ours.file.name, why: error.message ?? words.unreadable });
  });
  filming = false;
  hold(false);
  $("bar").hidden = true;
  if (film !== ours) return;
  await idle();
  offerFilm(done?.blob, done?.name);
  ready(true);
  done?.said();
}
