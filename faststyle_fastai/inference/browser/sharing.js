// A style as a link: shared by a button, and opened where the address holds one.
const here = location.href.split(/[?#]/)[0], studioAt = lasting ? facts.studio || here : location.protocol === "file:" ? facts.studio : here;

const shares = facts.studio !== undefined; // not from a page of a few styles
$("link").hidden = !shares || !studioAt;
$("link").onclick = async () => {
  const how = { title: style.title + (second() ? ` + ${second().title}` : ""), films: style.work || (lasting && style.forgettable) ? words.linkFilms : "" };
  try {
    const url = studioAt + (await linkOf(style, second(), $("part").value / 100));
    say(await given({ title: how.title, url }), how);
  } catch (error) {
    if (error.name !== "AbortError") say("ownFailed", { why: error.message }); // or it was not shared after all
  }
};

// By what the device shares with, else by the clipboard, else in the address; the key of what is said.
async function given(what) {
  const refused = (error) => {
    if (error.name === "AbortError") throw error;
    return "no";
  };
  if (navigator.share && (await navigator.share(what).catch(refused)) !== "no") return "linkShared";
  if (navigator.clipboard && (await navigator.clipboard.writeText(what.url).catch(refused)) !== "no") return "linkCopied";
  history.replaceState({ ...history.state, known: true }, "", what.url.slice(what.url.indexOf("#")));
  return "linkHere";
}

async function openLink(link) {
  if (lasting && !confirm(words.linkSure)) return inAddress(style); // any page may lead here
  try {
    await started;
    await restored;
    const one = facts.styles.find((each) => each.link === link) ?? (await styleIn(link));
    if (!facts.styles.includes(one)) {
      const { name, title } = one;
      for (let n = 2; facts.styles.some((each) => each.name === one.name); n++) Object.assign(one, { name: `${name} ${n}`, title: `${title} ${n}` });
      addStyle(Object.assign(one, { own: true, forgettable: true, builtin: false, link, image: await sampleIn(one) }));
    }
    one !== style && $("held").hidden ? choose(one) : inAddress(style);
    await idle();
    say("linkOpened", one);
  } catch (error) {
    console.warn(error);
    await idle();
    inAddress(style);
    say(Object.hasOwn(words, error.message) ? error.message : "ownFailed", { why: error.message });
  }
}
const linkAt = (address) => /#s=.*/s.exec(address)?.[0];
addEventListener("hashchange", ({ newURL }) => {
  if (!shares || !linkAt(newURL)) return;
  if (history.state?.known) return inAddress(style); // the page itself wrote that address
  history.replaceState({ opened: Boolean(now.photo) }, ""); // the photo stays
  openLink(linkAt(newURL));
});
if (shares && linkAt(location.hash)) openLink(linkAt(location.hash));
