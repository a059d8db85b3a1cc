// Addresses mean the same in a worker as where they were written.

import type { ErrorDetails, ErwinError } from "../errors.ts";
import { nodeModule } from "./environment.ts";

/** A URL begins with its scheme, of two letters at least: one is a drive of Windows. */
const hasScheme = (url: string) => /^[a-z][a-z\d+.-]+:/i.test(url);

/**
 * The URL of what a page names relative to itself, and of a path in Node and Deno.
 * @throws Failure when the URL is a relative one and there is nothing it could be relative to, or is none at all.
 */
export function absoluteUrl(
  url: string | URL,
  Failure: new (message: string, details: ErrorDetails) => ErwinError,
): URL {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  const paths = base === undefined ? nodeModule<typeof import("node:url")>("node:url") : undefined;
  try {
    return paths && typeof url === "string" && !hasScheme(url) ? paths.pathToFileURL(url) : new URL(url, base);
  } catch {
    throw new Failure(`${url} is not a URL that could be loaded from here: give an absolute one`, { url: String(url) });
  }
}
