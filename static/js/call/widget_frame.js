// @ts-check
/**
 * The page of a widget, framed by somebody's site: a button that opens the call panel.
 * The site's script (static/js/widget.js) is told how much room is wanted.
 */

const OPEN = { width: 380, height: 620 };

class WidgetFrame {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.button = /** @type {HTMLButtonElement} */ (root.querySelector('[data-part="open"]'));
    this.panel = /** @type {HTMLElement} */ (root.querySelector('[data-part="panel"]'));
    this.button.addEventListener("click", () => this.show(true));
    root.querySelector('[data-part="close"]')?.addEventListener("click", () => this.show(false));
    root.addEventListener("keydown", (event) => {
      // In a call Escape hangs up; the panel takes that one.
      if (event.key === "Escape" && !event.defaultPrevented) this.show(false);
    });
    document.fonts.ready.then(() => this.tell());
  }

  /** @param {boolean} isOpen */
  show(isOpen) {
    // A call goes on while the panel is closed; the button says so.
    const state = this.panel.querySelector(".call_panel")?.getAttribute("data-state") ?? "";
    this.root.toggleAttribute("data-calling", ["asking", "connecting", "live"].includes(state));
    this.root.toggleAttribute("data-open", isOpen);
    this.panel.hidden = !isOpen;
    this.button.hidden = isOpen;
    this.tell();
    const next = isOpen ? this.panel.querySelector('[data-part="start"]') : this.button;
    if (next instanceof HTMLElement) next.focus();
  }

  /** Nothing in it is secret, and a frame cannot know the names of the sites around it. */
  tell() {
    const box = this.button.getBoundingClientRect();
    const size = this.panel.hidden ? { width: Math.ceil(box.width), height: Math.ceil(box.height) } : OPEN;
    parent.postMessage({ type: "voice-widget", isOpen: !this.panel.hidden, ...size }, "*");
  }
}

/** @param {HTMLElement} root */
export function init(root) {
  new WidgetFrame(root);
}
