// @ts-check
const DISCONNECTED_GRACE_MS = 2500;

/**
 * The audio connection: our microphone out, the assistant's voice in.
 *
 * After the network changed a new connection is made and offered; the server swaps it
 * in under the running call.
 */
export class Peer {
  /**
   * @param {MediaStream} microphone
   * @param {RTCIceServer[]} iceServers
   * @param {{onOffer: (sdp: string) => void, onCandidate: (candidate: RTCIceCandidateInit | null) => void,
   *   onStream: (stream: MediaStream) => void, onConnected: () => void, onBroken: () => void}} events
   */
  constructor(microphone, iceServers, events) {
    this.microphone = microphone;
    this.iceServers = iceServers;
    this.events = events;
    /** @type {RTCPeerConnection | null} */
    this.connection = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.graceTimer = undefined;
  }

  /** Makes a fresh connection and offers it; the one before is closed. */
  async offer() {
    this.closeConnection();
    const connection = new RTCPeerConnection({ iceServers: this.iceServers, bundlePolicy: "max-bundle" });
    this.connection = connection;
    const isCurrent = () => this.connection === connection;
    connection.addEventListener("icecandidate", (event) => {
      if (isCurrent()) this.events.onCandidate(event.candidate ? event.candidate.toJSON() : null);
    });
    connection.addEventListener("track", (event) => {
      if (isCurrent()) this.events.onStream(event.streams[0] ?? new MediaStream([event.track]));
    });
    connection.addEventListener("connectionstatechange", () => {
      if (isCurrent()) this.onStateChange(connection.connectionState);
    });
    for (const track of this.microphone.getAudioTracks()) connection.addTrack(track, this.microphone);
    await connection.setLocalDescription();
    if (isCurrent()) this.events.onOffer(connection.localDescription?.sdp ?? "");
  }

  /** @param {RTCPeerConnectionState} state */
  onStateChange(state) {
    clearTimeout(this.graceTimer);
    if (state === "connected") this.events.onConnected();
    if (state === "failed") this.events.onBroken();
    // Wi-Fi often comes back by itself within a moment.
    if (state === "disconnected") {
      this.graceTimer = setTimeout(() => this.events.onBroken(), DISCONNECTED_GRACE_MS);
    }
  }

  /** @param {string} sdp */
  async accept(sdp) {
    const connection = this.connection;
    // An answer to an offer that was replaced meanwhile is of no use.
    if (connection?.signalingState !== "have-local-offer") return;
    await connection.setRemoteDescription({ type: "answer", sdp });
  }

  get isConnected() {
    return this.connection?.connectionState === "connected";
  }

  closeConnection() {
    clearTimeout(this.graceTimer);
    const connection = this.connection;
    this.connection = null;
    connection?.close();
  }

  close() {
    this.closeConnection();
    for (const track of this.microphone.getTracks()) track.stop();
  }
}
