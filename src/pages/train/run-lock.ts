// The browser keeps a single run for all tabs; this lock lets only one tab at a time work on it.

const NAME = "erwin-training";

export class RunLock {
  #giveBack: (() => void) | undefined;

  /** Returns whether this tab has the run now. It keeps the run until it gives it back or is closed. */
  async take(): Promise<boolean> {
    // Without locks, as on hosts without https, tabs cannot detect each other.
    if (this.#giveBack || !navigator.locks) return true;
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

  giveBack(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}
