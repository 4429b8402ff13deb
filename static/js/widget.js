// @ts-check
/**
 * The button on somebody's site. One line puts it there:
 *
 *     <script async src="https://your.portal/static/js/widget.js" data-widget="ID"></script>
 *
 * It stands at the lower right, or in the element that `data-into="#selector"` names.
 * Nothing shows until the frame has answered: a site that is not allowed, or a widget
 * that is gone, leaves no mark on the page.
 */
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const widget = script.dataset.widget;
  if (!widget) {
    console.error("The widget's script needs data-widget with its id.");
    return;
  }
  const frame = document.createElement("iframe");
  frame.src = new URL(`/widget/${encodeURIComponent(widget)}/`, script.src).href;
  frame.title = script.dataset.title || "Voice assistant";
  frame.allow = "microphone; autoplay";
  frame.referrerPolicy = "strict-origin";
  const style = frame.style;
  style.border = "0";
  style.width = "0";
  style.height = "0";
  style.colorScheme = "light dark";

  const into = script.dataset.into ? document.querySelector(script.dataset.into) : null;
  if (!into) {
    style.position = "fixed";
    style.right = "16px";
    style.bottom = "16px";
    style.maxWidth = "calc(100vw - 32px)";
    style.maxHeight = "calc(100dvh - 32px)";
    style.zIndex = "2147483000";
    style.boxShadow = "0 8px 32px rgb(0 0 0 / 0.25)";
  }

  addEventListener("message", (event) => {
    const told = event.data;
    if (event.source !== frame.contentWindow || told?.type !== "voice-widget") return;
    style.width = `${Number(told.width) || 0}px`;
    style.height = `${Number(told.height) || 0}px`;
    style.borderRadius = told.isOpen ? "16px" : `${(Number(told.height) || 0) / 2}px`;
  });
  (into ?? document.body).append(frame);
})();
