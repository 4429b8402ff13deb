// @ts-check
/**
 * Asks the browser for a passkey when a form is sent, and sends what it answers.
 *
 * What to ask for stands in the JSON of `data-options`: an old passkey to sign in with,
 * or a new one to be made. The answer goes into the form's hidden `credential`. Where
 * the person stops it, the form says so and can be sent again.
 * @param {HTMLElement} root
 */
export function init(root) {
  if (!(root instanceof HTMLFormElement)) return;
  const options = document.getElementById(root.dataset.options ?? "");
  const credential = root.querySelector('input[name="credential"]');
  const said = root.querySelector('[data-part="said"]');
  if (!options || !(credential instanceof HTMLInputElement)) return;

  root.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (said) said.textContent = "";
    try {
      const wanted = JSON.parse(options.textContent ?? "");
      // @ts-ignore: a script of the sign-in library, loaded before this one.
      const browser = window.webauthnJSON;
      const answer = wanted.creation_options
        ? await browser.create(made(root, wanted.creation_options))
        : await browser.get(wanted.request_options);
      credential.value = JSON.stringify(answer);
      root.submit();
    } catch {
      if (said) said.textContent = root.dataset.failedText ?? "";
    }
  });
}

/**
 * Return the options of a new passkey: one that is to sign in alone must be kept on the
 * device and checks that it is the person.
 * @param {HTMLFormElement} form
 * @param {any} options
 */
function made(form, options) {
  const alone = form.querySelector('input[name="passwordless"]');
  const isAlone = alone instanceof HTMLInputElement && alone.checked;
  const selection = {
    ...options.publicKey.authenticatorSelection,
    residentKey: isAlone ? "required" : "discouraged",
    requireResidentKey: isAlone,
  };
  if (isAlone) selection.userVerification = "required";
  return { ...options, publicKey: { ...options.publicKey, authenticatorSelection: selection } };
}
