// Fields in Gmsh's mesh files: values of nodes ($NodeData) and of elements ($ElementData), of some or all of them.

import { elementCount } from "../bytes/bytes.ts";
import type { SafeTensor } from "../bytes/elements.ts";
import { decodeName } from "../bytes/text.ts";
import type { Unpacking } from "../compression/unpacking.ts";
import type { GmshSections, Section, SectionReader } from "./reader.ts";
import type { TagIndex } from "./tags.ts";

/** The sections of values: of nodes, of elements, and of the nodes of each element. */
export type FieldSection = "NodeData" | "ElementData" | "ElementNodeData";

/** A section of values whose head has been read. */
interface Values {
  reader: SectionReader;
  step: number;
  components: number;
  rows: number;
}

/** The values of a name: one section for each moment in time, or for each part of a mesh. */
export type Field = readonly Values[];

/** Returns the fields of a kind by their names, without reading their values. */
export function findFields(source: GmshSections, kind: FieldSection): Map<string, Field> {
  const fields = new Map<string, Values[]>();
  for (const section of source.all.filter(({ name }) => name === kind)) {
    const { name, values } = readHead(source, section);
    const field = fields.get(name);
    if (field) field.push(values);
    else fields.set(name, [values]);
  }
  return fields;
}

function readHead(source: GmshSections, section: Section): { name: string; values: Values } {
  const reader = source.open(section);
  const texts = lines(reader, "the number of texts");
  lines(reader, "the number of real numbers"); // the time
  const [step, components, rows] = lines(reader, "the number of whole numbers").map(Number);
  const areWhole = [step, components, rows].every(Number.isSafeInteger);
  if (!areWhole || components < 1 || rows < 0) {
    throw reader.error(
      `expected a step, a number of components and one of rows, found "${step} ${components} ${rows}".`,
    );
  }
  return { name: nameOf(texts[0] ?? ""), values: { reader, step, components, rows } };
}

/** Reads a count and as many lines. */
function lines(reader: SectionReader, what: string): string[] {
  const count = reader.countLine(what);
  const read: string[] = [];
  // A false count ends with the section.
  for (let i = 0; i < count; i++) read.push(reader.line().trim());
  return read;
}

const nameOf = (text: string) => decodeName(/^"(.*)"$/.exec(text)?.[1] ?? text);

/** Says why a field cannot be read; undefined if it can be. */
export function hindranceOf(field: Field): string | undefined {
  const steps = new Set(field.map(({ step }) => step));
  return steps.size > 1 ? `has ${steps.size} steps in time: save each as a file of its own` : undefined;
}

/**
 * Reads the values of a field, which are NaN where the file has none.
 * @param index the places of nodes, or of elements
 * @param what these are: "node"
 * @param count their number
 * @param place the file's name with the field's, in error messages
 */
export function readField(
  field: Field,
  { index, what, count }: { index: TagIndex; what: string; count: number },
  unpacking: Unpacking,
  place: string,
): SafeTensor {
  const [{ components }] = field;
  unpacking.take(elementCount([count, components]) * Float64Array.BYTES_PER_ELEMENT, place);
  const data = new Float64Array(count * components).fill(Number.NaN);
  for (const { reader, rows, components: width } of field) {
    if (width !== components)
      throw reader.error(`has ${width} components, and ${components} before.`, { found: width });
    reader.expectRows(rows, "rows", 1 + components, 4 + 8 * components);
    for (let row = 0; row < rows; row++) {
      const tag = reader.integer();
      const at = index.placeOf(tag);
      if (at < 0) throw reader.error(`has a value of ${what} ${tag}, which there is not.`, { row, found: tag });
      for (let i = 0; i < components; i++) data[at * components + i] = reader.double();
    }
    reader.expectEnd();
  }
  return { dtype: "F64", shape: components === 1 ? [count] : [count, components], data };
}
