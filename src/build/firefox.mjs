// Finds the Firefox of this machine.
import { existsSync, readFileSync, statSync } from "node:fs";

/** @type {Partial<Record<NodeJS.Platform, string[]>>} */
const places = {
  linux: ["/usr/bin/firefox-esr", "/usr/bin/firefox"],
  darwin: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
  win32: ["C:\\Program Files\\Mozilla Firefox\\firefox.exe", "C:\\Program Files (x86)\\Mozilla Firefox\\firefox.exe"],
};

/**
 * Whether a program only starts a snap, as Ubuntu's does: containers cannot run it, and it cannot read a profile in /tmp.
 * @param {string} path
 */
const startsSnap = (path) => statSync(path).size < 65536 && readFileSync(path, "latin1").includes("/snap/");

/** The browser's program: $FIREFOX_PATH, or the first in the usual places of systems; undefined where there is none. */
export function findFirefox() {
  if (process.env.FIREFOX_PATH) return process.env.FIREFOX_PATH;
  return (places[process.platform] ?? []).find((path) => existsSync(path) && !startsSnap(path));
}
