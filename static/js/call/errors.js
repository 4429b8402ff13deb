// @ts-check
/**
 * A reason a call did not work out. `code` picks the words the panel shows; a message
 * of the server is shown as it is.
 */
export class CallError extends Error {
  /** @param {string} code @param {string} [message] */
  constructor(code, message = "") {
    super(message || code);
    this.code = code;
    this.text = message;
  }
}
