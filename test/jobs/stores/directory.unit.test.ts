// Files in a folder of the browser, with a folder in its place that has no room.

import { expect, test } from "vitest";
import { StorageError } from "../../../src/errors.ts";
import { DirectoryStore } from "../../../src/jobs/stores/directory.ts";

/** A folder that holds what fits into `room` bytes. */
function fullFolder(room: number) {
  const files = new Map<string, Uint8Array>();
  const handle = (name: string) => ({
    getFile: async () => new Blob([files.get(name) as Uint8Array<ArrayBuffer>]),
    async createWritable() {
      let written = new Uint8Array();
      return {
        async write(bytes: Uint8Array<ArrayBuffer>) {
          if (bytes.length > room) throw new DOMException("no room", "QuotaExceededError");
          written = bytes;
        },
        close: async () => void files.set(name, written),
        abort: async () => {},
      };
    },
  });
  const folder = {
    name: "folder",
    async getFileHandle(name: string, { create = false } = {}) {
      if (!files.has(name) && !create) throw new DOMException("missing", "NotFoundError");
      if (!files.has(name)) files.set(name, new Uint8Array());
      return handle(name);
    },
    removeEntry: async (name: string) => void files.delete(name),
  };
  return { files, store: new DirectoryStore(folder as never) };
}

test("an output for which there is no room leaves no file that looks like one", async () => {
  const { files, store } = fullFolder(3);
  await store.save("old", Uint8Array.of(1));
  await expect(store.save("new", new Uint8Array(4))).rejects.toThrow(StorageError);
  await expect(store.save("old", new Uint8Array(4))).rejects.toThrow(StorageError);
  expect(files).toEqual(new Map([["old", Uint8Array.of(1)]]));
});
