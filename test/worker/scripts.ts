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

/** A worker script of the library, by default that of models, with `before` run before it and `after` after it. */
export async function changedScript({ before = "", after = "", name = "model-worker.js", urlOf = scriptUrl }) {
  const library = (await libraryScript()).replace("model-worker.js", name);
  const imports = [urlOf(before), library, urlOf(after)];
  return urlOf(imports.map((url) => `import ${JSON.stringify(url)};`).join("\n"));
}
