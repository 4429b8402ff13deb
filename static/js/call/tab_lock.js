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
      .request("portavoce-call", { ifAvailable: true }, (lock) => {
        if (!lock) {
          reject(new CallError("elsewhere"));
          return undefined;
        }
        return new Promise((release) => resolve(() => release(undefined)));
      })
      .catch(reject);
  });
}
