// The run that the browser keeps is one, and its tabs are many: one of them at a time may work on it.

const NAME = "erwin-training";

export class RunLock {
  #giveBack: (() => void) | undefined;

  /** Whether this tab has the run now. It keeps it until it gives it back or is closed. */
  async take(): Promise<boolean> {
    // Without locks, as on hosts without https, tabs cannot know of each other.
    if (this.#giveBack || !navigator.locks) return true;
    return new Promise((resolve, reject) => {
      const held = navigator.locks.request(NAME, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        if (!lock) return;
        return new Promise<void>((giveBack) => {
          this.#giveBack = giveBack;
        });
      });
      held.catch(reject);
    });
  }

  giveBack(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}
