// Finds the machine's Chromium or downloads one, and gives the arguments with which it offers WebGPU.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { findProgram } from "./programs.mjs";
import { runBeside } from "./run.mjs";

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

/**
 * The browser's program: $CHROMIUM_PATH, the first in the usual places of systems, or the one that the set-up has downloaded; undefined
 * where there is none.
 */
export const findChromium = () => findProgram(process.env.CHROMIUM_PATH, places) ?? findDownloaded();

/** The Chromium in Playwright's folder; undefined where there is none, and before npm packages are installed. */
export function findDownloaded() {
  try {
    /** @type {typeof import("playwright-core")} */
    const { chromium } = createRequire(import.meta.url)("playwright-core");
    return [chromium.executablePath()].find((path) => existsSync(path));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * Downloads Chromium into Playwright's folder.
 * @param {{ libraries: boolean }} options `libraries`: whether to install the system's libraries that it needs too, by apt-get
 */
export async function downloadChromium({ libraries }) {
  const playwright = "node_modules/playwright-core/cli.js";
  if (libraries)
    await runBeside(process.execPath, [playwright, "install-deps", "chromium"], {
      stdio: ["inherit", "ignore", "inherit"],
    });
  await runBeside(process.execPath, [playwright, "install", "--no-shell", "chromium"]);
}

/** The value of VK_DRIVER_FILES by which a Vulkan loader finds Chromium's software adapter. */
export function findSwiftShader() {
  const folders = ["/usr/lib/chromium", dirname(findChromium() ?? "")];
  return folders.map((folder) => join(folder, "vk_swiftshader_icd.json")).find((path) => existsSync(path));
}

/**
 * The arguments with which Chromium offers what it offers on a phone without Vulkan: WebGPU on OpenGL ES in compatibility mode, and
 * nothing else. ANGLE computes it, on the software adapter.
 */
const openglesArguments = [
  "--use-webgpu-adapter=opengles",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--force-webgpu-compat",
];

/**
 * Start arguments. On Linux WebGPU runs on the software adapter unless ERWIN_GPU=native asks for the machine's own, or
 * ERWIN_GPU=opengles for OpenGL ES; elsewhere the browser's default adapter is the right one.
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
  else if (process.env.ERWIN_GPU === "opengles") args.push(...openglesArguments);
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
