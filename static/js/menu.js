// @ts-check
/**
 * Closes a menu by Escape, by a click elsewhere, and when the focus leaves it; arrow
 * keys walk through it. Opening is the browser's: a menu is a details element.
 * @param {HTMLElement} root
 */
export function init(root) {
  if (!(root instanceof HTMLDetailsElement)) return;
  const summary = root.querySelector("summary");

  const items = () =>
    /** @type {HTMLElement[]} */ ([...root.querySelectorAll("a, button:not([disabled])")]);

  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && root.open) {
      event.stopPropagation();
      root.open = false;
      summary?.focus();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    if (!root.open) root.open = true;
    const all = items();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = event.key === "ArrowDown" ? at + 1 : at < 0 ? all.length - 1 : at - 1;
    all[(next + all.length) % all.length]?.focus();
  });
  root.addEventListener("focusout", (event) => {
    const to = event.relatedTarget;
    if (to instanceof Node && !root.contains(to)) root.open = false;
  });
  document.addEventListener("click", (event) => {
    if (root.open && event.target instanceof Node && !root.contains(event.target)) root.open = false;
  });
}
