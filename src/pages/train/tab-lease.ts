// What takes the place of the browser's locks where it has none: the tab that has something is written down in a database, whose
// transactions come one after the other in all tabs. A tab that was closed without giving it back does not answer,
// nor does one whose page was left and is in the browser's memory.

import { answerOf, opened } from "./database.ts";

const STORE = "tabs";
/** A tab that is there answers within this time, however busy it is. */
const ANSWER_MS = 4000;

/** What tabs tell each other: whether the tab of this number is there, and that it is. */
type Message = { asks: number } | { is: number };

export class TabLease {
  readonly #channel: BroadcastChannel;
  readonly #number = Math.random();

  private constructor(
    readonly name: string,
    readonly database: IDBDatabase,
  ) {
    this.#channel = new BroadcastChannel(name);
    this.#channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if ("asks" in data && data.asks === this.#number) this.#say({ is: this.#number });
    });
  }

  /** Returns a lease unless another tab has it. @throws where the browser refuses storage */
  static async take(name: string): Promise<TabLease | undefined> {
    const request = indexedDB.open(`${name}-tab`, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    const lease = new TabLease(name, await opened(request));
    const owner = await lease.#claim(undefined);
    const isMine =
      owner === lease.#number || (!(await lease.#answers(owner)) && (await lease.#claim(owner)) === lease.#number);
    if (!isMine) lease.#close();
    return isMine ? lease : undefined;
  }

  /** Whether it is still this tab that has it: another one takes it from a tab that does not answer. */
  async isHeld(): Promise<boolean> {
    return (await answerOf(this.database.transaction(STORE).objectStore(STORE).get(this.name))) === this.#number;
  }

  /** Writes this tab down if none is, or the silent one; returns the number of the tab that is written down then. */
  async #claim(silent: number | undefined): Promise<number> {
    const tabs = this.database.transaction(STORE, "readwrite").objectStore(STORE);
    const owner: number | undefined = await answerOf(tabs.get(this.name));
    if (owner !== undefined && owner !== silent) return owner;
    await answerOf(tabs.put(this.#number, this.name));
    return this.#number;
  }

  #answers(owner: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS, false);
      this.#channel.addEventListener("message", ({ data }: MessageEvent<Message>) => {
        if (!("is" in data) || data.is !== owner) return;
        clearTimeout(timer);
        resolve(true);
      });
      this.#say({ asks: owner });
    });
  }

  #say(message: Message): void {
    this.#channel.postMessage(message);
  }

  #close(): void {
    this.#channel.close();
    this.database.close();
  }

  giveBack(): void {
    const transaction = this.database.transaction(STORE, "readwrite");
    const tabs = transaction.objectStore(STORE);
    const request = tabs.get(this.name);
    request.onsuccess = () => {
      // Another tab may have taken it for one that is not there any more.
      if (request.result === this.#number) tabs.delete(this.name);
    };
    this.#close();
  }
}
