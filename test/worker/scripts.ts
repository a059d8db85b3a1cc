// Workers under test: those the library starts, and scripts that change the library's own to make it fail.

import { createErwinWorker, type WorkerError } from "erwin";

interface Started {
  url: string;
  worker: Worker;
}

/** Runs `action` and tells which workers it started. */
export async function watchWorkers<Result>(
  action: () => Promise<Result>,
): Promise<{ result: Result; started: Started[] }> {
  const started: Started[] = [];
  const original = globalThis.Worker;
  globalThis.Worker = class extends original {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      started.push({ url: String(url), worker: this });
    }
  };
  try {
    return { result: await action(), started };
  } finally {
    globalThis.Worker = original;
  }
}

/** A script as a URL that can be given to a worker. */
export const scriptUrl = (code: string) => URL.createObjectURL(new Blob([code], { type: "text/javascript" }));

/** Where the library's worker script is, as it says when it cannot start it. */
export async function libraryScript(): Promise<string> {
  const original = globalThis.Worker;
  globalThis.Worker = class {
    constructor() {
      throw new Error("no worker is needed");
    }
  } as unknown as typeof Worker;
  try {
    const error: WorkerError = await createErwinWorker().catch((reason) => reason);
    return String(error.details.url);
  } finally {
    globalThis.Worker = original;
  }
}

/** The library's worker with `before` run before it and `after` after it. */
export async function changedScript({ before = "", after = "" }): Promise<string> {
  const imports = [scriptUrl(before), await libraryScript(), scriptUrl(after)];
  return scriptUrl(imports.map((url) => `import ${JSON.stringify(url)};`).join("\n"));
}
