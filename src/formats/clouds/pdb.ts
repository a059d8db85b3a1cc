// The files of the Protein Data Bank: records of one line each, of which ATOM and HETATM are atoms, with values in fixed columns.
// Format: wwPDB, "Protein Data Bank Contents Guide", version 3.30.

import { type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import { FloatList } from "../bytes/float-list.ts";
import { parseFloat32, TextReader } from "../bytes/text.ts";
import type { PartialFile } from "../sources/partial-file.ts";
import { parseProperty } from "./atoms.ts";
import { type Frame, findFrames } from "./frames.ts";
import { checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

/** The extensions of these files, without dots. */
export const pdbExtensions: readonly string[] = ["pdb", "ent"];

/** The longest name of a record, which is what a line begins with. */
const RECORD = 6;
const [HETERO, MODEL, END_MODEL] = ["HETATM", "MODEL", "ENDMDL"];
// Numbers of atoms beyond 99999 may reach into the name.
const isAtom = (record: string) => record.startsWith("ATOM") || record === HETERO;
/** Whether a record is between models: some programs write no ENDMDL, but END behind each. */
const isBoundary = (record: string) => record === MODEL || record === END_MODEL || record === "END";

/** The first and the last column of each value, counted from 1 as in the format's description. */
const columns = {
  ...{ hetero: [1, 6], name: [13, 16], residue_type: [18, 20], chain: [22, 22], residue: [23, 26] },
  ...{ x: [31, 38], y: [39, 46], z: [47, 54] },
  ...{ occupancy: [55, 60], b_factor: [61, 66], element: [77, 78], charge: [79, 80] },
} as const;
type Column = keyof typeof columns;
const axes = ["x", "y", "z"] as const;

const textIn = (line: string, column: Column) => line.slice(columns[column][0] - 1, columns[column][1]).trim();
/** Numbers end with their columns: where the line ends before, they are cut off. */
const numberIn = (column: Column) => (line: string) =>
  line.length < columns[column][1] ? Number.NaN : parseFloat32(textIn(line, column));

/** The amino acids in their usual order. */
const aminoAcids = "ALA ARG ASN ASP CYS GLN GLU GLY HIS ILE LEU LYS MET PHE PRO SER THR TRP TYR VAL".split(" ");
const nucleotides = "A C G U DA DC DG DT".split(" ");

/** What is read of an atom's line, by name; NaN if the line does not have it. `chains` are those of the lines before, by their numbers. */
const attributeReaders = {
  element: elementOf,
  residue: numberIn("residue"),
  residue_type: (line) => {
    const place = aminoAcids.indexOf(textIn(line, "residue_type"));
    return place < 0 ? aminoAcids.length : place;
  },
  chain: (line, chains) => {
    const name = textIn(line, "chain");
    const number = chains.get(name) ?? chains.size;
    chains.set(name, number);
    return number;
  },
  hetero: (line) => Number(line.startsWith(HETERO)),
  occupancy: numberIn("occupancy"),
  b_factor: numberIn("b_factor"),
  charge: (line) => {
    const [, before, digit, behind] = /^([+-]?)(\d)([+-]?)$/.exec(textIn(line, "charge") || "0") ?? [];
    return Number(`${before || behind}${digit}`);
  },
} satisfies Record<string, (line: string, chains: Map<string, number>) => number>;
const attributeNames = Object.keys(attributeReaders) as (keyof typeof attributeReaders)[];

/**
 * Returns an atomic number. Old files and those of some programs have elements in the names of atoms alone. A name's second column has
 * the element if its first is empty or a digit, and all elements of proteins and nucleic acids have one letter.
 */
function elementOf(line: string): number {
  const residue = textIn(line, "residue_type");
  const hasOneLetter =
    /[\s\d]/.test(line[columns.name[0] - 1]) || aminoAcids.includes(residue) || nucleotides.includes(residue);
  const named = hasOneLetter ? textIn(line, "name").replace(/^\d+/, "").slice(0, 1) : residue;
  const element = textIn(line, "element") || named;
  if (!/^[a-z]{1,2}$/i.test(element)) return Number.NaN;
  // Deuterium is hydrogen.
  return parseProperty(element.toUpperCase() === "D" ? "H" : element, "S") ?? Number.NaN;
}

/**
 * Reads the atoms of a file of the Protein Data Bank, which must hold one model. Each place of an atom that has several is an atom.
 * @param options.attributes names of attributes to read, of one channel each: "element" (the atomic number), "residue" (its number in
 *   the chain), "residue_type" (0 to 19: Ala, Arg, Asn, Asp, Cys, Gln, Glu, Gly, His, Ile, Leu, Lys, Met, Phe, Pro, Ser, Thr, Trp, Tyr,
 *   Val; 20: any other), "chain" (from 0 on, in the order of the file), "hetero" (1 for HETATM, otherwise 0), "occupancy", "b_factor",
 *   "charge" (0 where the file has none)
 * @throws FormatError for a file without atoms or with several models, for a model without an end, and for an atom without a number or an
 *   element where one is asked for
 */
export function loadPdb(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes = [] } = checkReadOptions(options, "pdb");
  const wanted = attributeNames.filter((name) => attributes.includes(name));
  const reader = new TextReader(toBytes(input), file);
  const positions = new FloatList();
  const lists = wanted.map(() => new FloatList());
  const chains = new Map<string, number>();
  /** The line at which a model has begun whose end has not come, and whether one has ended. */
  let [begun, hasEnded] = [0, false];
  for (let line = reader.line(); line !== undefined; line = reader.line()) {
    const record = line.slice(0, RECORD).trim();
    const row = reader.lineNumber;
    if (isBoundary(record)) {
      begun = record === MODEL ? row : 0;
      hasEnded ||= positions.length > 0;
    }
    if (!isAtom(record)) continue;
    if (hasEnded) {
      const advice = "write each into a file of its own, such as by ASE in Python";
      throw formatError(file, `line ${row}: a second model follows: ${advice}.`, { row });
    }
    reader.expectRoom(positions.length / 3, "atoms");
    const read = (column: Column, value: number) => {
      if (!Number.isNaN(value)) return value;
      const [first, last] = columns[column];
      const expected = column === "element" ? "a chemical element" : "a number";
      const found = line.slice(first - 1, last);
      const problem = `line ${row}, ${column}: expected ${expected} in the columns ${first} to ${last}, found "${found}".`;
      throw formatError(file, problem, { row, expected, found });
    };
    for (const axis of axes) positions.push(read(axis, numberIn(axis)(line)));
    wanted.forEach((name, i) => lists[i].push(read(name, attributeReaders[name](line, chains))));
  }
  if (positions.length === 0)
    throw formatError(file, `has no atoms: expected lines that begin with ATOM or ${HETERO}.`);
  if (begun > 0) throw formatError(file, `truncated: the model of line ${begun} has no ${END_MODEL}.`, { row: begun });
  const missing = attributes.find((name) => !Object.hasOwn(attributeReaders, name));
  if (missing !== undefined) throw missingAttribute(file, missing, attributeNames);
  const cloud: PointCloud = { positions: positions.toArray(), dimensionality: 3 };
  if (options.attributes) {
    const found = new Map<string, Float32Array>(wanted.map((name, i) => [name, lists[i].toArray()]));
    cloud.attributes = new Map(attributes.map((name) => [name, { data: found.get(name)!, channels: 1 }]));
  }
  return cloud;
}

/** Finds the models of a file: `loadPdb` reads the bytes of each. What is around them belongs to the first and the last one. */
export async function pdbFrames(file: PartialFile): Promise<Frame[]> {
  let isBetween = true;
  const frames = await findFrames(file, {
    longest: RECORD,
    looksAtRest: true,
    look(line) {
      const record = line.slice(0, RECORD).trim();
      const [mayBegin, begins] = [isBetween, isBetween && isAtom(record)];
      if (begins) isBetween = false;
      else if (isBoundary(record)) isBetween = true;
      return { begins, mayBegin: mayBegin || record === MODEL };
    },
  });
  return frames.length > 0 ? frames : [{ offset: 0, length: file.size }];
}
