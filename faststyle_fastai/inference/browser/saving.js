// The painting as a file: downloaded, copied or shared.

// The painting at the photo's size, as a file.
async function finished(type) {
  const stop = $("download");
  ready(false);
  Object.assign(stop, { textContent: words.stop, disabled: false, onclick: stopFullSize });
  try {
    const blob = await fullSize({ ...asked(), type }, (done) => sayShare("saving", { percent: Math.round(100 * done) }, done));
    if (!blob) say("stopped");
    return blob;
  } catch (error) {
    say("notSaved", { why: error.message });
  } finally {
    Object.assign(stop, { onclick: download });
    nameDownload();
    ready(true);
  }
}
function save(blob, name) {
  const link = document.createElement("a");
  [link.href, link.download] = [URL.createObjectURL(blob), name];
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
const inStyle = () => [style, second()].filter(Boolean).map(({ name }) => name).join("-");
const fileName = (type) => `${now.name}-${inStyle()}.${type === "image/png" ? "png" : "jpg"}`;

// What the button saves: a photo, a frame, or the film once it is painted.
function nameDownload() {
  $("download").classList.toggle("main", !film || Boolean(film.painted));
  $("download").textContent = !film ? words.download : film.painted ? (film.whole ? words.downloadFilm : words.downloadPart) : words.downloadFrame;
}
async function download() {
  if (film?.painted) {
    save(film.painted, film.called);
    return say("made", { name: film.called });
  }
  const type = $("format").value, blob = await finished(type);
  if (!blob) return;
  save(blob, fileName(type));
  say("saved", { size: now.size, reduced: now.reduced });
}
$("download").onclick = download;

$("copy").onclick = async () => {
  const blob = await finished("image/png");
  if (!blob) return;
  await navigator.clipboard.write([new ClipboardItem({ "image/png": blob })]).then(
    () => say("copied", { size: now.size }),
    () => say("notCopied"),
  );
};
$("copy").hidden = !(window.ClipboardItem && navigator.clipboard?.write);

$("share").hidden = !navigator.canShare?.({ files: [new File([""], "a.jpg", { type: "image/jpeg" })] });
$("share").onclick = async () => {
  const blob = await finished("image/jpeg");
  if (!blob) return;
  const file = new File([blob], fileName("image/jpeg"), { type: "image/jpeg" });
  await navigator.share({ files: [file] }).then(() => say("shared", { size: now.size }), (error) => say("notSaved", { why: error.message }));
};
