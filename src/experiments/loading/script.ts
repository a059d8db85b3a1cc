// The worker script behind workers.ts, in the form of the scripts in src/assets.ts.
import { workerScript } from "../../assets.ts";

export const dataScript = () =>
  workerScript("data", () => new Worker(new URL("../../../workers/data.ts", import.meta.url), { type: "module" }));
