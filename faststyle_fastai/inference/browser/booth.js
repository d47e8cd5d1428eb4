// The photo booth: four pictures, each after a countdown and in a style of its own, on one strip.
const STRIP = [600, 1800], CELL = [540, 396], PITCH = 432, EDGE = 30; // px: two inches by six
const SHOTS = 4, COUNT = 3, TICK = 1000; // pictures, and what is counted down from, in ms each

// The camera's pictures; fewer if it is stopped.
async function takeShots(mine) {
  const stream = live, shots = [];
  for (let n = SHOTS * COUNT; n; n--) {
    $("count").replaceChildren(create("b", { textContent: ((n - 1) % COUNT) + 1 }));
    await wait(TICK);
    if (mine.stopped || live !== stream) break;
    if (n % COUNT === 1) shots.push(canvasOf(video, video.videoWidth, video.videoHeight));
  }
  $("count").replaceChildren();
  return shots;
}

// Each is opened as a photo and painted; fewer if it is stopped, or something else is opened.
async function paintShots(mine, shots, styles) {
  const painted = [];
  for (const [i, shot] of shots.entries()) {
    const file = await fileOf(shot, `booth-${i + 1}.jpg`);
    fill($("bar"), i / SHOTS);
    chosen(asNow(styles[i]));
    await open(file);
    if (mine.stopped || now.file !== file || !now.painted) break;
    painted.push(compose(canvasOf(shot), now.photo));
  }
  return painted;
}
const asNow = (one) => styleNamed(one.name) ?? style; // another window may have changed the styles
const fileOf = async (canvas, name) => new File([await blobOf(canvas, "image/jpeg")], name, { type: "image/jpeg" });

// Pictures one below the other on white, with their names.
function stripOf(pictures, names) {
  const strip = blank(...STRIP), context = strip.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, ...STRIP);
  Object.assign(context, { fillStyle: "#333", font: "22px system-ui, sans-serif", textAlign: "center" });
  pictures.forEach((picture, i) => {
    context.drawImage(centered(picture, ...CELL), EDGE, EDGE + i * PITCH);
    context.fillText(names[i], STRIP[0] / 2, (i + 1) * PITCH + EDGE - 11, CELL[0]);
  });
  return strip;
}

$("booth").onclick = async ({ detail }) => {
  if (booth) return detail > 1 || stopBooth();
  const mine = (booth = { stopped: false }), at = facts.styles.indexOf(style), before = [steps, step];
  const styles = Array.from({ length: SHOTS }, (_, i) => facts.styles[(at + i) % facts.styles.length]), names = styles.map(workOf);
  $("booth").textContent = words.stop;
  hold(true);
  say("boothSoon");
  const shots = await takeShots(mine), painted = shots.length === SHOTS ? await paintShots(mine, shots, styles).catch((error) => (say("failed", { why: error.message }), [])) : [];
  const left = [$("booth"), document.body].includes(document.activeElement), whole = painted.length === SHOTS;
  booth = null;
  if (whole) {
    chosen(asNow(styles[0]));
    [steps, step] = before;
    const file = await fileOf(stripOf(shots, names), "booth.jpg");
    await open(file, addMade({ file, name: "booth" }, stripOf(painted, names), true));
  }
  hold(false);
  Object.assign($("booth"), { hidden: !live, textContent: words.booth });
  if (left) $(whole ? "print" : live ? "booth" : "camera").focus();
  if (mine.stopped) say("stopped");
};
function stopBooth() {
  booth.stopped = true;
  $("booth").textContent = words.halting;
}
addEventListener("keydown", ({ key }) => key === "Escape" && booth && stopBooth());

$("print").onclick = () => {
  $("split").value = 0;
  show();
  print();
};
