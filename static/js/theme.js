// @ts-check
import { announce } from "./announce.js";

/**
 * Changes the theme at once, and tells the server in the background.
 * @param {HTMLElement} root the form of components/theme_switch.html
 */
export function init(root) {
  if (!(root instanceof HTMLFormElement)) return;
  root.addEventListener("submit", (event) => {
    const chosen = event.submitter;
    if (!(chosen instanceof HTMLButtonElement)) return;
    event.preventDefault();
    document.documentElement.dataset.theme = chosen.value;
    for (const button of document.querySelectorAll(".theme_switch__choice")) {
      if (button instanceof HTMLButtonElement) {
        button.setAttribute("aria-pressed", String(button.value === chosen.value));
      }
    }
    const data = new FormData(root);
    data.set("theme", chosen.value);
    announce(`${root.dataset.announce}: ${chosen.textContent?.trim()}`);
    document.dispatchEvent(new CustomEvent("theme:changed"));
    fetch(root.action, { method: "POST", body: data, redirect: "manual" }).catch(() => root.submit());
  });
}
