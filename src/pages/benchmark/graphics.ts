// Names GPUs that WebGPU does not name, as in Firefox, by what the browser tells WebGL.

import type { BenchResult } from "erwin/bench";

/** Adds the name of WebGL's renderer to GPUs of which the result has not even the vendor. It may be another one of the machine. */
export function nameGpus(result: BenchResult, renderer = rendererOfWebgl): BenchResult {
  const devices = result.devices?.map((device) => {
    const { description } = device;
    if (description?.backend !== "webgpu" || description.software || description.vendor) return device;
    const known = renderer();
    if (!known) return device;
    return { ...device, description: { ...description, description: `${description.description} (WebGL: ${known})` } };
  });
  return { ...result, devices };
}

/** In Firefox "NVIDIA GeForce GTX 980, or similar"; undefined without WebGL. */
function rendererOfWebgl(): string | undefined {
  const context = document.createElement("canvas").getContext("webgl", { powerPreference: "high-performance" });
  const name = context?.getParameter(context.RENDERER);
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return name || undefined;
}
