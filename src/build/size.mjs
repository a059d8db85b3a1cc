// How much a page downloads: the sizes of the built library's files as a server sends them, compressed with gzip.
//
//   node src/build/size.mjs
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { root } from "./steps.mjs";

const dist = join(root, "dist");

/** The worker that holds a model, which most pages do not need. */
const isModelWorker = (/** @type {string} */ file) => /^assets\/model-[^/]*\.js$/.test(file);

/** The parts that are loaded only by calls of `exportOnnx` and `attentionWeights`. */
const isOnDemand = (/** @type {string} */ file) => /^assets\/(exporter|ball-weights)-[^/]*\.js$/.test(file);
/** Of the kernels' two modules a host loads one. The other is a little larger. */
const isUnusedModule = (/** @type {string} */ file) => file === "assets/kernels-relaxed.wasm";
/** What reads HDF5 and LAZ, of which the library itself contains only the names; each is loaded with the first such file. */
const isOfFormats = (/** @type {string} */ file) => /^assets\/(hdf5|hdf5-filters|laz-perf)\.wasm$/.test(file);
/** The worker that makes batches for an experiment; the library itself contains only its name. */
const isDataWorker = (/** @type {string} */ file) => file === "assets/data-worker.js";

/**
 * The library's file and those that it names, directly or through others, with their sizes in bytes.
 * @param {(file: string) => boolean} wanted
 * @returns {Map<string, number>}
 */
function filesOfLibrary(wanted) {
  const assets = readdirSync(join(dist, "assets")).map((name) => `assets/${name}`);
  /** @type {Map<string, number>} */
  const sizes = new Map();
  const visit = (/** @type {string} */ file) => {
    const bytes = readFileSync(join(dist, file));
    sizes.set(file, gzipSync(bytes).length);
    if (!file.endsWith(".js")) return;
    const text = bytes.toString();
    for (const asset of assets) {
      if (!sizes.has(asset) && wanted(asset) && text.includes(asset.slice("assets/".length))) visit(asset);
    }
  };
  visit("erwin.js");
  return sizes;
}

const sum = (/** @type {Iterable<number>} */ numbers) => [...numbers].reduce((total, number) => total + number, 0);

/** Bytes with gzip of all files that a forward pass may load (`files` one by one), and of those that the model in a worker adds. */
export function downloadSize() {
  const other = (/** @type {string} */ file) =>
    isOnDemand(file) || isDataWorker(file) || isUnusedModule(file) || isOfFormats(file);
  const files = filesOfLibrary((file) => !isModelWorker(file) && !other(file));
  const all = filesOfLibrary((file) => !other(file));
  const library = sum(files.values());
  return { files, library, modelWorker: sum(all.values()) - library };
}

/** Describes the sizes in a line. */
export function describeSize() {
  const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`;
  const { library, modelWorker } = downloadSize();
  return `the library's download is ${kilobytes(library)} with gzip, the model in a worker another ${kilobytes(modelWorker)}`;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [file, size] of downloadSize().files) console.log(`${String(size).padStart(8)}  ${file}`);
  console.log(describeSize());
}
