// @ts-check
import { CallError } from "./errors.js";
import { Levels } from "./levels.js";
import { openMicrophone } from "./microphone.js";
import { Peer } from "./peer.js";
import { Signalling } from "./signalling.js";
import { takeTab } from "./tab_lock.js";

/** Our own limit; the server gives up a call without sound after 15 s as well. */
const MEDIA_TIMEOUT_MS = 20000;
const MAX_OFFERS = 6;

/** @typedef {"idle" | "asking" | "connecting" | "live" | "ended" | "failed"} CallState */

/**
 * One call with an assistant, without a page: a state and events.
 *
 *     idle ── start ─▶ asking ─▶ connecting ─▶ live ─▶ ended
 *                        ╰───────────┴─────────┴─────▶ failed
 *
 * Events: `state`, `caption`, `turn`, `activity`, `status`, `level`, `muted`, `stream`,
 * `offline`, `online`. A call that is over is thrown away; make another one.
 */
export class WebCall extends EventTarget {
  /** @param {{startUrl: string, csrfToken?: string, headers?: Record<string, string>}} options */
  constructor({ startUrl, csrfToken = "", headers = {} }) {
    super();
    this.startUrl = startUrl;
    this.headers = { ...headers, ...(csrfToken ? { "X-CSRFToken": csrfToken } : {}) };
    /** @type {CallState} */
    this.state = "idle";
    this.isMuted = false;
    this.callUrl = "";
    this.callId = "";
    this.liveSince = 0;
    this.offerCount = 0;
    /** @type {Peer | null} */
    this.peer = null;
    /** @type {Signalling | null} */
    this.signalling = null;
    /** @type {Levels | null} */
    this.levels = null;
    /** @type {MediaStream | null} */
    this.microphone = null;
    /** @type {(() => void) | null} */
    this.leaveTab = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.mediaTimer = undefined;
    this.onPageHide = () => this.hangUp();
  }

  get isOver() {
    return this.state === "ended" || this.state === "failed";
  }

  /** @param {string} type @param {object} [detail] */
  emit(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {CallState} state @param {object} [detail] */
  enter(state, detail = {}) {
    if (this.isOver) return;
    this.state = state;
    if (this.isOver) this.release();
    this.emit("state", { state, ...detail });
  }

  /** @param {unknown} error */
  fail(error) {
    const known = error instanceof CallError ? error : new CallError("unreachable");
    this.enter("failed", { code: known.code, text: known.text, callUrl: this.callUrl });
  }

  /** Asks for the microphone, asks the server for a call, and connects. Never throws. */
  async start() {
    if (this.state !== "idle") return;
    this.enter("asking");
    try {
      const leaveTab = await takeTab();
      if (this.isOver) return leaveTab();
      this.leaveTab = leaveTab;
      const microphone = await openMicrophone();
      if (this.isOver) return microphone.getTracks().forEach((track) => track.stop());
      this.microphone = microphone;
      this.levels = new Levels((side, level) => this.emit("level", { side, level }));
      this.levels.watch("user", microphone);
      this.enter("connecting");
      this.connect(microphone, await this.requestCall());
    } catch (error) {
      this.fail(error);
    }
  }

  /** @returns {Promise<{call_id: string, token: string, server_url: string, ice_servers: RTCIceServer[], call_url: string}>} */
  async requestCall() {
    let response;
    try {
      response = await fetch(this.startUrl, {
        method: "POST",
        headers: { Accept: "application/json", ...this.headers },
        credentials: "same-origin",
      });
    } catch {
      throw new CallError("unreachable");
    }
    const body = await response.json().catch(() => null);
    if (response.ok && body?.token) return body;
    throw new CallError(body?.error?.code ?? "unreachable", body?.error?.message ?? "");
  }

  /**
   * @param {MediaStream} microphone
   * @param {{call_id: string, token: string, server_url: string, ice_servers: RTCIceServer[], call_url: string}} call
   */
  connect(microphone, call) {
    if (this.isOver) return;
    this.callId = call.call_id;
    this.callUrl = call.call_url;
    this.signalling = new Signalling(call.server_url, call.token, {
      onMessage: (message) => this.onMessage(message),
      onOnline: (isResumed) => this.onOnline(isResumed),
      onOffline: () => this.emit("offline"),
      onLost: (error) => this.fail(error),
    });
    this.peer = new Peer(microphone, call.ice_servers ?? [], {
      onOffer: (sdp) => this.signalling?.send({ type: "offer", sdp }),
      onCandidate: (candidate) => this.signalling?.send({ type: "candidate", candidate }),
      onStream: (stream) => {
        this.levels?.watch("assistant", stream);
        this.emit("stream", { stream });
      },
      onConnected: () => this.onConnected(),
      onBroken: () => this.offerAgain(),
    });
    window.addEventListener("pagehide", this.onPageHide);
    this.mediaTimer = setTimeout(() => this.fail(new CallError("no-media")), MEDIA_TIMEOUT_MS);
    this.signalling.open();
    this.offer();
  }

  offer() {
    this.offerCount += 1;
    this.peer?.offer().catch(() => this.fail(new CallError("unsupported")));
  }

  /** The way the sound took is gone: offer another one, a bounded number of times. */
  offerAgain() {
    if (this.isOver) return;
    if (this.offerCount >= MAX_OFFERS) {
      this.fail(new CallError(this.state === "live" ? "lost" : "no-media"));
      return;
    }
    this.emit("offline");
    this.signalling?.dropWaiting();
    this.offer();
  }

  onConnected() {
    clearTimeout(this.mediaTimer);
    if (this.state === "connecting") {
      this.liveSince = Date.now();
      this.enter("live");
    } else {
      this.emit("online");
    }
  }

  /** @param {boolean} isResumed */
  onOnline(isResumed) {
    if (!isResumed) return;
    if (this.isMuted) this.signalling?.send({ type: "mute", muted: true });
    if (this.peer?.isConnected) this.emit("online");
    else this.offerAgain();
  }

  /** @param {any} message */
  onMessage(message) {
    switch (message.type) {
      case "answer":
        this.peer?.accept(message.sdp).catch(() => this.offerAgain());
        break;
      case "caption":
      case "turn":
      case "activity":
      case "status":
        this.emit(message.type, message);
        break;
      case "ended":
        this.callUrl = message.call_url || this.callUrl;
        this.enter("ended", { reason: message.end_reason, durationMs: message.duration_ms, costCredits: message.cost_credits, callUrl: this.callUrl });
        break;
      case "error":
        this.onError(message);
        break;
      default: // welcome and pong are the socket's own; newer kinds are not ours to judge
    }
  }

  /** @param {{code: string, message: string}} message */
  onError({ code, message }) {
    // A message of ours that was refused does not end the call.
    if (code === "invalid_message" || code === "bad_candidate") return;
    this.fail(new CallError(code, message));
  }

  /** @param {boolean} [isMuted] */
  mute(isMuted = !this.isMuted) {
    if (this.isOver || isMuted === this.isMuted) return;
    this.isMuted = isMuted;
    for (const track of this.microphone?.getAudioTracks() ?? []) track.enabled = !isMuted;
    this.signalling?.send({ type: "mute", muted: isMuted });
    this.emit("muted", { isMuted });
  }

  /** Ends the call; the page need not wait for the server's word. */
  hangUp() {
    if (this.isOver || this.state === "idle") return;
    this.signalling?.send({ type: "hangup" });
    const durationMs = this.liveSince ? Date.now() - this.liveSince : 0;
    this.enter("ended", { reason: "user_hangup", durationMs, callUrl: this.callUrl });
  }

  release() {
    clearTimeout(this.mediaTimer);
    window.removeEventListener("pagehide", this.onPageHide);
    this.peer?.close();
    this.microphone?.getTracks().forEach((track) => track.stop());
    this.levels?.close();
    this.leaveTab?.();
    // What was just said, a hang-up, still goes out before the socket closes.
    this.signalling?.close();
  }
}
