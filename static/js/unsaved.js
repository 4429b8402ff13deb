// @ts-check
/**
 * Has the browser ask before a page is left whose form was changed and not sent.
 * A form that comes back with its faults (data-changed) counts as changed.
 * @param {HTMLElement} root the form
 */
export function init(root) {
  let isChanged = "changed" in root.dataset;
  root.addEventListener("input", () => {
    isChanged = true;
  });
  root.addEventListener("submit", () => {
    isChanged = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (isChanged) event.preventDefault();
  });
}
