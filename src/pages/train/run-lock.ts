// The browser keeps a single run for all tabs; this lock lets only one tab at a time work on it.

import { TabLease } from "./tab-lease.ts";

const NAME = "erwin-training";

export class RunLock {
  #giveBack: (() => void) | undefined;

  /** Returns whether this tab has the run now. It keeps the run until it gives it back or is closed. */
  async take(): Promise<boolean> {
    if (this.#giveBack) return true;
    // There are none on hosts without https.
    if (!navigator.locks) return this.#takeLease();
    return new Promise((resolve) => {
      const held = navigator.locks.request(NAME, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        if (!lock) return;
        return new Promise<void>((giveBack) => {
          this.#giveBack = giveBack;
        });
      });
      // Where the browser refuses locks, it refuses storage, too, which says so itself.
      held.catch(() => resolve(true));
    });
  }

  async #takeLease(): Promise<boolean> {
    try {
      const lease = await TabLease.take(NAME);
      if (!lease) return false;
      this.#giveBack = () => lease.giveBack();
      // A page that comes back from the browser's memory takes it again.
      addEventListener("pagehide", () => this.giveBack(), { once: true });
    } catch {
      // The browser refuses storage, which says so itself: there is nothing to share.
    }
    return true;
  }

  giveBack(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}
