// @ts-check
/**
 * Finds the parts of a page that need a script, and starts each once.
 *
 * An element says which module it wants with data-module="name"; the module exports
 * `init(root)`. Runs after load and after every swap of htmx.
 */
/** @type {Record<string, () => Promise<{init: (root: HTMLElement) => void}>>} */
const MODULES = {};

/** @param {ParentNode} scope */
function start(scope) {
  for (const root of scope.querySelectorAll("[data-module]")) {
    if (!(root instanceof HTMLElement) || root.dataset.started) continue;
    const load = MODULES[root.dataset.module ?? ""];
    if (!load) continue;
    root.dataset.started = "true";
    load().then((module) => module.init(root));
  }
}

start(document);
document.addEventListener("htmx:afterSettle", () => start(document));
