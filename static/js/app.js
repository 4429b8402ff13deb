// @ts-check
/**
 * Finds the parts of a page that need a script, and starts each once.
 *
 * An element says which module it wants with data-module="name"; the module exports
 * `init(root)`. Runs after load and after every swap of htmx.
 */

/** @type {Record<string, () => Promise<{init: (root: HTMLElement) => void}>>} */
const MODULES = {
  api_reference: () => import("./api_reference.js"),
  brand_preview: () => import("./brand_preview.js"),
  call: () => import("./call/panel.js"),
  command: () => import("./command.js"),
  confirm: () => import("./confirm.js"),
  copy: () => import("./copy.js"),
  listen: () => import("./call/listen.js"),
  dictation: () => import("./dictation.js"),
  dialog: () => import("./dialog.js"),
  menu: () => import("./menu.js"),
  nav: () => import("./nav.js"),
  passkey: () => import("./passkey.js"),
  password: () => import("./password.js"),
  schema_builder: () => import("./schema_builder.js"),
  text_panel: () => import("./call/text_panel.js"),
  theme: () => import("./theme.js"),
  toast: () => import("./toast.js"),
  transcript: () => import("./transcript.js"),
  unsaved: () => import("./unsaved.js"),
  waveform: () => import("./waveform.js"),
  widget: () => import("./call/widget_frame.js"),
  widget_preview: () => import("./call/widget_preview.js"),
};

/** @param {ParentNode} scope */
function start(scope) {
  for (const root of scope.querySelectorAll("[data-module]")) {
    if (!(root instanceof HTMLElement) || root.dataset.started) continue;
    const load = MODULES[root.dataset.module ?? ""];
    if (!load) continue;
    root.dataset.started = "loading";
    load().then((module) => {
      module.init(root);
      root.dataset.started = "ready";
    });
  }
}

start(document);
document.addEventListener("htmx:afterSettle", () => start(document));
