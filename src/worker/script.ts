// The worker behind client.ts, named as src/assets.ts names the others.
import { workerScript } from "../assets.ts";
import { scriptAt } from "../host/worker-script.ts";

/** The library's own. */
export const modelScript = () =>
  workerScript("model", () => new Worker(new URL("../../workers/model.ts", import.meta.url), { type: "module" }));

/** One that the user gives in its place. */
export const givenScript = (url: URL) => scriptAt("model", url);
