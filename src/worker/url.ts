// Addresses mean the same in a worker as where they were written.

import type { ErrorDetails, ErwinError } from "../errors.ts";

/** The address relative URLs start from; Deno's main thread has none. */
const base = () => globalThis.document?.baseURI ?? globalThis.location?.href;

/** @throws Failure when the URL is a relative one and there is nothing it could be relative to, or is none at all. */
export function absoluteUrl(
  url: string | URL,
  Failure: new (message: string, details: ErrorDetails) => ErwinError,
): URL {
  try {
    return new URL(url, base());
  } catch {
    throw new Failure(`${url} is not a URL that could be loaded from here: give an absolute one`, { url: String(url) });
  }
}
