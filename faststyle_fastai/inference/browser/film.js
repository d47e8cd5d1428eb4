// A film: one of its frames is painted as a photo is, and then all of them.
let film, filming = false, moments = 0; // what is open; whether it is being painted; how often a moment was asked for

async function openFilm(file) {
  if (!films) return say("noFilm");
  const read = async () => {
    const found = await readFilm(file);
    return [found, await frameAt(found, 0).catch((error) => (forgetFilm(found), Promise.reject(error)))];
  };
  const unread = ({ message }) => say("notFilm", { name: file.name, why: message });
  const both = await readToOpen(read, unread, ([late]) => forgetFilm(late));
  if (!both) return;
  const [found, frame] = both;
  await showFilm({ file, address: URL.createObjectURL(file), ...found }, frame);
}

// How a film is asked for; what was painted so is kept while the film is open.
const looks = () => JSON.stringify([style.name, second()?.name, ...["part", "strength", "stroke", "colors"].map((id) => $(id)[field(id)]), mask().area, $("smooth")?.checked, $("painterly")?.checked]);

// Show a film that was read, by its first frame.
async function showFilm(found, frame) {
  film = Object.assign(found, { made: {} });
  $("moment").value = 0;
  $("moment").dataset.seconds = found.seconds;
  tellValue($("moment"));
  now.reduced = "";
  keep("photo", null);
  now.photo = frame;
  await opened(found.file, found.size ?? `${now.photo.width}×${now.photo.height}`);
  if (film === found && now.painted) say("filmFirst", found);
}

function closeFilm() {
  if (film) forgetFilm(film), URL.revokeObjectURL(film.address);
  offerFilm({});
  film = null;
  document.body.classList.remove("film");
  $("film").hidden = $("of-film").hidden = true;
  nameDownload();
}

// The painted film, to be played and saved; none once something else is asked for.
function offerFilm(made = film?.made?.[looks()]) {
  if (!film) return;
  const { blob: painted = null, name: called = "", whole = false } = made ?? {};
  if (film.shown) URL.revokeObjectURL(film.shown);
  Object.assign(film, { painted, called, whole, shown: painted && URL.createObjectURL(painted) });
  seeFilm();
}

// Show the painted film, or else one of its moments.
function seeFilm() {
  const { painted } = film;
  document.body.classList.add("film");
  $("of-film").hidden = false;
  $("film").hidden = film.painted && film.whole && !filming; // it is as asked for
  $("film").classList.toggle("main", !painted);
  $("film").textContent = painted ? words.paintFilmAgain : words.paintFilm;
  $("moment").parentElement.hidden = Boolean(painted);
  showPlayer(Boolean(painted));
  if (painted) {
    player.poster = $("picture").toDataURL("image/jpeg"); // until it plays
    [player.src, original.src] = [film.shown, film.address];
  } else {
    player.pause();
    for (const each of [player, original]) each.removeAttribute("src");
  }
  nameDownload();
}

$("moment").onchange = async () => {
  const ours = film, mine = ++moments;
  try {
    const frame = await frameAt(ours, $("moment").value / 100);
    if (film !== ours || mine !== moments) return; // another was asked for
    now.photo = frame;
  } catch (error) {
    return say("notFilm", { name: ours.file.name, why: error.message });
  }
  now.painted = null;
  show();
  await paint();
  paintThumbnails().catch(console.warn);
};

// Settings wait while a job goes on in them, which the bar shows.
const settings = document.querySelectorAll("#styles, #made, #as, #paint .more, #paint aside > :not(#title, #said, #bar, #film, #all, #halt, #held)");
function hold(on) {
  settings.forEach((each) => (each.inert = on));
  $("held").hidden = !on;
  $("camera").disabled = on;
  if (!on) $("bar").hidden = true;
}

$("film").onclick = ({ detail }) => {
  if (filming) {
    if (detail > 1) return; // half of a double click
    $("film").textContent = words.halting;
    return stopFilm();
  }
  return followFilm(paintFilm);
};

// Show how a film is painted, until it is there.
const followFilm = once(async (work) => {
  const ours = film;
  await idle();
  if (film !== ours) return;
  const wanted = looks();
  filming = true;
  offerFilm({});
  hold(true);
  ready(false);
  $("film").textContent = words.stop;
  $("film").classList.remove("main");
  const done = await work(ours, (share) => fill($("bar"), share)).catch((error) => {
    console.warn(error);
    return { said: () => say("notFilm", { name: ours.file.name, why: error.message }) };
  });
  filming = false;
  hold(false);
  if (film !== ours) return offerFilm(), ready(now.painted && !busy); // something else was opened
  await idle();
  if (done?.blob) ours.made[wanted] = done;
  const left = [$("film"), document.body].includes(document.activeElement);
  offerFilm(done?.blob && done);
  if (left) $(done?.blob ? "play" : "film").focus();
  ready(true);
  done?.said();
});
