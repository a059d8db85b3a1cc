// Arrays and archives that would take far more time or memory than their size suggests, and partial reads of archives.

import { deflateSync, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FormatError, InputError } from "../../src/errors.ts";
import { addCsvColumns } from "../../src/formats/clouds/csv-add.ts";
import { openZip } from "../../src/formats/compression/zip.ts";
import { loadNpy, loadNpyRows, saveNpy } from "../../src/formats/numpy/npy.ts";
import { loadNpz, loadNpzRows, saveNpz, saveNpzEntries } from "../../src/formats/numpy/npz.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { concat, numbers } from "./corruption.ts";

const frames = { shape: [5, 2, 3], data: Float32Array.from({ length: 30 }, (_, i) => i ** 2) };
const pos = saveNpy({ shape: [1, 3], data: Float32Array.of(1, 2, 3) });

/** Makes an array file with any description. */
function npy(description: string, order: "True" | "False", shape: string, data: Uint8Array): Uint8Array {
  const body = `{'descr': '${description}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;
  const header = concat(Uint8Array.of(0x93), "NUMPY", Uint8Array.of(2, 0), Uint32Array.of(body.length).buffer, body);
  return concat(header, data);
}

it("an archive of more than ZIP holds, and a large table without lines, are refused before anything is made", () => {
  // Memory that nothing is written to costs nothing.
  const large = new Uint8Array(2 ** 31);
  const entries = new Map([
    ["a.npy", large],
    ["b.npy", large],
  ]);
  expect(() => saveNpzEntries(entries, new Map())).toThrow(
    "the arrays have 4294967296 bytes, an .npz file holds 4293918720: write .safetensors.",
  );
  expect(() => addCsvColumns(large, new Map(), "points.csv")).toThrow(
    /^points\.csv: not text: a line of \d{7} bytes, more than the limit lineBytes/,
  );
});

describe("npy", () => {
  it.each([
    ["40,000 dimensions", npy("<f4", "True", `(${"1, ".repeat(40_000)})`, new Uint8Array(4))],
    ["two million dimensions", npy("<f4", "True", `(${"1,".repeat(2_000_000)})`, new Uint8Array(4))],
    ["65 dimensions", npy("<f4", "True", `(${"1, ".repeat(65)})`, new Uint8Array(4))],
    ["complex numbers", npy("<c8", "False", "(1,)", new Uint8Array(8))],
    ["numbers of 128 bits", npy("<f16", "False", "(1,)", new Uint8Array(16))],
  ])("refuses %s", (_, bytes) => {
    expect(() => loadNpy(bytes)).toThrow(FormatError);
  });

  it("reads only some rows, in either order", () => {
    const whole = saveNpy(frames);
    expect(loadNpyRows(whole, 1, 3)).toEqual({ dtype: "F32", shape: [2, 2, 3], data: frames.data.slice(6, 18) });
    const columns = npy("<f4", "True", "(3, 2)", numbers("Float32", [0, 2, 4, 1, 3, 5]));
    expect(loadNpyRows(columns, 1, 3)).toEqual({ dtype: "F32", shape: [2, 2], data: Float32Array.of(2, 3, 4, 5) });
    expect(() => loadNpyRows(whole, 1, 6)).toThrow(InputError);
    const transferred = whole.slice();
    structuredClone(transferred, { transfer: [transferred.buffer] });
    expect(() => loadNpyRows(transferred, 0, 1)).toThrow(InputError);
  });
});

describe("archives", () => {
  it.each([0, 6] as const)("reads only the frames that are asked for, compression level %i", (level) => {
    const large = { shape: [40, 9000], data: Float32Array.from({ length: 360_000 }, (_, i) => Math.sin(i)) };
    const archive = zipSync({ "a.npy": saveNpy(frames), "large.npy": saveNpy(large) }, { level });
    expect(loadNpzRows(archive, "a", 4, 5)).toEqual({ dtype: "F32", shape: [1, 2, 3], data: frames.data.slice(24) });
    const some = loadNpzRows(archive, "large", 17, 19);
    expect(some).toEqual({ dtype: "F32", shape: [2, 9000], data: large.data.slice(153_000, 171_000) });
    expect(() => loadNpzRows(archive, "b", 0, 1)).toThrow('npz: holds no array "b", but a, large.');
    expect(() => loadNpzRows(archive, "a", 0, 6)).toThrow(/has 5 rows/);
  });

  it("does not unpack what is not asked for, nor refuse it", () => {
    const other = { "notes.txt": new Uint8Array(9), "pickled.npy": npy("|O", "False", "(1,)", new Uint8Array(3)) };
    const archive = zipSync({ ...other, "folder/": new Uint8Array(), "pos.npy": pos });
    expect(readPointCloud(archive, "npz").positions).toEqual(Float32Array.of(1, 2, 3));
    const single = zipSync({ "notes.txt": new Uint8Array(9), "anything.npy": pos });
    expect(readPointCloud(single, "npz").positions).toEqual(Float32Array.of(1, 2, 3));
  });

  it("unpacks no further than the directory says", () => {
    const archive = zipSync({ "pos.npy": pos });
    const bomb = deflateSync(new Uint8Array(1_000_000));
    const view = new DataView(archive.buffer, archive.byteOffset);
    const directory = view.getUint32(archive.length - 6, true);
    // The data and the compressed size of the entry are replaced by those of the bomb; the directory follows it.
    const head = archive.slice(0, 30 + "pos.npy".length);
    const tail = archive.slice(directory);
    const end = new DataView(tail.buffer);
    end.setUint32(20, bomb.length, true);
    end.setUint32(24, 100, true);
    end.setUint32(tail.length - 6, head.length + bomb.length, true);
    end.setUint16(10, 8, true);
    expect(() => loadNpz(concat(head, bomb, tail))).toThrow(/unpacks to more than 100 bytes/);
  });

  it("refuses many names for the same bytes", () => {
    const archive = zipSync({ "a.npy": pos, "b.npy": pos }, { level: 0 });
    const view = new DataView(archive.buffer, archive.byteOffset);
    const directory = view.getUint32(archive.length - 6, true);
    // The second entry gets the offset of the first.
    view.setUint32(directory + 46 + "a.npy".length + 42, 0, true);
    expect(() => openZip(archive, "a.npz")).toThrow(/lie on the same bytes/);
    expect(() => openZip(archive, "a.npz")).toThrow(FormatError);
  });

  it("reads sizes and places of 64 bits", () => {
    const archive = zipSync({ "pos.npy": pos }, { level: 0 });
    const directory = new DataView(archive.buffer, archive.byteOffset).getUint32(archive.length - 6, true);
    const entry = archive.slice(directory, archive.length - 22);
    const view = new DataView(entry.buffer);
    for (const field of [20, 24, 42]) view.setUint32(field, 0xffffffff, true);
    view.setUint16(30, 28, true);
    const extra = concat(
      Uint16Array.of(1, 24).buffer,
      BigUint64Array.of(BigInt(pos.length), BigInt(pos.length), 0n).buffer,
    );
    const end64 = new DataView(new ArrayBuffer(56));
    end64.setUint32(0, 0x06064b50, true);
    end64.setBigUint64(4, 44n, true);
    end64.setBigUint64(24, 1n, true);
    end64.setBigUint64(32, 1n, true);
    end64.setBigUint64(40, BigInt(entry.length + extra.length), true);
    end64.setBigUint64(48, BigInt(directory), true);
    const locator = new DataView(new ArrayBuffer(20));
    locator.setUint32(0, 0x07064b50, true);
    locator.setBigUint64(8, BigInt(directory + entry.length + extra.length), true);
    const end = archive.slice(-22).fill(0xff, 8, 20);
    const wide = concat(archive.slice(0, directory), entry, extra, end64.buffer, locator.buffer, end);
    expect(loadNpz(wide)).toEqual(loadNpz(archive));
    expect(loadNpz(saveNpz({ frames })).get("frames")?.data).toEqual(frames.data);
  });
});
