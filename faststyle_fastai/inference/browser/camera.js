// The camera, painted live, and its recording.
const LIVE = Number(address.get("size")) || 240; // px of a frame's short side that is painted
const FORMATS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/mp4"]; // or Chrome may take Matroska
if (navigator.vendor.startsWith("Apple")) FORMATS.reverse(); // whose other programs play no WebM
let live, recorder, frame, video, booth = null; // `live` is the camera's stream, or the film that is painted

// One button starts it and stops it; the other one waits.
function goLive(source, button) {
  live = source;
  zoomTo(1);
  takeBrush("none");
  endSaving();
  Object.assign(now, { painted: null, kept: false });
  player.pause();
  showPlayer(false);
  for (const each of [$("camera"), $("film")]) each.hidden = each !== button;
  button.textContent = button === $("camera") ? words.stopCamera : words.stop;
  $("picture").setAttribute("aria-label", words.pictureLive);
  ready(false);
  document.body.classList.add("open", "live");
}

// It ends, for something else to be shown.
function endLive() {
  recorder?.stop();
  live?.getTracks?.().forEach((track) => track.stop());
  live = now.painted = null;
  document.body.classList.remove("live", "mirror");
  [$("camera").textContent, $("film").textContent] = [words.camera, words.paintFilm];
  $("camera").hidden = false;
  $("record").hidden = $("snap").hidden = true;
  $("booth").hidden = !booth; // it stops the booth
  $("rate").textContent = "";
}

// It ends, and what was open before is shown again.
async function stopLive() {
  if (!live) return;
  const records = recorder?.parts.length;
  endLive();
  if (!now.photo) {
    document.body.classList.remove("open");
    return sayReady();
  }
  if (film?.painted) {
    seeFilm();
    ready(true);
    return say("filmAgain");
  }
  show();
  await paint();
  if (records) say("recorded");
}

// Paint a frame and show it.
async function paintFrame(frame, mine, short = LIVE) {
  const how = { ...asked(), live: short };
  const { image } = await repaint(frame, { ...how, mask: { ...how.mask, edits: null, invert: false } });
  if (live !== mine) return false;
  now.painted = image;
  show(frame);
  return true;
}

$("camera").onclick = async () => {
  if (live) return stopLive();
  $("camera").disabled = true;
  let mine;
  try {
    mine = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    if (document.body.classList.contains("own")) return mine.getTracks().forEach((track) => track.stop()); // nobody would see that it is on
    mine.getVideoTracks()[0].onended = () => live === mine && stopLive().then(() => say("noCamera", { why: words.cameraNone }));
    goLive(mine, $("camera"));
    if (document.activeElement === document.body) $("camera").focus(); // the button on the first screen has gone
    video = create("video", { srcObject: mine, muted: true, playsInline: true });
    await Promise.all([video.play(), started]);
    if (live !== mine) return; // something else was opened
    $("camera").disabled = false;
    $("record").hidden = !window.MediaRecorder;
    $("snap").hidden = $("booth").hidden = false;
    document.body.classList.toggle("mirror", !address.has("clean")); // as a mirror shows it; files are not turned
    say("live");
    for (let begun = performance.now(); live === mine; begun = performance.now()) {
      frame = canvasOf(video, video.videoWidth, video.videoHeight);
      if (!(await paintFrame(frame, mine))) break;
      $("rate").textContent = filled(words.rate, { rate: (1000 / (performance.now() - begun)).toFixed(1) });
    }
  } catch (error) {
    if (live === mine) await stopLive();
    const why = isSecureContext ? { NotFoundError: words.cameraNone, NotAllowedError: words.cameraRefused }[error.name] : words.cameraSecure;
    say("noCamera", { why: why ?? error.message });
  } finally {
    $("camera").disabled = !$("held").hidden;
  }
};

// As a source for broadcasting software, ?clean shows the painted camera and nothing else.
if (address.has("clean")) {
  document.body.classList.add("clean");
  started.then(() => setTimeout(() => $("camera").click()), () => {}); // once all scripts are there
}

// The frame as a photo.
$("snap").onclick = () => frame.toBlob((blob) => open(new File([blob], "camera.jpg", { type: blob.type })), "image/jpeg", 0.95);

$("record").onclick = ({ detail }) => {
  if (recorder) return detail > 1 || recorder.enough();
  const parts = [], mimeType = FORMATS.find((type) => MediaRecorder.isTypeSupported(type));
  let ending = false;
  recorder = Object.assign(new MediaRecorder($("picture").captureStream(), { mimeType }), { parts });
  // A slow machine may not have recorded a picture yet.
  const end = () => ending && parts.length && recorder.state === "recording" && recorder.stop();
  recorder.enough = () => end((ending = true));
  recorder.ondataavailable = ({ data }) => end(data.size && parts.push(data));
  recorder.onstop = () => {
    const type = recorder.mimeType.split(";")[0];
    if (parts.length) save(new Blob(parts, { type }), `faststyle-${style.name}.${type === "video/mp4" ? "mp4" : "webm"}`);
    recorder = null;
    $("record").textContent = words.record;
    delete $("record").dataset.on;
    if (parts.length) say("recorded");
  };
  recorder.start(250);
  $("record").textContent = words.recordStop;
  say("recording");
  $("record").dataset.on = "";
};
