() => {
  const all = (selector) => document.querySelectorAll(selector);
  const watch = (act, root = document.body, how = {}) => {
    act();
    new MutationObserver(act).observe(root, { childList: true, subtree: true, ...how });
  };

  // Names for screen readers, where gradio has none or others, and the paintings of styles.
  const NAMES = [
    [/^(number input|range slider) for /, ""], ["detailed view of selected image", "Painted frame"], [/^Thumbnail /, "Frame "],
    [/: Clear$/, ": Remove"], ["play-pause-replay-button", "Play or pause"], [/^full-?screen$/i, "Full screen"],
  ];
  watch(() => {
    all(".empty[aria-label]").forEach((e) => e.setAttribute("role", "img"));
    all("[data-testid='status-tracker']").forEach((e) => e.setAttribute("aria-hidden", true)); // it counts tenths of seconds
    all("[aria-label]").forEach((e) => {
      const name = NAMES.reduce((name, [theirs, ours]) => name.replace(theirs, ours), e.ariaLabel);
      if (name !== e.ariaLabel) e.setAttribute("aria-label", name);
    });
    all("button:has(> .image-frame):not([aria-label])").forEach((e) => e.setAttribute("aria-label", "The painting so far"));
    all(".hero video").forEach((e) => {
      e.controls = true; // the browser's own, which keys reach
      e.setAttribute("aria-label", "Film");
    });
    all("[role=tablist]").forEach((e) => e.setAttribute("aria-label", "Parts of the page"));
    all(".sr-only[role=status]").forEach((e) => (e.ariaLive = "off")); // gradio's "Done" of nothing
    all(".label-wrap .icon").forEach((e) => e.setAttribute("aria-hidden", true));
    all(".thumbnail-item").forEach((e) => e.setAttribute("aria-pressed", e.classList.contains("selected")));
    all(".side input[type=number]").forEach((e) => ((e.tabIndex = -1), (e.ariaHidden = true))); // the slider has the same value
    all("fieldset:has(> .wrap)").forEach((e) => e.setAttribute("aria-label", e.querySelector("[data-testid=block-info]")?.innerText ?? ""));
    all(".drop button[aria-label]").forEach((e) => {
      const label = e.closest(".block").querySelector("[data-testid=block-label]")?.innerText.trim() ?? "";
      const shown = e.innerText.replace(/\s+/g, " ").trim() || e.ariaLabel;
      if (!e.ariaLabel.startsWith(label)) e.setAttribute("aria-label", `${label}: ${shown}`);
    });
    all(".cards").forEach((e, i) => e.querySelectorAll("input").forEach((input) => (input.name = `style-${i}`)));
    all(".cards input").forEach((e) => {
      const image = `url("/studio/painting?style=${encodeURIComponent(e.value)}")`;
      const label = e.parentElement, [work, artist = ""] = label.innerText.trim().split(" · ");
      if (label.style.getPropertyValue("--image") !== image) label.style.setProperty("--image", image);
      Object.assign(label.querySelector("span").dataset, { work, artist });
      label.title = artist ? `${work} · ${artist}` : work;
    });
  });

  // An arrow leads to more styles.
  const atEnd = (strip) => {
    strip.parentElement.toggleAttribute("data-begin", strip.scrollLeft < 4);
    strip.parentElement.toggleAttribute("data-end", strip.scrollLeft + strip.clientWidth > strip.scrollWidth - 4);
  };
  const sized = new ResizeObserver((found) => found.forEach(({ target }) => atEnd(target)));
  watch(() => all(".cards > .wrap").forEach((strip) => {
    if (strip.parentElement.querySelector(".more")) return void atEnd(strip);
    const more = Object.assign(document.createElement("button"), { type: "button", className: "more", textContent: "›", tabIndex: -1, ariaLabel: "More styles" });
    more.onclick = () => strip.scrollBy({ left: 0.8 * strip.clientWidth, behavior: "smooth" });
    strip.parentElement.append(more);
    strip.onscroll = () => atEnd(strip);
    sized.observe(strip);
  }));

  // A film goes on where the other one was: before and after are compared at the same moment.
  let place = { time: 0, plays: false };
  for (const event of ["timeupdate", "play", "pause"])
    addEventListener(event, ({ target }) => target.readyState > 1 && (place = { time: target.currentTime, plays: !target.paused }), true);
  addEventListener("loadedmetadata", ({ target }) => {
    const { time, plays } = place;
    if (time < target.duration) target.currentTime = time;
    if (plays) target.play();
  }, true);
  addEventListener("click", (event) => event.target.tagName === "VIDEO" && event.stopPropagation(), true); // or gradio would pause it again

  // What went wrong stays beside the settings until the next click.
  const wrong = document.createElement("p");
  wrong.className = "bad";
  wrong.setAttribute("role", "alert");
  let toast;
  watch(() => {
    const newest = [...all(".toast-body.error [data-testid=toast-text]")].at(-1);
    if (!newest || newest === toast) return;
    toast = newest;
    wrong.textContent = toast.textContent.trim();
    toast.closest(".toast-body").querySelector("button")?.click(); // it is said here
    [...all(".side")].find((side) => side.offsetParent)?.prepend(wrong);
  });
  addEventListener("click", ({ target }) => target.closest(".side, [role=tab]") && wrong.remove(), true);
  for (const begun of ["change", "drop"]) addEventListener(begun, () => wrong.remove(), true);

  // Where the keyboard was may be gone or disabled. After Start, Stop has it, and the other way
  // round; after a deletion the next style, or else the tab.
  let at;
  addEventListener("focusin", ({ target }) => (at = target));
  const first = (selector) => [...all(selector)].find((e) => e.parentElement.offsetParent && e.offsetParent !== null && !e.disabled);
  watch(() => {
    if (document.activeElement !== document.body || !at || (at.offsetParent && !at.disabled)) return;
    const buttons = at.tagName === "BUTTON" && (first(".side button.stop") ?? first(".side button.primary"));
    const next = buttons || (at.disabled ? null : (first(".cards input:checked") ?? first("[role=tab][aria-selected=true]")));
    if (!next) return;
    at = null;
    next.focus();
  }, document.body, { attributeFilter: ["disabled"] });

  // A picture that the browser cannot show goes out of its field again.
  addEventListener("error", ({ target }) => target.matches?.(".drop img") && target.closest(".drop").querySelector("[title='Remove Image']")?.click(), true);

  // The chosen style is in view.
  const chosen = new WeakMap();
  watch(() => all(".cards label.selected").forEach((label) => {
    const strip = label.parentElement;
    if (!label.offsetParent || chosen.get(strip) === label.innerText) return;
    chosen.set(strip, label.innerText);
    strip.scrollLeft = label.offsetLeft - strip.offsetLeft - strip.clientWidth / 3;
  }), document.body, { attributeFilter: ["class"] });

  // A hidden line tells screen readers how jobs go on, at every quarter.
  const line = document.body.appendChild(document.createElement("p")), last = {};
  line.className = "unseen-title";
  line.setAttribute("role", "status");
  watch(() => {
    for (const id of ["trained", "shelved", "filmed", "optimized"]) {
      const said = document.querySelector(`#${id} .prose`)?.innerText.trim() ?? "";
      const short = said.replace(/(\d+)%[^]*/g, (_, share) => Math.floor(share / 25));
      if (short !== last[id] && last[id] !== undefined) {
        line.textContent = said;
        setTimeout(() => (line.textContent = ""), 5000);
      }
      last[id] = short;
    }
  }, document.querySelector(".main") ?? document.body, { characterData: true });

  // The address names the tab, so that a reload and the back button keep it.
  const named = (tab) => "#" + tab.innerText.trim().toLowerCase().replaceAll(" ", "-");
  const open = () => [...all("[role=tab]")]
    .find((tab) => named(tab) === (location.hash || "#photo") && tab.ariaSelected !== "true")?.click();
  watch(() => all("[role=tab]").forEach((tab) => (tab.tabIndex = tab.ariaSelected === "true" ? 0 : -1)), document.body, { attributeFilter: ["aria-selected"] });
  addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab && named(tab) !== location.hash) history.pushState(null, "", named(tab));
  });
  watch(() => {
    const tab = document.querySelector("[role=tab][aria-selected=true]")?.innerText.trim();
    if (tab && !document.title.startsWith(tab)) document.title = `${tab} · faststyle`;
  }, document.body, { attributeFilter: ["aria-selected"] });
  addEventListener("popstate", open);
  addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const tab = event.target.closest?.("[role=tab]");
    if (!tab || !step) return;
    const shown = [...all("[role=tab]")].filter((one) => one.offsetParent);
    const next = shown[(shown.indexOf(tab) + step + shown.length) % shown.length];
    next.click();
    next.focus();
  });
  open();

  // A film that was opened on the first tab; the field for it is there once its tab was open.
  let film;
  const handOver = () => {
    const field = film && document.querySelector("input[type=file][accept*=mp4]");
    if (!field) return;
    const given = new DataTransfer();
    given.items.add(film);
    film = null;
    field.files = given.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  addEventListener("message", ({ data, origin }) => {
    if (origin !== location.origin || !data.film) return;
    film = data.film;
    [...all("[role=tab]")].find((tab) => named(tab) === "#video")?.click();
    handOver();
  });
  watch(handOver);
}
