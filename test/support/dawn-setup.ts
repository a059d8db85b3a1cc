// Runs before the files of the runner "dawn": gives Node the WebGPU that they expect of their host.

import { createDawn } from "./dawn.ts";

const host = globalThis as { navigator?: object };
host.navigator ??= {};
const gpu = await createDawn("enable-dawn-features=allow_unsafe_apis");
Object.defineProperty(host.navigator, "gpu", { value: gpu, configurable: true });
