// @ts-check
/**
 * Plays a recording and draws both speakers: the caller above the line, the assistant
 * below it, each in its token's colour.
 */

const STEP_MS = 5000;
const PAGE_MS = 30000;

/** @typedef {{duration_ms: number, user: number[], assistant: number[]}} Peaks */

/** @param {number} ms */
export function clock(ms) {
  const tenths = Math.floor(ms / 100);
  const seconds = Math.floor(tenths / 10);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}.${tenths % 10}`;
}

/**
 * Widens or narrows peaks to a number of bars; each bar is the loudest of its share.
 * @param {number[]} peaks
 * @param {number} count
 */
export function resample(peaks, count) {
  if (peaks.length === 0) return new Array(count).fill(0);
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((index + 1) * peaks.length) / count));
    return Math.max(...peaks.slice(from, to));
  });
}

class Player {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.audio = /** @type {HTMLAudioElement} */ (root.querySelector("audio"));
    this.track = this.part("track");
    this.canvas = /** @type {HTMLCanvasElement} */ (this.part("canvas"));
    this.durationMs = Number(root.dataset.durationMs) || 0;
    /** @type {Peaks} */
    this.peaks = { duration_ms: this.durationMs, user: [], assistant: [] };
  }

  /** @param {string} name @returns {HTMLElement} */
  part(name) {
    return /** @type {HTMLElement} */ (this.root.querySelector(`[data-part="${name}"]`));
  }

  async start() {
    this.listen();
    this.audio.controls = false;
    this.audio.hidden = true;
    /** @type {HTMLElement} */ (this.root.querySelector(".waveform__player")).hidden = false;
    new ResizeObserver(() => this.draw()).observe(this.track);
    document.addEventListener("theme:changed", () => this.draw());
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    try {
      const response = await fetch(this.root.dataset.peaksUrl ?? "");
      if (response.ok) this.peaks = await response.json();
    } catch {
      // The wave is a drawing beside the sound; without it one still can listen.
    }
    this.setDuration(this.peaks.duration_ms || this.durationMs);
    this.draw();
  }

  listen() {
    const { audio, track } = this;
    this.part("play").addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
    audio.addEventListener("play", () => this.showPlaying(true));
    audio.addEventListener("pause", () => this.showPlaying(false));
    audio.addEventListener("timeupdate", () => this.showPosition());
    audio.addEventListener("seeked", () => this.showPosition());
    audio.addEventListener("loadedmetadata", () => {
      if (!this.durationMs && Number.isFinite(audio.duration)) this.setDuration(audio.duration * 1000);
    });
    audio.addEventListener("error", () => {
      this.part("now").textContent = this.root.dataset.failedText ?? "";
    });
    this.part("speed").addEventListener("change", (event) => {
      audio.playbackRate = Number(/** @type {HTMLSelectElement} */ (event.target).value);
    });
    track.addEventListener("pointerdown", (event) => {
      track.setPointerCapture(event.pointerId);
      this.seekTo(this.msAt(event));
    });
    track.addEventListener("pointermove", (event) => {
      if (track.hasPointerCapture(event.pointerId)) this.seekTo(this.msAt(event));
    });
    track.addEventListener("keydown", (event) => this.onKey(event));
    document.addEventListener("recording:seek", (event) => {
      this.seekTo(/** @type {CustomEvent} */ (event).detail.ms);
      audio.play();
    });
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const now = this.audio.currentTime * 1000;
    /** @type {Record<string, number>} */
    const targets = {
      ArrowRight: now + STEP_MS,
      ArrowUp: now + STEP_MS,
      ArrowLeft: now - STEP_MS,
      ArrowDown: now - STEP_MS,
      PageUp: now + PAGE_MS,
      PageDown: now - PAGE_MS,
      Home: 0,
      End: this.durationMs,
    };
    if (event.key === " ") this.part("play").click();
    else if (event.key in targets) this.seekTo(targets[event.key]);
    else return;
    event.preventDefault();
  }

  /** @param {PointerEvent} event */
  msAt(event) {
    const box = this.track.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return (getComputedStyle(this.track).direction === "rtl" ? 1 - share : share) * this.durationMs;
  }

  /** @param {number} ms */
  seekTo(ms) {
    this.audio.currentTime = Math.min(Math.max(ms, 0), this.durationMs) / 1000;
    this.showPosition();
  }

  /** @param {number} ms */
  setDuration(ms) {
    this.durationMs = ms;
    this.part("total").textContent = clock(ms);
    this.track.setAttribute("aria-valuemax", String(Math.round(ms)));
    this.showPosition();
  }

  /** @param {boolean} isPlaying */
  showPlaying(isPlaying) {
    this.part("play-icon").hidden = isPlaying;
    this.part("pause-icon").hidden = !isPlaying;
    const text = isPlaying ? this.root.dataset.pauseText : this.root.dataset.playText;
    this.part("play").setAttribute("aria-label", text ?? "");
    if (isPlaying) this.follow();
  }

  /** The audio's own ticks come four times a second, which is too coarse for a cursor. */
  follow() {
    this.showPosition();
    if (!this.audio.paused) requestAnimationFrame(() => this.follow());
  }

  showPosition() {
    const ms = this.audio.currentTime * 1000;
    const share = this.durationMs ? Math.min(ms / this.durationMs, 1) : 0;
    this.part("cursor").style.setProperty("--at", String(share));
    this.part("now").textContent = clock(ms);
    this.track.setAttribute("aria-valuenow", String(Math.round(ms)));
    const of = `${clock(ms)} ${this.root.dataset.ofText} ${clock(this.durationMs)}`;
    this.track.setAttribute("aria-valuetext", of);
    document.dispatchEvent(new CustomEvent("recording:at", { detail: { ms } }));
  }

  draw() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const pen = this.canvas.getContext("2d");
    if (!pen || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    pen.scale(ratio, ratio);
    const bars = Math.floor(width / 4);
    const middle = height / 2;
    for (const [name, direction] of /** @type {["user" | "assistant", number][]} */ ([["user", -1], ["assistant", 1]])) {
      pen.fillStyle = this.color(`--speaker-${name}`);
      resample(this.peaks[name] ?? [], bars).forEach((peak, index) => {
        const tall = Math.max(1, Math.min(peak, 1) * (middle - 3));
        pen.beginPath();
        pen.roundRect(index * 4, direction < 0 ? middle - 1 - tall : middle + 1, 2.5, tall, 1.25);
        pen.fill();
      });
    }
  }

  /**
   * A canvas knows no light-dark(): let an element work the token out.
   * @param {string} token
   */
  color(token) {
    const probe = document.createElement("span");
    probe.hidden = true;
    probe.style.color = `var(${token})`;
    this.root.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  }
}

/** @param {HTMLElement} root */
export function init(root) {
  new Player(root).start();
}
