// The library's dependencies have exact versions, which the lock file ties to their checksums, and the package installs nothing.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { root } from "../../src/build/steps.mjs";

test("dependencies are pinned exactly, and locked by their checksums", () => {
  const versions = Object.entries(packageJson.devDependencies);
  const loose = versions.filter(([, version]) => !/^(npm:[@\w/.-]+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version));
  expect(loose).toEqual([]);
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { integrity?: string; devDependencies?: Record<string, string> }>;
  };
  const { "": own, ...others } = lock.packages;
  expect(own.devDependencies).toEqual(packageJson.devDependencies);
  const unchecked = Object.entries(others).filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ""));
  expect(unchecked.map(([name]) => name)).toEqual([]);
});

test("the package installs nothing else, runs nothing when it is installed, and tells where it comes from", () => {
  const { scripts, publishConfig } = packageJson;
  expect(packageJson).not.toHaveProperty("dependencies");
  for (const name of ["preinstall", "install", "postinstall", "prepare"]) expect(scripts).not.toHaveProperty(name);
  expect(publishConfig.provenance).toBe(true);
});

test("the files that the security note names are there", () => {
  const note = readFileSync(join(root, "src", "SECURITY.md"), "utf8");
  const targets = [...note.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target);
  expect(targets.length).toBeGreaterThan(2);
  for (const target of targets) expect(existsSync(join(root, "src", target)), target).toBe(true);
});
