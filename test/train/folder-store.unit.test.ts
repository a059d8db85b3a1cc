// Checkpoints in a folder: it contains what was saved last, and nothing else.

import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FolderStore } from "../../src/cli/folder-store.ts";

test("a file is replaced as a whole, and no other file is left", () => {
  const folder = mkdtempSync(join(tmpdir(), "erwin-store-"));
  try {
    const store = new FolderStore(join(folder, "run"));
    expect(store.load("last.safetensors")).toBeUndefined();
    store.save("last.safetensors", Uint8Array.of(1, 2, 3));
    store.save("last.safetensors", Uint8Array.of(4));
    expect([...store.load("last.safetensors")!]).toEqual([4]);
    expect(readdirSync(store.name)).toEqual(["last.safetensors"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
