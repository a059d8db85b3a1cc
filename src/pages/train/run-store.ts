// The files of a run in this browser's database, where they outlive the page: the same files that `erwin train` keeps in a run's
// folder. There is one run at a time; of those before it the curves are kept.

import { FormatError } from "../../errors.ts";
import { answerOf, opened } from "./database.ts";

const DATABASE = "erwin-training";
const FILES = "files";
const CURVES = "curves";
/** The number of earlier runs whose curves are kept. */
const MAX_CURVES = 6;

/** The part of an earlier run that is kept. */
export interface PastRun {
  experiment: string;
  /** The time when it was replaced: milliseconds since 1970. */
  ended: number;
  /** The loss at each step that was logged. */
  loss: { x: number; y: number }[];
}

/** The files of a run, by name. */
export type RunFiles = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

export class RunStore {
  readonly #database: IDBDatabase;

  private constructor(database: IDBDatabase) {
    this.#database = database;
  }

  /** The page's only connection: browsers keep every one, with its listeners, as long as the page lives. */
  static #opened: Promise<RunStore> | undefined;

  /** @throws Error where the browser allows no storage, after which the next call tries again */
  static open(): Promise<RunStore> {
    RunStore.#opened ??= RunStore.#open();
    return RunStore.#opened;
  }

  static async #open(): Promise<RunStore> {
    const forget = () => {
      RunStore.#opened = undefined;
    };
    try {
      const request = indexedDB.open(DATABASE, 2);
      request.onupgradeneeded = ({ oldVersion }) => {
        if (oldVersion < 1) request.result.createObjectStore(FILES);
        request.result.createObjectStore(CURVES, { autoIncrement: true });
      };
      const database = await opened(request);
      // A later version of the page in another tab must not have to wait.
      database.onversionchange = () => {
        database.close();
        forget();
      };
      // The browser closes it when the site's data are deleted.
      database.onclose = forget;
      return new RunStore(database);
    } catch (error) {
      forget();
      const reason = `the browser refuses this page its storage, where runs are kept (${reasonOf(error as Error)})`;
      throw new Error(`${reason}; allow this site to keep data, or use a window that is not private`, { cause: error });
    }
  }

  /** @throws FormatError if something else is in the file's place */
  async load(name: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const content = await answerOf(this.#database.transaction(FILES).objectStore(FILES).get(name));
    return content === undefined ? undefined : expectBytes(name, content);
  }

  /** All files, by name. @throws FormatError if something else is among them */
  async loadAll(): Promise<RunFiles> {
    const files = this.#database.transaction(FILES).objectStore(FILES);
    const [names, contents] = await Promise.all([answerOf(files.getAllKeys()), answerOf(files.getAll())]);
    return Object.fromEntries(names.map((name, i) => [String(name), expectBytes(String(name), contents[i])]));
  }

  /** Writes all of these files, or none. */
  saveAll(files: RunFiles): Promise<void> {
    return this.#write(files, false);
  }

  /** Puts these files in place of all that there are. */
  replaceAll(files: RunFiles): Promise<void> {
    return this.#write(files, true);
  }

  /** Returns earlier runs, the oldest first. */
  async pastRuns(): Promise<PastRun[]> {
    return answerOf(this.#database.transaction(CURVES).objectStore(CURVES).getAll());
  }

  /** Keeps a run's curve; if there are too many, the oldest is deleted. */
  async addPastRun(run: PastRun): Promise<void> {
    const curves = this.#database.transaction(CURVES, "readwrite").objectStore(CURVES);
    await answerOf(curves.add(run));
    const keys = await answerOf(curves.getAllKeys());
    for (const key of keys.slice(0, -MAX_CURVES)) await answerOf(curves.delete(key));
  }

  async forgetPastRuns(): Promise<void> {
    await answerOf(this.#database.transaction(CURVES, "readwrite").objectStore(CURVES).clear());
  }

  #write(files: RunFiles, clear: boolean): Promise<void> {
    const transaction = this.#database.transaction(FILES, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(FILES);
    if (clear) store.clear();
    for (const [name, bytes] of Object.entries(files)) store.put(bytes, name);
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () =>
        reject(new Error(`the run cannot be kept in this browser: ${reasonOf(transaction.error)}`));
    });
  }
}

function expectBytes(name: string, content: unknown): Uint8Array<ArrayBuffer> {
  if (content instanceof Uint8Array) return content as Uint8Array<ArrayBuffer>;
  throw new FormatError(`${name}: expected a file's bytes, found a value of type ${typeof content}`, { file: name });
}

/** Returns why there is no database, or a transaction was aborted; the browser's own message may be empty. */
function reasonOf(error: Error | null): string {
  if (error?.name === "QuotaExceededError")
    return "the storage that it has for this site is full; make room on the disk";
  return error?.message || error?.name || "no storage";
}
