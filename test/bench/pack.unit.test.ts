// The archives for a machine with a GPU exist after packing, and unpack to a shell in which Deno runs.

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { archives, pack, writeUnpack } from "../../src/bench/machine/pack.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const onLinux = test.skipIf(process.platform !== "linux" || process.arch !== "x64");

onLinux("all that is packed is there, and the tests' runner apart from what is large", () => {
  const { "peers.tar.xz": _, ...installed } = archives;
  for (const paths of Object.values(installed))
    expect(paths().filter((path) => !existsSync(join(root, path)))).toEqual([]);
  const tests = archives["tests.tar.xz"]();
  expect(tests).toEqual(
    expect.arrayContaining(["vitest", "@vitest", "vite", "fast-check"].map((name) => `node_modules/${name}`)),
  );
  expect(tests).not.toContain("node_modules/@deno");
});

onLinux("unpacked, Deno is the packed one, on Vulkan", () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-pack-"));
  try {
    // Small stand-ins for 40 MB: a program that prints its environment, and a loader that is already installed.
    const program = (path: string, text: string) => {
      mkdirSync(join(folder, path, ".."), { recursive: true });
      writeFileSync(join(folder, path), `#!/bin/sh\n${text}\n`);
      chmodSync(join(folder, path), 0o755);
    };
    const deno = archives["engine.tar.xz"]().find((path) => path.includes("@deno"))!;
    program(`source/${deno}/deno`, 'echo "$DENO_WEBGPU_BACKEND $0"');
    program("bin/ldconfig", "echo libvulkan.so.1");
    mkdirSync(join(folder, "pack"));
    mkdirSync(join(folder, "target"));
    execFileSync("tar", ["-C", join(folder, "source"), "-cJf", join(folder, "pack/engine.tar.xz"), "node_modules"]);
    writeUnpack(join(folder, "pack"));

    // Without --norc bash may take the socket that it reads from for a remote shell, and read its own settings.
    const { stdout, stderr } = spawnSync("bash", ["--norc", "-euc", ". ../pack/unpack.sh; deno"], {
      cwd: join(folder, "target"),
      env: { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` },
      encoding: "utf8",
    });
    expect({ stdout, stderr }).toEqual({ stdout: `vulkan ${join(folder, "target", deno, "deno")}\n`, stderr: "" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

onLinux("a folder with other things in it stays", () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-pack-"));
  writeFileSync(join(folder, "other"), "");
  try {
    expect(() => pack(folder, false)).toThrow("which holds something else");
    expect(existsSync(join(folder, "other"))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
