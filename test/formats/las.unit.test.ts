// LAS files of all versions and kinds of points (las/make.py), which copc and loaders.gl read as they are meant (las/check.mjs).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { attributeNames } from "../../src/formats/attribute-names.ts";
import { loadLas } from "../../src/formats/clouds/las.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { setLimits } from "../../src/limits.ts";
import { flips, readOrRefuse, truncations } from "./corruption.ts";

afterEach(() => setLimits({}));

const read = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, "las", name)));
const expected: Record<string, { positions: number[]; attributes: Record<string, (number | null)[]> }> = JSON.parse(
  new TextDecoder().decode(read("expected.json")),
);
const float32 = (values: (number | null)[]) => Float32Array.from(values, (value) => value ?? Number.NaN);

describe("a LAS file", () => {
  it.each(Object.keys(expected))("%s has its points and all that is said of them", (name) => {
    const { positions, attributes } = expected[name];
    const names = Object.keys(attributes);
    expect(new Set(attributeNames(read(name), name))).toEqual(new Set(names));
    const cloud = readPointCloud(read(name), name, { attributes: names });
    expect(cloud).toMatchObject({ positions: float32(positions), dimensionality: 3 });
    for (const [attribute, values] of Object.entries(attributes)) {
      const channels = attribute === "normal" ? 3 : 1;
      expect(cloud.attributes?.get(attribute), attribute).toEqual({ data: float32(values), channels });
    }
  });

  it("has its coordinates in float64 too where they are those of a map", () => {
    const bytes = read("1.2-format-3.las");
    const view = new DataView(bytes.buffer);
    for (let axis = 0; axis < 3; axis++) {
      view.setFloat64(131 + 8 * axis, 1e-6, true);
      view.setFloat64(155 + 8 * axis, 5423456, true);
    }
    const first = view.getUint32(96, true);
    const { positions, exact } = loadLas(bytes);
    expect(exact?.slice(0, 3)).toEqual(
      Float64Array.from([0, 4, 8], (at) => view.getInt32(first + at, true) * 1e-6 + 5423456),
    );
    expect(positions).toEqual(Float32Array.from(exact as Float64Array));
  });

  it("of version 1.4 may have the number of its points where older versions have it", () => {
    const bytes = read("1.4-format-7.las");
    const view = new DataView(bytes.buffer);
    view.setBigUint64(247, 0n, true);
    view.setUint32(107, 3, true);
    expect(loadLas(bytes).positions).toEqual(float32(expected["1.4-format-7.las"].positions.slice(0, 9)));
  });

  it("that is compressed, cut off, empty or of another kind is told with what to do", () => {
    const [points, compressed, other] = [read("1.2-format-3.las"), read("1.2-format-3.las"), read("1.2-format-3.las")];
    compressed[104] |= 0x80;
    expect(() => readPointCloud(compressed, "a.las")).toThrow(
      "a.las: is a compressed LAS point cloud: loadLaz reads it, or unpackLaz before readPointCloud.",
    );
    other[104] = 11;
    expect(() => readPointCloud(other, "a.las")).toThrow("its points are of format 11, expected 0 to 10.");
    expect(() => readPointCloud(points.subarray(0, -1), "a.las")).toThrow(/truncated: its 5 points end at byte 454/);
    expect(() => readPointCloud(read("1.4-empty.las"), "a.las")).toThrow("a.las: holds no points.");
    expect(() => readPointCloud(points, "a.las", { attributes: ["nir"] })).toThrow(
      /no attribute "nir"; there are "int/,
    );
    // The logs of wells have the same extension.
    expect(() => readPointCloud(new TextEncoder().encode("~VERSION INFORMATION\n"), "well.las")).toThrow(
      'well.las: does not begin with "LASF", as LAS files do.',
    );
  });

  it.each(["1.0-format-0.las", "1.2-format-2.las", "1.4-format-10.las"])(
    "%s gives as many numbers as points or a FormatError where it is damaged",
    (name) => {
      const bytes = read(name);
      const attributes = ["intensity", "scan_angle", "height", "width"].slice(0, name.includes("1.0") ? 2 : 4);
      for (const damaged of [...truncations(bytes), ...flips(bytes)]) {
        const cloud = readOrRefuse((content) => loadLas(content, { attributes }), damaged);
        for (const { data, channels } of cloud?.attributes?.values() ?? []) {
          assert.equal(data.length / channels, (cloud?.positions.length ?? 0) / 3);
        }
      }
    },
  );

  it("holds no more points than the limit allows", () => {
    setLimits({ rows: 4 });
    expect(() => loadLas(read("1.2-format-3.las"))).toThrow(/^las: holds 5 points, more than the limit rows, 4/);
  });
});
