// The files of a run in this browser's database, where they outlive the page: the same files that `erwin train` keeps in a run's
// folder. There is one run at a time.

import type { CheckpointStore } from "erwin";

export const CONFIG_FILE = "config.json";
export const METRICS_FILE = "metrics.jsonl";

const DATABASE = "erwin-training";
const FILES = "files";

export class RunStore implements CheckpointStore {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** @throws Error where the browser allows no storage */
  static async open(): Promise<RunStore> {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(FILES);
    return new RunStore(await answerOf(request));
  }

  async load(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return answerOf(this.#database.transaction(FILES).objectStore(FILES).get(name));
  }

  /** All files, by name. */
  async loadAll(): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
    const files = this.#database.transaction(FILES).objectStore(FILES);
    const [names, contents] = await Promise.all([answerOf(files.getAllKeys()), answerOf(files.getAll())]);
    return Object.fromEntries(names.map((name, i) => [String(name), contents[i]]));
  }

  save(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return this.saveAll({ [name]: bytes });
  }

  /** Writes all of these files, or none. */
  saveAll(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<void> {
    return this.#write(files, false);
  }

  /** Puts these files in place of all that there are. */
  replaceAll(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>): Promise<void> {
    return this.#write(files, true);
  }

  #write(files: Readonly<Record<string, Uint8Array<ArrayBuffer>>>, clear: boolean): Promise<void> {
    const transaction = this.#database.transaction(FILES, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(FILES);
    if (clear) store.clear();
    for (const [name, bytes] of Object.entries(files)) store.put(bytes, name);
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(new Error(`the run cannot be kept in this browser: ${transaction.error?.message ?? "no storage"}`));
    });
  }
}

function answerOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
