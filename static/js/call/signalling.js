// @ts-check
import { CallError } from "./errors.js";

const PING_MS = 15000;
const SILENCE_MS = 35000;
const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 5000;
const GIVE_UP_MS = 30000;
/** Closed by the server for good: bad token, another tab, too many messages, the end. */
const FINAL_CODES = new Set([1000, 4401, 4403, 4404, 4409, 4429]);

/** How long to wait before try number `attempt` (from 0), in ms. @param {number} attempt */
export function delayOf(attempt) {
  return Math.min(FIRST_DELAY_MS * 2 ** attempt, LONGEST_DELAY_MS);
}

/** @param {string} url @param {string} token */
export function withToken(url, token) {
  const address = new URL(url, location.href);
  address.protocol = address.protocol.replace(/^http/, "ws");
  address.searchParams.set("token", token);
  return address.href;
}

/**
 * The socket of a call. Comes back by itself with the resume token, for 30 s; what is
 * sent meanwhile waits. The audio does not pass here and goes on without it.
 */
export class Signalling {
  /**
   * @param {string} url
   * @param {string} token
   * @param {{onMessage: (message: any) => void, onOnline: (isResumed: boolean) => void,
   *   onOffline: () => void, onLost: (error: CallError) => void}} events
   */
  constructor(url, token, events) {
    this.url = url;
    this.token = token;
    this.events = events;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {string[]} */
    this.waiting = [];
    this.attempt = 0;
    this.lostAt = 0;
    this.heardAt = 0;
    this.isWelcome = false;
    this.isClosed = false;
    this.wasWelcome = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.retryTimer = undefined;
    this.onNetwork = () => this.reconnectNow();
    window.addEventListener("online", this.onNetwork);
    this.pingTimer = setInterval(() => this.ping(), PING_MS);
  }

  open() {
    const socket = new WebSocket(withToken(this.url, this.token));
    this.socket = socket;
    this.heardAt = Date.now();
    socket.addEventListener("message", (event) => {
      if (socket === this.socket) this.onFrame(String(event.data));
    });
    socket.addEventListener("close", (event) => {
      if (socket === this.socket) this.onClose(event.code);
    });
  }

  /** @param {string} text */
  onFrame(text) {
    this.heardAt = Date.now();
    const message = JSON.parse(text);
    if (message.type === "welcome") {
      this.token = message.resume_token;
      this.isWelcome = true;
      this.attempt = 0;
      this.lostAt = 0;
      const isResumed = this.wasWelcome;
      this.wasWelcome = true;
      for (const waiting of this.waiting.splice(0)) this.socket?.send(waiting);
      this.events.onOnline(isResumed);
    }
    this.events.onMessage(message);
  }

  /** @param {number} code */
  onClose(code) {
    this.socket = null;
    this.isWelcome = false;
    if (this.isClosed) return;
    if (FINAL_CODES.has(code)) {
      this.close();
      this.events.onLost(new CallError(code === 4409 ? "elsewhere" : "lost"));
      return;
    }
    this.lostAt ||= Date.now();
    if (Date.now() - this.lostAt > GIVE_UP_MS) {
      this.close();
      this.events.onLost(new CallError(this.wasWelcome ? "lost" : "unreachable"));
      return;
    }
    if (this.wasWelcome) this.events.onOffline();
    clearTimeout(this.retryTimer);
    this.retryTimer = setTimeout(() => this.open(), delayOf(this.attempt++));
  }

  reconnectNow() {
    if (this.isClosed || this.socket) return;
    clearTimeout(this.retryTimer);
    this.open();
  }

  ping() {
    if (!this.isWelcome || !this.socket) return;
    // A dead network closes nothing by itself for minutes.
    if (Date.now() - this.heardAt > SILENCE_MS) {
      const dead = this.socket;
      this.onClose(4000);
      dead.close();
      return;
    }
    this.send({ type: "ping" });
  }

  /** @param {object} message */
  send(message) {
    const text = JSON.stringify(message);
    if (this.isWelcome && this.socket?.readyState === WebSocket.OPEN) this.socket.send(text);
    else this.waiting.push(text);
  }

  /** Forgets offers and candidates that wait; a new offer makes them void. */
  dropWaiting() {
    this.waiting = this.waiting.filter((text) => !/^{"type":"(offer|candidate|ping)"/.test(text));
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.retryTimer);
    clearInterval(this.pingTimer);
    window.removeEventListener("online", this.onNetwork);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }
}
