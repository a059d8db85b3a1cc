// The worker script behind client.ts, in the form of the scripts in src/assets.ts.
import { workerScript } from "../assets.ts";
import { scriptAt } from "../host/worker-script.ts";

/** The library's own script. */
export const modelScript = () =>
  workerScript("model", () => new Worker(new URL("../../workers/model.ts", import.meta.url), { type: "module" }));

/** A script that the user gives instead. */
export const givenScript = (url: URL) => scriptAt("model", url);
