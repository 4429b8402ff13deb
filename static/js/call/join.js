// @ts-check
import { WebCall } from "./web_call.js";

/**
 * @typedef {{call_id: string, token: string, server_url: string, ice_servers?: RTCIceServer[]}} Ticket
 *   The answer of `POST /api/v1/web-calls`, which your own server asks for: the key that
 *   starts calls never reaches a browser; the token joins one call, within a minute.
 */

class JoinedCall extends WebCall {
  /** @param {Ticket} ticket */
  constructor(ticket) {
    super({ startUrl: "" });
    this.ticket = ticket;
  }

  /** @override */
  async requestCall() {
    return { ice_servers: [], call_url: "", ...this.ticket };
  }
}

/**
 * Joins a call and plays what the assistant says.
 *
 *     import { joinCall } from "https://your.portal/static/js/call/join.js";
 *     const call = joinCall(await (await fetch("/my-server/start")).json());
 *     call.addEventListener("caption", ({ detail }) => show(detail));
 *     call.hangUp();
 *
 * @param {Ticket} ticket
 * @param {{audio?: HTMLAudioElement}} [options]
 * @returns {WebCall}
 */
export function joinCall(ticket, { audio = new Audio() } = {}) {
  const call = new JoinedCall(ticket);
  call.addEventListener("stream", (event) => {
    audio.srcObject = /** @type {CustomEvent} */ (event).detail.stream;
    audio.play().catch(() => {});
  });
  call.start();
  return call;
}
