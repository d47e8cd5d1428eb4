// Strips of styles to choose from.
const SMALL = 160; // px of the sides of thumbnails

// A style to choose: a radio button with its painting and its title.
function faceOf(one, chosen, below = one.title.split(" · ")[1]) {
  const button = create("button", { type: "button", title: one.painting || one.title, role: "radio", onclick: chosen });
  const face = create("span", { className: "face" });
  if (one.image) face.append(create("img", { src: one.image, alt: "" }));
  button.append(face, create("span", { className: "name", textContent: workOf(one) }));
  if (below) button.append(create("span", { className: "artist", textContent: below }));
  return button;
}

// One of these buttons is chosen, and is the one that the Tab key reaches; arrow keys choose others.
function mark(faces, chosen) {
  for (const button of faces.children) {
    button.setAttribute("aria-checked", button === chosen);
    button.tabIndex = button === chosen ? 0 : -1;
  }
}
function arrows(event, faces) {
  const all = [...faces.children], at = all.indexOf(event.target);
  const to = { ArrowRight: at + ahead, ArrowDown: at + 1, ArrowLeft: at - ahead, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  const next = all[Math.min(all.length - 1, Math.max(0, to))];
  next.focus();
  next.click();
}

// Scroll a strip so that this button of it is seen whole.
function reveal(button) {
  const strip = button.closest(".styles"), at = button.offsetLeft - strip.offsetLeft - strip.scrollLeft, edge = button.offsetWidth / 2;
  const label = strip.querySelector("label").offsetWidth, [left, right] = ahead > 0 ? [label, 0] : [0, label]; // it covers an end
  if (at < edge + left || at + button.offsetWidth + edge > strip.clientWidth - right) strip.scrollLeft += at - (strip.clientWidth - button.offsetWidth) / 2;
}

// The middle of an image, as a small square or of another size.
function centered(image, width = SMALL, height = SMALL) {
  const scale = Math.min(image.width / width, image.height / height), [wide, high] = [width * scale, height * scale], middle = blank(width, height);
  middle.getContext("2d").drawImage(image, (image.width - wide) / 2, (image.height - high) / 2, wide, high, 0, 0, width, height);
  return middle;
}

// The photo in each style that comes into sight, one by one, when there is nothing else to do.
async function paintThumbnails(styles = facts.styles) {
  const photo = now.photo, square = centered(photo);
  const stays = (one) => now.photo === photo && facts.styles.includes(one);
  let last;
  async function next(one) {
    await last;
    await idle();
    const painted = stays(one) && (await thumbnail(square, one).catch((error) => stays(one) && Promise.reject(error)));
    if (painted && stays(one)) putFace(one, painted);
  }
  const inSight = new IntersectionObserver((seen) => seen.filter((each) => each.isIntersecting).forEach(({ target }) => {
    inSight.unobserve(target);
    last = next(facts.styles.find(({ button }) => button === target)).catch(console.warn);
  }));
  if (styles === facts.styles) awaited?.disconnect(), (awaited = inSight); // no longer for the photo before
  if (facts.styles.length > 1) for (const one of styles) inSight.observe(one.button);
}
let awaited; // the styles that are not in sight yet
function putFace(one, painted) {
  const face = one.button.querySelector(".face");
  face.querySelector("canvas")?.remove();
  face.append(painted); // the painting shows again below a mouse
}
// A style of one's own, first in the strip; it replaces another of its name.
function addStyle(one) {
  const before = facts.styles.find(({ name, builtin }) => name === one.name && builtin === false);
  if (before) facts.styles.splice(facts.styles.indexOf(before), 1), before.button.remove();
  facts.styles.unshift(one);
  offer(one, true);
  keepStyles();
}
