// What a script can make quicker; every page works without it. Nothing here decides or signs.
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// ---- log in and passwords ------------------------------------------------------------------------------------------
function passwords(root) {
  for (const button of all("[data-peek]", root)) {
    const input = root.getElementById ? root.getElementById(button.dataset.peek) : one("#" + button.dataset.peek, root);
    if (!input) continue;
    button.hidden = false;
    button.addEventListener("click", () => {
      input.type = input.type === "password" ? "text" : "password";
      button.setAttribute("aria-pressed", String(input.type === "text"));
      input.focus();
    });
  }
  for (const input of all("[data-caps]", root)) {
    const hint = document.getElementById(input.dataset.caps) ?? one("#" + input.dataset.caps, root);
    const look = (event) => { if (hint && event.getModifierState) hint.hidden = !event.getModifierState("CapsLock"); };
    input.addEventListener("keydown", look);
    input.addEventListener("keyup", look);
    input.addEventListener("blur", () => { if (hint) hint.hidden = true; });
  }
}

// ---- a second press is refused here, and again by the server ---------------------------------------------------------
function sendOnce(root) {
  for (const form of all("form[method=post]", root)) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      const button = event.submitter;
      if (!button) return;
      button.setAttribute("aria-busy", "true");
      if (button.dataset.busy) setTimeout(() => { if (form.dataset.sent) button.lastChild.textContent = button.dataset.busy; }, 0);
    });
  }
  addEventListener("pageshow", () => {
    for (const form of all("form[data-sent]")) { delete form.dataset.sent; all("[aria-busy]", form).forEach((b) => b.removeAttribute("aria-busy")); }
  });
}

// ---- deciding: words on the button follow the choice; drafts keep themselves; signing opens over the page ------------
function deciding() {
  const form = one("form[data-decide]");
  if (!form) return;
  const choices = all("input[name=outcome][type=radio]", form);
  const where = one("[data-field=return_to]", form);
  const colon = document.documentElement.lang.startsWith("zh") ? "结论：" : "Decision: ";
  const show = () => {
    const chosen = choices.find((choice) => choice.checked);
    if (!chosen) return;
    for (const span of all("[data-consequence] > span, [data-stick-go] > span")) span.textContent = chosen.dataset.button;
    for (const badge of all("[data-says-badge]")) {
      badge.textContent = colon + chosen.dataset.words;
      badge.className = "badge " + ({ positive: "ok", return: "back" }[chosen.dataset.tone] ?? "no");
    }
    if (where && choices.some((choice) => choice.dataset.tone === "return")) where.hidden = chosen.dataset.tone !== "return";
  };
  choices.forEach((choice) => choice.addEventListener("change", show));
  show();

  const opinion = one("#i-opinion", form);
  const count = one("[data-count]");
  if (opinion && count) {
    const tell = () => { count.hidden = false; count.textContent = [...opinion.value].length + " / 500"; };
    opinion.addEventListener("input", tell);
    tell();
  }
  const phrases = one("[data-phrases]");
  if (phrases && opinion) {
    phrases.hidden = false;
    all("button", phrases).forEach((button) => button.addEventListener("click", () => {
      opinion.value = opinion.value ? opinion.value.trimEnd() + button.textContent : button.textContent;
      opinion.dispatchEvent(new Event("input", { bubbles: true }));
      opinion.focus();
    }));
  }

  let dirty = false;
  form.addEventListener("input", () => { dirty = true; });
  form.addEventListener("focusout", async () => {
    if (!dirty || form.dataset.sent) return;
    dirty = false;
    const body = new FormData(form);
    for (const name of [...body.keys()]) if (name.startsWith("paper:")) body.delete(name);
    try {
      const answer = await fetch(form.dataset.draftUrl, { method: "POST", body, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.ok) {
        const note = one("[data-draft]");
        const time = new Date().toTimeString().slice(0, 5);
        if (note) note.textContent = document.documentElement.lang.startsWith("zh") ? "草稿已保存 " + time : "Draft saved " + time;
      } else dirty = true;
    } catch { dirty = true; }
  });

  form.addEventListener("submit", async (event) => {
    if (event.submitter?.hasAttribute("formaction") || event.defaultPrevented || !("HTMLDialogElement" in window)) return;
    event.preventDefault();
    let answer;
    try { answer = await fetch(form.action, { method: "POST", body: new FormData(form) }); } catch { form.submit(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const sheet = one("[data-sheet]", page);
    delete form.dataset.sent;
    all("[aria-busy]", form).forEach((button) => button.removeAttribute("aria-busy"));
    const fresh = one("main", page);
    if (!sheet && fresh) {
      // Refused: the page with what was typed and what is wrong with it takes this one's place.
      one("main").replaceWith(document.importNode(fresh, true));
      document.title = page.title;
      begin(one("main"));
      return;
    }
    if (!sheet) { location.reload(); return; }
    const dialog = document.createElement("dialog");
    dialog.className = "sheet";
    dialog.append(...document.importNode(sheet, true).childNodes);
    const title = one("h1", dialog);
    if (title) { title.id = "sheet-title"; dialog.setAttribute("aria-labelledby", "sheet-title"); }
    document.body.append(dialog);
    passwords(dialog);
    sendOnce(dialog);
    one("[data-cancel]", dialog)?.addEventListener("click", (press) => { press.preventDefault(); dialog.close(); });
    dialog.addEventListener("close", () => { dialog.remove(); one("[data-consequence]", form)?.focus(); });
    dialog.showModal();
    one("input[type=password]", dialog)?.focus();
  });

  one("[data-stick-go]")?.addEventListener("click", () => setTimeout(() => (choices.find((choice) => choice.checked) ?? opinion)?.focus(), 0));
  const stick = one("[data-stick]");
  const bar = one(".consequence", form);
  if (stick && bar && "IntersectionObserver" in window) {
    new IntersectionObserver((seen) => { stick.hidden = seen[0].isIntersecting; }, { threshold: 0.5 }).observe(bar);
  }
}

// ---- the diagram: the drawing the case runs on, with its steps marked; its text twin stands below ---------------------
let viewerReady;
function loadViewer(src) {
  viewerReady ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  return viewerReady;
}

function paint(viewer, box) {
  const canvas = viewer.get("canvas");
  const registry = viewer.get("elementRegistry");
  const overlays = viewer.get("overlays");
  for (const element of registry.getAll()) for (const state of ["done", "current", "returned", "overdue", "cancelled"]) canvas.removeMarker(element.id, "st-" + state);
  overlays.clear();
  for (const element of registry.getAll()) if (/Task$/.test(element.type)) canvas.addMarker(element.id, "plain-task");
  const states = JSON.parse(box.dataset.states || "{}");
  for (const [id, state] of Object.entries(states)) {
    if (!registry.get(id)) continue;
    canvas.addMarker(id, "st-" + state);
    if (state === "current" || state === "overdue") {
      const flag = document.createElement("span");
      flag.className = "flag";
      flag.textContent = box.dataset.here;
      overlays.add(id, { position: { top: -20, left: 8 }, html: flag });
    }
  }
  const flows = JSON.parse(box.dataset.flows || "[]");
  const passed = new Set(flows);
  for (const element of registry.getAll()) {
    if (!element.waypoints || !element.source) continue;
    const travelled = flows.length ? passed.has(element.id) : states[element.source.id] === "done" && states[element.target.id];
    if (travelled) canvas.addMarker(element.id, "st-done");
  }
}

// A drawing of five lanes is wider than the page: begin readable, around the step where the case stands.
function look(viewer, box) {
  const canvas = viewer.get("canvas");
  const whole = canvas.zoom("fit-viewport", "auto");
  if (whole >= 0.55) return;
  const here = Object.entries(JSON.parse(box.dataset.states || "{}")).find(([id, state]) => (state === "current" || state === "overdue") && viewer.get("elementRegistry").get(id));
  canvas.zoom(0.62);
  const view = canvas.viewbox();
  const target = here ? viewer.get("elementRegistry").get(here[0]) : null;
  const x = target ? target.x + target.width / 2 - view.width / 2 : view.inner.x;
  const left = Math.min(Math.max(x, view.inner.x - 20), view.inner.x + view.inner.width - view.width + 20);
  const top = target && view.inner.height > view.height ? Math.min(Math.max(target.y + target.height / 2 - view.height / 2, view.inner.y - 20), view.inner.y + view.inner.height - view.height + 20) : view.inner.y - 20;
  canvas.viewbox({ x: left, y: top, width: view.width, height: view.height });
}

function zooms(viewer, box) {
  const row = one("[data-zooms]", box.parentElement);
  if (!row) return;
  row.hidden = false;
  const canvas = viewer.get("canvas");
  for (const button of all("[data-zoom]", row)) button.addEventListener("click", () => {
    if (button.dataset.zoom === "fit") canvas.zoom("fit-viewport", "auto");
    else canvas.zoom(Math.min(Math.max(canvas.zoom() * (button.dataset.zoom === "in" ? 1.25 : 0.8), 0.2), 3));
  });
}

async function diagrams() {
  for (const box of all("[data-diagram]")) {
    if (getComputedStyle(box.parentElement).display === "none") continue;
    try {
      const [xml] = await Promise.all([fetch(box.dataset.diagram).then((answer) => (answer.ok ? answer.text() : Promise.reject(answer.status))), loadViewer(box.dataset.viewer)]);
      box.hidden = false;
      box.classList.add("ready");
      const viewer = new window.BpmnJS({ container: box });
      await viewer.importXML(xml);
      paint(viewer, box);
      box.viewer = viewer;
      look(viewer, box);
      zooms(viewer, box);
    } catch { box.hidden = true; }
  }
}

// ---- replay: the slider and the keys ask for the same pages the links lead to ------------------------------------------
function replay() {
  const slider = one("[data-slider]");
  if (!slider) return;
  let playing = 0;
  const go = async (n) => {
    const last = Number(one("[data-slider]").max);
    const at = Math.min(Math.max(n, 1), last);
    const answer = await fetch("?at=" + at);
    if (!answer.ok) { location.search = "?at=" + at; return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const list = one(".events");
    const scrolled = list ? list.scrollTop : 0;
    for (const part of all("[data-swap]", page)) {
      const here = one(`[data-swap="${part.dataset.swap}"]`);
      if (here) here.replaceWith(document.importNode(part, true));
    }
    const events = one(".events");
    if (events) events.scrollTop = scrolled;
    const box = one("[data-diagram]"), fresh = one("[data-diagram]", page);
    if (box && fresh) { box.dataset.states = fresh.dataset.states; box.dataset.flows = fresh.dataset.flows; if (box.viewer) paint(box.viewer, box); }
    history.replaceState(null, "", "?at=" + at);
    wire();
    return at < last;
  };
  const wire = () => {
    const range = one("[data-slider]");
    range.hidden = false;
    range.addEventListener("change", () => go(Number(range.value)));
    const play = one("[data-play]");
    play.hidden = false;
    play.addEventListener("click", () => {
      clearInterval(playing);
      if (playing) { playing = 0; return; }
      const step = async () => { const more = await go(Number(one("[data-slider]").value) + 1); if (!more) { clearInterval(playing); playing = 0; } };
      playing = setInterval(step, 1200);
      step();
    });
  };
  wire();
  addEventListener("keydown", (event) => {
    if (typing(event)) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      if (event.target === one("[data-slider]")) return;
      event.preventDefault();
      go(Number(one("[data-slider]").value) + (event.key === "ArrowRight" ? 1 : -1));
    }
  });
}

// ---- keys: never inside a field, never while a Chinese word is being composed, and none of them signs -----------------
const typing = (event) => event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select, [contenteditable], dialog");

function keys() {
  const hint = one("[data-keys]");
  if (hint) hint.hidden = false;
  addEventListener("keydown", (event) => {
    if (typing(event)) return;
    const rows = all("[data-row]");
    const now = rows.findIndex((row) => row.hasAttribute("aria-current"));
    if (event.key === "/") { const seek = one("#seek"); if (seek) { event.preventDefault(); seek.focus(); } }
    else if (event.key === "?") { const guide = one("a[href$='/guide']"); if (guide) location.href = guide.href; }
    else if (rows.length && (event.key === "j" || event.key === "k")) {
      const next = rows[Math.min(Math.max(now + (event.key === "j" ? 1 : -1), 0), rows.length - 1)];
      if (next && next !== rows[now]) location.href = next.href;
    } else if (rows.length && (event.key === "o" || (event.key === "Enter" && event.target === document.body)) && now >= 0) location.href = rows[now].dataset.open;
    else if (event.key === "a" || event.key === "r") one(`[data-key="${event.key}"]`)?.click();
  });
  // On a phone there is no brief beside the list: the card opens the case.
  if (matchMedia("(max-width: 991px)").matches) for (const row of all("[data-row]")) row.href = row.dataset.open;
  one("[data-row][aria-current]")?.scrollIntoView({ block: "nearest" });
}

// ---- small things -----------------------------------------------------------------------------------------------------
function tabs() {
  const bar = one("[data-tabs]");
  if (!bar || !("IntersectionObserver" in window)) return;
  const links = new Map(all("a", bar).map((link) => [link.hash.slice(1), link]));
  const inView = new Set();
  const watch = new IntersectionObserver((seen) => {
    for (const entry of seen) inView[entry.isIntersecting ? "add" : "delete"](entry.target.id);
    // Two columns: the side column counts only where nothing of the main one is in view.
    const first = [...links.keys()].find((id) => inView.has(id));
    if (!first) return;
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(first).setAttribute("aria-current", "true");
  }, { rootMargin: "-80px 0px -70% 0px" });
  links.forEach((_, id) => { const section = document.getElementById(id); if (section) watch.observe(section); });
}

function households() {
  for (const radio of all("[data-preview]")) radio.addEventListener("change", () => { if (radio.checked) location.href = radio.dataset.preview; });
}

function menus() {
  addEventListener("click", (event) => { for (const open of all("details.me[open]")) if (!open.contains(event.target)) open.open = false; });
  addEventListener("keydown", (event) => { if (event.key === "Escape") for (const open of all("details.me[open]")) open.open = false; });
}

// What is folded on a phone opens when one goes there, and everywhere in a browser too old to open it by style alone.
function folds() {
  if (!CSS.supports("selector(::details-content)") && matchMedia("(min-width: 992px)").matches) for (const fold of all(".fold")) fold.open = true;
  const arrive = () => {
    const fold = document.getElementById(location.hash.slice(1))?.querySelector(":scope > .fold");
    if (fold) fold.open = true;
  };
  addEventListener("hashchange", arrive);
  arrive();
}

// What belongs to the content of a page; again when a refused form takes its place.
function begin(root) {
  passwords(document);
  deciding();
  sendOnce(root);
  tabs();
  diagrams();
  const focus = one("[data-focus]");
  focus?.focus();
}

begin(document);
keys();
replay();
households();
menus();
folds();
