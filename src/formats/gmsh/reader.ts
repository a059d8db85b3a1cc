// The sections of Gmsh's mesh files (MSH 2 and 4.1), and the numbers in them, in text or binary.
// https://gmsh.info/doc/texinfo/gmsh.html#MSH-file-format

import type { ErrorDetails, FormatError } from "../../errors.ts";
import { expectRows, formatError, toDataView } from "../bytes/bytes.ts";
import { parseCount, parseInteger, parseNonFinite, parseNumber, TextReader } from "../bytes/text.ts";

/** A section of a file: "Nodes", from the byte after its name's line to its end. */
export interface Section {
  name: string;
  start: number;
  end: number;
}

/** How a file has its numbers. */
interface Format {
  /** 2 or 4. */
  version: number;
  binary: boolean;
  littleEndian: boolean;
  /** The bytes of a count or a tag in a binary file of version 4. */
  sizeWidth: number;
}

const DOLLAR = 0x24;

/** A file whose sections are known. */
export class GmshSections {
  readonly file: string;
  readonly format: Format;
  readonly all: readonly Section[];
  readonly #bytes: Uint8Array;

  /** @throws FormatError for a file of another format or version, and for a section without an end */
  constructor(bytes: Uint8Array, file: string) {
    this.file = file;
    this.#bytes = bytes;
    this.all = findSections(bytes, file);
    this.format = readFormat(bytes, this.all, file);
  }

  get size(): number {
    return this.#bytes.length;
  }

  /** Returns the section of a name; undefined if there is none. @throws FormatError if there are several that differ */
  find(name: string): Section | undefined {
    const [found, ...others] = this.all.filter((section) => section.name === name);
    // Gmsh writes the mesh again with each view that it appends to a file.
    const other = others.find((section) => !this.#areSame(found, section));
    if (other) throw this.error(`has two sections $${name} that differ.`, { offset: other.start });
    return found;
  }

  #areSame(first: Section, second: Section): boolean {
    const length = first.end - first.start;
    if (second.end - second.start !== length) return false;
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) if (bytes[first.start + i] !== bytes[second.start + i]) return false;
    return true;
  }

  open(section: Section): SectionReader {
    return new SectionReader(this.#bytes, this.file, section, this.format);
  }

  error(problem: string, details: ErrorDetails = {}): FormatError {
    return formatError(this.file, problem, details);
  }
}

function findSections(bytes: Uint8Array, file: string): Section[] {
  const text = new TextReader(bytes, file);
  const sections: Section[] = [];
  for (let word = text.word(); word !== undefined; word = text.word()) {
    const name = word.slice(1);
    const offset = text.offset - word.length;
    if (!/^\$[A-Za-z]\w*$/.test(word)) {
      if (sections.length === 0) throw notGmsh(bytes, file);
      throw formatError(file, `byte ${offset}: expected a section such as $Nodes, found "${word.slice(0, 40)}".`, {
        offset,
      });
    }
    text.line();
    const start = text.offset;
    const end = findWord(bytes, `$End${name}`, start);
    if (end < 0) throw formatError(file, `truncated: $${name.slice(0, 40)} (byte ${offset}) has no end.`, { offset });
    sections.push({ name, start, end });
    text.offset = end;
    text.word();
  }
  return sections;
}

/** Returns the offset of an ASCII text; -1 if it is not there. */
function findWord(bytes: Uint8Array, word: string, start: number): number {
  const letters = Uint8Array.from(word, (letter) => letter.charCodeAt(0));
  for (let at = bytes.indexOf(DOLLAR, start); at >= 0; at = bytes.indexOf(DOLLAR, at + 1)) {
    if (letters.every((letter, i) => bytes[at + i] === letter)) return at;
  }
  return -1;
}

/** Fluent's files have the same extension: they begin with lists in parentheses. */
function notGmsh(bytes: Uint8Array, file: string): FormatError {
  const isFluent = bytes.find((byte) => byte > 0x20) === 0x28;
  const problem = isFluent
    ? "is a mesh of Fluent, not of Gmsh: convert it by meshio (meshio convert IN OUT.vtu) or ParaView"
    : 'does not begin with "$MeshFormat", as Gmsh\'s files do';
  return formatError(file, `${problem}.`, { offset: 0 });
}

function readFormat(bytes: Uint8Array, sections: readonly Section[], file: string): Format {
  const section = sections.find(({ name }) => name === "MeshFormat");
  const old = sections.some(({ name }) => name === "NOD");
  if (!section && !old) throw notGmsh(bytes, file);
  const text = new TextReader(section ? bytes.subarray(0, section.end) : new Uint8Array(), file);
  text.offset = section?.start ?? 0;
  const [version = "1", kind = "0", width = "8"] = [text.word(), text.word(), text.word()];
  const known = /^2(\.\d+)?$/.test(version) || version === "4.1";
  if (!known) {
    const advice = "save it as version 4.1 or 2.2 (gmsh IN -save -format msh41 -o OUT.msh)";
    throw formatError(file, `is of version ${version.slice(0, 40)} of Gmsh's format: ${advice}.`, { found: version });
  }
  if (!["0", "1"].includes(kind) || !["4", "8"].includes(width)) {
    const problem = `$MeshFormat: "${kind.slice(0, 40)} ${width.slice(0, 40)}" is not 0 (text) or 1 (binary), and 4 or 8 bytes`;
    throw formatError(file, `${problem}.`, { offset: text.offset });
  }
  const format: Format = {
    version: Number(version[0]),
    binary: kind === "1",
    littleEndian: true,
    sizeWidth: Number(width),
  };
  if (!format.binary) return format;
  text.line();
  const one = text.left < 4 ? 0 : toDataView(bytes).getInt32(text.offset, true);
  if (one !== 1 && one !== 0x01000000) {
    throw formatError(file, "$MeshFormat: the order of its bytes is not known.", { offset: text.offset });
  }
  return { ...format, littleEndian: one === 1 };
}

/** Reads the words or numbers of a section one after the other. Errors name the section and the offset. */
export class SectionReader {
  readonly format: Format;
  readonly #text: TextReader;
  readonly #view: DataView;
  readonly #file: string;
  readonly #name: string;

  constructor(bytes: Uint8Array, file: string, { name, start, end }: Section, format: Format) {
    this.#text = new TextReader(bytes.subarray(0, end), file);
    this.#text.offset = start;
    this.#view = toDataView(bytes);
    this.#file = file;
    this.#name = name;
    this.format = format;
  }

  /** Returns the next line, which is of text in binary files, too. */
  line(): string {
    const line = this.#text.line();
    if (line === undefined) throw this.#truncated();
    return line;
  }

  /** Returns the count on the next line, which is of text in binary files, too. */
  countLine(what: string): number {
    const line = this.line().trim();
    const count = parseCount(line);
    if (Number.isNaN(count)) throw this.error(`expected ${what}, found "${line.slice(0, 40)}".`);
    return count;
  }

  /** Reads a number of 32 bits. */
  integer(): number {
    return this.format.binary ? this.#view.getInt32(this.#take(4), this.format.littleEndian) : this.#integerWord();
  }

  /** Reads a count, or the tag of a node or an element: whole numbers from 0 on. */
  size(what: string): number {
    const value = this.format.binary && this.format.version === 4 ? this.#wide() : this.integer();
    if (!(value >= 0 && Number.isSafeInteger(value))) throw this.error(`${value} is not ${what}.`, { found: value });
    return value;
  }

  /** Reads a number of 64 bits, which may be NaN or infinite. @throws FormatError for others that are beyond float32 */
  double(): number {
    if (this.format.binary) {
      const value = this.#view.getFloat64(this.#take(8), this.format.littleEndian);
      if (Number.isFinite(value) && !Number.isFinite(Math.fround(value)))
        throw this.error(`${value} is beyond float32.`);
      return value;
    }
    const word = this.#word();
    const value = parseNumber(word);
    const found = Number.isNaN(value) ? parseNonFinite(word) : value;
    if (found === undefined) throw this.error(`"${word.slice(0, 40)}" is not a number that float32 can hold.`);
    return found;
  }

  /** Passes over numbers: words, or bytes of a binary file. */
  skip(numbers: number, width: number): void {
    if (this.format.binary) this.#take(numbers * width);
    else for (let i = 0; i < numbers; i++) this.#word();
  }

  /**
   * Checks a number of rows before there is memory for them.
   * @param numbers how many numbers each has at least, and `width`, how many bytes in a binary file
   */
  expectRows(count: number, what: string, numbers: number, width: number): void {
    const { left } = this.#text;
    // In text, each number is a digit and what separates it from the next.
    const least = this.format.binary ? count * width : count * numbers * 2 - 1;
    if (least > left) {
      throw this.error(`truncated: ${count} ${what} take at least ${least} bytes, found ${left}.`, {
        expected: least,
        found: left,
      });
    }
    expectRows(count, what, this.#file);
  }

  /** @throws FormatError if something other than white space follows */
  expectEnd(): void {
    if (this.#text.word() !== undefined) throw this.error("more follows than it should hold.");
  }

  error(problem: string, details: ErrorDetails = {}): FormatError {
    const offset = this.#text.offset;
    return formatError(this.#file, `$${this.#name} (byte ${offset}): ${problem}`, { offset, ...details });
  }

  #wide(): number {
    const { littleEndian, sizeWidth } = this.format;
    const at = this.#take(sizeWidth);
    return sizeWidth === 4 ? this.#view.getUint32(at, littleEndian) : Number(this.#view.getBigUint64(at, littleEndian));
  }

  #integerWord(): number {
    const word = this.#word();
    const value = parseInteger(word);
    if (Number.isNaN(value)) throw this.error(`"${word.slice(0, 40)}" is not a whole number.`);
    return value;
  }

  #word(): string {
    const word = this.#text.word();
    if (word === undefined) throw this.#truncated();
    return word;
  }

  /** Returns the offset of bytes that are read next. */
  #take(bytes: number): number {
    const at = this.#text.offset;
    if (bytes > this.#text.left) throw this.#truncated();
    this.#text.offset = at + bytes;
    return at;
  }

  #truncated(): FormatError {
    return this.error("truncated: it ends before all of its numbers.");
  }
}
