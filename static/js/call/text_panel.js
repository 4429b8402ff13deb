// @ts-check
import { csrfToken } from "../csrf.js";
import { Captions } from "./captions.js";
import { Signalling } from "./signalling.js";

/** The screen of components/text_panel.html: one conversation in writing after another. */
class TextPanel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.captions = new Captions(this.part("log"), {
      user: root.dataset.textUser ?? "",
      assistant: root.dataset.textAssistant ?? "",
    });
    /** @type {Signalling | null} */
    this.signalling = null;
    this.callUrl = "";
    this.part("start").addEventListener("click", () => this.start());
    this.part("end").addEventListener("click", () => this.hangUp());
    this.part("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.part("text").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.send();
    });
    window.addEventListener("pagehide", () => this.hangUp());
    // Until here a click would have been lost.
    /** @type {HTMLButtonElement} */ (this.part("start")).disabled = false;
  }

  /** @param {string} name @returns {HTMLElement} */
  part(name) {
    return /** @type {HTMLElement} */ (this.root.querySelector(`[data-part="${name}"]`));
  }

  /** @param {string} state @param {string} words */
  enter(state, words) {
    this.root.dataset.state = state;
    const isOpen = state === "connecting" || state === "live";
    this.part("start").hidden = isOpen;
    this.part("end").hidden = !isOpen;
    this.part("form").hidden = !isOpen;
    this.part("status").textContent = words;
  }

  async start() {
    this.captions.clear();
    this.part("hint").hidden = true;
    this.part("error").hidden = true;
    this.part("call-link").hidden = true;
    this.enter("connecting", this.root.dataset.textConnecting ?? "");
    let answer;
    try {
      const response = await fetch(this.root.dataset.startUrl ?? "", {
        method: "POST",
        headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
      });
      answer = await response.json();
      if (!response.ok) return this.fail(answer.error?.message);
    } catch {
      return this.fail();
    }
    this.callUrl = answer.call_url;
    const signalling = new Signalling(answer.server_url, answer.token, {
      onMessage: (message) => this.onMessage(message),
      onOnline: () => {},
      onOffline: () => {},
      onLost: () => this.fail(this.root.dataset.textLost),
    });
    this.signalling = signalling;
    signalling.open();
    signalling.send({ type: "begin" });
  }

  /** @param {any} message */
  onMessage(message) {
    const { textLive = "", textThinking = "", textEnded = "" } = this.root.dataset;
    if (message.type === "caption") this.captions.show(message);
    if (message.type === "status" && message.status === "in-progress") {
      this.enter("live", textLive);
      this.part("text").focus();
    }
    if (message.type === "activity" && message.speaker === "assistant") {
      this.part("status").textContent = message.activity === "thinking" ? textThinking : textLive;
    }
    if (message.type === "error") this.fail(message.message);
    if (message.type === "ended") {
      this.close();
      this.enter("ended", textEnded);
      this.showLink();
      if (message.error) this.showError(message.error);
      this.part("start").focus();
    }
  }

  send() {
    const area = /** @type {HTMLTextAreaElement} */ (this.part("text"));
    const text = area.value.trim();
    if (!text || !this.signalling) return;
    this.signalling.send({ type: "text", text });
    area.value = "";
    area.focus();
  }

  hangUp() {
    this.signalling?.send({ type: "hangup" });
  }

  /** @param {string} [words] */
  fail(words) {
    this.close();
    this.enter("failed", this.root.dataset.textFailed ?? "");
    this.showError(words || this.root.dataset.textLost || "");
    this.showLink();
  }

  /** @param {string} words */
  showError(words) {
    this.part("error").hidden = false;
    this.part("error").textContent = words;
  }

  showLink() {
    const link = /** @type {HTMLAnchorElement} */ (this.part("call-link"));
    link.hidden = !this.callUrl;
    if (this.callUrl) link.href = this.callUrl;
  }

  close() {
    this.signalling?.close();
    this.signalling = null;
  }
}

/** @param {HTMLElement} root */
export function init(root) {
  new TextPanel(root);
}
