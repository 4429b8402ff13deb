// @ts-check
const MAX_LINES = 200;

/**
 * Writes captions as a conversation: words of one side grow in place until they are
 * final; the next ones begin a new line.
 */
export class Captions {
  /**
   * @param {HTMLElement} region a log region
   * @param {{user: string, assistant: string}} names
   */
  constructor(region, names) {
    this.region = region;
    this.names = names;
    /** @type {Map<string, HTMLElement>} */
    this.open = new Map();
  }

  clear() {
    this.open.clear();
    for (const line of this.region.querySelectorAll(".caption")) line.remove();
  }

  /** @param {{speaker: "user" | "assistant", text: string, is_final: boolean, at_ms: number}} caption */
  show({ speaker, text, is_final: isFinal, at_ms: atMs }) {
    if (!text) return;
    const isAtEnd = this.region.scrollHeight - this.region.scrollTop - this.region.clientHeight < 48;
    let line = this.open.get(speaker);
    if (!line) {
      line = this.addLine(speaker, atMs);
      this.open.set(speaker, line);
    }
    const words = /** @type {HTMLElement} */ (line.querySelector(".caption__text"));
    words.textContent = text;
    if (isFinal) {
      // A line that is put in anew is read out; one that is uncovered may not be.
      const final = /** @type {HTMLElement} */ (line.cloneNode(true));
      final.dataset.final = "";
      final.removeAttribute("aria-hidden");
      line.replaceWith(final);
      this.open.delete(speaker);
    }
    if (isAtEnd) this.region.scrollTop = this.region.scrollHeight;
  }

  /** @param {"user" | "assistant"} speaker @param {number} atMs */
  addLine(speaker, atMs) {
    const line = document.createElement("div");
    line.className = "caption";
    line.dataset.speaker = speaker;
    // Read out once, when the words are final; interim ones would stutter.
    line.setAttribute("aria-hidden", "true");
    const who = document.createElement("span");
    who.className = "caption__who";
    who.textContent = this.names[speaker] ?? speaker;
    const time = document.createElement("span");
    time.className = "caption__time";
    const seconds = Math.floor(atMs / 1000);
    time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    who.append(time);
    const words = document.createElement("span");
    words.className = "caption__text";
    line.append(who, words);
    this.region.append(line);
    const lines = this.region.querySelectorAll(".caption");
    if (lines.length > MAX_LINES) lines[0]?.remove();
    return line;
  }
}
