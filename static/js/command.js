// @ts-check
/** A form that is sent again and again: emptied once what it said was done. */

/** @param {HTMLElement} root */
export function init(root) {
  root.addEventListener("htmx:afterRequest", (event) => {
    const answer = /** @type {CustomEvent} */ (event).detail.xhr?.responseText ?? "";
    if (root instanceof HTMLFormElement && answer.includes('data-tone="success"')) root.reset();
  });
}
