// @ts-check
/**
 * Passkeys. A form with `data-passkey` is shown where the browser has them; when it is sent, the browser is asked first, and what it answers goes
 * along as `credential`.
 *
 * - `form[data-passkey="create"]` or `"get"`: makes a passkey, or shows one.
 * - `data-challenge="/api/v1/…"`: where it says what the browser is to be asked.
 * - `[data-passkey-none]`: what is said where the browser has none.
 * - `[data-passkey-failed]`: what is said when nothing came of it; `[data-passkey-there]`, when the device has one already.
 */

const PARSERS = { create: "parseCreationOptionsFromJSON", get: "parseRequestOptionsFromJSON" };

/** What the browser answers, as text. */
async function ask(/** @type {HTMLFormElement} */ form) {
  const kind = form.dataset.passkey === "create" ? "create" : "get";
  const challenge = await fetch(form.dataset.challenge ?? "", { method: "POST" });
  if (!challenge.ok) {
    throw new Error(`${challenge.status} from ${challenge.url}`);
  }
  const { options } = await challenge.json();
  // @ts-ignore: newer than the types of some editors
  const publicKey = PublicKeyCredential[PARSERS[kind]](options);
  return JSON.stringify(await navigator.credentials[kind]({ publicKey }));
}

/** Shows of the things that may be said in a form this one, or none. */
function say(/** @type {HTMLFormElement} */ form, /** @type {string} */ what) {
  for (const said of ["failed", "there"]) {
    form.querySelector(`[data-passkey-${said}]`)?.toggleAttribute("hidden", said !== what);
  }
}

async function send(/** @type {HTMLFormElement} */ form) {
  say(form, "");
  const remember = form.elements.namedItem("remember");
  if (remember instanceof HTMLInputElement) {
    // The box stands in the form for passwords.
    remember.disabled = !document.querySelector("[type=checkbox][name=remember]:checked");
  }
  try {
    const credential = /** @type {HTMLInputElement} */ (form.elements.namedItem("credential"));
    credential.value = await ask(form);
    form.submit();
  } catch (error) {
    say(form, error instanceof DOMException && error.name === "InvalidStateError" ? "there" : "failed");
  } finally {
    form.removeAttribute("aria-busy");
  }
}

for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-passkey]"))) {
  if (window.PublicKeyCredential && "parseCreationOptionsFromJSON" in PublicKeyCredential) {
    form.hidden = false;
    document.querySelector("[data-passkey-none]")?.setAttribute("hidden", "");
    form.addEventListener("submit", (event) => {
      // Nobody else handles it: it is sent later, and may be sent again.
      event.preventDefault();
      event.stopPropagation();
      if (!form.hasAttribute("aria-busy")) {
        form.setAttribute("aria-busy", "true");
        void send(form);
      }
    });
  }
}
