// HDF5 files that do not fit into memory, which a worker reads in parts.
import { loadHdf5 } from "erwin/formats";
import { expect, test } from "vitest";

const address = new URL("hdf5/values.h5", import.meta.url);

/** Has a worker read the file. */
async function read(blob: Blob, only?: string[]): Promise<Record<string, unknown>> {
  const worker = new Worker(new URL("hdf5-worker.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
      worker.postMessage({ blob, only });
    });
  } finally {
    worker.terminate();
  }
}

test("a Blob of more than 2 GiB is read in a worker as its beginning is from bytes", async () => {
  const bytes = await (await fetch(address)).arrayBuffer();
  const padding = new Blob([new Uint8Array(2 ** 26)]);
  const large = new Blob([bytes, ...Array(33).fill(padding)]);
  expect(large.size).toBeGreaterThan(2 ** 31);
  const expected = Object.fromEntries(await loadHdf5(bytes));
  expect(Object.keys(expected)).toContain("group/inner/position");
  expect(await read(large)).toEqual(expected);
  expect(await read(large, ["scalar"])).toEqual({ scalar: expected.scalar });
  // A page has no way to read in parts.
  expect(Object.fromEntries(await loadHdf5(new Blob([bytes])))).toEqual(expected);
});

test("a damaged Blob is a FormatError in a worker, too", async () => {
  expect(await read(new Blob([new Uint8Array(1000)]))).toMatchObject({
    name: "FormatError",
    message: expect.stringContaining("large.h5: not an HDF5 file"),
  });
});

test("a Blob with a damaged heap, through which the library would walk without end, is refused in a worker, too", async () => {
  const elsewhere = await (await fetch(new URL("hdf5/elsewhere.h5", import.meta.url))).arrayBuffer();
  expect(await read(new Blob([elsewhere]))).toEqual(Object.fromEntries(await loadHdf5(elsewhere)));
  const bytes = new Uint8Array(elsewhere);
  const heap = bytes.findIndex((_, i) => String.fromCharCode(...bytes.subarray(i, i + 4)) === "GCOL");
  new DataView(elsewhere).setUint16(heap + 16, 0, true);
  new DataView(elsewhere).setBigUint64(heap + 24, 0n, true);
  expect(await read(new Blob([elsewhere]))).toMatchObject({
    name: "FormatError",
    message: expect.stringMatching(/^large\.h5: is damaged: an object of a heap has the size 0/),
  });
});

test("what Blosc and Zstandard compressed is read in a page and in a worker, which load their filters then", async () => {
  const bytes = await (await fetch(new URL("hdf5/filters.nc", import.meta.url))).arrayBuffer();
  const arrays = Object.fromEntries(await loadHdf5(bytes));
  expect(Object.keys(arrays)).toEqual(["blosc_lz", "blosc_lz4", "blosc_zstd", "zstd"]);
  for (const { data } of Object.values(arrays))
    expect(data).toEqual(Float64Array.from({ length: 600 }, (_, i) => i / 8));
  expect(await read(new Blob([bytes]))).toEqual(arrays);
});

test("what LZF compressed is read in a page and in a worker, where the library loads its filter", async () => {
  const bytes = await (await fetch(new URL("hdf5/lzf.h5", import.meta.url))).arrayBuffer();
  const arrays = Object.fromEntries(await loadHdf5(bytes));
  expect(Object.keys(arrays)).toEqual(["checked", "grid", "grown", "noise"]);
  expect(Array.from(arrays.grid.data, Number)).toEqual(Array.from({ length: 600 }, (_, i) => i / 8));
  expect(await read(new Blob([bytes]))).toEqual(arrays);
});
