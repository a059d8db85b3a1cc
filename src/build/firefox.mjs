// Finds and starts the machine's Firefox.
import { findProgram } from "./programs.mjs";

/** @type {Partial<Record<NodeJS.Platform, string[]>>} */
const places = {
  linux: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
  darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
  win32: ["C:\\Program Files\\Mozilla Firefox\\firefox.exe", "C:\\Program Files (x86)\\Mozilla Firefox\\firefox.exe"],
};

/** Returns the path of the browser: $FIREFOX_PATH, or the first that exists of the usual paths; undefined if there is none. */
export const findFirefox = () => findProgram(process.env.FIREFOX_PATH, places);

/** Preferences with which Firefox offers WebGPU on Linux too, and on adapters in software. */
const webgpuPreferences = { "dom.webgpu.enabled": true, "gfx.webgpu.ignore-blocklist": true };

/**
 * Starts it without a window.
 * @param {import("puppeteer-core").LaunchOptions & { webgpu?: boolean }} options `webgpu`: whether pages are to have WebGPU
 */
export async function launchFirefox({ webgpu = false, ...options } = {}) {
  const executablePath = findFirefox();
  if (!executablePath) throw new Error("there is no Firefox: node src/build/setup.mjs installs it");
  // The set-up imports this file before there are packages.
  const { launch } = await import("puppeteer-core");
  const preferences = webgpu ? { extraPrefsFirefox: webgpuPreferences } : {};
  // A busy machine takes its time.
  const timeout = 120_000;
  return launch({ browser: "firefox", executablePath, headless: true, timeout, ...preferences, ...options });
}
