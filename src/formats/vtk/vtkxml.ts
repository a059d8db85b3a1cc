// The structure of VTK's XML files: which arrays they contain and where. What the arrays mean is left to the callers.
// https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html

import type { FormatError } from "../../errors.ts";
import { elementCount, formatError } from "../bytes/bytes.ts";
import { arrayTypes, type SafeTensor } from "../bytes/elements.ts";
import { parseCount } from "../bytes/text.ts";
import { readXml, type XmlOpenTag } from "../bytes/xml.ts";
import { Unpacking } from "../compression/unpacking.ts";
import { compressions, type Encoding, elementTypes, readBinary, readText } from "./vtkxml-data.ts";

/** The description of an array. */
export interface VtkXmlArray {
  name: string;
  /** The element type, such as "Float32"; "String" for text. */
  type: string;
  components: number;
  /** The number of rows, if the file gives it. */
  tuples: number | undefined;
  format: string;
  /** The array's offset in the appended data. */
  offset: number | undefined;
  /** Ranges of bytes in the file: the element, and the text in it without white space around. */
  start: number;
  end: number;
  text: [number, number];
}

/** A group of arrays: Points, Cells, PointData, ... */
export interface VtkXmlSection {
  arrays: VtkXmlArray[];
  /** Offsets in the file. `closeStart` is the beginning of the closing tag, or of the opening tag if that closes the element. */
  start: number;
  openEnd: number;
  closeStart: number;
}

/** A part of a data set, complete in itself. */
export interface VtkXmlPiece {
  attributes: ReadonlyMap<string, string>;
  sections: Map<string, VtkXmlSection>;
  /** The offset of the first byte after the opening tag, and whether that tag closes the element. */
  openEnd: number;
  isClosed: boolean;
}

/** An element that refers to another file: a piece of a parallel data set, or a data set of a collection. */
export type VtkXmlReference = ReadonlyMap<string, string>;

/** A range of bytes in the file: from the byte at which offsets count from 0 to the end of the appended data. */
export interface AppendedData {
  start: number;
  end: number;
  isBase64: boolean;
}

const arrayElements = ["DataArray", "Array"];

/** A file whose arrays are decoded on demand. */
export class VtkXmlFile {
  readonly bytes: Uint8Array;
  readonly file: string;
  /** "UnstructuredGrid", "PolyData", ... */
  type = "";
  /** The attributes of the element of that name. */
  attributes: ReadonlyMap<string, string> = new Map();
  readonly pieces: VtkXmlPiece[] = [];
  readonly fieldData: VtkXmlArray[] = [];
  /** The DataSet elements of a collection. */
  readonly references: VtkXmlReference[] = [];
  encoding: Encoding = { littleEndian: true, headerWidth: 4, compression: undefined };
  appended: AppendedData | undefined;
  #compressor = "";
  /** The bytes of all arrays that are read, even if they refer to the same data. */
  readonly #unpacking: Unpacking;

  /**
   * @throws FormatError for a file that is not XML, or not one of VTK's
   */
  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.file = file;
    this.#unpacking = new Unpacking(bytes.length);
    const path: XmlOpenTag[] = [];
    let section: VtkXmlSection | undefined;
    let array: VtkXmlArray | undefined;
    /** The offset at which the text begins that the next tag will end. */
    let textStart = 0;
    const endText = (end: number) => {
      // Text of elements inside of an array, which give its range, say, is not the array's text.
      if (array && arrayElements.includes(path[path.length - 1].name)) this.#takeText(array, textStart, end);
    };
    readXml(bytes, file, {
      open: (tag) => {
        endText(tag.start);
        const parent = path.at(-1)?.name ?? "";
        path.push(tag);
        if (path.length === 1) this.#readRoot(tag);
        else if (path.length === 2 && tag.name === this.type) this.#readDataSet(tag);
        else if (tag.name === "AppendedData" && path.length === 2) {
          this.appended = this.#findAppended(tag);
          return true;
        } else if (tag.name === "Piece") this.pieces.push(pieceOf(tag));
        else if (tag.name === "DataSet" && parent === "Collection") this.references.push(tag.attributes);
        else if (parent === "Piece") section = this.#addSection(tag);
        else if (arrayElements.includes(tag.name) && (section || parent === "FieldData")) {
          array = this.#readDescription(tag);
          (section?.arrays ?? this.fieldData).push(array);
        }
        textStart = tag.end;
        return false;
      },
      close: (tag) => {
        endText(tag.start);
        path.pop();
        if (array && arrayElements.includes(tag.name)) {
          array.end = tag.end;
          array = undefined;
        } else if (section && path.at(-1)?.name === "Piece") {
          // An element that its opening tag closes has no closing tag: that tag is replaced when something is inserted.
          section.closeStart = tag.start === tag.end ? section.start : tag.start;
          section = undefined;
        }
        textStart = tag.end;
      },
    });
  }

  /**
   * Decodes an array: [rows] if it has one component, else [rows, components].
   * @param rows the required number of rows; undefined: the number that the file gives, or as many as there are
   * @throws FormatError if the array does not have them
   */
  read(array: VtkXmlArray, rows: number | undefined): SafeTensor {
    const wrong = (problem: string) => this.#wrong(array, problem);
    if (!Object.hasOwn(elementTypes, array.type))
      throw wrong(`is of "${array.type.slice(0, 40)}", which is not a number`);
    const dtype = elementTypes[array.type];
    const expected = rows ?? array.tuples;
    const length = expected === undefined ? undefined : elementCount([expected, array.components]);
    if (Number.isNaN(length)) throw wrong("has no valid number of rows");
    const take = (elements: number) =>
      this.#unpacking.take(elements * arrayTypes[dtype].BYTES_PER_ELEMENT, this.file, {
        tensor: array.name,
        offset: array.start,
      });
    take(length ?? 0);
    const data = this.#readData(array, { dtype, length }, wrong);
    if (length === undefined) take(data.length);
    const found = data.length / array.components;
    if (!Number.isInteger(found)) throw wrong(`holds ${data.length} numbers in rows of ${array.components}`);
    return { dtype, shape: array.components === 1 ? [found] : [found, array.components], data };
  }

  /** Counts the bytes of an array that is made of the file's numbers. @throws FormatError if the file holds more than is accepted */
  take(name: string, bytes: number): void {
    this.#unpacking.take(bytes, this.file, { tensor: name });
  }

  #readData(array: VtkXmlArray, expected: Parameters<typeof readText>[1], wrong: (problem: string) => FormatError) {
    const text = this.bytes.subarray(...array.text);
    if (array.format === "ascii") return readText(text, expected, this.file, wrong);
    if (this.unknownCompression !== undefined) throw wrong(this.unknownCompression);
    if (array.format === "binary") return readBinary(text, { isBase64: true, wrong }, this.encoding, expected);
    if (array.format !== "appended") throw wrong(`has the format "${array.format.slice(0, 40)}"`);
    if (!this.appended || array.offset === undefined) throw wrong("has no offset in the appended data");
    const { start, end, isBase64 } = this.appended;
    if (array.offset > end - start) throw wrong(`begins at byte ${array.offset} of ${end - start} that are appended`);
    const data = this.bytes.subarray(start + array.offset, end);
    return readBinary(data, { isBase64, wrong }, this.encoding, expected);
  }

  /** What is wrong with a file whose compression is not known here; undefined for one whose arrays can be read and written. */
  get unknownCompression(): string | undefined {
    if (this.#compressor === "" || this.encoding.compression) return undefined;
    const known = Object.keys(compressions).join(" and ");
    const advice = "write the file with ZLib, or without compression";
    return `is packed by ${this.#compressor.slice(0, 40)}; only ${known} can be read: ${advice}`;
  }

  /** @throws FormatError for an element whose attribute is not a non-negative integer */
  count(attributes: ReadonlyMap<string, string>, name: string, otherwise?: number): number {
    const text = attributes.get(name);
    if (text === undefined && otherwise !== undefined) return otherwise;
    const count = parseCount(text?.trim());
    if (Number.isNaN(count)) throw this.error(`${name} is "${text?.slice(0, 40) ?? ""}", expected a count.`);
    return count;
  }

  error(problem: string, details = {}): FormatError {
    return formatError(this.file, problem, details);
  }

  #wrong({ name, start }: VtkXmlArray, problem: string): FormatError {
    return formatError(this.file, `array "${name}" ${problem}.`, { tensor: name, offset: start });
  }

  #readRoot({ name, attributes }: XmlOpenTag): void {
    if (name !== "VTKFile") throw this.error(`begins with <${name.slice(0, 40)}>, expected <VTKFile>.`, { offset: 0 });
    this.type = attributes.get("type") ?? "";
    const order = attributes.get("byte_order") ?? "LittleEndian";
    const header = attributes.get("header_type") ?? "UInt32";
    this.#compressor = attributes.get("compressor") ?? "";
    if (order !== "LittleEndian" && order !== "BigEndian") throw this.error(`byte_order is "${order.slice(0, 40)}".`);
    if (header !== "UInt32" && header !== "UInt64") throw this.error(`header_type is "${header.slice(0, 40)}".`);
    this.encoding = {
      littleEndian: order === "LittleEndian",
      headerWidth: header === "UInt32" ? 4 : 8,
      compression: Object.hasOwn(compressions, this.#compressor) ? compressions[this.#compressor] : undefined,
    };
  }

  /** @throws FormatError for a data set at several times, whose pieces and arrays of all times stand one after the other */
  #readDataSet({ attributes }: XmlOpenTag): void {
    this.attributes = attributes;
    const times = attributes.get("TimeValues")?.trim().split(/\s+/) ?? [];
    if (times.length < 2) return;
    const advice = "save each as a file of its own (ParaView: Save Data as a file series)";
    throw this.error(`holds ${times.length} time steps: ${advice}.`, { expected: 1, found: times.length });
  }

  #addSection({ name, start, end }: XmlOpenTag): VtkXmlSection {
    const section = { arrays: [], start, openEnd: end, closeStart: end };
    const { sections } = this.pieces[this.pieces.length - 1];
    if (sections.has(name)) throw this.error(`a piece has two elements ${name.slice(0, 40)}.`, { offset: start });
    sections.set(name, section);
    return section;
  }

  #readDescription({ attributes, start, end }: XmlOpenTag): VtkXmlArray {
    const components = this.count(attributes, "NumberOfComponents", 1);
    const array = {
      name: attributes.get("Name") ?? "",
      type: attributes.get("type") ?? "",
      components,
      tuples: attributes.has("NumberOfTuples") ? this.count(attributes, "NumberOfTuples") : undefined,
      format: attributes.get("format") ?? "ascii",
      offset: attributes.has("offset") ? this.count(attributes, "offset") : undefined,
      start,
      end,
      text: [end, end] as [number, number],
    };
    if (components === 0) throw this.#wrong(array, "has no components");
    return array;
  }

  /** Takes an array's text, which is a single run before or after other elements. */
  #takeText(array: VtkXmlArray, start: number, end: number): void {
    const { bytes } = this;
    while (start < end && bytes[start] <= 0x20) start++;
    while (end > start && bytes[end - 1] <= 0x20) end--;
    if (start === end) return;
    if (array.text[1] > array.text[0]) throw this.#wrong(array, "has its numbers in two places");
    array.text = [start, end];
  }

  /** Finds the appended data. It begins after an underscore, and may not be XML. */
  #findAppended({ attributes, end }: XmlOpenTag): AppendedData {
    const encoding = attributes.get("encoding") ?? "base64";
    if (encoding !== "raw" && encoding !== "base64") {
      throw this.error(`AppendedData has the encoding "${encoding.slice(0, 40)}", expected raw or base64.`);
    }
    const { bytes } = this;
    let start = end;
    while (bytes[start] <= 0x20) start++;
    const tail = new TextDecoder("latin1").decode(bytes.slice(Math.max(start, bytes.length - 4096)));
    const close = tail.search(/<\/AppendedData\s*>\s*<\/VTKFile\s*>\s*$/);
    if (bytes[start] !== 0x5f || close < 0) {
      throw this.error("is cut short: appended data begins with _ and ends with the file.", { offset: start });
    }
    return { start: start + 1, end: Math.max(start, bytes.length - 4096) + close, isBase64: encoding === "base64" };
  }
}

function pieceOf({ attributes, end, isClosed }: XmlOpenTag): VtkXmlPiece {
  return { attributes, sections: new Map(), openEnd: end, isClosed };
}
