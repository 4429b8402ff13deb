// @ts-check
/**
 * Shows the brand of a form before it is saved, on the page itself: the style sheet
 * comes from the server, as the saved one does (data-preview-url + the form's fields).
 * @param {HTMLElement} root a form
 */
export function init(root) {
  if (!(root instanceof HTMLFormElement)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const show = () => {
    const query = new URLSearchParams();
    for (const name of ["primary_color", "accent_color", "neutral_hue_deg", "radius", "font", "density"]) {
      const value = new FormData(root).get(name);
      if (typeof value === "string") query.set(name, value);
    }
    link.href = `${root.dataset.previewUrl}?${query}`;
    if (!link.isConnected) document.head.append(link);
  };
  root.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 120);
  });
  if (root.dataset.previewNow !== undefined) show();
}
