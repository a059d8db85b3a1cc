// LAZ files that LASzip and laz-perf's encoder wrote (laz/make.py) unpack to the LAS files that they were made of. Those of QGIS' tests
// did, too, when the reader was written: 62 of PDAL, Entwine and Untwine, COPC files among them, byte for byte as LASzip unpacks them.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, describe, expect, it } from "vitest";
import { attributeNames } from "../../src/formats/attribute-names.ts";
import { loadLas } from "../../src/formats/clouds/las.ts";
import { loadLaz, unpackLaz } from "../../src/formats/clouds/laz.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { setLimits } from "../../src/limits.ts";

afterEach(() => setLimits({}));

/** Reads a file damaged in many ways, in a process of its own: see there. */
const damagedProgram = join(import.meta.dirname, "laz", "damaged.mjs");

const read = (...path: string[]) => new Uint8Array(readFileSync(join(import.meta.dirname, ...path)));

/** A file, and the one of LAS that it was made of. */
const pairs = [
  ...["1.0-format-0", "1.1-format-1", "1.2-format-2", "1.2-format-3", "1.4-format-6", "1.4-format-7"].map((name) => [
    `${name}.laz`,
    `las/${name}.las`,
  ]),
  ...[
    ["walk.laz", "laz/walk.las"],
    ["walk-variable.laz", "laz/walk.las"],
  ],
];

describe("a LAZ file", () => {
  it.each(pairs)("%s has the points of %s, and all that is said of them", async (name, las) => {
    const attributes = attributeNames(read(las), las);
    expect(attributes.length).toBeGreaterThan(9);
    expect(await loadLaz(read("laz", name), { attributes })).toEqual(loadLas(read(las), { attributes }));
  });

  it("may have no points, or its chunks' table at its end, as it is written in one go", async () => {
    expect(await loadLaz(read("laz", "1.4-empty.laz"))).toEqual({ positions: new Float32Array(0), dimensionality: 3 });
    const written = read("laz", "walk.laz");
    const bytes = new Uint8Array(written.length + 8);
    bytes.set(written);
    const view = new DataView(bytes.buffer);
    const begin = view.getUint32(96, true);
    view.setBigInt64(written.length, view.getBigInt64(begin, true), true);
    view.setBigInt64(begin, -1n, true);
    expect(await loadLaz(bytes)).toEqual(loadLas(read("laz", "walk.las")));
  });

  it("that is not compressed is read as it is; what reads at once says what unpacks it", async () => {
    const las = read("laz", "walk.las");
    expect(await unpackLaz(las)).toEqual(las);
    expect(readPointCloud(las, "a.laz").positions.length).toBe(1200);
    expect(() => readPointCloud(read("laz", "walk.laz"), "a.laz")).toThrow(
      "a.laz: is a compressed LAS point cloud: loadLaz reads it, or unpackLaz before readPointCloud.",
    );
  });

  it("of another kind, cut off or damaged where it says how it is packed is told with what to do", async () => {
    const changed = (at: number, value: number) => {
      const bytes = read("laz", "walk.laz");
      bytes[at] = value;
      return loadLaz(bytes, { file: "a.laz" });
    };
    const record = 375 + 54;
    await expect(loadLaz(read("laz", "1.3-format-5.laz"))).rejects.toThrow(
      /of format 5, with wave forms, which is not read: unpack it by LAStools \(laszip\) or PDAL/,
    );
    await expect(changed(record, 2)).rejects.toThrow(
      "a.laz: is compressed by compressor 2 in version 3, 3; expected 3 in version 3: unpack it by",
    );
    await expect(changed(record + 38, 4)).rejects.toThrow("by compressor 3 in version 4, 3; expected 3 in version 3");
    await expect(changed(375 + 2, 0)).rejects.toThrow("it is compressed, and has no record that says how.");
    await expect(changed(105, 39)).rejects.toThrow("its packed points have 38 bytes, those of its header 39.");
    await expect(changed(record + 12, 10)).rejects.toThrow("3 chunks of 10 points for its 400 points.");
    await expect(changed(247, 255)).rejects.toThrow(/a\.laz: /);
    const whole = read("laz", "walk.laz");
    await expect(loadLaz(whole.subarray(0, -40))).rejects.toThrow(/laz: truncated, or not written to its end/);
    setLimits({ rows: 399 });
    await expect(loadLaz(whole)).rejects.toThrow(/^laz: holds 400 points, more than the limit rows, 399/);
    setLimits({ unpackedBytes: 10_000 });
    await expect(loadLaz(whole)).rejects.toThrow(/unpacks to 15\d{3}, more than the limit unpackedBytes/);
  });

  it.each([
    ["1.1-format-1.laz", 4],
    ["1.4-format-7.laz", 18],
  ])("%s gives all its points or a FormatError where it is damaged, wherever that is", (name, every) => {
    const path = join(import.meta.dirname, "laz", name);
    const { stdout, stderr } = spawnSync(process.execPath, [damagedProgram, path, String(every)], { encoding: "utf8" });
    expect(stderr).toBe("");
    const { whole, refused, wrong } = JSON.parse(stdout);
    expect(wrong).toEqual([]);
    expect(whole).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(50);
  });

  it("whose points are damaged is refused, since they are not where its header says", async () => {
    const bytes = read("laz", "walk.laz");
    const begin = new DataView(bytes.buffer).getUint32(96, true);
    let refused = 0;
    for (let part = 0; part < 20; part++) {
      const damaged = bytes.slice();
      // The middle of what packs x and y, which is first in a chunk.
      damaged.fill(0x5a, begin + 120 + 10 * part, begin + 128 + 10 * part);
      await loadLaz(damaged).catch((error: Error) => {
        expect(error.message).toMatch(
          /^laz: (is damaged: the [xyz] of point|damaged: its 400 points cannot be unpacked)/,
        );
        refused++;
      });
    }
    expect(refused).toBeGreaterThan(17);
  });
});
