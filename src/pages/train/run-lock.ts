// The browser keeps a single run for all tabs; this lock lets only one tab at a time work on it.

const NAME = "erwin-training";
/** Where there are no locks, a tab that has the run answers within this time. */
const ANSWER_MS = 500;

/** What tabs tell each other where there are no locks. */
type Message =
  /** May the tab of this number have the run? */
  | { asks: number }
  /** No, the tab of this number may not. */
  | { refused: number };

export class RunLock {
  #giveBack: (() => void) | undefined;

  /** Returns whether this tab has the run now. It keeps the run until it gives it back or is closed. */
  async take(): Promise<boolean> {
    if (this.#giveBack) return true;
    // There are none on hosts without https.
    if (!navigator.locks) return this.#askTabs();
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

  /** The tab that has the run refuses it; of tabs that ask at the same time, that of the least number does. */
  #askTabs(): Promise<boolean> {
    const channel = new BroadcastChannel(NAME);
    const number = Math.random();
    return new Promise((resolve) => {
      const settle = (mine: boolean) => {
        clearTimeout(timer);
        if (mine) this.#giveBack = () => channel.close();
        else channel.close();
        resolve(mine);
      };
      const timer = setTimeout(settle, ANSWER_MS, true);
      channel.onmessage = ({ data }: MessageEvent<Message>) => {
        if ("refused" in data) {
          if (data.refused === number && !this.#giveBack) settle(false);
        } else if (this.#giveBack || number < data.asks) {
          channel.postMessage({ refused: data.asks } satisfies Message);
        }
      };
      channel.postMessage({ asks: number } satisfies Message);
    });
  }

  giveBack(): void {
    this.#giveBack?.();
    this.#giveBack = undefined;
  }
}
