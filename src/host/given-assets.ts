// Where the library's workers and WebAssembly modules are when its user says so: for pages where they are not beside the
// library, or where the library must not name them itself.

import { checkOptions } from "../arguments.ts";
import { ConfigError } from "../errors.ts";
import { absoluteUrl } from "./url.ts";

const files = {
  "pool-worker.js": true,
  "kernels-worker.js": true,
  "model-worker.js": true,
  "balltree.wasm": true,
  "kernels.wasm": true,
  "kernels-relaxed.wasm": true,
} as const;

/** A file that the library loads while it runs; `erwin assets FOLDER` copies all of them. */
export type AssetName = keyof typeof files;

/** The folder of the files, or where some of them are. */
export type Assets = string | URL | { readonly [name in AssetName]?: string | URL };

/** As it is posted to a worker. */
export type GivenAssets = { readonly [name in AssetName]?: string };

let given: GivenAssets = {};

/**
 * Says where the library's workers and WebAssembly modules are. It is not needed where they lie beside the library or a bundler
 * has found them; it is in an Electron app or a browser extension that keeps them elsewhere, and on a page that requires trusted
 * types: their URLs then pass through the policy "erwin", which is made for them alone. Concerns what is loaded afterwards, in
 * this thread and in the workers that `createErwinWorker` starts from it. Call it before all else.
 * @param assets the URL of a folder with all of them, as `erwin assets FOLDER` makes it, or URLs by the files' names; relative to
 *   the page, in Node and Deno paths. Files that are not named, and all with undefined, are where the library finds them itself.
 * @throws ConfigError for what is no URL and for the name of a file that there is not
 */
export function setAssets(assets: Assets | undefined): void {
  const names = Object.keys(files) as AssetName[];
  const urls: { [name in AssetName]?: string } = {};
  if (typeof assets === "string" || assets instanceof URL) {
    const folder = absoluteUrl(assets, ConfigError);
    if (!folder.pathname.endsWith("/")) folder.pathname += "/";
    for (const name of names) urls[name] = new URL(name, folder).href;
  } else if (assets !== undefined) {
    checkOptions("setAssets", assets, files);
    for (const name of names) {
      const url = assets[name];
      if (url !== undefined) urls[name] = absoluteUrl(url, ConfigError).href;
    }
  }
  given = urls;
}

/** Undefined where the library has to find the file itself. */
export function givenUrl(name: AssetName): URL | undefined {
  const url = given[name];
  return url === undefined ? undefined : new URL(url);
}

/** What was said here, for a worker. */
export const givenAssets = (): GivenAssets => given;

/** In a worker: what was said where it was started. */
export function takeAssets(assets: GivenAssets): void {
  given = assets;
}
