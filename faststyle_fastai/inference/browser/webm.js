// A film, painted frame by frame in this browser and written as WebM without sound.
const FILM = 360; // px of the short side
const RATE = 25; // frames per second, where the browser does not tell
const SLOW = 0.2; // s between frames of a film that begins as a still picture
const SAID = 25; // frames between what is said
const SPAN = 30_000; // ms of a cluster, whose times have 16 bits
const KEY = 50; // frames from one that stands alone to the next
const films = Boolean(window.VideoEncoder);

// A film as it is opened: its frames are those of a hidden player.
async function readFilm(file) {
  const video = create("video", { src: URL.createObjectURL(file), muted: true, playsInline: true, preload: "auto", autoplay: true }); // or some phones load nothing
  await event(video, "loadeddata").catch((error) => (forgetFilm({ video }), Promise.reject(error)));
  video.pause();
  if (!video.videoWidth) throw (forgetFilm({ video }), new Error(words.unreadable)); // its sound alone can be
  if (video.duration === Infinity) { // a recording of a browser's tells it at its end
    const known = event(video, "durationchange");
    video.currentTime = 1e7;
    await known;
  }
  return { video, rate: await rateOf(video), seconds: Math.round(video.duration) };
}
async function frameAt({ video, rate }, share) {
  await seek(video, 0.5 / rate + share * Math.max(0, video.duration - 1 / rate));
  return canvasOf(video, video.videoWidth, video.videoHeight);
}
const forgetFilm = ({ video }) => URL.revokeObjectURL(video.src);
const stopFilm = stopLive;

async function paintFilm({ file, video, rate }, watch) {
  const frames = Math.max(1, Math.round(video.duration * rate)), mine = {}, found = [];
  const least = Math.min(video.videoWidth, video.videoHeight), scale = Math.min(1, FILM / least);
  const short = Math.round(scale * Math.min(least, facts.strokes[$("stroke").value] || least)); // strokes as in the moment that is shown
  const [width, height] = [video.videoWidth, video.videoHeight].map((n) => 2 * Math.round((n * scale) / 2));
  const encoder = new VideoEncoder({ output: (chunk) => found.push(chunk), error: (error) => (mine.error = error) });
  encoder.configure({ codec: "vp8", width, height, bitrate: Math.round(0.2 * width * height * rate), framerate: rate });
  goLive(mine, $("film"));
  try {
    say("film", { title: style.title });
    await started;
    const begun = performance.now();
    for (let i = 0; i < frames; i++) {
      await seek(video, (i + 0.5) / rate);
      if (!(await paintFrame(canvasOf(video, width, height), mine, short))) break;
      if (mine.error) throw mine.error;
      const frame = new VideoFrame($("picture"), { timestamp: Math.round((1e6 * i) / rate), duration: Math.round(1e6 / rate) });
      try {
        encoder.encode(frame, { keyFrame: i % KEY === 0 });
      } finally {
        frame.close();
      }
      const left = Math.round((((performance.now() - begun) / (i + 1)) * (frames - 1 - i)) / 1000);
      if (i % SAID === 0) sayShare("frames", { title: style.title, done: i + 1, frames, left }, (i + 1) / frames);
      watch((i + 1) / frames);
    }
    await encoder.flush();
    if (!found.length) return { said: () => say("notFilmed") };
    const blob = webm(found, width, height, rate), name = `${file.name.replace(/\.[^.]*$/, "")}-${inStyle()}.webm`;
    if (film?.video === video) save(blob, name); // else something else was opened
    return { blob, name, whole: found.length === frames, said: () => say("filmed", { done: found.length, frames }) };
  } finally {
    if (encoder.state !== "closed") encoder.close();
    if (live === mine) stopLive();
  }
}

function event(target, name) {
  const ended = new AbortController(), { signal } = ended;
  return new Promise((done, fail) => {
    target.addEventListener(name, done, { signal });
    target.addEventListener("error", () => fail(new Error(words.unreadable)), { signal });
  }).finally(() => ended.abort()); // or a listener would stay for each frame
}

function seek(video, time) {
  const there = event(video, "seeked");
  video.currentTime = Math.min(time, video.duration);
  return there;
}

// Frames per second, from the times of the first few.
async function rateOf(video) {
  if (!video.requestVideoFrameCallback) return RATE;
  const times = [], begun = performance.now();
  const look = (_, { mediaTime }) => (times.push(mediaTime), video.requestVideoFrameCallback(look));
  video.requestVideoFrameCallback(look);
  await video.play().catch(() => {}); // a short film may end before the browser says that it plays
  while (times.length < 12 && performance.now() - begun < 2000) {
    if (video.ended) await video.play().catch(() => {}); // once more: a busy browser skips frames
    await wait(50);
  }
  video.pause();
  const steps = times.slice(1).map((t, i) => t - times[i]).filter((step) => step > 0.001);
  const shortest = Math.min(...steps); // where the browser skipped none
  return shortest < SLOW ? Math.min(60, Math.round(1 / shortest)) : RATE; // what begins as a still picture may move later
}

// WebM (Matroska): numbers of elements, each with its content.
function webm(chunks, width, height, rate) {
  const number = (value) => [...(value > 255 ? number(Math.floor(value / 256)) : []), value % 256]; // its bytes
  const real = (value) => [...new Uint8Array(new Float64Array([value]).buffer)].reverse();
  const text = (value) => [...new TextEncoder().encode(value)];
  const element = (id, ...parts) => {
    const length = parts.reduce((sum, part) => sum + (part.size ?? part.length), 0);
    const bytes = number(length), size = [...Array(7 - bytes.length).fill(0), ...bytes];
    return new Blob([new Uint8Array([...number(id), 0x01, ...size]), ...parts.map((part) => (part instanceof Blob || part instanceof Uint8Array ? part : new Uint8Array(part)))]);
  };
  const head = element(
    0x1a45dfa3, element(0x4286, [1]), element(0x42f7, [1]), element(0x42f2, [4]), element(0x42f3, [8]),
    element(0x4282, text("webm")), element(0x4287, [2]), element(0x4285, [2]),
  );
  const info = element(
    0x1549a966, element(0x2ad7b1, number(1e6)), element(0x4489, real((1000 * chunks.length) / rate)),
    element(0x4d80, text("faststyle")), element(0x5741, text("faststyle")),
  );
  const video = element(0xe0, element(0xb0, number(width)), element(0xba, number(height)));
  const track = element(
    0xae, element(0xd7, [1]), element(0x73c5, [1]), element(0x9c, [0]), element(0x83, [1]), element(0x86, text("V_VP8")), video,
  );
  const clusters = [];
  let start = 0, blocks = [];
  const close = () => blocks.length && clusters.push(element(0x1f43b675, element(0xe7, number(start)), ...blocks));
  for (const chunk of chunks) {
    const time = Math.round(chunk.timestamp / 1000), data = new Uint8Array(chunk.byteLength), key = chunk.type === "key";
    chunk.copyTo(data);
    if (key || time - start > SPAN) close(), ([start, blocks] = [time, []]);
    blocks.push(element(0xa3, [0x81, (time - start) >> 8, (time - start) & 255, key ? 0x80 : 0], data));
  }
  close();
  return new Blob([head, element(0x18538067, info, element(0x1654ae6b, track), ...clusters)], { type: "video/webm" });
}
