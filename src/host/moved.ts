// Where a file of the library is, from what bundlers make of `new URL("...", import.meta.url)`.

import { WorkerError } from "../errors.ts";

/**
 * @param urlOf returns `new URL("...", import.meta.url)`
 * @throws WorkerError in a bundle that does not know its own address, as bundles without modules and those of Cloudflare's Workers
 */
export function located(urlOf: () => URL): URL {
  try {
    return urlOf();
  } catch (cause) {
    throw new WorkerError(
      "the library does not know where its workers and WebAssembly modules are, because its bundle has no address of its own " +
        "(import.meta.url). The command erwin assets FOLDER copies them, and setAssets() says where they are",
      {},
      { cause },
    );
  }
}

/** What bundlers put in place of `new URL("...", import.meta.url)` may begin with the path, as Turbopack's does. */
export const absolute = (href: string) => new URL(href, globalThis.location?.href);

/** During development, Vite before 8 moves the library to a folder beside it, without its files. */
export const MOVED = "/.vite/deps/";
export const unmoved = ({ href }: URL) => absolute(href.replace(MOVED, "/erwin/dist/assets/"));
