// The camera, painted live, and its recording.
const LIVE = 240; // px of the camera's short side
let live, recorder; // `live` is the camera's stream, or the film that is painted

function goLive(source) {
  live = source;
  now.painted = sent = null;
  $("camera").textContent = words.stop;
  ready(false);
  document.body.classList.add("open", "live");
}

function stopLive() {
  if (!live) return;
  recorder?.stop();
  live.getTracks?.().forEach((track) => track.stop());
  live = now.painted = null;
  document.body.classList.remove("live");
  $("camera").textContent = words.camera;
  $("record").hidden = true;
  if (!now.photo) {
    document.body.classList.remove("open");
    return say("ready");
  }
  show();
  paint();
}

// Paint a frame and show it.
async function paintFrame(frame, short, mine) {
  const how = { ...chosen(), image: pixels(frame), short, colors: $("colors").checked, mask: areaOf(frame) };
  const { image } = await ask("paint", how);
  if (live !== mine) return false;
  now.painted = canvasOf(image);
  show(frame);
  return true;
}

$("camera").onclick = async () => {
  if (live) return stopLive();
  $("camera").disabled = true;
  let mine;
  try {
    mine = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    goLive(mine);
    const video = document.createElement("video");
    Object.assign(video, { srcObject: mine, muted: true, playsInline: true });
    await Promise.all([video.play(), started]);
    $("camera").disabled = false;
    $("record").hidden = !window.MediaRecorder;
    for (let begun = performance.now(); live === mine; begun = performance.now()) {
      if (!(await paintFrame(canvasOf(video, video.videoWidth, video.videoHeight), LIVE, mine))) break;
      say("live", { rate: (1000 / (performance.now() - begun)).toFixed(1) });
    }
  } catch (error) {
    if (live === mine) stopLive();
    say("noCamera", { why: error.message });
  }
  $("camera").disabled = false;
};

$("record").onclick = () => {
  if (recorder) return recorder.stop();
  const parts = [];
  recorder = new MediaRecorder($("picture").captureStream());
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.onstop = () => {
    const type = recorder.mimeType.split(";")[0];
    save(new Blob(parts, { type }), `faststyle-${style.name}.${type === "video/mp4" ? "mp4" : "webm"}`);
    recorder = null;
    $("record").textContent = words.record;
    if (!live) say("recorded");
  };
  recorder.start();
  $("record").textContent = words.recordStop;
};
