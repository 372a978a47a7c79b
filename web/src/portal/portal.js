// Comfort for the portal: every page works without this file.
//
// New mail and the state of the server come over /events; then this page is fetched again as a
// whole and its parts are taken over by id, so what is drawn is always what the server draws. Keys,
// where the reader wants them. Drafts are saved while they are written.

const policy = window.trustedTypes?.createPolicy("portal", { createHTML: (text) => text });
const parsed = (text) =>
  new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
const body = document.body;

/** This page as it is now; null when there is none for us. */
async function fresh(path = location.href) {
  const answer = await fetch(path, { credentials: "same-origin", redirect: "manual" });
  return answer.ok ? parsed(await answer.text()) : null;
}

/** Takes parts over from another state of this page. */
function take(page, ...ids) {
  for (const id of ids) {
    const [now, next] = [document.getElementById(id), page.getElementById(id)];
    if (now && next && now.innerHTML !== next.innerHTML) now.replaceWith(document.adoptNode(next));
  }
}

/** Whether the list may change without moving anything under somebody's hand. */
function isListAtRest(list) {
  return (
    !list.matches(":hover") &&
    !list.contains(document.activeElement) &&
    !list.querySelector("input:checked")
  );
}

let waiting = false;

async function renew() {
  // A draft that is being sent is gone before its page is.
  const writes = document.querySelector("form.compose") !== null;
  const page = await fresh(writes ? "/compose" : location.href);
  if (!page) return;
  take(page, "places", "state");
  if (!writes) document.title = page.title;
  const list = document.getElementById("list");
  if (!list || !page.getElementById("list")) return;
  if (isListAtRest(list)) {
    waiting = false;
    take(page, "list");
  } else if (!waiting && list.innerHTML !== page.getElementById("list").innerHTML) {
    waiting = true;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "renew";
    button.textContent = body.dataset.newMail;
    button.addEventListener("click", () => {
      waiting = false;
      button.remove();
      take(page, "list");
    });
    list.before(button);
  }
}

let source = null;

function listen() {
  if (!body.dataset.live || source) return;
  source = new EventSource(body.dataset.live);
  for (const name of ["mail", "state"]) source.addEventListener(name, renew);
  // After a break something may have been missed.
  let broken = false;
  source.addEventListener("error", () => {
    broken = true;
    document.getElementById("not-live")?.removeAttribute("hidden");
  });
  source.addEventListener("live", (event) => {
    document.getElementById("not-live")?.setAttribute("hidden", "");
    // What came between the page and the stream.
    if (broken || event.data !== body.dataset.inbox) renew();
    broken = false;
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    source?.close();
    source = null;
  } else {
    listen();
    renew();
  }
});
if (!document.hidden) listen();

/* Keys: off by a setting, never while somebody types. */
const lines = () => [...document.querySelectorAll(".lines > .line > .open")];

function step(by) {
  const all = lines();
  const at = all.indexOf(document.activeElement);
  all[Math.max(0, Math.min(all.length - 1, at + by))]?.focus();
}

const press = (selector) => () => document.querySelector(selector)?.click();
const keys = {
  j: () => step(1),
  k: () => step(-1),
  o: () => document.activeElement?.closest(".line")?.querySelector(".open")?.click(),
  x: () => document.activeElement?.closest(".line")?.querySelector("input[type=checkbox]")?.click(),
  u: press(".back a"),
  c: press(".side .write"),
  r: press("[data-key=r]"),
  a: press("[data-key=a]"),
  f: press("[data-key=f]"),
  e: press("button[value=archive]"),
  s: press("button[value=star], button[value=unstar]"),
  "#": press("button[value=trash]"),
  "?": () => location.assign("/help"),
  "/": () => document.getElementById("q")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (!("keys" in body.dataset) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const key = keys[event.key];
  if (!key) return;
  event.preventDefault();
  key();
});

/* A message is read after three seconds, where the reader chose that. */
const later = document.getElementById("read-later");
if (later) {
  setTimeout(async () => {
    await fetch(later.action, { method: "POST", body: new URLSearchParams(new FormData(later)), redirect: "manual" });
    renew();
  }, 3000);
}

/* Drafts are saved while they are written. */
const compose = document.querySelector("form.compose");
if (compose) {
  const note = document.getElementById("saved");
  let changed = false;
  let leaving = false;
  let pending = null;
  compose.addEventListener("input", () => { changed = true; });
  compose.addEventListener("submit", (event) => {
    leaving = true;
    if (!pending) return;
    // One after the other, or the form would not know the state that was just saved.
    event.preventDefault();
    pending.then(() => compose.requestSubmit(event.submitter));
  });
  const save = () => {
    if (changed && !leaving && !pending) pending = keep().finally(() => { pending = null; });
  };
  const keep = async () => {
    changed = false;
    try {
      const form = new FormData(compose);
      form.delete("file");
      form.delete("carry");
      form.append("do", "autosave");
      const answer = await fetch(compose.action, { method: "POST", body: form });
      const page = parsed(await answer.text());
      const revision = page.querySelector("form.compose input[name=revision]");
      if (answer.ok && revision) {
        compose.elements.revision.value = revision.value;
        note?.removeAttribute("hidden");
      } else if (answer.status === 422) {
        const fault = page.querySelector(".fault");
        if (fault && !document.querySelector(".fault")) compose.before(document.adoptNode(fault));
      } else {
        changed = true;
      }
    } catch {
      changed = true;
    }
  };
  setInterval(save, 10_000);
  compose.addEventListener("focusout", (event) => {
    if (!compose.contains(event.relatedTarget)) save();
  });
}

/* Whom one may be writing to: a combobox over the last address of a field (ARIA APG). */
let suggested = 0;
for (const field of document.querySelectorAll("input[data-suggest]")) {
  const list = document.createElement("ul");
  list.id = `suggestions-${field.id}`;
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", document.querySelector(`label[for=${field.id}]`)?.textContent ?? "");
  list.hidden = true;
  field.removeAttribute("list");
  field.after(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]]) {
    field.setAttribute(name, value);
  }
  let at = -1;
  const start = () => field.value.lastIndexOf(",") + 1;
  const close = () => {
    at = -1;
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const choose = (option) => {
    const before = field.value.slice(0, start());
    field.value = `${before}${before ? " " : ""}${option.dataset.value}, `;
    close();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  };
  const mark = (next) => {
    at = next;
    [...list.children].forEach((option, index) => option.setAttribute("aria-selected", index === at ? "true" : "false"));
    field.setAttribute("aria-activedescendant", list.children[at].id);
  };
  const show = (people) => {
    list.replaceChildren(
      ...people.map((one) => {
        const option = document.createElement("li");
        option.id = `suggestion-${suggested++}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.dataset.value = one.name && !/[",<>@]/.test(one.name) ? `${one.name} <${one.address}>` : one.address;
        option.textContent = one.name ? `${one.name} \u2013 ${one.address}` : one.address;
        // Before the field loses its focus.
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(option);
        });
        return option;
      }),
    );
    close();
    list.hidden = people.length === 0;
    field.setAttribute("aria-expanded", String(people.length > 0));
  };
  let asked = 0;
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    const typed = field.value.slice(start()).trim();
    const mine = ++asked;
    if (typed.length < 2) return close();
    timer = setTimeout(async () => {
      const answer = await fetch(`/ac?q=${encodeURIComponent(typed)}`, { credentials: "same-origin" }).catch(() => null);
      if (answer?.ok && mine === asked && document.activeElement === field) show(await answer.json());
    }, 150);
  });
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const count = list.children.length;
    if (event.key === "ArrowDown") mark((at + 1) % count);
    else if (event.key === "ArrowUp") mark((at <= 0 ? count : at) - 1);
    else if (event.key === "Enter" && at >= 0) choose(list.children[at]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  field.addEventListener("blur", close);
}
