// @ts-check
import { announce } from "../announce.js";
import { csrfToken } from "../csrf.js";
import { CallError } from "./errors.js";
import { openMicrophone } from "./microphone.js";
import { Peer } from "./peer.js";
import { Signalling } from "./signalling.js";

/** A microphone that sends nothing: the way out is there before somebody speaks. */
class SilentMicrophone {
  constructor() {
    this.context = new AudioContext();
    const out = this.context.createMediaStreamDestination();
    const gain = this.context.createGain();
    gain.gain.value = 0;
    const source = this.context.createConstantSource();
    source.connect(gain).connect(out);
    source.start();
    this.stream = out.stream;
  }

  close() {
    void this.context.close();
  }
}

/**
 * Listens in on a call that goes on, and takes it over when asked.
 *
 *     idle ── listen ─▶ connecting ─▶ listening ── take over ─▶ talking ─ hang up ─▶ over
 *                                      ▲ ╰─ whisper ─▶ whispering    │
 *                                      ╰──── again ────────╯         │
 *                                      ╰───────── give back ─────────╯
 *
 * With `data-chosen` it hears one of many calls: whichever button with `data-listen-url`
 * is pressed anywhere on the page, leaving the one before.
 */
class Listening {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.state = "idle";
    // So that it can keep the keyboard's place while its buttons come and go.
    this.root.tabIndex = -1;
    /** @type {Peer | null} */
    this.peer = null;
    /** @type {Signalling | null} */
    this.signalling = null;
    /** @type {SilentMicrophone | null} */
    this.silence = null;
    this.audio = /** @type {HTMLAudioElement} */ (this.part("audio"));
    this.part("listen").addEventListener("click", () => void this.start());
    this.part("whisper").addEventListener("click", () => void this.whisper());
    this.part("take-over").addEventListener("click", () => void this.takeOver());
    this.part("give-back").addEventListener("click", () => void this.giveBack());
    this.part("leave").addEventListener("click", () => this.leave());
    this.part("hang-up").addEventListener("click", () => this.leave());
    // A page that is closed ends no call: the assistant has the caller again.
    window.addEventListener("pagehide", () => this.goAway());
    if (this.root.dataset.chosen !== undefined) {
      document.addEventListener("click", (event) => this.choose(event));
    }
    this.show();
  }

  /** @param {Event} event */
  choose(event) {
    const target = event.target instanceof Element ? event.target : null;
    const button = target?.closest("[data-listen-url]");
    if (!(button instanceof HTMLElement)) return;
    this.goAway();
    delete this.root.dataset.taken;
    this.root.dataset.startUrl = button.dataset.listenUrl;
    this.part("name").textContent = button.dataset.listenName ?? "";
    void this.start();
  }

  /** @param {string} name @returns {HTMLElement} */
  part(name) {
    const found = this.root.querySelector(`[data-part="${name}"]`);
    if (!(found instanceof HTMLElement)) throw new Error(`no part ${name}`);
    return found;
  }

  /** @param {string} state @param {string} [text] */
  enter(state, text = "") {
    this.state = state;
    this.show();
    this.say(text || this.root.dataset[`${state}Text`] || "");
  }

  /** @param {string} text */
  say(text) {
    this.part("status").textContent = text;
    if (text) announce(text);
  }

  show() {
    const held = document.activeElement;
    const isIdle = this.state === "idle" || this.state === "over";
    this.part("listen").hidden = !isIdle || !this.root.dataset.startUrl;
    const isListening = this.state === "listening" || this.state === "whispering";
    const isWithAssistant = isListening && this.root.dataset.taken === undefined;
    this.part("whisper").hidden = !isWithAssistant;
    this.part("whisper").setAttribute("aria-pressed", String(this.state === "whispering"));
    this.part("take-over").hidden = !isWithAssistant;
    this.part("leave").hidden = isIdle || this.state === "talking";
    this.part("give-back").hidden = this.state !== "talking";
    this.part("hang-up").hidden = this.state !== "talking";
    this.root.dataset.state = this.state;
    // On none of its buttons: a second Enter must not leave or take over by accident.
    if (held instanceof HTMLElement && held.hidden && this.root.contains(held)) this.root.focus();
  }

  async start() {
    if (this.state !== "idle" && this.state !== "over") return;
    this.enter("connecting");
    try {
      const ticket = await this.ticket();
      this.silence = new SilentMicrophone();
      this.connect(ticket, this.silence.stream);
    } catch (error) {
      this.fail(this.words(error));
    }
  }

  /** What to say of what went wrong, in the reader's language. @param {unknown} error */
  words(error) {
    if (!(error instanceof CallError)) return this.root.dataset.failedText ?? "";
    const name = `error${error.code.replace(/(^|[-_])(\w)/g, (_all, _dash, letter) => letter.toUpperCase())}`;
    return this.root.dataset[name] || error.text || this.root.dataset.failedText || "";
  }

  async ticket() {
    const response = await fetch(this.root.dataset.startUrl ?? "", {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": csrfToken() },
      credentials: "same-origin",
    });
    const body = await response.json().catch(() => null);
    if (response.ok && body?.token) return body;
    throw new CallError(body?.error?.code ?? "unreachable", body?.error?.message ?? "");
  }

  /** @param {{token: string, server_url: string, ice_servers: RTCIceServer[]}} ticket @param {MediaStream} silence */
  connect(ticket, silence) {
    this.signalling = new Signalling(ticket.server_url, ticket.token, {
      onMessage: (message) => this.onMessage(message),
      onOnline: () => {},
      onOffline: () => {},
      onLost: (error) => this.fail(this.words(error)),
    });
    this.peer = new Peer(silence, ticket.ice_servers ?? [], {
      onOffer: (sdp) => this.signalling?.send({ type: "offer", sdp }),
      onCandidate: (candidate) => this.signalling?.send({ type: "candidate", candidate }),
      onStream: (stream) => {
        this.audio.srcObject = stream;
        void this.audio.play();
      },
      onConnected: () => this.enter("listening"),
      onBroken: () => this.fail(this.state === "connecting" ? "" : this.words(new CallError("lost"))),
    });
    this.signalling.open();
    void this.peer.offer();
  }

  /** Speaks to the caller instead of the assistant. */
  async takeOver() {
    if (this.state !== "listening" && this.state !== "whispering") return;
    try {
      if (this.state === "listening" && !(await this.speak())) return;
      this.signalling?.send({ type: "take_over" });
      this.enter("talking");
    } catch (error) {
      this.say(this.words(error));
    }
  }

  /** Leaves the caller to the assistant again, and listens. */
  async giveBack() {
    if (this.state !== "talking") return;
    this.signalling?.send({ type: "give_back" });
    // Until the assistant has them there is nobody to whisper to and nothing to take.
    this.root.dataset.taken = "";
    this.enter("listening", this.root.dataset.givingBackText);
    await this.hush();
  }

  /** Sends what the microphone hears from now on; false where there is no call any more. */
  async speak() {
    const microphone = await openMicrophone();
    // The question of the browser may have stood there for a while.
    if (!this.peer || this.state !== "listening") {
      microphone.getTracks().forEach((track) => track.stop());
      return false;
    }
    this.peer.microphone = microphone;
    await this.sender?.replaceTrack(microphone.getAudioTracks()[0] ?? null);
    return this.state === "listening";
  }

  get sender() {
    return this.peer?.connection?.getSenders()[0];
  }

  /** Begins to speak to the assistant alone, or ends it: then it knows what was said. */
  async whisper() {
    if (this.state === "whispering") {
      this.signalling?.send({ type: "whisper", on: false });
      await this.hush();
      this.enter("listening");
      return;
    }
    if (this.state !== "listening") return;
    try {
      if (!(await this.speak())) return;
      this.signalling?.send({ type: "whisper", on: true });
      this.enter("whispering");
    } catch (error) {
      this.say(this.words(error));
    }
  }

  /** Lets the microphone go; the silent one takes its place. */
  async hush() {
    const microphone = this.peer?.microphone;
    const silence = this.silence?.stream;
    if (!this.peer || !silence) return;
    await this.sender?.replaceTrack(silence.getAudioTracks()[0] ?? null);
    if (microphone !== silence) microphone?.getTracks().forEach((track) => track.stop());
    this.peer.microphone = silence;
  }

  /** @param {{text: string, code?: string}} whispered */
  async whispered({ text, code }) {
    if (code) {
      await this.hush();
      this.enter("listening", this.words(new CallError(code)));
      return;
    }
    const { understoodText, notUnderstoodText } = this.root.dataset;
    const said = text ? `${understoodText} ${text}` : (notUnderstoodText ?? "");
    if (this.state === "listening") this.enter("listening", said);
  }

  /** @param {any} message */
  onMessage(message) {
    if (message.type === "answer") void this.peer?.accept(message.sdp);
    if (message.type === "whispered") void this.whispered(message);
    if (message.type === "ended") this.close("over");
    if (message.type === "listener" && message.what === "taken_over") this.taken();
    if (message.type === "listener" && message.what === "given_back") this.givenBack();
    if (message.type === "error" && message.code !== "invalid_message") {
      this.fail(this.words(new CallError(message.code, message.message)));
    }
  }

  /** Somebody else took the caller over: there is no assistant to whisper to. */
  taken() {
    if (this.state !== "listening" && this.state !== "whispering") return;
    this.root.dataset.taken = "";
    void this.hush();
    this.enter("listening", this.root.dataset.takenText);
  }

  /** The assistant talks with the caller again; whoever listens may whisper to it. */
  givenBack() {
    // Given back by nobody here: the server heard nothing of us any more.
    if (this.state === "talking") return this.fail(this.root.dataset.callerLostText ?? "");
    if (this.state !== "listening") return;
    delete this.root.dataset.taken;
    this.enter("listening", this.root.dataset.givenBackText);
  }

  /** @param {string} text */
  fail(text) {
    if (this.state === "idle" || this.state === "over") return;
    this.close("idle", text || this.root.dataset.failedText || "");
  }

  leave() {
    if (this.state === "idle" || this.state === "over") return;
    this.signalling?.send({ type: "hangup" });
    const { leftText, hungUpText } = this.root.dataset;
    this.close("idle", (this.state === "talking" ? hungUpText : leftText) ?? "");
  }

  /** Leaves without ending the call for the caller. */
  goAway() {
    if (this.state !== "talking") return this.leave();
    this.signalling?.send({ type: "give_back" });
    this.close("idle", this.root.dataset.leftText);
  }

  /** @param {string} state @param {string} [text] */
  close(state, text = "") {
    this.peer?.close();
    this.signalling?.close();
    this.silence?.close();
    this.peer = this.signalling = this.silence = null;
    this.audio.srcObject = null;
    this.enter(state, text);
  }
}

/** @param {HTMLElement} root */
export function init(root) {
  new Listening(root);
}
