// Loads the library's experiments for a page that shows its state in #status.

import { byId } from "./dom.ts";

/** @throws Error when the library cannot be fetched */
export async function loadExperiments(): Promise<typeof import("erwin/experiments")> {
  try {
    return await import("erwin/experiments");
  } catch (cause) {
    byId("status").textContent = "";
    throw new Error("the library could not be loaded; check the connection", { cause });
  }
}
