// @ts-check
/**
 * Push messages for the browser at hand.
 *
 * `[data-push]` is where somebody allows them, or stops them: `data-server-key` is what the browser is asked with, `data-browser` the id under which the
 * server knows it, if it does. In it:
 * - `button[data-push-start]` and `button[data-push-stop]`;
 * - `[data-push-said]`: what is so, in the words of its `data-text-on`, `-off`, `-none` (the browser has none), `-denied` and `-failed`.
 *
 * On every page of somebody who is signed in, whatever the page shows: a browser that one person allowed tells nobody else who signs in there, and when
 * the same person has signed in anew it goes on telling them, unless they stopped it. Whom and which session it was allowed in is remembered here.
 */

const SCOPE = "/notifications/";
const WORKER = "/assets/push-worker.js";
const BROWSERS = "/api/v1/notifications/browsers";
const ALLOWED = "push-allowed";
/** How long a browser may take to reach its push service, which some never do. */
const PATIENCE_MS = 20_000;

const { person, session } = document.body.dataset;

/** @returns {{ person?: string, session?: string } | null} */
function allowed() {
  try {
    return JSON.parse(localStorage.getItem(ALLOWED) ?? "null");
  } catch {
    return null;
  }
}

/** @param {BufferSource | null} bytes */
function encode(bytes) {
  const letters = bytes ? String.fromCharCode(...new Uint8Array(/** @type {ArrayBuffer} */ (bytes))) : "";
  return btoa(letters).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration(SCOPE);
  return (await registration?.pushManager.getSubscription()) ?? null;
}

/**
 * Tells the server how this browser is reached. Refused is what stays so: it cannot be used, there are too many, or its person stopped it. Anything
 * else is about this moment or this page: who is here has to show who they are, chooses an organization first, or asks too often.
 * @param {PushSubscription} subscription
 * @returns {Promise<"told" | "refused" | "later">}
 */
async function register(subscription) {
  const { endpoint, keys } = subscription.toJSON();
  const body = JSON.stringify({ endpoint, keys, server_key: encode(subscription.options.applicationServerKey) });
  const response = await fetch(BROWSERS, { method: "POST", headers: { "content-type": "application/json" }, body });
  if (response.status === 201) {
    localStorage.setItem(ALLOWED, JSON.stringify({ person, session }));
    return "told";
  }
  const { type } = await response.json().catch(() => ({}));
  return ["/problems/invalid", "/problems/conflict"].includes(type) ? "refused" : "later";
}

/** @param {PushSubscription | null} old */
async function forget(old) {
  localStorage.removeItem(ALLOWED);
  await old?.unsubscribe();
}

/** Whoever is here now: is it still who allowed it, and still the same session? */
async function follow() {
  const before = allowed();
  if (!person || !before || (before.person === person && before.session === session)) {
    return;
  }
  const old = await subscription();
  // What passes is tried again on the next page.
  if (!old || before.person !== person || (await register(old)) === "refused") {
    await forget(old);
  }
}

/** How often this page has asked the browser. */
let asked = 0;

/**
 * Asks the browser where it is reached; a push service has to say so within our patience.
 * @param {string} key
 * @returns {Promise<PushSubscription>}
 */
async function subscribe(key) {
  const mine = ++asked;
  const answer = navigator.serviceWorker.ready.then(({ pushManager }) => {
    return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  });
  const patience = new Promise((_, reject) => setTimeout(() => reject(new Error("no push service")), PATIENCE_MS));
  try {
    return await Promise.race([answer, patience]);
  } catch (error) {
    // What comes too late is used by nobody, if nobody has asked again.
    answer.then((late) => (mine === asked ? late.unsubscribe() : undefined)).catch(() => undefined);
    throw error;
  }
}

async function start(/** @type {string} */ key) {
  // Whoever is asked may think for as long as they like.
  if ((await Notification.requestPermission()) !== "granted") {
    throw new Error("not allowed");
  }
  await navigator.serviceWorker.register(WORKER, { scope: SCOPE });
  // What another person allowed here is not used again, so nothing of theirs comes.
  await forget(await subscription());
  const fresh = await subscribe(key);
  const answer = await register(fresh).catch(() => "later");
  if (answer !== "told") {
    await forget(fresh);
    throw new Error(`${answer}: ${BROWSERS}`);
  }
}

async function stop(/** @type {string} */ browser) {
  const response = await fetch(`${BROWSERS}/${browser}`, { method: "DELETE" });
  if (!response.ok && response.status !== 404) {
    throw new Error(`${response.status} from ${response.url}`);
  }
  await forget(await subscription());
}

/** @param {HTMLElement} part */
async function offer(part) {
  const [on, off] = ["start", "stop"].map((what) => /** @type {HTMLButtonElement} */ (part.querySelector(`[data-push-${what}]`)));
  const said = /** @type {HTMLElement} */ (part.querySelector("[data-push-said]"));
  /** @param {"on" | "off" | "none" | "denied" | "failed"} what */
  const say = (what) => {
    said.textContent = said.getAttribute(`data-text-${what}`);
    on.hidden = what === "on" || what === "none";
    off.hidden = what !== "on";
  };
  /** @param {HTMLButtonElement} button @param {() => Promise<unknown>} work */
  const does = (button, work) => {
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled")) {
        return;
      }
      button.setAttribute("aria-disabled", "true");
      try {
        await work();
        location.reload();
      } catch {
        say(Notification.permission === "denied" ? "denied" : "failed");
      } finally {
        button.removeAttribute("aria-disabled");
      }
    });
  };
  if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) {
    say("none");
    return;
  }
  does(on, () => start(part.dataset.serverKey ?? ""));
  does(off, () => stop(part.dataset.browser ?? ""));
  const is = part.dataset.browser && (await subscription()) ? "on" : "off";
  say(is === "off" && Notification.permission === "denied" ? "denied" : is);
}

const part = /** @type {HTMLElement | null} */ (document.querySelector("[data-push]"));
if ("serviceWorker" in navigator) {
  await follow().catch(() => undefined);
}
if (part) {
  await offer(part);
}
