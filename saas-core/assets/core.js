// @ts-check
/**
 * What pages gain from a script; without it everything but the live part works.
 *
 * - `data-live="/live?topic=devices"`: shows whether the page follows the server. One stream per page.
 * - `data-fragment="/devices?fragment=table" data-topic="devices"`: filled again from that address when the topic changes.
 *   With `data-eager` also when the page is opened.
 * - `data-copy="id"`: a button that copies the text of the field with that id.
 * - `data-reveal="Show"`: a password field that can be made readable.
 * - `form[data-upload="Sending…" data-failed="…"]`: shows how far a file has come.
 * - `form[data-check="/account/check"]`: what is wrong with a field is said while it is filled in.
 * - `form[data-submit]`: is sent as soon as the page is there, for whoever is only passing through.
 * - `details[data-menu]`: closes on Escape, on a click elsewhere and when the focus leaves.
 * - `<time datetime>`: in the reader's time zone, which is the page's `data-time-zone` or else the device's; with `data-date` without the hour, with `data-relative` as a distance.
 */

const FRAGMENT_DELAY_MS = 250;
const HIDDEN_GRACE_MS = 10_000;
const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 30_000;
const CLOCK_MS = 20_000;
const CHECK_DELAY_MS = 600;

const language = document.documentElement.lang || undefined;

/* Fragments */

/**
 * Keeps one fragment up to date: requests are spaced, never overlap, and one that fails is tried at the next change.
 */
class Fragment {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.topics = (element.dataset.topic ?? "").split(/\s+/);
    this.waiting = false;
    this.running = false;
    this.again = false;
  }

  /** Asks for a fresh version soon. */
  refresh() {
    if (this.running) {
      this.again = true;
    } else if (!this.waiting) {
      this.waiting = true;
      setTimeout(() => void this.load(), FRAGMENT_DELAY_MS);
    }
  }

  async load() {
    this.waiting = false;
    this.running = true;
    try {
      const address = this.element.dataset.fragment ?? "";
      const response = await fetch(address, { headers: { "x-fragment": "1" }, cache: "no-store", redirect: "manual" });
      if (response.status === 401 || response.type === "opaqueredirect") {
        location.reload();
        return;
      }
      if (response.ok) {
        this.replace(await response.text());
      }
    } catch {
      // Offline: the stream says so, and asks again when it is back.
    } finally {
      this.running = false;
      if (this.again) {
        this.again = false;
        this.refresh();
      }
    }
  }

  /** @param {string} html */
  replace(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    localizeTimes(template.content);
    morphChildren(this.element, template.content);
    prepare(this.element);
  }
}

/**
 * Makes the children of `target` equal those of `source` and keeps every node that can stay, so that focus, selection, scroll
 * position and open menus stay too.
 * @param {Node} target
 * @param {Node} source
 */
function morphChildren(target, source) {
  const keyed = new Map();
  for (const child of target.childNodes) {
    const key = keyOf(child);
    if (key) {
      keyed.set(key, child);
    }
  }
  let cursor = target.firstChild;
  for (const wanted of [...source.childNodes]) {
    const key = keyOf(wanted);
    /** @type {ChildNode | null | undefined} */
    let match = key ? keyed.get(key) : cursor;
    if (match && !(sameKind(match, wanted) && keyOf(match) === key)) {
      match = undefined;
    }
    if (!match) {
      target.insertBefore(wanted, cursor);
      continue;
    }
    if (match === cursor) {
      cursor = cursor.nextSibling;
    } else {
      target.insertBefore(match, cursor);
    }
    morph(match, wanted);
  }
  while (cursor) {
    const next = cursor.nextSibling;
    cursor.remove();
    cursor = next;
  }
}

/**
 * @param {Node} target
 * @param {Node} source of the same kind
 */
function morph(target, source) {
  if (!(target instanceof Element) || !(source instanceof Element)) {
    if (target.nodeValue !== source.nodeValue) {
      target.nodeValue = source.nodeValue;
    }
    return;
  }
  for (const { name } of [...target.attributes]) {
    if (!source.hasAttribute(name) && !ownAttribute(target, name)) {
      target.removeAttribute(name);
    }
  }
  for (const { name, value } of source.attributes) {
    if (target.getAttribute(name) !== value && !ownAttribute(target, name)) {
      target.setAttribute(name, value);
    }
  }
  morphChildren(target, source);
}

/**
 * Whether the attribute is the reader's or this script's doing and not the server's.
 * @param {Element} element
 * @param {string} name
 */
function ownAttribute(element, name) {
  return (
    (element instanceof HTMLDetailsElement && name === "open") || (element instanceof HTMLButtonElement && name === "hidden")
  );
}

/** @param {Node} node */
function keyOf(node) {
  return node instanceof HTMLElement ? (node.dataset.key ?? node.id) : "";
}

/**
 * @param {Node} a
 * @param {Node} b
 */
function sameKind(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

/* The stream */

/** The page's one stream of changes, and what the page says about it. */
class Live {
  /**
   * @param {string} address
   * @param {NodeListOf<HTMLElement>} signs where the state is shown
   * @param {Fragment[]} fragments
   */
  constructor(address, signs, fragments) {
    this.address = address;
    this.signs = signs;
    this.fragments = fragments;
    /** @type {EventSource | null} */
    this.source = null;
    this.missed = false;
    this.delay = RETRY_FIRST_MS;
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  open() {
    clearTimeout(this.timer);
    if (this.source) {
      return;
    }
    const source = new EventSource(this.address);
    this.source = source;
    source.addEventListener("open", () => {
      this.delay = RETRY_FIRST_MS;
      this.show("live");
      if (this.missed) {
        this.missed = false;
        this.fragments.forEach((fragment) => fragment.refresh());
      }
    });
    source.addEventListener("changed", (event) => {
      const { data } = /** @type {MessageEvent<string>} */ (event);
      // A star says that something was missed.
      this.fragments.filter(({ topics }) => data === "*" || topics.includes(data)).forEach((fragment) => fragment.refresh());
    });
    source.addEventListener("error", () => {
      this.missed = true;
      this.show("reconnecting");
      // A refusal ends the stream for good: ask again ourselves. A fragment tells whether the session is over.
      if (source.readyState === EventSource.CLOSED) {
        this.close();
        this.fragments[0]?.refresh();
        this.timer = setTimeout(() => this.open(), this.delay);
        this.delay = Math.min(this.delay * 2, RETRY_LAST_MS);
      }
    });
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.missed = true;
  }

  /** @param {"live" | "reconnecting"} state */
  show(state) {
    for (const sign of this.signs) {
      if (sign.dataset.state !== state) {
        sign.dataset.state = state;
        sign.textContent = (state === "live" ? sign.dataset.textLive : sign.dataset.textReconnecting) ?? "";
      }
    }
  }

  /** A browser allows six connections to a host: a page that nobody sees gives its own back. */
  followVisibility() {
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.timer);
      if (document.hidden) {
        this.timer = setTimeout(() => this.close(), HIDDEN_GRACE_MS);
      } else {
        this.open();
      }
    });
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", () => this.open());
    addEventListener("online", () => {
      this.close();
      this.open();
    });
  }
}

function startLive() {
  /** @type {NodeListOf<HTMLElement>} */
  const signs = document.querySelectorAll("[data-live]");
  const address = signs[0]?.dataset.live;
  /** @type {NodeListOf<HTMLElement>} */
  const elements = document.querySelectorAll("[data-fragment]");
  const fragments = [...elements].map((element) => new Fragment(element));
  fragments.filter(({ element }) => element.dataset.eager !== undefined).forEach((fragment) => fragment.refresh());
  if (address) {
    const live = new Live(address, signs, fragments);
    live.followVisibility();
    live.open();
  }
}

/* Times */

/**
 * A browser may be older than a time zone: then its own has to do.
 * @param {Intl.DateTimeFormatOptions} options
 */
function clock(options) {
  const timeZone = document.documentElement.dataset.timeZone;
  try {
    return new Intl.DateTimeFormat(language, { ...options, timeZone });
  } catch {
    return new Intl.DateTimeFormat(language, options);
  }
}

const whole = clock({ dateStyle: "medium", timeStyle: "short" });
const day = clock({ dateStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** @param {ParentNode} root */
function localizeTimes(root) {
  for (const element of root.querySelectorAll("time")) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) {
      continue;
    }
    const text = readable(at, element.dataset);
    if (element.textContent !== text) {
      element.textContent = text;
    }
    element.title = whole.format(at);
  }
}

/**
 * @param {Date} at
 * @param {DOMStringMap} how
 */
function readable(at, how) {
  const seconds = (at.getTime() - Date.now()) / 1000;
  if (how.relative === undefined) {
    return (how.date === undefined ? whole : day).format(at);
  }
  // Beyond a month a date says more than a distance.
  if (Math.abs(seconds) > 30 * 86_400) {
    return day.format(at);
  }
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["minute", 60];
  return relative.format(Math.trunc(seconds / size), unit);
}

/* Small things */

/**
 * Shows what only works with a script.
 * @param {ParentNode} root
 */
function prepare(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) {
    button.removeAttribute("hidden");
  }
}

/** @param {HTMLButtonElement} button */
async function copy(button) {
  const field = document.getElementById(button.dataset.copy ?? "");
  if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) {
    return;
  }
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Plain http on a network has no clipboard: the text is selected at least.
    return;
  }
  const label = button.textContent;
  button.textContent = button.dataset.done ?? "";
  button.setAttribute("aria-live", "polite");
  setTimeout(() => (button.textContent = label), 2_000);
}

function addReveals() {
  for (const field of document.querySelectorAll("input[data-reveal]")) {
    if (!(field instanceof HTMLInputElement)) {
      continue;
    }
    const frame = document.createElement("div");
    const button = document.createElement("button");
    frame.className = "reveal";
    button.type = "button";
    button.textContent = field.dataset.reveal ?? "";
    button.setAttribute("aria-controls", field.id);
    /** @param {boolean} readable */
    const show = (readable) => {
      field.type = readable ? "text" : "password";
      button.setAttribute("aria-pressed", String(readable));
    };
    show(false);
    button.addEventListener("click", () => show(field.type === "password"));
    // A browser offers to remember what is sent from a password field only.
    field.form?.addEventListener("submit", () => show(false));
    field.replaceWith(frame);
    frame.append(field, button);
  }
}

/* Fields that are checked while they are filled in */

/**
 * Asks the server what is wrong with the fields that were touched, when one is left and when the typing pauses.
 * @param {HTMLFormElement} form
 */
function checkAsOneTypes(form) {
  /** @type {Set<HTMLInputElement | HTMLSelectElement>} */
  const touched = new Set();
  let latest = 0;
  /** @type {number | undefined} */
  let timer;
  const look = async () => {
    const turn = ++latest;
    const body = new URLSearchParams([...touched].map((field) => [field.name, field.value]));
    try {
      const response = await fetch(form.dataset.check ?? "", { method: "POST", headers: { "x-fragment": "1" }, body, redirect: "manual" });
      if (!response.ok || turn !== latest) {
        return;
      }
      const template = document.createElement("template");
      template.innerHTML = await response.text();
      touched.forEach((field) => sayWhatIsWrong(field, template.content.getElementById(errorOf(field))));
    } catch {
      // Offline: it is said after sending.
    }
  };
  /** @param {Event} event */
  const touch = ({ target, type }) => {
    const isText = target instanceof HTMLInputElement && ["text", "email"].includes(target.type) && !target.dataset.reveal;
    if (isText || target instanceof HTMLSelectElement) {
      touched.add(target);
      clearTimeout(timer);
      timer = setTimeout(() => void look(), type === "input" ? CHECK_DELAY_MS : 0);
    }
  };
  form.addEventListener("input", touch);
  form.addEventListener("change", touch);
}

/** @param {HTMLElement} field */
function errorOf(field) {
  return `${field.id}-error`;
}

/**
 * @param {HTMLElement} field
 * @param {HTMLElement | null} error
 */
function sayWhatIsWrong(field, error) {
  const id = errorOf(field);
  const said = document.getElementById(id);
  if (said?.textContent === error?.textContent) {
    return;
  }
  said?.remove();
  const described = (field.getAttribute("aria-describedby") ?? "").split(/\s+/).filter((it) => it && it !== id);
  if (error) {
    error.setAttribute("role", "alert");
    field.after(error);
    described.push(id);
  }
  for (const [name, value] of [
    ["aria-invalid", error ? "true" : ""],
    ["aria-describedby", described.join(" ")],
  ]) {
    if (value) {
      field.setAttribute(name, value);
    } else {
      field.removeAttribute(name);
    }
  }
}

/**
 * Sends a form with a file, shows how far it has come, and then goes where the answer leads. A refusal is shown in its place.
 * @param {HTMLFormElement} form
 */
function upload(form) {
  const request = new XMLHttpRequest();
  const progress = document.createElement("progress");
  progress.setAttribute("aria-label", form.dataset.upload ?? "");
  form.append(progress);
  request.upload.addEventListener("progress", ({ loaded, total }) => (progress.value = total ? loaded / total : 0));
  request.addEventListener("load", () => {
    const main = document.querySelector("main");
    const answer = new DOMParser().parseFromString(request.responseText, "text/html").querySelector("main");
    if (request.status < 400 || !main || !answer) {
      location.assign(request.status < 400 ? request.responseURL : location.href);
    } else {
      morphChildren(main, answer);
      localizeTimes(main);
      unlock();
    }
  });
  request.addEventListener("error", () => {
    progress.replaceWith(form.dataset.failed ?? "");
    unlock();
  });
  request.open("POST", form.action);
  request.setRequestHeader("accept", "text/html");
  request.send(new FormData(form));
}

/** @param {Node | null} inside what stays open */
function closeMenus(inside) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!inside || !menu.contains(inside)) {
      menu.removeAttribute("open");
    }
  }
}

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;
  closeMenus(target);
  const button = target?.closest("button[data-copy]");
  if (button instanceof HTMLButtonElement) {
    void copy(button);
  }
});

document.addEventListener("focusin", (event) => {
  closeMenus(event.target instanceof Node ? event.target : null);
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = document.activeElement?.closest("details[data-menu][open]");
    closeMenus(null);
    open?.querySelector("summary")?.focus();
  }
});

// A second click must not send a form twice.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form instanceof HTMLFormElement && form.method === "post") {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "true";
    event.submitter?.setAttribute("aria-disabled", "true");
    if (form.dataset.upload) {
      event.preventDefault();
      upload(form);
    }
  }
});

/** Lets forms be sent again. */
function unlock() {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    form.removeAttribute("data-sent");
    form.querySelector("[aria-disabled]")?.removeAttribute("aria-disabled");
  }
}

addEventListener("pageshow", unlock);

localizeTimes(document);
setInterval(() => localizeTimes(document), CLOCK_MS);
prepare(document);
addReveals();
startLive();
/** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-check]")).forEach(checkAsOneTypes);
/** @type {HTMLElement | null} */ (document.querySelector('[aria-invalid="true"]'))?.focus();
/** @type {HTMLFormElement | null} */ (document.querySelector("form[data-submit]"))?.requestSubmit();
