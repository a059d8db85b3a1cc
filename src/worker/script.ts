// The worker behind client.ts, named as src/assets.ts names the others.
import type { WorkerScript } from "../assets.ts";

const here = import.meta.url;

/** The library's own. */
export const modelScript = (): WorkerScript => ({
  name: "model",
  url: new URL("model-worker.js", here),
  create: () => new Worker(new URL("../../workers/model.ts", import.meta.url), { type: "module" }),
});

/** One that the user gives in its place. */
export const givenScript = (url: URL): WorkerScript => ({
  name: "model",
  url,
  create: () => new Worker(url, { type: "module" }),
});
