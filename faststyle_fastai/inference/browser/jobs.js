// Jobs of the server: refinings, films and trainings. They go on while the page is
// loaded again; trainings also when it is closed.
const EVERY = 1000; // ms between looks
let jobs = [], questions = 0, newest = 0; // how often was asked for them; whose answer they are
const isOpen = ({ state }) => state === "waiting" || state === "running";
const pause = () => wait(EVERY);

async function lookAtJobs() {
  const question = ++questions, answer = await call("jobs").catch(unlessLost);
  if (!answer) return; // the page goes on once it finds the server again
  const found = await answer.json();
  if (question < newest) return; // a later answer has overtaken it
  [newest, jobs] = [question, found];
  const running = jobs.find((job) => job.kind === "training" && isOpen(job));
  $("busy").textContent = running ? percent(running) : "";
}

function unlessLost(error) {
  if (!lost) throw error;
}

// Follow a job to its end, which may be a failure.
async function follow(id, show) {
  for (;; await pause()) {
    await lookAtJobs();
    const job = jobs.find((one) => one.id === id);
    if (!job) throw new Error(words.jobGone);
    const goes = await Promise.resolve(job).then(show).catch(unlessLost);
    if (goes === false || !isOpen(job)) return job; // or it is not waited for
  }
}
const begin = async (what, how) => (await jsonOf(call(what, { how }))).id;
const endJob = ({ id }) => call("end", { how: { id } });

const percent = ({ done }) => percentOf(Math.floor(100 * done) / 100);
const shareOf = ({ state, left, done }) => (state === "running" && left === null ? null : done);
const clock = (left) => (left < 90 ? filled(words.seconds, { n: Math.max(1, Math.round(left)) }) : filled(words.minutesLeft, { n: Math.round(left / 60) }));
function stateOf(job) {
  if (job.stopping) return words.stopping;
  if (job.state === "waiting") return filled(job.before ? words.waitsAfter : words.waitsNext, { ...job, running: words.kinds[job.running] });
  if (job.state === "running") return job.left === null ? words.starting : filled(words.running, { percent: percent(job), left: clock(job.left) });
  return filled(words.jobSaved, { ...job, percent: percent(job) });
}

// A picture of the server's in an <img>, if it is still wanted; the one before stays until it is there.
async function showPicture(image, what, how, wanted) {
  const blob = await bodyOf(pictureIn(what, how)), before = image.src;
  if (!wanted()) return;
  image.src = URL.createObjectURL(blob);
  if (before) URL.revokeObjectURL(before);
  await image.decode().catch(() => {}); // another one is there
}

// A film's settings, and how it is painted.
async function paintFilm(ours, watch) {
  return watchFilm(await begin("paint_film", { ...plain(asked()), area: mask().area, smooth: $("smooth").checked, looks: looks() }), ours, watch);
}
async function watchFilm(id, ours, watch) {
  filming = id;
  const job = await follow(id, (job) => {
    if (film !== ours) return endJob(job).then(() => false); // something else was opened
    if (isOpen(job)) sayShare("filming", { state: stateOf(job) }, job.done);
    watch(shareOf(job));
  });
  if (!job.made) return { said: () => say(job.why ? "notFilm" : "notFilmed", { name: ours.file.name, why: job.why }) };
  const blob = await bodyOf(call("result", { how: { id } }));
  const whole = ["done", "saved"].includes(job.state); // or stopped after its last frame
  return { blob, name: job.file, whole, said: () => say({ done: "filmPainted", saved: "filmPainted", stopped: "filmStopped" }[job.state] ?? "filmInPart", { why: job.why }) };
}
async function stopFilm() {
  while (filming === true) await pause(); // the server has not named it yet
  if (filming) await endJob({ id: filming });
}

// A reload shows the same photo or film again, which the server has, and what goes on in it.
async function restore() {
  settle();
  await (history.state?.opened ? reopen() : goOn());
}
async function reopen() {
  await reopenSource();
  await goOn();
}
async function reopenSource() {
  const answer = await call("source");
  if (answer.status === 204) return;
  const { size, name, seconds, key } = Object.fromEntries(answer.headers);
  const file = { name: decodeURIComponent(name), type: /\.png$/i.test(name) ? "image/png" : "", pixels: size.replace("x", "×"), key };
  const found = await (seconds ? bodyOf(call("original")) : pictureOf(answer));
  if (now.photo || opening || live) return; // something else was opened meanwhile
  [uploaded, upload] = [file, Promise.resolve()];
  if (seconds) {
    file.film = found; // to send it again
    const frame = await frameAt(null, 0);
    if (now.photo || opening || live) return; // likewise
    return showFilm({ file, size: file.pixels, seconds, address: URL.createObjectURL(found) }, frame);
  }
  now.photo = found;
  const { edits, invert } = session, shown = opened(file, file.pixels);
  if (edits) session.edits = edits; // opening forgot them, and another reload may come first
  await shown;
  if (!edits || now.file !== file) return; // or another was opened
  await correctAgain(drawn(await createImageBitmap(new Blob([bytesOf(edits)]))), invert);
}

// Go on with the work that the page was showing.
async function goOn() {
  await lookAtJobs();
  if (!now.photo) return;
  const asked = `${keyOf(now.file)} ${film ? looks() : style.name}`;
  const job = jobs.findLast((each) => each.mine && each.asked === asked && (isOpen(each) || each.made));
  if (job && film) followFilm((ours, watch) => watchFilm(job.id, ours, watch));
  else if (job && isOpen(job)) getCloser(() => watchWork(job.id));
}
