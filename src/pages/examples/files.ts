// Replaces node:fs/promises for the examples: the files that they write are sent to the page.

import type { FromWorker } from "./protocol.ts";

export async function writeFile(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const message: FromWorker = { type: "file", name, bytes };
  postMessage(message);
}
