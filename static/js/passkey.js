// @ts-check
/**
 * Asks the browser for a passkey when a form is sent, and sends what it answers.
 *
 * What to ask for stands in the JSON of `data-options`; the answer goes into the form's
 * hidden `credential`. Where the person stops it, the form says so and can be sent again.
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
      const wanted = JSON.parse(options.textContent ?? "").request_options;
      // @ts-ignore: a script of the sign-in library, loaded before this one.
      const answer = await window.webauthnJSON.get(wanted);
      credential.value = JSON.stringify(answer);
      root.submit();
    } catch {
      if (said) said.textContent = root.dataset.failedText ?? "";
    }
  });
}
