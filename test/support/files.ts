// Loads the golden files in every host: over HTTP in the browser, from disk elsewhere.
import { loadSafetensors } from "erwin";

const folder = new URL(/* @vite-ignore */ "../golden/", import.meta.url);

/** Reads test/golden/<path>. */
export async function loadFile(path: string): Promise<Uint8Array> {
  const url = new URL(path, folder);
  if (url.protocol === "file:") return new Uint8Array(process.getBuiltinModule("node:fs").readFileSync(url));
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Golden file ${url} could not be loaded: HTTP ${response.status}.`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Reads test/golden/<name>.safetensors. */
export function loadGoldenBytes(name: string): Promise<Uint8Array> {
  return loadFile(`${name}.safetensors`);
}

/** The tensors and metadata of test/golden/<name>.safetensors. */
export async function loadGolden(name: string): Promise<ReturnType<typeof loadSafetensors>> {
  return loadSafetensors(await loadGoldenBytes(name));
}
