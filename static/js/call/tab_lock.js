// @ts-check
import { CallError } from "./errors.js";

/**
 * Holds the one call a browser may have on this portal; other tabs are refused.
 * @returns {Promise<() => void>} lets go
 */
export async function takeTab() {
  if (!navigator.locks) return () => {};
  return new Promise((resolve, reject) => {
    navigator.locks
      .request("voice-call", { ifAvailable: true }, (lock) => {
        if (!lock) {
          reject(new CallError("elsewhere"));
          return undefined;
        }
        return new Promise((release) => resolve(() => release(undefined)));
      })
      // A browser may keep locks from a frame of another site: no reason not to call.
      .catch(() => resolve(() => {}));
  });
}
