// @ts-check
/** Gives the preview of a widget the room it asks for, as static/js/widget.js does elsewhere. */

/** @param {HTMLElement} frame */
export function init(frame) {
  if (!(frame instanceof HTMLIFrameElement)) return;
  addEventListener("message", (event) => {
    if (event.source !== frame.contentWindow || event.data?.type !== "voice-widget") return;
    frame.style.inlineSize = `${Number(event.data.width)}px`;
    frame.style.blockSize = `${Number(event.data.height)}px`;
    frame.toggleAttribute("data-open", Boolean(event.data.isOpen));
  });
  // The frame may have told before anybody listened here.
  frame.src = frame.dataset.src ?? "";
}
