// The browser keeps a single run for all tabs; this lock lets only one tab at a time work on it.

import { TabLease } from "./tab-lease.ts";

const NAME = "erwin-training";

export class RunLock {
  readonly #onLost: () => void;
  #giveBack: (() => void) | undefined;

  /** @param onLost called if another tab has taken the run while this page was in the browser's memory, from where it comes back */
  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

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
      const over = new AbortController();
      this.#giveBack = () => {
        over.abort();
        lease.giveBack();
      };
      const { signal } = over;
      // A page that may come back with its worker keeps it, but does not answer meanwhile.
      addEventListener("pagehide", ({ persisted }) => !persisted && this.giveBack(), { signal });
      addEventListener("pageshow", () => void this.#expectHeld(lease), { signal });
    } catch {
      // The browser refuses storage, which says so itself: there is nothing to share.
    }
    return true;
  }

  async #expectHeld(lease: TabLease): Promise<void> {
    if (await lease.isHeld()) return;
    this.giveBack();
    this.#onLost();
  }

  giveBack(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}
