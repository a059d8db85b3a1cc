// XYZ, the files of atoms of chemistry and molecular dynamics: their number, a line of comment, then a line for each atom. Extended XYZ
// says in the comment what the columns are. Formats: XMol's, and libAtoms' specification of "extxyz".

import { expectRows, type FileBytes, formatError, toBytes } from "../bytes/bytes.ts";
import {
  decodeName,
  parseCount,
  parseDecimal,
  parseNonFinite,
  parseNumber,
  splitWords,
  TextReader,
} from "../bytes/text.ts";
import { type Rounded, roundedNumbers } from "../rounding.ts";
import type { PartialFile } from "../sources/partial-file.ts";
import { commentOf } from "./csv-rows.ts";
import { type Frame, findFrames } from "./frames.ts";
import { type Attribute, checkReadOptions, missingAttribute, type PointCloud, type ReadOptions } from "./positions.ts";

/** Columns of an atom's line that have a name together. */
interface Property {
  name: string;
  /** S text, R real, I integer, L logical. */
  type: string;
  channels: number;
  /** The number of columns before its own. */
  first: number;
}

/** The name of the property that all files have. */
const POSITION = "pos";

/** The number of elements of a tensor in three dimensions. */
const TENSOR = 9;

/** The columns of plain files, perhaps with others behind them. */
const plainProperties: readonly Property[] = [
  { name: "species", type: "S", channels: 1, first: 0 },
  { name: POSITION, type: "R", channels: 3, first: 1 },
];

/** The chemical elements by their atomic numbers; X is none. */
const elements = (
  "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag " +
  "Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U " +
  "Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og"
).split(" ");

/** Whether a file with the extension .xyz is one of atoms, and no table of points, which may begin with their number, too. */
export function holdsAtoms(input: FileBytes): boolean {
  const reader = new TextReader(toBytes(input), "xyz");
  if (Number.isNaN(parseCount(reader.line()?.trim()))) return false;
  const comment = reader.line() ?? "";
  const atom = splitWords(reader.line() ?? "");
  if (propertiesIn(comment) !== undefined || /^[a-z]/i.test(atom[0] ?? "")) return true;
  // LAMMPS writes types of atoms as numbers. The second line of a table has numbers, or names of columns.
  const words = splitWords(comment);
  const isOfTable = words.includes("x") || words.every((word) => !Number.isNaN(parseDecimal(word)));
  return atom.length >= 4 && !isOfTable && commentOf(comment) === undefined;
}

/**
 * Reads the atoms of an XYZ file, plain or extended, which must hold one frame.
 * @param options.attributes names of properties to read ("forces"), of as many channels as they have columns. Plain files have
 *   "species", and perhaps further columns, "column_5" and so on. Chemical elements become atomic numbers, logical values 0 and 1.
 *   Numbers of the comment ("energy=-1.5") are attributes with the same value at all atoms.
 * @throws FormatError for a bad comment, for values and lines that do not fit it, for fewer atoms than promised, and for several frames
 */
export function loadAtoms(input: FileBytes, options: ReadOptions = {}): PointCloud {
  const { file, attributes = [] } = checkReadOptions(options, "xyz");
  const reader = new TextReader(toBytes(input), file);
  const { count, columns: width, properties, wholes, position, first } = readHeader(reader, file);
  expectNames(attributes, [...properties.keys(), ...wholes.keys()], file);
  const wanted = attributes.flatMap((name) => properties.get(name) ?? []);
  const columns = [position, ...wanted].map((property) => new Column(property, count, file));
  let line: string | undefined = first;
  for (let atom = 0; atom < count; atom++, line = reader.line()) {
    const words = splitWords(line ?? "");
    if (words.length === 0) throw truncated(file, count, `${atom}`);
    expectWords(words, width, reader.lineNumber, file);
    for (const column of columns) column.read(words, atom, reader.lineNumber);
  }
  if (line !== undefined && line.trim() !== "") {
    const row = reader.lineNumber;
    const advice = "write each into a file of its own, such as by ASE in Python";
    const problem = `line ${row}: more follows than the ${count} atoms, such as a second frame: ${advice}.`;
    throw formatError(file, problem, { row });
  }
  const { data: positions, exact } = columns[0].numbers;
  const cloud: PointCloud = { positions, dimensionality: 3, ...(exact && { exact }) };
  if (options.attributes) {
    const ofAtoms = new Map(wanted.map((property, i) => [property.name, columns[i + 1].attribute]));
    cloud.attributes = new Map(
      attributes.map((name) => [name, ofAtoms.get(name) ?? repeated(wholes.get(name) as number[], count)]),
    );
  }
  return cloud;
}

/** The longest number of atoms. */
const MAX_COUNT_LENGTH = 40;

/**
 * Finds the frames of a file of atoms by the numbers of atoms that they begin with: `loadAtoms` reads the bytes of each. What follows
 * and is no frame belongs to the last one, so that reading it is an error. A table of points has none.
 */
export function atomFrames(file: PartialFile): Promise<Frame[]> {
  return findFrames(file, {
    accepts: holdsAtoms,
    longest: MAX_COUNT_LENGTH,
    look(line) {
      if (line.trim() === "") return {};
      const count = parseCount(line.trim());
      return count > 0 ? { begins: true, skip: count + 1 } : undefined;
    },
  });
}

interface Header {
  count: number;
  /** The number of values in an atom's line. */
  columns: number;
  /** The properties besides the positions, by their names. */
  properties: ReadonlyMap<string, Property>;
  position: Property;
  /** The numbers of the comment by their names: values of all atoms together. */
  wholes: ReadonlyMap<string, readonly number[]>;
  /** The line of the first atom, which tells the columns of plain files. */
  first: string;
}

function readHeader(reader: TextReader, file: string): Header {
  const begin = reader.line() ?? "";
  const count = parseCount(begin.trim());
  if (!(count > 0)) {
    throw formatError(file, `line 1, "${begin.slice(0, 80)}": expected the number of atoms.`, { row: 1 });
  }
  expectRows(count, "atoms", file);
  const comment = decodeName(reader.line() ?? "");
  const bytesLeft = reader.left;
  const first = reader.line() ?? "";
  const words = splitWords(first);
  const all = parseProperties(comment, words.length, file);
  const position = all.find(({ name, channels }) => name === POSITION && channels === 3);
  if (!position) {
    throw formatError(file, `line 2, "${comment.slice(0, 200)}": expected pos:R:3 among the Properties.`, { row: 2 });
  }
  if (words.length === 0) throw truncated(file, count, "0");
  const columns = all.reduce((sum, { channels }) => sum + channels, 0);
  expectWords(words, columns, reader.lineNumber, file);
  // Each value takes a character, and another one behind it.
  if (2 * words.length * count > bytesLeft + 1) throw truncated(file, count, `${bytesLeft} bytes`);
  const properties = new Map(all.filter((one) => one !== position).map((property) => [property.name, property]));
  return { count, columns, properties, position, wholes: numbersIn(comment), first };
}

function expectWords(words: readonly string[], expected: number, row: number, file: string): void {
  if (words.length === expected) return;
  const problem = `line ${row}: expected ${expected} values, found ${words.length}.`;
  throw formatError(file, problem, { row, expected, found: words.length });
}

/** The values of a property. */
class Column {
  readonly #property: Property;
  readonly #file: string;
  /** [atoms, channels] */
  readonly #data: Float64Array;

  constructor(property: Property, count: number, file: string) {
    this.#property = property;
    this.#file = file;
    this.#data = new Float64Array(count * property.channels);
  }

  get numbers(): Rounded {
    return roundedNumbers(this.#data, this.#property.channels);
  }

  get attribute(): Attribute {
    return { ...this.numbers, channels: this.#property.channels };
  }

  /** Takes its values of an atom's words. @throws FormatError */
  read(words: readonly string[], atom: number, row: number): void {
    const { name, type, channels, first } = this.#property;
    for (let channel = 0; channel < channels; channel++) {
      const word = words[first + channel];
      const value = parseProperty(word, type);
      if (value === undefined || (name === POSITION && !Number.isFinite(value))) {
        const expected = expectedOf[type] ?? "a number";
        const problem = `line ${row}, ${name}: expected ${expected}, found "${word}".`;
        throw formatError(this.#file, problem, { row, expected, found: word });
      }
      this.#data[atom * channels + channel] = value;
    }
  }
}

const expectedOf: Readonly<Record<string, string>> = { S: "a chemical element", L: "T or F" };

/**
 * Parses a value of a property; undefined if it is none.
 * @param type S a chemical element, R a real number, I an integer, L a logical value
 */
export function parseProperty(word: string, type: string): number | undefined {
  if (type === "L") return /^t(rue)?$/i.test(word) ? 1 : /^f(alse)?$/i.test(word) ? 0 : undefined;
  const number = parseNumber(word);
  if (!Number.isNaN(number)) return number;
  if (type !== "S") return parseNonFinite(word);
  const element = elements.indexOf(word[0].toUpperCase() + word.slice(1).toLowerCase());
  return element < 0 ? undefined : element;
}

/** Returns what an extended comment says of the columns, such as "species:S:1:pos:R:3". */
function propertiesIn(comment: string): string | undefined {
  const [, quoted, bare] = /(?:^|\s)properties=(?:"([^"]*)"|(\S+))/i.exec(comment) ?? [];
  return quoted ?? bare;
}

/** @param words the number of values in the first atom's line, which tells the columns of plain files */
function parseProperties(comment: string, words: number, file: string): readonly Property[] {
  const given = propertiesIn(comment);
  if (given === undefined) {
    const further = Array.from({ length: Math.max(0, words - 4) }, (_, i) => i + 4);
    return [
      ...plainProperties,
      ...further.map((first) => ({ name: `column_${first + 1}`, type: "R", channels: 1, first })),
    ];
  }
  const parts = given.split(":");
  const properties: Property[] = [];
  let first = 0;
  for (let i = 0; i < parts.length; i += 3) {
    const [name, type] = [parts[i], parts[i + 1]];
    const channels = parseCount(parts[i + 2]);
    if (!/^[SRIL]$/.test(type) || !(channels > 0)) {
      const problem = `line 2, "${given.slice(0, 200)}": expected a name, a type (S, R, I or L) and a number of columns for each property`;
      throw formatError(file, `${problem}.`, { row: 2, found: given });
    }
    properties.push({ name, type, channels, first });
    first += channels;
  }
  return properties;
}

function expectNames(wanted: readonly string[], known: readonly string[], file: string): void {
  const missing = wanted.find((name) => !known.includes(name));
  if (missing !== undefined) throw missingAttribute(file, missing, known);
}

/** A name and its value. It begins where a word does: tried at each of its letters, a long one without a value takes hours. */
const pair = /(?<![^\s="])([^\s="]+)=(?:"([^"]*)"|(\S+))/g;

/** Returns the numbers, vectors and tensors in an extended comment: "energy=-1.5", "dipole="0 0 1"". The cell is none of them. */
function numbersIn(comment: string): Map<string, readonly number[]> {
  const pairs = propertiesIn(comment) === undefined ? [] : comment.matchAll(pair);
  const found = Array.from(
    pairs,
    ([, name, quoted, bare]) => [name, splitWords(quoted ?? bare).map(parseNumber)] as const,
  );
  return new Map(
    found.filter(
      ([name, values]) =>
        name !== "Lattice" && values.length <= TENSOR && values.length > 0 && !values.some(Number.isNaN),
    ),
  );
}

function repeated(values: readonly number[], count: number): Attribute {
  const data = Float64Array.from({ length: count * values.length }, (_, i) => values[i % values.length]);
  return { ...roundedNumbers(data, values.length), channels: values.length };
}

/** Makes the error for a file that holds fewer atoms than it says. */
export const truncated = (file: string, count: number, found: string) =>
  formatError(file, `truncated: it should hold ${count} atoms, found ${found}.`, { expected: count });
