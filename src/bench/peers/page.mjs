// The measurement that browser.mjs runs on a page.

import { importJax, measureJax } from "./jax-js/measure.mjs";
import { measureErwin, measureOnnx } from "./measure.mjs";

/** @param {string} url */
const bytesOf = async (url) => new Uint8Array(await (await fetch(url)).arrayBuffer());

/**
 * @param {import("./measure.mjs").Question & { library: string, name: string }} question
 */
export async function measure({ library, name, ...question }) {
  const { backend, threads, seconds } = question;
  const file = await bytesOf(`/cases/${name}.safetensors`);
  if (library === "erwin") return measureErwin(await bytesOf("/cases/model.safetensors"), file, question);
  if (library === "jax-js")
    return measureJax(await importJax(), await bytesOf("/cases/model.safetensors"), file, question);
  // As ONNX Runtime's documentation advises: the build for the backend, all graph optimisations (the default), inputs made once.
  const build = backend === "webgpu" ? "ort.webgpu.bundle.min.mjs" : "ort.wasm.bundle.min.mjs";
  const ort = await import(/* @vite-ignore */ `/node_modules/onnxruntime-web/dist/${build}`);
  ort.env.wasm.numThreads = threads;
  const options = { executionProviders: [backend === "cpu" ? "wasm" : backend] };
  const measured = await measureOnnx(ort, await bytesOf("/cases/model.onnx"), file, { options, seconds });
  return { ...measured, device: backend === "cpu" ? "wasm" : backend, version: ort.env.versions.web };
}
