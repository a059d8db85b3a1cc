// Checkpoints in a folder: it contains what was saved last, and nothing else.

import { mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { FolderStore, forOutputs } from "../../src/cli/files/folder-store.ts";

test("a file is replaced as a whole, no other file is left, and one that cannot be read is named", async () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-store-"));
  try {
    const store = new FolderStore(join(folder, "run"));
    expect(store.load("last.safetensors")).toBeUndefined();
    store.save("last.safetensors", Uint8Array.of(1, 2, 3));
    store.save("last.safetensors", Uint8Array.of(4));
    expect([...store.load("last.safetensors")!]).toEqual([4]);
    expect(readdirSync(store.name)).toEqual(["last.safetensors"]);
    // This thread goes on while the disk takes in a file: a process that writes thousands would wait for each otherwise.
    const outputs = forOutputs(store);
    const others = ["a.npy", "b.npy"].map((name) => outputs.save(name, Uint8Array.of(5)));
    expect(readdirSync(store.name)).not.toContain("a.npy");
    await Promise.all(others);
    expect(readdirSync(store.name)).toEqual(["a.npy", "b.npy", "last.safetensors"]);
    symlinkSync("endless.csv", join(store.name, "endless.csv"));
    await expect(store.read("endless.csv")).rejects.toThrow(
      `Cannot read "${join(store.name, "endless.csv")}": its links lead in a circle.`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a file that another process deletes while it is read, as leases are, is not there", async () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-store-"));
  const code = `
    const { rmSync, writeFileSync } = require("node:fs");
    for (let i = 0; ; i++) i % 2 ? rmSync(${JSON.stringify(join(folder, "a"))}) : writeFileSync(${JSON.stringify(join(folder, "a"))}, "a");
  `;
  const other = new Worker(code, { eval: true });
  try {
    const store = new FolderStore(folder);
    while (!store.load("a"));
    for (let i = 0; i < 20_000; i++) store.load("a");
  } finally {
    await other.terminate();
    rmSync(folder, { recursive: true });
  }
});
