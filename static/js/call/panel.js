// @ts-check
import { announce } from "../announce.js";
import { csrfToken } from "../csrf.js";
import { Captions } from "./captions.js";
import { WebCall } from "./web_call.js";

/**
 * The call screen of components/call_panel.html: shows one WebCall after another and
 * passes on what the person does, by mouse or keyboard.
 */
class CallPanel {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.captions = new Captions(this.part("captions"), {
      user: root.dataset.textUser ?? "",
      assistant: root.dataset.textAssistant ?? "",
    });
    /** @type {WebCall | null} */
    this.call = null;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this.timer = undefined;
    this.bars = {
      user: [...this.part("level-user").querySelectorAll("i")],
      assistant: [...this.part("level-assistant").querySelectorAll("i")],
    };
    this.part("start").addEventListener("click", () => this.start());
    // Until here a click would have been lost.
    /** @type {HTMLButtonElement} */ (this.part("start")).disabled = false;
    this.part("mute").addEventListener("click", () => this.call?.mute());
    this.part("hangup").addEventListener("click", () => this.call?.hangUp());
    // Only while the panel has the focus: a letter elsewhere belongs to whoever typed it.
    root.addEventListener("keydown", (event) => this.onKey(event));
  }

  /** @param {string} name @returns {HTMLElement} */
  part(name) {
    return /** @type {HTMLElement} */ (this.root.querySelector(`[data-part="${name}"]`));
  }

  /** @param {string} name */
  text(name) {
    return this.root.dataset[name] ?? "";
  }

  start() {
    const call = new WebCall({ startUrl: this.text("startUrl"), csrfToken: csrfToken() });
    this.call = call;
    this.captions.clear();
    this.part("error").hidden = true;
    /** @param {string} type @param {(detail: any) => void} handle */
    const on = (type, handle) =>
      call.addEventListener(type, (event) => handle(/** @type {CustomEvent} */ (event).detail));
    on("state", (detail) => this.onState(detail));
    on("caption", (detail) => this.captions.show(detail));
    on("activity", (detail) => this.onActivity(detail));
    on("level", ({ side, level }) => this.onLevel(side, level));
    on("muted", ({ isMuted }) => this.onMuted(isMuted));
    on("stream", ({ stream }) => this.play(stream));
    on("offline", () => this.say(this.text("textReconnecting")));
    on("online", () => this.say(this.text("textReconnected")));
    call.start();
  }

  /** @param {MediaStream} stream */
  play(stream) {
    const audio = /** @type {HTMLAudioElement} */ (this.part("audio"));
    audio.srcObject = stream;
    audio.play().catch(() => {});
  }

  /** Shows words as the status and reads them out. @param {string} text */
  say(text) {
    this.part("status").textContent = text;
    announce(text, this.part("announcer"));
  }

  /** @param {any} detail */
  onState(detail) {
    const { state } = detail;
    this.root.dataset.state = state;
    const isBusy = state === "asking" || state === "connecting" || state === "live";
    const focused = document.activeElement;
    const hadFocus = this.root.contains(focused);
    this.part("start").hidden = isBusy;
    this.part("mute").hidden = state !== "live";
    this.part("hangup").hidden = !isBusy;
    this.showLink(isBusy ? "" : detail.callUrl);
    // The button that was pressed is gone; the focus goes to the one in its place.
    if (hadFocus && focused?.closest("[hidden]")) {
      this.part(isBusy ? "hangup" : "start").focus();
    }
    if (state === "live") this.startTimer();
    else clearInterval(this.timer);
    if (state === "failed") this.showFailure(detail);
    else this.say(this.statusOf(detail));
    if (state === "ended" || state === "failed") this.finish(detail);
  }

  /** @param {any} detail */
  statusOf({ state, durationMs }) {
    const name = `text${state[0].toUpperCase()}${state.slice(1)}`;
    const words = this.text(name);
    return state === "ended" && durationMs ? `${words} · ${this.clock(durationMs)}` : words;
  }

  /** @param {any} detail */
  showFailure({ code, text }) {
    const name = `error${code.replace(/(^|[-_])(\w)/g, (_all, _dash, letter) => letter.toUpperCase())}`;
    this.part("status").textContent = this.text("textFailed");
    // The region is an alert: what is put there is read out.
    this.part("error").hidden = false;
    this.part("error-text").textContent = text || this.root.dataset[name] || this.text("textFailed");
  }

  /** @param {any} detail */
  finish({ durationMs }) {
    if (durationMs) this.part("timer").textContent = this.clock(durationMs);
    this.onMuted(false, true);
    document.dispatchEvent(new CustomEvent("call:finished", { detail: { callUrl: this.call?.callUrl } }));
    // The live list beside the panel may want to fetch itself again.
    document.body.dispatchEvent(new CustomEvent("call-finished", { bubbles: true }));
  }

  /** @param {string} [url] */
  showLink(url) {
    const link = /** @type {HTMLAnchorElement | null} */ (this.part("call-link"));
    if (!link) return; // a stranger has no page to see
    link.hidden = !url;
    if (url) link.href = url;
  }

  startTimer() {
    const since = this.call?.liveSince ?? Date.now();
    const show = () => {
      this.part("timer").textContent = this.clock(Date.now() - since);
    };
    show();
    this.timer = setInterval(show, 500);
  }

  /** @param {number} ms */
  clock(ms) {
    const seconds = Math.floor(ms / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }

  /** @param {{speaker: string, activity: string}} detail */
  onActivity({ speaker, activity }) {
    if (speaker !== "assistant") return;
    this.root.dataset.activity = activity;
    const words = { speaking: "textSpeaking", listening: "textListening", thinking: "textThinking" };
    const name = words[/** @type {keyof typeof words} */ (activity)];
    // Shown, not read out: it changes every few seconds and would talk over the call.
    if (name) this.part("status").textContent = this.text(name);
  }

  /** @param {"user" | "assistant"} side @param {number} level */
  onLevel(side, level) {
    const lit = Math.round(level * this.bars[side].length);
    this.bars[side].forEach((bar, index) => bar.toggleAttribute("data-on", index < lit));
    if (side === "assistant") this.part("orb").style.setProperty("--level", level.toFixed(2));
  }

  /** @param {boolean} isMuted @param {boolean} [isQuiet] */
  onMuted(isMuted, isQuiet = false) {
    this.part("mute").setAttribute("aria-pressed", String(isMuted));
    this.part("mic-on").hidden = isMuted;
    this.part("mic-off").hidden = !isMuted;
    if (!isQuiet) this.say(this.text(isMuted ? "textMuted" : "textUnmuted"));
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    if (!this.call || this.call.isOver) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    if (event.key === "m" || event.key === "M") this.call.mute();
    else if (event.key === "Escape") this.call.hangUp();
    else return;
    event.preventDefault();
  }
}

/** @param {HTMLElement} root */
export function init(root) {
  new CallPanel(root);
}
