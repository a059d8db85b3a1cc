// Files of the Protein Data Bank that RDKit, Open Babel and ASE wrote (pdb/make.py): what is read is what Gemmi reads.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { framesIn } from "../../src/experiments/folder/frames.ts";
import { readArrays } from "../../src/experiments/folder/read.ts";
import { attributeNames, sortAttributes } from "../../src/formats/attribute-names.ts";
import { loadPdb } from "../../src/formats/clouds/pdb.ts";
import { readPointCloud } from "../../src/formats/pointcloud.ts";
import { setLimits } from "../../src/limits.ts";
import { flips, readOrRefuse, text, truncations } from "./corruption.ts";

afterEach(() => setLimits({}));

const read = (name: string) => new Uint8Array(readFileSync(join(import.meta.dirname, "pdb", name)));
const expected: Record<string, Record<string, number[]>[]> = JSON.parse(
  new TextDecoder().decode(read("expected.json")),
);

/** A line of an atom. */
const atom = (name: string, residue: string, { element = "", x = "1.000", record = "ATOM", rest = "" } = {}) =>
  `${record.padEnd(6)}    1 ${name.padEnd(4)} ${residue.padStart(3)} A   7    ${x.padStart(8)}${"2.500".padStart(8)}${"-3.250".padStart(8)}` +
  `${rest.padEnd(22)}${element.padStart(2)}`;
const elementOf = (name: string, residue: string, more: Parameters<typeof atom>[2] = {}) =>
  loadPdb(text(atom(name, residue, more)), { attributes: ["element"] }).attributes?.get("element")?.data[0];

describe("a file of the Protein Data Bank", () => {
  it.each(Object.keys(expected))("%s has its models, with what is known of their atoms", async (name) => {
    const frames = await framesIn(read(name), name);
    expect(frames).toHaveLength(expected[name].length);
    frames.forEach(({ bytes, file }, i) => {
      const { positions, ...attributes } = expected[name][i];
      const cloud = readPointCloud(bytes, file, { attributes: Object.keys(attributes) });
      expect(cloud.positions).toEqual(Float32Array.from(positions));
      for (const [attribute, values] of Object.entries(attributes))
        expect(cloud.attributes?.get(attribute), attribute).toEqual({ data: Float32Array.from(values), channels: 1 });
    });
  });

  it("is a sample with all that is known of its atoms", async () => {
    const { points, pointData } = await readArrays(read("obabel.pdb"), "salt.ent");
    expect(points?.shape).toEqual([8, 3]);
    expect([...pointData.keys()]).toEqual(attributeNames(read("obabel.pdb"), "salt.pdb"));
    expect([...(pointData.get("charge")?.data ?? [])]).toEqual([2, -1, 0, 0, 0, 0, 0, 0]);
  });

  it("may have elements in the names of atoms alone, and columns that are empty", () => {
    const found = [
      ...[elementOf(" CA", "ALA"), elementOf("HG11", "VAL"), elementOf("1HB", "LIG"), elementOf("HO5'", "DA")],
      ...[elementOf("CA", "CA"), elementOf("FE", "FE"), elementOf("CA", "LIG", { element: "D" })],
    ];
    expect(found).toEqual([6, 1, 1, 1, 20, 26, 1]);
    // Carbon, or calcium.
    expect(() => elementOf("CA", "LIG")).toThrow(
      /line 1, element: expected a chemical element in the columns 77 to 78/,
    );
    const { numeric, others } = sortAttributes(text(atom("CA", "LIG")), "a.pdb");
    expect(numeric).toEqual(["residue", "residue_type", "chain", "hetero", "charge"]);
    expect([...others.keys()]).toEqual(["element", "occupancy", "b_factor"]);
  });

  it("may have no ENDMDL, more atoms than their numbers have columns for, and lines that end early", async () => {
    const line = atom(" C", "GLY").slice(0, 54);
    const bytes = text("REMARK", line, line, "END", line.replace("ATOM      1", "ATOM 100000"), "END");
    const frames = await framesIn(bytes, "a.pdb");
    expect(frames.map(({ bytes }) => loadPdb(bytes).positions.length)).toEqual([6, 3]);
    expect(new TextDecoder().decode(frames[1].bytes)).toMatch(/^ATOM 100000 .*\nEND\n$/);
  });

  it("that is damaged, has no atoms or several models is told with what to do", () => {
    const one = atom(" C", "GLY");
    const refused: [Uint8Array, RegExp][] = [
      [
        read("rdkit.pdb"),
        /^a\.pdb: line 86: a second model follows: write each into a file of its own, such as by ASE/,
      ],
      [text("HEADER", "END"), /has no atoms: expected lines that begin with ATOM or HETATM/],
      [text(one, one.slice(0, 53)), /line 2, z: expected a number in the columns 47 to 54, found " {2}-3.25"/],
      [text(atom(" C", "GLY", { x: "nan" })), /line 1, x: expected a number in the columns 31 to 38, found " {5}nan"/],
      [text("MODEL 1", one), /truncated: the model of line 1 has no ENDMDL/],
    ];
    for (const [bytes, message] of refused) expect(() => readPointCloud(bytes, "a.pdb")).toThrow(message);
    expect(() => loadPdb(text(one), { attributes: ["name"] })).toThrow(/has no attribute "name"; there are "element",/);
    setLimits({ rows: 1 });
    expect(() => loadPdb(text(one, one))).toThrow(/holds 2 atoms at most, more than the limit rows, 1/);
  });

  it("gives whole models or a FormatError where it is damaged", async () => {
    for (const damaged of [...truncations(read("obabel.pdb")), ...flips(read("obabel.pdb"))]) {
      const cloud = readOrRefuse((content) => loadPdb(content, { attributes: ["element", "charge"] }), damaged);
      for (const { data } of cloud?.attributes?.values() ?? []) assert.equal(3 * data.length, cloud?.positions.length);
    }
    for (const damaged of [...truncations(read("ase.pdb")), ...flips(read("ase.pdb"))]) {
      const frames = await framesIn(damaged, "a.pdb");
      assert.equal(
        frames.reduce((sum, one) => sum + one.bytes.length, 0),
        damaged.length,
      );
    }
  });
});
