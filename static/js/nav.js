// @ts-check
/**
 * Closes the narrow page's navigation when it becomes a column again, and after a link
 * of it was followed inside the page. Opening is the browser's: it is a popover.
 * @param {HTMLElement} root
 */
export function init(root) {
  const wide = window.matchMedia("(min-width: 60rem)");
  const close = () => {
    if (root.matches(":popover-open")) root.hidePopover();
  };
  wide.addEventListener("change", close);
  document.addEventListener("htmx:pushedIntoHistory", close);
}
