// @ts-check
/**
 * Says something to people who listen to the page, once, without moving the focus.
 *
 * The same words twice are said twice: the region is emptied in between.
 * @param {string} text
 * @param {HTMLElement | null} [region] another live region than the page's own
 */
export function announce(text, region = document.getElementById("announcer")) {
  if (!region || !text) return;
  region.textContent = "";
  requestAnimationFrame(() => {
    region.textContent = text;
  });
}
