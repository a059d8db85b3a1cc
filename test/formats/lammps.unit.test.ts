// Dumps that LAMMPS wrote (lammps/make.py): the positions are those that ASE reads, or LAMMPS wrote unscaled.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { framesIn } from "../../src/experiments/folder/frames.ts";
import { attributeNames } from "../../src/formats/attribute-names.ts";
import { loadLammps } from "../../src/formats/clouds/lammps.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { setLimits } from "../../src/limits.ts";
import { flips, readOrRefuse, text, truncations } from "./corruption.ts";

afterEach(() => setLimits({}));

const read = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, "lammps", name)));
const expected: Record<string, { positions: number[]; id: number[] }[]> = JSON.parse(
  new TextDecoder().decode(read("expected.json")),
);

const items = (...atoms: string[]) =>
  text(
    ...["ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", "2", "ITEM: BOX BOUNDS pp pp pp", "0 2", "0 2", "0 2"],
    ...atoms,
  );

describe("a dump of LAMMPS", () => {
  it.each(Object.keys(expected))("%s has its frames, with atoms in the order of their ids", async (name) => {
    const frames = await framesIn(read(name), name);
    expect(frames).toHaveLength(expected[name].length);
    frames.forEach(({ bytes, file }, i) => {
      const { positions, id } = expected[name][i];
      const cloud = readPointCloud(bytes, file, { attributes: ["id", "type"] });
      expect(cloud.attributes?.get("id")).toEqual({ data: Float32Array.from(id), channels: 1 });
      expect([...(cloud.attributes?.get("type")?.data ?? [])]).toEqual([2, 2, 2, 1, 1, 1, 1, 1]);
      cloud.positions.forEach((value, axis) => expect(value).toBeCloseTo(positions[axis], 4));
    });
  });

  it("has its other columns as attributes, and chemical elements as numbers", async () => {
    const [{ bytes, file }, { bytes: second }] = await framesIn(read("frames.lammpstrj"), "water.lammpstrj");
    expect(file).toBe("water.lammpstrj/0.lammpstrj");
    expect(attributeNames(bytes, file)).toEqual(["id", "type", "element", "vx", "vy", "vz"]);
    const { attributes } = readPointCloud(bytes, file, { attributes: ["element", "vz"] });
    expect([...(attributes?.get("element")?.data ?? [])]).toEqual([8, 8, 8, 1, 1, 1, 1, 1]);
    expect(attributes?.get("vz")?.data[0]).toBe(Math.fround(20.8146));
    // In the file, the atoms of the second frame are in another order.
    expect(new TextDecoder().decode(second)).toMatch(/vz\n[2-8] /);
  });

  it("that is damaged, has no coordinates or several frames is told with what to do", () => {
    const atoms = "ITEM: ATOMS id x y z";
    expect(loadLammps(items(atoms, "2 4 5 6", "1 1 2 3")).positions).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    const refused: [Uint8Array, RegExp][] = [
      [
        read("frames.lammpstrj"),
        /^a\.dump: line 22: more follows than the 8 atoms, such as a second frame: write each/,
      ],
      [items("ITEM: ATOMS id vx", "1 2", "2 3"), /has no coordinates x, y and z .*, but id, vx: dump them by/],
      [items(atoms, "1 1 2 3"), /truncated: it should hold 2 atoms, found/],
      [items(atoms, "1 1 2.25 3", "2 4 5"), /line 11: expected 4 values, found 3/],
      [items(atoms, "1 1 2 3", "2 4 nan 6"), /line 11, y: "nan" is not a number/],
      [items(atoms, "1 1 2 3", "x 4 5 6"), /the id of the atom counted 1 from 0 is not an integer/],
      [text("ITEM: TIMESTEP", "0"), /ends before its atoms/],
      // The box of a general triclinic cell is given by other numbers.
      [
        text(
          ...["ITEM: NUMBER OF ATOMS", "1", "ITEM: BOX BOUNDS abc origin", "2 0 0 0", "1 2 0 0", "0 0 2 0"],
          ...["ITEM: ATOMS id xs ys zs", "1 0.5 0.5 0.5"],
        ),
        /has coordinates xs, ys, zs, but no box that scales them/,
      ],
      [text("PGDMP"), /line 1, "PGDMP": expected a line that begins with "ITEM: "/],
    ];
    for (const [bytes, message] of refused) expect(() => readPointCloud(bytes, "a.dump")).toThrow(message);
    setLimits({ rows: 1 });
    expect(() => loadLammps(items(atoms, "1 1 2 3", "2 4 5 6"))).toThrow(/holds 2 atoms, more than the limit rows, 1/);
  });

  it("gives whole frames or a FormatError where it is damaged", async () => {
    const [{ bytes }] = await framesIn(read("frames.lammpstrj"), "a.lammpstrj");
    for (const damaged of [...truncations(bytes), ...flips(bytes), ...truncations(read("scaled.dump"))]) {
      const cloud = readOrRefuse((content) => loadLammps(content, { attributes: ["id"] }), damaged);
      for (const { data } of cloud?.attributes?.values() ?? []) assert.equal(3 * data.length, cloud?.positions.length);
    }
    for (const damaged of [...truncations(read("frames.lammpstrj")), ...flips(read("frames.lammpstrj"))]) {
      const frames = await framesIn(damaged, "a.lammpstrj");
      expect(frames.reduce((sum, one) => sum + one.bytes.length, 0)).toBeLessThanOrEqual(damaged.length);
    }
  });
});
