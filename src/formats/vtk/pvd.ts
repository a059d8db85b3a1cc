// ParaView's collections (.pvd): a list of data sets in other files, with their times and parts.

import { expectKind } from "../../arguments/kinds.ts";
import { InputError } from "../../errors.ts";
import { type FileBytes, toBytes } from "../bytes/bytes.ts";
import { escapeXml } from "../bytes/xml.ts";
import { VtkXmlFile } from "./vtkxml.ts";

/** A data set of a collection. */
export interface PvdEntry {
  /** The path of the data set's file as it is written, relative to the collection. */
  file: string;
  /** The data set's time (default 0). */
  time?: number;
  /** The number of the part, if several files belong to the same time (default 0). */
  part?: number;
  group?: string;
  name?: string;
}

/**
 * Reads a collection, in the file's order. A time may occur more than once, with several parts.
 * @param options.file name used in error messages (default "pvd")
 * @throws FormatError for a file of another format
 */
export function loadPvd(input: FileBytes, options: { file?: string } = {}): PvdEntry[] {
  const source = new VtkXmlFile(toBytes(input), options?.file ?? "pvd");
  if (source.type !== "Collection") {
    throw source.error(`is of type "${source.type.slice(0, 40)}", expected Collection.`, { found: source.type });
  }
  return source.references.map((attributes, i) => {
    const file = attributes.get("file");
    if (!file) throw source.error(`data set ${i} names no file.`, { row: i });
    const entry: PvdEntry = {
      file,
      time: timeOf(attributes.get("timestep")),
      part: source.count(attributes, "part", 0),
    };
    if (Number.isNaN(entry.time)) {
      throw source.error(`data set ${i}: "${attributes.get("timestep")?.slice(0, 40)}" is not a time.`, { row: i });
    }
    for (const key of ["group", "name"] as const) {
      const value = attributes.get(key);
      if (value) entry[key] = value;
    }
    return entry;
  });
}

function timeOf(text: string | undefined): number {
  if (text === undefined || text.trim() === "") return 0;
  return /^[-+.\deE]+$/.test(text.trim()) ? Number(text) : Number.NaN;
}

/**
 * Writes a collection.
 * @throws InputError for an entry without a file, and for times that are not finite numbers
 */
export function savePvd(entries: readonly PvdEntry[]): Uint8Array<ArrayBuffer> {
  expectKind("entries", entries, "a list of { file, time }", Array.isArray(entries));
  const lines = entries.map((entry, i) => {
    const { file, time = 0, part = 0, group = "", name } = entry ?? {};
    if (typeof file !== "string" || file === "" || !Number.isFinite(time)) {
      throw new InputError(`data set ${i} of a collection needs a file and a time.`, { row: i });
    }
    const isNamed = typeof group === "string" && (name === undefined || typeof name === "string");
    expectKind(
      `data set ${i} of a collection`,
      entry,
      "a whole part, and texts as group and name",
      isNamed && Number.isSafeInteger(part),
    );
    const named = name === undefined ? "" : ` name="${escapeXml(name)}"`;
    const place = `timestep="${time}" group="${escapeXml(group)}" part="${part}"`;
    return `<DataSet ${place}${named} file="${escapeXml(file)}"/>\n`;
  });
  const text = `<?xml version="1.0"?>\n<VTKFile type="Collection" version="0.1">\n<Collection>\n${lines.join("")}</Collection>\n</VTKFile>\n`;
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}
