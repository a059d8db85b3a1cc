// Sources of data sets on a page: a server, files that were chosen or dropped, and the origin's private file system.

import { Random } from "erwin";
import { type DataSource, DirectorySource, experiments, FileSource, HttpSource, MemorySource } from "erwin/experiments";
import { expect, it } from "vitest";
import { loadGoldenRun } from "../support/experiments.ts";

const run = await loadGoldenRun("md");
const options = run.options();

/** Reads the first test sample, which consists of three HDF5 files and a list. */
async function firstSample(source: DataSource) {
  const data = (await experiments.md.load("test", options, source))!;
  return data.load(0, new Random(0, ""));
}

async function expectSame(source: DataSource, name: string) {
  expect(source.name).toBe(name);
  expect(await firstSample(source)).toEqual(await firstSample(run.source));
  expect((await source.list("")).map((entry) => entry.name).sort()).toEqual([
    "polymer_test",
    "polymer_train",
    "splits",
  ]);
  const path = "splits/train.txt";
  const whole = run.files.get(path)!;
  expect(await source.size(path)).toBe(whole.length);
  expect(await source.read(path, { offset: 3, length: 4 })).toEqual(whole.slice(3, 7));
  expect(await source.read(path, { offset: whole.length - 2, length: 100 })).toEqual(whole.slice(-2));
  const missing = { name: "FormatError", message: expect.stringContaining("there is no such") };
  await expect(source.read("splits/none.txt")).rejects.toMatchObject(missing);
  await expect(source.list("none")).rejects.toMatchObject(missing);
}

it("reads from a server", async () => {
  const sizes = Object.fromEntries([...run.files].map(([path, { length }]) => [path, length]));
  const address = new URL("../golden/experiments/md/data", import.meta.url);
  await expectSame(new HttpSource(address, sizes), String(address));
});

it("reads the files of an input element", async () => {
  const files = [...run.files].map(([path, bytes]) => {
    const file = new File([bytes as Uint8Array<ArrayBuffer>], path.split("/").at(-1)!);
    return Object.defineProperty(file, "webkitRelativePath", { value: `polymers/${path}` });
  });
  await expectSame(FileSource.fromInput(files), "polymers");
  // Files that were chosen individually have no folder.
  expect(await FileSource.fromInput([new File(["a"], "a.csv")]).list("")).toEqual([{ name: "a.csv", folder: false }]);
  expect(() => FileSource.fromInput([])).toThrow("there are no files");
});

it("reads a folder that was dropped, however many files it holds", async () => {
  const request = (window as unknown as { webkitRequestFileSystem: RequestFileSystem }).webkitRequestFileSystem;
  const { root } = await new Promise<FileSystem>((resolve, reject) => request(0, 2 ** 24, resolve, reject));
  const top = await makeFolder(root, `dropped-${crypto.randomUUID()}`);
  const folders = new Map<string, FileSystemDirectoryEntry>([["", top]]);
  for (const [path, bytes] of run.files) {
    const names = path.split("/");
    let [folder, at] = [top, ""];
    for (const name of names.slice(0, -1)) {
      at += `${name}/`;
      folder = folders.get(at) ?? (await makeFolder(folder, name));
      folders.set(at, folder);
    }
    await writeFile(folder, names.at(-1)!, bytes);
  }
  const source = await FileSource.fromDrop([{ webkitGetAsEntry: () => top }]);
  await expectSame(source, top.name);

  // What a page gives has no entry in a file system.
  const { items } = new DataTransfer();
  items.add(new File(["x,y\n1,2\n"], "a.csv"));
  expect(await (await FileSource.fromDrop(items)).list("")).toEqual([{ name: "a.csv", folder: false }]);

  const many = await makeFolder(top, "many");
  for (let i = 0; i < 120; i++) await writeFile(many, `${i}.txt`, new Uint8Array());
  expect(await (await FileSource.fromEntries([many])).list("")).toHaveLength(120);
});

it("reads what was written to the private file system", async () => {
  const directory = await (await navigator.storage.getDirectory()).getDirectoryHandle("md", { create: true });
  const source = new DirectorySource(directory);
  for (const [path, bytes] of run.files) await source.write(path, bytes);
  await expectSame(source, "md");
  await expect(source.read("splits")).rejects.toMatchObject({ name: "FormatError" });
});

it("lists what is in memory", async () => {
  await expectSame(new MemorySource(run.files, "memory"), "memory");
});

type RequestFileSystem = (
  kind: number,
  bytes: number,
  done: (system: FileSystem) => void,
  failed: (error: unknown) => void,
) => void;

function makeFolder(parent: FileSystemDirectoryEntry, name: string): Promise<FileSystemDirectoryEntry> {
  return new Promise((resolve, reject) =>
    parent.getDirectory(name, { create: true }, (entry) => resolve(entry as FileSystemDirectoryEntry), reject),
  );
}

/** The writer of Chromium's entries, which TypeScript does not declare. */
interface WritableEntry {
  createWriter(
    done: (writer: { onwriteend: () => void; onerror: (error: unknown) => void; write(blob: Blob): void }) => void,
    failed: (error: unknown) => void,
  ): void;
}

function writeFile(folder: FileSystemDirectoryEntry, name: string, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) =>
    folder.getFile(
      name,
      { create: true },
      (entry) =>
        (entry as unknown as WritableEntry).createWriter((writer) => {
          writer.onwriteend = resolve;
          writer.onerror = reject;
          writer.write(new Blob([bytes as Uint8Array<ArrayBuffer>]));
        }, reject),
      reject,
    ),
  );
}
