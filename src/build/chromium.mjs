// Finds the machine's Chromium, and gives the arguments with which it offers WebGPU.
import { existsSync } from "node:fs";

/** @type {Partial<Record<NodeJS.Platform, string[]>>} */
const places = {
  linux: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"],
  darwin: [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  ],
  win32: [
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
  ],
};

/** The browser's program: $CHROMIUM_PATH, or the first in the usual places of systems; undefined where there is none. */
export function findChromium() {
  if (process.env.CHROMIUM_PATH) return process.env.CHROMIUM_PATH;
  return (places[process.platform] ?? []).find((path) => existsSync(path));
}

/** The value of VK_DRIVER_FILES by which a Vulkan loader finds the software adapter of Debian's Chromium. */
export function findSwiftShader() {
  const path = "/usr/lib/chromium/vk_swiftshader_icd.json";
  return existsSync(path) ? path : undefined;
}

/**
 * Start arguments. On Linux WebGPU runs on the software adapter unless ERWIN_GPU=native asks for the machine's own;
 * elsewhere the browser's default adapter is the right one.
 */
export function chromiumArguments() {
  const args = [
    "--enable-unsafe-webgpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
  ];
  if (process.platform !== "linux") return args;
  args.push("--no-sandbox");
  if (process.env.ERWIN_GPU === "native") args.push("--enable-features=Vulkan", "--ignore-gpu-blocklist");
  else args.push("--use-webgpu-adapter=swiftshader");
  return args;
}

/**
 * The start arguments of tests, with which SwiftShader compiles kernels in a third of the time. By default Dawn declares workgroup
 * memory as zeros, and SwiftShader compiles each of them as a store of its own: two thousand in norm_backward.wgsl, nine tenths of
 * its time. With the feature off, Dawn writes a loop, as it does for adapters without the extension. What measures has the default.
 */
export const testArguments = () => [
  ...chromiumArguments(),
  "--disable-dawn-features=use_vulkan_zero_initialize_workgroup_memory_extension",
];
