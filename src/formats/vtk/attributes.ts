// Attributes of the points and cells in a legacy VTK file: sections of one array each, and FIELDs of several arrays.

import { firstNotFinite } from "../../arguments/numbers.ts";
import type { SafeTensorType } from "../bytes/elements.ts";
import { type NumberType, numberTypes } from "../bytes/numbers.ts";
import { decodeName } from "../bytes/text.ts";
import type { Attribute } from "../clouds/positions.ts";
import { roundedNumbers } from "../rounding.ts";
import type { ArrayType, VtkReader } from "./reader.ts";

/** The number of components of each section's array, where the header of the section does not give it. */
const componentsOf: Readonly<Record<string, number>> = {
  VECTORS: 3,
  NORMALS: 3,
  TENSORS: 9,
  TENSORS6: 6,
  GLOBAL_IDS: 1,
  PEDIGREE_IDS: 1,
  EDGE_FLAGS: 1,
};

interface ArrayHeader {
  name: string;
  components: number;
  type: ArrayType;
}

/** What a file says about its data of points, or of cells. */
export interface SectionData {
  names?: readonly string[];
  /** The names of the arrays in the other section: data of cells beside those of points. */
  elsewhere?: ReadonlySet<string>;
  /** The types of the arrays that hold numbers. */
  types?: ReadonlyMap<string, SafeTensorType>;
  /** The offset at which the data end, if another section follows. */
  end?: number;
}

/** Reads the values of an array, and returns whether it did: after false, the values are skipped. */
type Use = (name: string, components: number, rows: number, type: ArrayType, section: string) => boolean;

/** A section of data. */
export type DataSection = "POINT_DATA" | "CELL_DATA";

/** Which data to read. */
export interface WantedData {
  section: DataSection;
  /** The number of points, or of cells. */
  count: number;
  names: readonly string[];
}

/**
 * Reads the requested arrays from the first POINT_DATA or CELL_DATA to the end of the file.
 * @param first the section whose name has been read
 * @throws FormatError if an array is missing, or the file violates the format
 */
export function readAttributes(
  source: VtkReader,
  first: DataSection,
  { section: wantedSection, count, names: wanted }: WantedData,
): { attributes: Map<string, Attribute>; data: SectionData } {
  const found = new Map<string, Attribute | undefined>();
  const types = new Map<string, SafeTensorType>();
  const elsewhere = new Set<string>();
  const data: SectionData = { types, elsewhere };
  let isWanted = false;
  let rows = 0;
  const begin = (section: string) => {
    if (isWanted) data.end ??= source.text.offset - section.length;
    isWanted = section === wantedSection;
    rows = source.count(section);
    if (isWanted && rows !== count) {
      const what = section === "POINT_DATA" ? "points" : "cells";
      throw source.error(`${section} is of ${rows} ${what}, there are ${count}.`, { expected: count, found: rows });
    }
  };
  const use: Use = (name, components, length, type, section) => {
    const isNew = isWanted && !found.has(name) && length === count && components > 0;
    if (isNew) found.set(name, undefined);
    if (!isWanted) elsewhere.add(name);
    if (isNew && typeof type !== "string") types.set(name, type.dtype);
    if (!isNew || !wanted.includes(name)) return false;
    if (typeof type === "string") throw source.error(`${section}: expected numbers, found an array of type ${type}.`);
    const numbers = roundedNumbers(source.numbers(components * length, type, section), components);
    const wrong = firstNotFinite(numbers.data);
    if (wrong >= 0) throw source.error(`${section}: number ${wrong} is not finite.`, { row: wrong });
    found.set(name, { ...numbers, channels: components });
    return true;
  };

  begin(first);
  for (let word = source.word(); word !== undefined; word = source.word()) {
    const section = word.toUpperCase();
    if (section === "POINT_DATA" || section === "CELL_DATA") begin(section);
    else if (section === "METADATA") source.skipMetadata();
    else if (section === "FIELD") readField(source, use);
    else if (section === "LOOKUP_TABLE") skipColours(source);
    else {
      const { name, components, type } = readArrayHeader(source, section);
      if (!use(name, components, rows, type, `${section} ${name}`)) {
        source.skip(components * rows, type, `${section} ${name}`);
      }
    }
  }
  if (isWanted || data.end !== undefined) data.names = [...found.keys()];
  const attributes = wanted.map((name) => {
    const attribute = found.get(name);
    if (!attribute) throw source.missing(name, [...found.keys()]);
    return [name, attribute] as const;
  });
  return { attributes: new Map(attributes), data };
}

/** Reads a field: several arrays, each with its own name and size. */
export function readField(source: VtkReader, use: Use): void {
  source.word(); // the field's name
  const arrays = source.count("FIELD");
  for (let i = 0; i < arrays; i++) {
    const name = source.word();
    if (name === undefined) throw source.error(`FIELD: truncated after ${i} of ${arrays} arrays.`);
    if (name.toUpperCase() === "METADATA") {
      source.skipMetadata();
      i--;
      continue;
    }
    const section = `FIELD ${name}`;
    const [components, rows] = [source.count(section), source.count(section)];
    const type = source.arrayType(section);
    if (!use(decodeVtkName(name), components, rows, type, section)) source.skip(components * rows, type, section);
  }
}

/** Reads the header of a section of one array, up to the line before its values. */
function readArrayHeader(source: VtkReader, section: string): ArrayHeader {
  const name = decodeVtkName(source.word() ?? "");
  if (section === "SCALARS") {
    const type = source.arrayType(section);
    const components = Number(source.text.line()?.trim() || 1);
    const table = source.word()?.toUpperCase();
    if (!(components >= 1 && components <= 4 && Number.isInteger(components)) || table !== "LOOKUP_TABLE") {
      throw source.error(`SCALARS ${name}: expected at most 4 components, then LOOKUP_TABLE.`);
    }
    source.word(); // the table's name
    return { name, components, type };
  }
  if (section === "TEXTURE_COORDINATES") return { name, components: source.count(section), type: source.type(section) };
  if (section === "COLOR_SCALARS") return { name, components: source.count(section), type: colourType(source) };
  if (!Object.hasOwn(componentsOf, section)) {
    throw source.error(`"${section.slice(0, 40)}" is not a known section of POINT_DATA or CELL_DATA.`);
  }
  return { name, components: componentsOf[section], type: source.type(section) };
}

/** Skips a table of colours: red, green, blue and opacity of each entry. */
function skipColours(source: VtkReader): void {
  const name = source.word();
  source.skip(4 * source.count("LOOKUP_TABLE"), colourType(source), `LOOKUP_TABLE ${name}`);
}

/** Colours are bytes in binary files, and numbers from 0 to 1 in text. */
const colourType = ({ binary }: VtkReader): NumberType => (binary ? numberTypes.u1 : numberTypes.f4);

/** Encodes a name as VTK does: white space and characters beyond ASCII become %20 and the like. */
export function encodeVtkName(name: string): string {
  return Array.from(new TextEncoder().encode(name), (byte) =>
    byte < 33 || byte > 126 || byte === 0x22 || byte === 0x25
      ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
      : String.fromCharCode(byte),
  ).join("");
}

function decodeVtkName(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return decodeName(word);
  }
}
