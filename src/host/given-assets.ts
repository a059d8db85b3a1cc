// Where the library's workers and WebAssembly modules are if its user sets it: for pages where they are not beside the
// library, or where the library must not create their URLs itself.

import { checkOptions } from "../arguments/options.ts";
import { ConfigError } from "../errors.ts";
import { absoluteUrl, isAddress } from "./url.ts";

const files = {
  "pool-worker.js": true,
  "kernels-worker.js": true,
  "model-worker.js": true,
  "data-worker.js": true,
  "balltree.wasm": true,
  "kernels.wasm": true,
  "kernels-relaxed.wasm": true,
  "hdf5.wasm": true,
  "hdf5-filters.wasm": true,
  "laz-perf.wasm": true,
} as const;

/** A file that the library loads at run time; `erwin assets FOLDER` copies all of them. */
export type AssetName = keyof typeof files;

/** The folder of the files, or the URLs of some of them. */
export type Assets = string | URL | { readonly [name in AssetName]?: string | URL };

/** The form that is posted to a worker. */
export type GivenAssets = { readonly [name in AssetName]?: string };

let given: GivenAssets = {};

/**
 * Sets where the library's workers and WebAssembly modules are. This is not needed if they are beside the library or a
 * bundler has found them. It is needed in an Electron app or a browser extension that keeps them elsewhere, and on a
 * page that requires trusted types: their URLs then pass through the policy "erwin", which is made for them alone. It
 * concerns what is loaded afterwards, in this thread and in the workers that `createErwinWorker` starts from it. Call
 * it before anything else.
 * @param assets the URL of a folder with all of them, as `erwin assets FOLDER` makes it, or URLs by the files' names;
 *   relative to the page, or in Node and Deno paths. Files that are not named are found by the library itself, and so
 *   are all with undefined.
 * @throws ConfigError for a value that is not a URL and for a name that is not one of the files
 */
export function setAssets(assets: Assets | undefined): void {
  const names = Object.keys(files) as AssetName[];
  const urls: { [name in AssetName]?: string } = {};
  if (isAddress(assets)) {
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

/** Returns undefined if the library has to find the file itself. */
export function givenUrl(name: AssetName): URL | undefined {
  const url = given[name];
  return url === undefined ? undefined : new URL(url);
}

/** Returns the setting of this thread, for a worker. */
export const givenAssets = (): GivenAssets => given;

/** Used in a worker: applies the setting of the thread that started it. */
export function takeAssets(assets: GivenAssets): void {
  given = assets;
}
