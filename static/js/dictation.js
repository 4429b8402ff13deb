// @ts-check
import { csrfToken } from "./csrf.js";

const LONGEST_MS = 120000;

/**
 * A button that records the microphone and puts what was said into a text box.
 * Without a microphone or a recorder the button stays away, and people type.
 * @param {HTMLElement} root
 */
export function init(root) {
  const button = root.querySelector('[data-part="button"]');
  const label = root.querySelector('[data-part="label"]');
  const status = root.querySelector('[data-part="status"]');
  const field = document.getElementById(root.dataset.field ?? "");
  if (
    !(button instanceof HTMLButtonElement) ||
    !(label instanceof HTMLElement) ||
    !(status instanceof HTMLElement) ||
    !(field instanceof HTMLTextAreaElement) ||
    !navigator.mediaDevices?.getUserMedia ||
    !window.MediaRecorder
  ) {
    return;
  }
  /** @type {MediaRecorder | null} */
  let recorder = null;

  /** @param {boolean} isRecording */
  const show = (isRecording) => {
    button.setAttribute("aria-pressed", String(isRecording));
    label.textContent = (isRecording ? root.dataset.textRecording : root.dataset.textReady) ?? "";
  };

  /** @param {Blob} sound */
  const send = async (sound) => {
    status.textContent = root.dataset.textWorking ?? "";
    button.disabled = true;
    const body = new FormData();
    body.append("sound", sound, "dictation");
    try {
      const response = await fetch(root.dataset.url ?? "", {
        method: "POST",
        headers: { "X-CSRFToken": csrfToken(), Accept: "application/json" },
        body,
      });
      const answer = await response.json();
      if (response.ok) {
        field.value = [field.value.trim(), answer.text].filter(Boolean).join(" ");
        status.textContent = "";
        field.focus();
      } else {
        status.textContent = answer.error?.message ?? root.dataset.textFailed ?? "";
      }
    } catch {
      status.textContent = root.dataset.textFailed ?? "";
    } finally {
      button.disabled = false;
    }
  };

  const start = async () => {
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    } catch {
      status.textContent = root.dataset.textRefused ?? "";
      return;
    }
    /** @type {Blob[]} */
    const pieces = [];
    const made = new MediaRecorder(stream);
    const limit = setTimeout(() => made.stop(), LONGEST_MS);
    made.addEventListener("dataavailable", (event) => pieces.push(event.data));
    made.addEventListener("stop", () => {
      clearTimeout(limit);
      recorder = null;
      for (const track of stream.getTracks()) track.stop();
      show(false);
      send(new Blob(pieces, { type: made.mimeType }));
    });
    made.start();
    recorder = made;
    status.textContent = "";
    show(true);
  };

  button.addEventListener("click", () => (recorder ? recorder.stop() : start()));
  button.hidden = false;
}
