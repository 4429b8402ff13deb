// @ts-check
/**
 * Adds a button that shows what was typed into a password field.
 * @param {HTMLElement} root
 */
export function init(root) {
  const field = root.querySelector("input");
  if (!field) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "field__reveal";
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("class", "icon");
  icon.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  icon.append(use);
  button.append(icon);
  const sprite = root.dataset.sprite ?? "";

  const show = (/** @type {boolean} */ isShown) => {
    field.type = isShown ? "text" : "password";
    button.setAttribute("aria-label", (isShown ? root.dataset.hideText : root.dataset.showText) ?? "");
    use.setAttribute("href", `${sprite}#${isShown ? "eye-off" : "eye"}`);
  };
  show(false);
  button.addEventListener("click", () => show(field.type === "password"));
  field.form?.addEventListener("submit", () => show(false));
  root.append(button);
}
