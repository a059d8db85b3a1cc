// Whether this device has a GPU.

import { describeAdapter, findAdapter } from "../../backends/webgpu/adapter-info.ts";
import { within } from "../../host/patience.ts";

/** The page does not wait longer than this for the browser to say whether there is a GPU. */
const ADAPTER_SECONDS = 4;

/** Whether this device has a GPU to choose at first: browsers with WebGPU may have no adapter, or one in software, or never say so. */
export async function hasGpu(): Promise<boolean> {
  try {
    const adapter = navigator.gpu && (await within(ADAPTER_SECONDS, findAdapter(navigator.gpu)));
    return Boolean(adapter && !describeAdapter(adapter).software);
  } catch {
    return false;
  }
}
