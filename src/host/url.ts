// Resolves URLs, so that they mean the same in a worker as on the page where they were written.

import { classOf, describe } from "../arguments/kinds.ts";
import type { ErrorDetails, ErwinError } from "../errors.ts";
import { nodeModule } from "./environment.ts";

/** A URL begins with its scheme, of at least two letters: a single letter is a drive of Windows. */
const hasScheme = (url: string) => /^[a-z][a-z\d+.-]+:/i.test(url);

/** Whether a value is the address of a file: a text, or a URL of whatever realm. */
export const isAddress = (value: unknown): value is string | URL =>
  typeof value === "string" || classOf(value) === "URL";

/**
 * Resolves a URL relative to the page, or a path in Node and Deno.
 * @throws Failure if the URL is relative without anything to resolve it against, or invalid.
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
    const given = typeof url === "string" ? url : describe(url);
    throw new Failure(`${given} is not a URL that could be loaded from here: give an absolute one`, { url: given });
  }
}
