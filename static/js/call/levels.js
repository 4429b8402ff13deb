// @ts-check
const FLOOR_DB = -55;
const CEILING_DB = -10;

/**
 * How loud samples (-1..1) are, from 0 (quiet room) to 1 (loud speech).
 * @param {Float32Array} samples
 */
export function levelOf(samples) {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(samples.length, 1));
  const decibels = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(Math.max((decibels - FLOOR_DB) / (CEILING_DB - FLOOR_DB), 0), 1);
}

/** Measures streams on every frame of the screen, and tells the levels. */
export class Levels {
  /** @param {(side: "user" | "assistant", level: number) => void} onLevel */
  constructor(onLevel) {
    this.onLevel = onLevel;
    this.context = new AudioContext();
    /** @type {Map<"user" | "assistant", {source: MediaStreamAudioSourceNode, analyser: AnalyserNode, samples: Float32Array<ArrayBuffer>}>} */
    this.sides = new Map();
    this.frame = 0;
    // A context made outside a click may start asleep.
    this.context.resume().catch(() => {});
    this.measure();
  }

  /** @param {"user" | "assistant"} side @param {MediaStream} stream */
  watch(side, stream) {
    this.sides.get(side)?.source.disconnect();
    const source = this.context.createMediaStreamSource(stream);
    const analyser = this.context.createAnalyser();
    analyser.fftSize = 1024;
    analyser.smoothingTimeConstant = 0;
    source.connect(analyser);
    this.sides.set(side, { source, analyser, samples: new Float32Array(analyser.fftSize) });
  }

  measure() {
    for (const [side, { analyser, samples }] of this.sides) {
      analyser.getFloatTimeDomainData(samples);
      this.onLevel(side, levelOf(samples));
    }
    this.frame = requestAnimationFrame(() => this.measure());
  }

  close() {
    cancelAnimationFrame(this.frame);
    for (const [side, { source }] of this.sides) {
      source.disconnect();
      this.onLevel(side, 0);
    }
    this.sides.clear();
    this.context.close().catch(() => {});
  }
}
