// The sample that arrays given to a surrogate are: checked, with the numbers of classes in place of their labels.

import { describe, wrongType } from "../../arguments/kinds.ts";
import { expectMemory, firstNotFinite } from "../../arguments/numbers.ts";
import { FormatError, InputError } from "../../errors.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import { nearestName } from "../../spelling.ts";
import { type Field, type FolderConfig, isPositions, POSITIONS } from "./config.ts";
import type { FolderExperiment } from "./experiment.ts";
import type { FileNumbers } from "./file-numbers.ts";
import { areTexts, labelsOf, numbersOf } from "./labels.ts";
import { globalsOf, type SurrogateField } from "./model-fields.ts";
import { type Columns, type FieldSample, sampleOf } from "./sample.ts";

/**
 * A field's values, row by row: an array, or a list of numbers, of rows, or of the classes' labels. What is one value of the whole may
 * stand by itself.
 */
export type FieldValues = ArrayLike<number | bigint | string | ArrayLike<number>> | number | string;

/** The fields of a sample by their names in the config, in the units of the files that the model was trained on. */
export interface SurrogateInput extends Readonly<Record<string, FieldValues | undefined>> {
  /** [N, D] */
  positions: FieldValues;
  /** [2, E] sources, then targets, where the model's graph is the mesh; each edge counts in both directions. */
  edgeIndex?: FieldValues;
  /** [T, 3] the points of triangles, in place of `edgeIndex`. */
  triangles?: FieldValues;
}

/** The fields of a file's sample, as `predict` takes them. */
export interface FileInput extends SurrogateInput {
  /** [N, D] */
  positions: FileNumbers;
  /** [2, E], where the model's graph is the mesh: the sides of the file's cells, in both directions. */
  edgeIndex?: Int32Array;
}

/** Returns what the model sees of a sample, in the file's units and with its labels: what `sampleOfInput` makes the same sample of. */
export function inputOfSample(
  { positions, inputs, globals, targets, edges }: FieldSample,
  config: FolderConfig,
): FileInput {
  const valuesOf = (field: Field, { data }: Columns): FieldValues => {
    if (!field.labels) return data;
    const labels = labelsOf(field);
    return Array.from(data, (number) => labels.get(number)!);
  };
  const named = (fields: readonly Field[], columns: readonly (Columns | undefined)[]) =>
    fields.flatMap((field, i) => {
      const found = columns[i];
      return found && !isPositions(field) ? [[field.name, valuesOf(field, found)] as const] : [];
    });
  return {
    ...Object.fromEntries([
      ...named(config.inputs, inputs),
      ...named(config.globals, globals),
      ...(config.sequence ? named(config.targets, targets) : []),
    ]),
    positions,
    ...(edges && { edgeIndex: edges }),
  };
}

/** What stands for a file's name in errors. */
const GIVEN = "input";

/**
 * @param needed the fields that the model sees
 * @throws InputError naming the field that is missing, unknown, misshapen or not finite
 */
export function sampleOfInput(
  input: SurrogateInput,
  needed: readonly SurrogateField[],
  config: FolderConfig,
): FieldSample {
  const given = numbersByName(input, needed, config);
  const arrays = new Map(needed.map(({ name, channels }) => [name, rowsOf(name, given.get(name)!, channels)]));
  const points = arrays.get(POSITIONS)!;
  if (points.shape[0] === 0) throw new InputError("positions has no points", { tensor: POSITIONS, found: 0 });
  for (const { name, isWhole } of needed) expectRows(name, arrays.get(name)!, isWhole ? 1 : points.shape[0]);
  const ofKind = (whole: boolean) =>
    needed
      .filter(({ name, isWhole }) => name !== POSITIONS && isWhole === whole)
      .map(({ name }) => [name, arrays.get(name)!] as const);
  // Every field is one array here, of its own name.
  const own = <Any extends Field>(field: Any): Any => (isPositions(field) ? field : { ...field, from: [field.name] });
  const { inputs, globals, targets } = config;
  try {
    return sampleOf(
      {
        file: GIVEN,
        points,
        pointData: new Map(ofKind(false)),
        wholeData: new Map([...ofKind(true), ...meshOf(given)]),
        elsewhere: [],
        names: [...arrays.keys()],
      },
      {
        ...config,
        coordinates: undefined,
        inputs: inputs.map(own),
        globals: globals.map(own),
        // Predictions of a sequence, which are given again, are NaN where a value is missing.
        targets: targets.map((target) =>
          own(target.missing ? { ...target, missing: [...target.missing, Number.NaN] } : target),
        ),
      },
      { truth: false },
    );
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new InputError(error.message.replace(`${GIVEN}: `, ""), error.details, { cause: error });
  }
}

/**
 * Returns values of the whole sample that are given beside its file.
 * @throws InputError naming what is none of the globals, misshapen or not finite
 */
export function valuesOfWhole(
  given: Readonly<Record<string, FieldValues | undefined>>,
  experiment: FolderExperiment,
): Map<string, SafeTensor> {
  if (typeof given !== "object" || given === null) throw wrongType("values", given, "an object of globals");
  const globals = globalsOf(experiment);
  const names = globals.map(({ name }) => name);
  const found = new Map<string, SafeTensor>();
  for (const [name, values] of Object.entries(given)) {
    if (values === undefined) continue;
    const at = names.indexOf(name);
    const all = names.length > 0 ? `its globals are ${names.join(", ")}` : "it has none";
    if (at < 0) throw unknownField("global", name, names, all);
    const numbers = numbersIn(name, values, experiment.described.globals[at]);
    const wrong = firstNotFinite(numbers);
    if (wrong >= 0) throw new InputError(`${name} is ${numbers[wrong]}, expected a finite number`, { tensor: name });
    const rows = rowsOf(name, numbers, globals[at].channels);
    expectRows(name, rows, 1);
    found.set(name, rows);
  }
  return found;
}

function numbersByName(
  input: SurrogateInput,
  needed: readonly SurrogateField[],
  { inputs, globals, targets, graph }: FolderConfig,
): Map<string, FileNumbers> {
  if (typeof input !== "object" || input === null)
    throw wrongType("the input of predict", input, "an object of arrays");
  const fields = new Map([...inputs, ...globals, ...targets].map((field) => [field.name, field]));
  const names = needed.map(({ name }) => name);
  const known = [...names, ...(graph.kind === "mesh" ? ["edgeIndex", "triangles"] : [])];
  const found = new Map<string, FileNumbers>();
  for (const [name, values] of Object.entries(input)) {
    if (values === undefined) continue;
    if (!known.includes(name)) throw unknownField("input", name, known, `it sees ${known.join(", ")}`);
    found.set(name, numbersIn(name, values, fields.get(name)));
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length === 0) return found;
  throw new InputError(`${missing.join(", ")} is missing: the model sees ${names.join(", ")}`, {
    tensor: missing[0],
    missing,
  });
}

/** @param all says which there are, for a name that is near none of them */
function unknownField(kind: string, name: string, known: readonly string[], all: string): InputError {
  const nearest = nearestName(name, known);
  const advice = nearest === undefined ? all : `did you mean ${nearest}?`;
  return new InputError(`the model has no ${kind} ${name}: ${advice}`, { tensor: name, expected: [...known] });
}

/** Returns a field's values as numbers one after the other, with those of the classes in place of texts. */
function numbersIn(name: string, values: FieldValues, field: Field | undefined): FileNumbers {
  if (ArrayBuffer.isView(values) && !(values instanceof DataView)) {
    expectMemory(name, values);
    if (values instanceof Float32Array || values instanceof Float64Array) return values;
    return Float64Array.from(values as ArrayLike<number | bigint>, Number);
  }
  const list = typeof values === "number" || typeof values === "string" ? [values] : values;
  if (!Array.isArray(list)) throw wrongType(name, values, "an array or a list of numbers");
  const numbers = field && areTexts(field) ? numbersOf(field) : undefined;
  const expected = numbers ? `one of ${[...numbers.keys()].join(", ")}` : "a number";
  const all: number[] = [];
  Array.from<unknown>(list).forEach((row, i) => {
    const isRow = Array.isArray(row) || ArrayBuffer.isView(row);
    for (const value of isRow ? Array.from(row as unknown as ArrayLike<unknown>) : [row]) {
      const number = numbers && typeof value === "string" ? numbers.get(value) : value;
      if (typeof number !== "number" && typeof number !== "bigint") {
        throw new InputError(`${name}, row ${i}: is ${describe(value)}, expected ${expected}`, {
          tensor: name,
          row: i,
        });
      }
      all.push(Number(number));
    }
  });
  return Float64Array.from(all);
}

/** Returns rows of `channels` numbers each. */
function rowsOf(name: string, data: FileNumbers, channels: number): SafeTensor {
  if (data.length % channels === 0) return tensorOf([data.length / channels, channels], data);
  throw new InputError(`${name} has ${data.length} numbers, expected rows of ${channels}`, {
    tensor: name,
    expected: channels,
    found: data.length,
  });
}

function expectRows(name: string, { shape: [rows] }: SafeTensor, expected: number): void {
  if (rows === expected) return;
  throw new InputError(`${name} has ${rows} rows, expected ${expected}`, { tensor: name, expected, found: rows });
}

const tensorOf = (shape: number[], data: FileNumbers): SafeTensor => ({
  dtype: data instanceof Float32Array ? "F32" : "F64",
  shape,
  data,
});

/** Returns the arrays of the mesh by the names that they have in files. */
function meshOf(given: ReadonlyMap<string, FileNumbers>): [string, SafeTensor][] {
  const [edges, triangles] = [given.get("edgeIndex"), given.get("triangles")];
  const found: [string, SafeTensor][] = [];
  if (edges) {
    const { shape } = rowsOf("edgeIndex", edges, 2);
    found.push(["edge_index", tensorOf([2, shape[0]], edges)]);
  }
  if (triangles) found.push(["triangles", rowsOf("triangles", triangles, 3)]);
  return found;
}
