// Photos are opened, by a click, by drag and drop or from the clipboard, and closed again.
const TINY = 64; // px of a side, below which there is little to paint
const MOST = 50e6, LESS = 16e6; // pixels of a photo, and where a browser refuses larger canvases
const ROOM = Math.min(LESS, facts.most ?? LESS); // where the server takes fewer

let opening = false, openings = 0; // a file is read and shown, for which thumbnails of the one before wait; how many were

// A photo from a file; it is painted, or comes back as it was `made`.
async function open(file, was) {
  if (isFilm(file)) return openFilm(file);
  const unread = ({ status, message }) => (status === 413 ? tell($("said"), `${file.name}: ${message}.`, true) : say("notPicture", { name: file.name, why: message }));
  const image = await readToOpen(() => bitmapOf(file), unread, (late) => late.close()); // upright, as its EXIF says
  if (!image) return;
  now.reduced = Math.min(image.width, image.height) < TINY ? words.tiny : "";
  file.large = image.width * image.height > (facts.most ?? Infinity); // for the server
  now.photo = (!file.large && photoOf(image, MOST)) || photoOf(image, ROOM);
  image.close();
  keep("photo", file);
  await opened(file, `${now.photo.width}×${now.photo.height}`, was);
}

// Read a file, and close what is open; that stays if the file cannot be read or another one is opened meanwhile.
async function readToOpen(read, failed, drop) {
  const mine = ++openings;
  say("opening");
  opening = true;
  try {
    const found = await read();
    if (mine !== openings) return void drop(found);
    endLive();
    closeFilm();
    return found;
  } catch (error) {
    console.warn(error);
    if (mine === openings) failed(error);
  } finally {
    if (mine === openings) opening = false;
  }
}

// Paint the photo that was opened.
async function opened(file, size, was) {
  Object.assign(now, { file, size, name: file.name.replace(/\.[^.]*$/, ""), painted: null, values: null, kept: false });
  forgetEdits();
  endSaving();
  compareWith(null);
  $("split").value = 0;
  offerFormat(file.type);
  seeQueue();
  const first = !document.body.classList.contains("open");
  document.body.classList.add("open");
  const anew = !history.state?.opened;
  if (anew) inHistory();
  document.querySelector("aside").scrollTop = 0;
  zoomTo(1);
  show();
  offerAll(); // without thumbnails of the photo before
  if (first) $("split").focus({ preventScroll: true }); // what was there has gone
  await (was ? unpack(was) : paint());
  if (anew) sweep();
  if (!batch) paintThumbnails().catch(console.warn);
}

// The browser's back button closes the photo, unless something goes on with it.
function inHistory() {
  try {
    history.pushState({ opened: true, known: true }, "");
  } catch {} // a page inside another may not
}
addEventListener("popstate", ({ state }) => {
  const open = document.body.classList.contains("open");
  if (location.hash.startsWith("#/") || (/^#s=/.test(location.hash) && !state?.known) || Boolean(state?.opened) === open) return;
  inAddress(style); // it stays, whichever it was there
  if (open) $("held").hidden ? close() : inHistory();
  else reopen().catch(console.warn);
});
function close() {
  openings++; // what is being read is not wanted
  opening = false;
  endLive();
  closeFilm();
  offerQueue([]);
  forgetEdits();
  endSaving();
  Object.assign(now, { photo: null, file: null, painted: null });
  again = false;
  document.body.classList.remove("open");
  ready(false);
  offerAll(); // without the photo in each style
  sayReady();
  $("choose").focus({ preventScroll: true });
}

// The photo on a canvas of at most so many pixels; null where the browser refuses such a canvas.
function photoOf(image, most) {
  const canvas = shrunk(image, most);
  if (image.width * image.height > most) now.reduced = filled(words.reduced, { size: `${image.width}×${image.height}`, most: most / 1e6 });
  const opacity = ([, , , a]) => a; // a refused canvas stays empty
  const there = opacity(canvas.getContext("2d").getImageData(0, 0, 1, 1).data), transparent = opacity(pixels(canvasOf(image, 1, 1)).data) < 255;
  return most <= LESS || there || transparent ? canvas : null;
}

onFiles($("file"), (files) => openAll(files));
// A file that is dropped over the styles is a painting.
const strip = (event) => facts.sight && event.target.closest?.("#styles");
if (facts.sight) [$("place").dataset.drop, $("styles").dataset.drop] = [words.dropPhoto, words.dropStyle];
let taker = (event) => (strip(event) ? readStyle : openAll);
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.toggle("over", !strip(event));
  document.body.classList.toggle("over-styles", Boolean(strip(event)));
});
addEventListener("dragleave", (event) => event.relatedTarget || document.body.classList.remove("over", "over-styles"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over", "over-styles");
  take(event, event.dataTransfer).catch(console.warn);
});
addEventListener("paste", (event) => event.target.matches?.("[type=text]") || take(event, event.clipboardData).catch(console.warn));
const lineHere = () => (document.body.classList.contains("own") ? $("told") : $("said"));
async function take(event, data) {
  const files = [...data.files], [file, another] = files, act = taker(event);
  if (!file) return /^https?:/.test(data.getData("text")) && say("noAddress", {}, lineHere());
  await act(act === openAll ? files : file);
  if (!another || act === openAll) return; // which says so itself
  await idle();
  lineHere().append(` ${filled(words.onlyFirst, file)}`);
}
