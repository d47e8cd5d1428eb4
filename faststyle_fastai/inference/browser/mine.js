// My styles: what was added here. A painting is taught; a style is named, taken away and removed.
let own = [], mine = session.mine ? { name: session.mine } : null, lookedAt = "", taught = []; // styles; the chosen one; what is shown of it; trainings
const OWN = "#/my-styles", KINDS = { sight: words.atSight, taught: words.isTaught, late: words.isLate };
const PHOTOS = facts.files.split(",").filter((end) => /^\.(?!safetensors)/.test(end)); // not all systems know their types
const LITTLE = 30; // steps of a training, after which nothing much has changed
$("new").accept = facts.files;
const tellOwn = (key, how) => say(key, how, $("told"));
const failedHere = ({ message }) => tellOwn("ownFailed", { why: message });

// The address names the view, so that a reload and the back button keep it.
const isOwnView = () => location.hash === OWN, elsewhere = taker;
taker = (event) => (isOwnView() ? addOwn : elsewhere(event));
function showView() {
  const inOwn = isOwnView();
  if (inOwn) stopLive(); // nobody would see that the camera is on
  document.body.classList.toggle("own", inOwn);
  [$("paint").hidden, $("mine").hidden] = [inOwn, !inOwn];
  [$("to-paint").ariaCurrent, $("to-mine").ariaCurrent] = inOwn ? [null, "page"] : ["page", null];
  if ($("said").classList.contains("bad")) tell($("said"), "", false); // it was said
  document.title = `${inOwn ? words.toMine : words.toPaint} · faststyle`;
  if (inOwn) watchTrainings().then(() => lookAtOwn()).catch(failedHere);
  else refresh().then(chooseNamed).catch((error) => say("failed", { why: error.message }));
}
function chooseNamed() {
  const one = styleNamed(inHash());
  if (one && one !== style && $("held").hidden) choose(one);
  else if (!linkAt(location.hash)) inAddress(style); // which is being opened
}
addEventListener("hashchange", showView);
// Another window may have changed the styles.
const lookAround = () => document.hidden || document.activeElement === $("called") || (isOwnView() ? lookAgain() : refresh()).catch(console.warn);
addEventListener("focus", lookAround);
setInterval(lookAround, 10 * EVERY);
async function lookAgain() {
  const before = own, found = await jsonOf(call("mine")), told = (all) => JSON.stringify(all.map(({ name, kind }) => [name, kind]));
  if (own === before && told(found) !== told(own)) await lookAtOwn(); // unless it was looked at meanwhile
}
// To the other view; what is open stays.
function goTo(hash) {
  history.pushState({ opened: Boolean(now.photo) }, "", hash);
  showView();
}
const toPaint = (name = style.name) => goTo(`#${encodeURIComponent(name)}`);
function toMine(name) {
  mine = { name };
  goTo(OWN);
}
for (const [id, go] of [["to-paint", () => toPaint()], ["to-mine", () => toMine(style.builtin ? mine?.name : styleFile(style.name))]])
  $(id).onclick = (event) => {
    if (event.ctrlKey || event.metaKey) return; // in another tab
    event.preventDefault();
    go();
  };
const trainingOf = ({ name }) => jobs.findLast((job) => job.kind === "training" && job.style === name);

async function lookAtOwn(name) {
  own = await jsonOf(call("mine"));
  mine = own.find((one) => one.name === (name ?? mine?.name)) ?? own[0] ?? null; // another may have been chosen meanwhile
  const within = $("own-faces").contains(document.activeElement);
  $("own-faces").replaceChildren();
  for (const one of own) {
    one.button = faceOf(one, () => (lookAt(one), reveal(one.button)), KINDS[one.kind]);
    $("own-faces").append(one.button);
  }
  lookedAt = mine && lookedAt.startsWith(`${mine.name} `) ? `${mine.name} ` : ""; // a name that is being typed stays
  $("mine").classList.toggle("bare", !mine);
  $("add").hidden = Boolean(mine);
  $("one").hidden = $("own-styles").hidden = !mine;
  if (mine) return lookAt(mine), within && mine.button.focus({ preventScroll: true });
  hideWorks();
  tell($("told"), "", false);
  const sample = facts.styles.find(({ builtin }) => builtin);
  await showWorks({ ...sample, title: workOf(sample), uses: sample.name });
}

// What a training came to; the page forgets its job once it is started again.
const stepsOf = (one) => trainingOf(one)?.steps || one.steps;
const hasLittle = (one) => one.kind === "taught" && stepsOf(one) !== null && stepsOf(one) < LITTLE;

// Show a style: its painting, a photo in it, and what can be done with it now.
function lookAt(one) {
  mine = one;
  session.mine = one.name;
  titled($("own-title"), one);
  mark($("own-faces"), one.button);
  for (const each of own) {
    const job = trainingOf(each);
    each.button.lastChild.textContent = job && isOpen(job) ? percent(job) : job?.state === "saved" || hasLittle(each) ? words.inPart : KINDS[each.kind];
  }
  const had = $("mine").contains(document.activeElement), job = trainingOf(one), trains = Boolean(job && isOpen(job)), { kind } = one;
  const lately = job && !trains && taught.includes(job.id);
  if (trains) sayShare("lessonSo", { state: stateOf(job) }, job.done, $("told"));
  else if (lately && job.state === "failed") tellOwn("notTaught", job);
  else if (lately && job.state === "saved") tellOwn("lessonSo", { state: stateOf(job) });
  else if (hasLittle(one)) tellOwn("taughtLittle", { steps: stepsOf(one) });
  else tellOwn({ sight: "sightNow", taught: "taughtNow", late: "lateNow" }[kind]);
  trains ? fill($("lesson-bar"), shareOf(job)) : ($("lesson-bar").hidden = true);
  const shown = {
    use: Boolean(one.uses), end: trains, resume: kind === "late" && !trains, lesson: (kind === "sight" || one.learned) && !trains,
    discard: one.learned && !trains, naming: !trains, numbers: job?.sees || (one.curve && !trains), take: kind === "taught" && !trains, remove: !trains,
  };
  for (const [id, is] of Object.entries(shown)) $(id).hidden = !is;
  $("end").disabled = trains && job.stopping;
  if (had && !document.activeElement.offsetParent) ["end", "use", "begin"].map($).find((button) => button.offsetParent)?.focus();
  $("use").classList.toggle("main", kind === "taught");
  $("lesson").firstElementChild.textContent = $("begin").textContent = one.learned ? words.anew : words.lesson;
  $("begin").classList.toggle("main", kind === "sight");
  const now = `${one.name} ${kind} ${trains} ${job?.sees}`;
  if (now === lookedAt) return;
  if (!lookedAt.startsWith(`${one.name} `)) {
    $("called").value = one.title;
    $("rename").disabled = true;
    hideWorks();
  }
  lookedAt = now;
  showWorks(one, job, trains).catch((error) => lookedAt === now && failedHere(error));
}

const hideWorks = () => document.querySelectorAll("figure").forEach((figure) => (figure.hidden = true));
async function showWorks(one, job, trains) {
  const at = lookedAt, wanted = () => at === lookedAt, [work, example] = [$("work"), $("example")];
  const show = async (image, what, how) => {
    image.parentElement.hidden = false; // it waits in its place
    justify();
    await showPicture(image, what, how, wanted);
    justify();
  };
  work.alt = filled(words.workOf, one);
  example.alt = $("example-what").textContent = trains && job.sees ? words.soFar : words.example;
  const shown = [];
  if (job?.sees) shown.push(showPicture($("curve"), "curve", { id: job.id }, wanted));
  else if (one.curve && !trains) shown.push(showPicture($("curve"), "losses", { style: one.name }, wanted));
  if (work.parentElement.hidden || !work.src.startsWith("blob:")) {
    for (const image of [work, example]) URL.revokeObjectURL(image.src), image.removeAttribute("src");
    work.src = one.image;
    shown.push(show(work, "work", { style: one.name }));
  }
  if (trains && job.sees) shown.push(show(example, "picture", { id: job.id }));
  else if (one.uses) shown.push(show(example, "example", { style: one.uses }));
  await Promise.all(shown);
}

// The pictures side by side, of one height and as large as their place allows.
function justify() {
  const shown = [...document.querySelectorAll("figure:not([hidden]) img")].map((image) => [image.parentElement, image.naturalWidth / image.naturalHeight || 1]);
  for (const [figure, ratio] of shown) figure.style.setProperty("--ratio", ratio);
  $("works").parentElement.style.setProperty("--ratios", shown.reduce((sum, [, ratio]) => sum + ratio, 0));
}

// Look at trainings for as long as there are any.
async function watchTrainings() {
  await lookAtJobs();
  goOnWatching();
}
const goOnWatching = once(() => watchOpen().catch(failedHere));
async function watchOpen() {
  for (let open; (open = jobs.filter((job) => job.kind === "training" && isOpen(job))).length; ) {
    taught = [...new Set([...taught, ...open.map(({ id }) => id)])];
    await pause();
    await lookAtJobs();
    const ended = open.some(({ id }) => !jobs.some((job) => job.id === id && isOpen(job)));
    const unknown = open.some((job) => !own.some(({ name }) => name === job.style));
    if (ended) await (isOwnView() ? lookAtOwn() : refresh());
    else if (isOwnView() && unknown) await lookAtOwn();
    else if (isOwnView() && mine?.button) lookAt(mine); // else it is looked for
  }
}

// What a button does, and what is said if it fails.
const tellHere = (key, how) => say(key, how, lineHere());
const act = (id, work) => ($(id).onclick = once(() => work().catch((error) => tellHere("ownFailed", { why: error.message }))));

// Change a style, whose pictures are asked for again afterwards.
async function change(what, how) {
  lookedAt = `${how.style} `;
  leave(how.style);
  try {
    return await call(what, { how });
  } catch (error) {
    if (mine?.name === how.style) lookAt(mine);
    throw error;
  }
}

async function addOwn(file) {
  tellOwn("reading");
  try {
    const added = await styleOf(file);
    await lookAtOwn(added.name);
    if (added.side < SOFT) tellOwn("ownSmall", added);
  } catch (error) {
    tellOwn("notRead", { name: file.name, why: error.message });
  }
}
$("add").onclick = () => $("new").click();
onFiles($("new"), ([file]) => addOwn(file));
$("own-styles").onkeydown = (event) => arrows(event, $("own-faces"));

for (const [name, n] of facts.photos) $("photos").append(new Option(filled(words.folderOf, { name, n }), name));
$("photos").append(new Option(words.samples, "samples"), new Option(words.folder, "folder"));
$("minutes").value = session.minutes ?? 3;
$("minutes").onchange = () => (session.minutes = $("minutes").value);
tellValue($("minutes"));
$("photos").onchange = () => ($("folder").hidden = $("photos").value !== "folder");
$("learn").onchange = () => ($("folder").firstChild.textContent = filled(words.files, { n: pictures().length }));
const pictures = () => [...$("learn").files].filter(({ type, name }) => type.startsWith("image/") || PHOTOS.some((end) => name.toLowerCase().endsWith(end)));

const LESSON = 1e6; // pixels of a photo to learn on, which is enough

// Begin a training, and look at it.
async function train(what, how) {
  await begin(what, how);
  await watchTrainings();
  lookAt(mine);
  $("end").focus();
}
act("begin", async () => {
  const { name, learned } = mine, photos = $("photos").value;
  if (photos === "folder" && !pictures().length) return tellOwn("noPhotos");
  if (learned && !confirm(filled(words.anewSure, mine))) return;
  if (photos === "folder")
    for (const [i, file] of pictures().entries()) {
      tellOwn("sending", { n: i + 1, of: pictures().length });
      await call("learn", { body: await smaller(file, LESSON), how: { name: file.name, first: i === 0 } });
    }
  if (learned) await change("discard", { style: name });
  await train("teach", { style: name, minutes: Number($("minutes").value), photos });
});
act("end", async () => {
  await endJob(trainingOf(mine));
  await lookAtJobs();
  lookAt(mine);
});
act("resume", () => train("resume", { style: mine.name }));
act("use", async () => {
  const { uses } = mine;
  await refresh(); // it may have another name by now
  if ($("held").hidden) style.name === uses ? reset() : set(PLAIN); // it is seen as it is
  toPaint(uses);
});
act("discard", async () => {
  const { title } = mine;
  if (!confirm(filled(words.discardSure, mine))) return;
  await change("discard", { style: mine.name });
  taught = taught.filter((id) => id !== trainingOf(mine)?.id);
  await lookAtOwn();
  tellOwn("discarded", { title });
});
$("called").oninput = () => {
  $("called").removeAttribute("aria-invalid");
  $("rename").disabled = $("called").value.trim() === mine.title;
};
$("naming").onsubmit = (event) => event.preventDefault();
act("rename", async () => {
  const { title, name: before } = mine;
  $("called").setAttribute("aria-invalid", true); // until it is known to be valid
  $("called").focus();
  const { name } = await jsonOf(change("rename", { style: before, name: $("called").value }));
  $("called").removeAttribute("aria-invalid");
  await lookAtOwn(name);
  renames[before] = name;
  delete renames[name]; // it may have been the name of another
  tellOwn("renamed", { title, now: mine.title });
});
act("remove", async () => {
  const { name, title } = mine;
  if (!confirm(filled(words.removeSure, mine))) return;
  await change("remove", { style: name });
  await lookAtOwn();
  tellOwn("forgotten", { title });
  (own.length ? mine.button : $("add")).focus();
});
// A file that the server makes is saved.
async function saveMade(name, what, how) {
  tellHere("making");
  save(await bodyOf(call(what, { how })), name);
  tellHere("made", { name });
}
for (const [id, suffix] of [["as-network", ".safetensors"], ["as-page", ".html"]])
  act(id, () => saveMade(`${mine.name}${suffix}`, "packed", { style: mine.name, suffix }));

// The page to take along: its link is below both views.
document.querySelector("footer").append($("studio"));
act("whole", () => saveMade("studio.html", "studio_file"));

showView();
if (!isOwnView()) watchTrainings().catch(console.warn);
