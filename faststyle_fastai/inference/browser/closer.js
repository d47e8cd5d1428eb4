// Closer to a painting: on this photo, or a network for all.
const renames = {}; // of styles' files, in this window
let way = null, halted = false; // what stops the one that goes on; whether that was asked for
let listed = null; // the version of the styles' list
$("of-film").append($("flowing"));
$("smooth").onchange = $("painterly").onchange = () => paint();
$("film").after($("halt"));

function offerWays() {
  const two = Boolean(second());
  $("closer").hidden = Boolean(way) || !style.known || (film && !style.forgettable);
  $("of-two").hidden = !two;
  for (const part of [$("finer"), $("side").parentElement]) part.hidden = Boolean(film) || two;
  $("teach").hidden = !style.forgettable || two;
  $("plain").hidden = !now.refined;
  $("flowing").hidden = !film;
  $("by-hand").hidden = Boolean(film);
  Object.assign($("halt"), { hidden: !way, textContent: words.stop });
}

// Paint the photo, and with it its thumbnail.
async function paintAgain() {
  await paint();
  if (now.painted) putFace(style, centered(whole));
}

// Work at the photo while its settings wait, then show what came of it.
const getCloser = once(async (work) => {
  const { photo } = now;
  await idle();
  if (now.photo !== photo) return; // another was opened, or none is
  takeBrush("none");
  endSaving();
  busy = true;
  [way, halted] = [() => {}, false];
  hold(true);
  ready(false);
  offerWays();
  $("halt").focus();
  $("halt").scrollIntoView({ block: "nearest" }); // on a phone, from below the picture
  const { painted } = now;
  let failed = null, said = null; // what work says, if it is more than its picture
  try {
    said = await work(photo);
  } catch (error) {
    failed = error;
  }
  way = null;
  busy = false;
  hold(false);
  offerWays();
  if (!failed || again || now.painted !== painted) await paintAgain();
  else ready(true);
  if (failed) say("failed", { why: failed.message });
  else if (said) say(said);
  if (document.activeElement === document.body) $("picture").focus({ preventScroll: true });
});
$("halt").onclick = () => {
  $("halt").textContent = words.halting;
  halted = true;
  way();
};

$("finer").onclick = () => getCloser(async (photo) => {
  await sendPhoto(); // another may have come back
  return watchWork(await begin("refine", { ...plain(asked()), side: Number($("side").value) }), photo);
});
async function watchWork(id, photo = now.photo) {
  let sees = 0;
  way = () => endJob({ id });
  if (halted) way(); // before it had an id
  const job = await follow(id, async (job) => {
    if (now.photo !== photo) return endJob(job).then(() => false); // another one was opened
    if (!isOpen(job)) return;
    sayShare("refining", { state: stateOf(job) }, job.done);
    fill($("bar"), shareOf(job));
    if (job.sees === sees) return;
    sees = job.sees;
    const painted = await pictureOf(call("picture", { how: { id } }));
    if (now.photo !== photo) return;
    whole = painted;
    now.painted = (await remask(photo, mask())).image;
    show();
  });
  if (job.state === "failed") throw new Error(job.why);
  return !job.made && now.photo === photo ? "tooEarly" : null;
}

$("teach").onclick = () => toMine(style.name);
$("plain").onclick = async () => {
  await call("plain", { how: { style: style.name } });
  await paintAgain();
};
// Styles come and go on the view of one's own.
async function refresh() {
  const answer = await call("styles", { how: { version: listed } });
  if (answer.status === 204) return; // as before
  const found = await answer.json();
  listed = answer.headers.get("version");
  const told = (all) => JSON.stringify(all.map(({ name, version }) => `${name} ${version}`).sort());
  if (told(found) === told(facts.styles)) return;
  facts.styles.splice(0, Infinity, ...found);
  const before = style, { version } = style, one = (name) => found.find((each) => each.name === name);
  const calledNow = (name) => {
    const file = styleFile(name);
    return !one(name) && file in renames ? calledNow(renames[file] + name.slice(file.length)) : name;
  };
  const renamed = ({ ...values }) => { // its keys stay in their order, by which settings are compared
    [values.style, values.mix] = [calledNow(values.style), calledNow(values.mix)];
    values.title = one(values.style)?.title ?? values.title;
    return values;
  };
  for (const each of made) each.key = JSON.stringify((each.values = renamed(each.values)));
  steps = steps.map((each) => JSON.stringify(renamed(JSON.parse(each))));
  const called = calledNow(style.name), other = second();
  style = one(called) ?? facts.styles[0];
  offerAll();
  if (other) ($("mix").value = calledNow(other.name)), offerMixtures();
  if (film) film.made = Object.fromEntries(Object.entries(film.made).map(([looks, painted]) => {
    const [one, two, ...rest] = JSON.parse(looks);
    return [JSON.stringify([calledNow(one), two && calledNow(two), ...rest]), painted];
  }));
  if (steps.length && (style.name !== before.name || second()?.name !== other?.name)) remember(true);
  titled($("title"), style);
  $("title").firstChild.textContent = mixedOf(settled());
  $("forget").hidden = !style.forgettable;
  const gone = style.name !== called;
  if (style.name !== before.name) inAddress(style);
  if (!now.photo) return gone && sayReady();
  const same = version === style.version && other?.version === second()?.version;
  if (!same && !way && !filming) await paint(); // one was taught meanwhile, or has gone
  if (gone) say("styleGone", { title: before.title, now: workOf(style) });
  paintThumbnails().catch(console.warn);
}

// Styles as links.
const linkOf = async (one, other, share) => (await jsonOf(call("link", { how: { style: one.name, other: other?.name, share } }))).link;
async function styleIn(link) {
  const { name } = await jsonOf(call("linked", { how: { link } }));
  await refresh();
  return styleNamed(name);
}
