// @ts-check
/**
 * Asks before a form is sent that cannot be taken back: one with data-confirm, which is
 * the question; data-confirm-text says what follows. Without a script it is sent at once.
 * @param {HTMLElement} root the dialog that asks, one for the whole page
 */
export function init(root) {
  if (!(root instanceof HTMLDialogElement)) return;
  const title = root.querySelector("[data-part=title]");
  const text = root.querySelector("[data-part=text]");
  const yes = root.querySelector("[data-part=yes]");
  if (!(title && text && yes instanceof HTMLElement)) return;
  /** @type {{form: HTMLFormElement, button: HTMLElement | null} | null} */
  let asked = null;

  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target;
      if (!(form instanceof HTMLFormElement) || !form.dataset.confirm) return;
      if (asked?.form === form) return;
      event.preventDefault();
      event.stopPropagation();
      asked = { form, button: event.submitter };
      title.textContent = form.dataset.confirm;
      text.textContent = form.dataset.confirmText ?? "";
      yes.textContent = words(event.submitter) || (yes.dataset.otherwise ?? "");
      const menu = form.closest("details");
      if (menu) {
        menu.open = false;
        menu.querySelector("summary")?.focus();
      }
      root.showModal();
    },
    true,
  );
  root.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target === root || target?.closest("[data-closes]")) root.close();
  });
  yes.addEventListener("click", () => {
    const { form, button } = asked ?? {};
    // Sending comes before closing, which forgets what was asked.
    form?.requestSubmit(button);
    root.close();
  });
  root.addEventListener("close", () => {
    asked = null;
  });
}

/**
 * What a button says to the eye.
 * @param {HTMLElement | null} button
 */
function words(button) {
  const shown = /** @type {HTMLElement | undefined} */ (button?.cloneNode(true));
  for (const hidden of shown?.querySelectorAll(".visually_hidden") ?? []) hidden.remove();
  return shown?.textContent?.trim() ?? "";
}
