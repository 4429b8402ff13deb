// @ts-check
/** Sends what a form of the API reference describes, and shows the answer. */

/** @param {HTMLElement} root */
export function init(root) {
  root.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.part !== "try") return;
    event.preventDefault();
    send(root, form);
  });
}

/**
 * @param {HTMLElement} root
 * @param {HTMLFormElement} form
 */
async function send(root, form) {
  const result = form.querySelector('[data-part="result"]');
  const key = root.querySelector('[data-part="key"]');
  if (!(result instanceof HTMLElement) || !(key instanceof HTMLInputElement)) return;
  result.hidden = false;
  result.textContent = root.dataset.textWait ?? "";
  let path = form.dataset.path ?? "";
  const query = new URLSearchParams();
  let body;
  for (const field of form.querySelectorAll("[data-place]")) {
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) continue;
    if (field.dataset.place === "path") {
      path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
    } else if (field.dataset.place === "query" && field.value) {
      query.set(field.name, field.value);
    } else if (field.dataset.place === "body") {
      body = field.value;
    }
  }
  const address = query.size ? `${path}?${query}` : path;
  try {
    const started = performance.now();
    const answer = await fetch(address, {
      method: form.dataset.method,
      headers: { Authorization: `Bearer ${key.value}`, "Content-Type": "application/json" },
      body,
      credentials: "omit",
    });
    const elapsed = Math.round(performance.now() - started);
    result.textContent = `${answer.status} ${answer.statusText} · ${elapsed} ms\n\n${pretty(await answer.text())}`;
  } catch {
    result.textContent = root.dataset.textFailed ?? "";
  }
}

/** @param {string} text */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
