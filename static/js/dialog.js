// @ts-check
let isListening = false;

/**
 * Opens a dialog from any button with data-opens="id", closes it from data-closes or a
 * click beside it. One that came back with errors (data-open) opens by itself.
 * @param {HTMLElement} root
 */
export function init(root) {
  if (!(root instanceof HTMLDialogElement)) return;
  root.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target === root || target?.closest("[data-closes]")) root.close();
  });
  if (root.dataset.open !== undefined) root.showModal();
  if (isListening) return;
  isListening = true;
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-opens]") : null;
    if (!(button instanceof HTMLElement)) return;
    const dialog = document.getElementById(button.dataset.opens ?? "");
    if (!(dialog instanceof HTMLDialogElement)) return;
    const menu = button.closest("details");
    if (menu) {
      menu.open = false;
      // The button is hidden now; closing the dialog gives the focus back to its menu.
      menu.querySelector("summary")?.focus();
    }
    dialog.showModal();
  });
}
