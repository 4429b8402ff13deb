// @ts-check
import { announce } from "./announce.js";

const SHOWN_MS = 6000;

/**
 * Shows short notices: from the server (HX-Trigger: {"toast": {"text", "tone"}}) and
 * when a request of htmx failed.
 * @param {HTMLElement} root
 */
export function init(root) {
  /** @param {string} text @param {string} tone */
  const show = (text, tone) => {
    const toast = document.createElement("div");
    toast.className = "toast";
    toast.dataset.tone = tone;
    const words = document.createElement("span");
    words.className = "toast__text";
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "toast__close";
    close.textContent = "×";
    close.setAttribute("aria-label", root.dataset.closeText ?? "");
    close.addEventListener("click", () => toast.remove());
    toast.append(words, close);
    root.append(toast);
    announce(text);
    // What failed stays until it is closed; good news goes by itself.
    if (tone !== "danger") setTimeout(() => toast.remove(), SHOWN_MS);
  };
  document.addEventListener("toast", (event) => {
    const detail = /** @type {CustomEvent} */ (event).detail ?? {};
    show(String(detail.text ?? detail.value ?? ""), String(detail.tone ?? "info"));
  });
  document.addEventListener("htmx:responseError", () => show(root.dataset.failedText ?? "", "danger"));
  document.addEventListener("htmx:sendError", () => show(root.dataset.offlineText ?? "", "danger"));
}
