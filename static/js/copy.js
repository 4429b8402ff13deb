// @ts-check
import { announce } from "./announce.js";

/** @param {HTMLElement} root */
export function init(root) {
  const field = root.querySelector('[data-part="value"]');
  const button = root.querySelector('[data-part="copy"]');
  const text = root.querySelector('[data-part="text"]');
  const reveal = root.querySelector('[data-part="reveal"]');
  if (!(field instanceof HTMLInputElement) || !text) return;
  const before = text.textContent;

  button?.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // Without HTTPS there is no clipboard: select it, so that Ctrl+C does.
      field.type = "text";
      field.select();
      return;
    }
    text.textContent = root.dataset.copiedText ?? "";
    announce(root.dataset.copiedText ?? "");
    setTimeout(() => (text.textContent = before), 2000);
  });
  reveal?.addEventListener("click", () => {
    const isShown = field.type === "text";
    field.type = isShown ? "password" : "text";
    reveal.setAttribute("aria-pressed", String(!isShown));
  });
}
