// @ts-check
/**
 * Joins a transcript to the recording on the same page: a time plays from there, and
 * the turn being heard is marked.
 * @param {HTMLElement} root
 */
export function init(root) {
  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-seek-ms]") : null;
    if (!(button instanceof HTMLElement)) return;
    const ms = Number(button.dataset.seekMs);
    document.dispatchEvent(new CustomEvent("recording:seek", { detail: { ms } }));
  });
  const turns = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("[data-start-ms]")]);
  document.addEventListener("recording:at", (event) => {
    const { ms } = /** @type {CustomEvent} */ (event).detail;
    for (const turn of turns) {
      const isNow = Number(turn.dataset.startMs) <= ms && ms < Number(turn.dataset.endMs);
      turn.toggleAttribute("data-playing", isNow);
    }
  });
}
