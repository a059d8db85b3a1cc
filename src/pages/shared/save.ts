// Saves files through the browser's downloads.

import { element } from "./dom.ts";

/** How long an address stays: browsers need it until they have begun to save. */
const ADDRESS_MS = 10_000;

export function saveFile(content: Blob, name: string): void {
  const href = URL.createObjectURL(content);
  element("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), ADDRESS_MS);
}
