// @ts-check
/**
 * Shows what this browser is told (`/notifications/preferences`), and leads to what it is about. It stands at an address of its own that stays the
 * same, since browsers look there for a newer one; it takes no part in how pages are loaded.
 *
 * A message is {id, title, text, link, lang}. One that comes twice has one id, and is shown in the place of the first.
 */

const worker = /** @type {any} */ (self);

worker.addEventListener("install", () => worker.skipWaiting());

worker.addEventListener("push", (/** @type {any} */ event) => {
  const { id, title, text, link, lang } = event.data?.json() ?? {};
  event.waitUntil(worker.registration.showNotification(title, { body: text, tag: id, lang, data: { link } }));
});

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.link ?? "/notifications"));
});

/**
 * Leads there in a page of ours that is open, or in a new one; to no other site.
 * @param {string} link
 */
async function open(link) {
  let target = new URL(link, worker.location.origin);
  if (target.origin !== worker.location.origin) {
    target = new URL("/notifications", worker.location.origin);
  }
  const pages = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = pages.find((/** @type {any} */ page) => page.url === target.href);
  return there ? there.focus() : worker.clients.openWindow(target.href);
}
