// The config of a folder of samples: which arrays are coordinates, inputs and targets, and how a model is trained on them.

import { MAX_NEIGHBORS } from "../../balltree/graph.ts";
import { ConfigError } from "../../errors.ts";
import { type ErwinConfigInput, resolveConfig } from "../../erwin/config.ts";
import type { MeshLocation } from "../../formats/clouds/mesh.ts";
import { type OptionValues, resolveOptions, trainingOptions } from "../options.ts";
import { type Label, readClasses } from "./labels.ts";
import { readMissing } from "./missing.ts";
import { type ModelSize, modelConfig, modelSizes } from "./model-config.ts";
import { isMapping, pathOf, plainKey, Section, writtenKey, wrongValue } from "./section.ts";
import { readSplits, type SplitRule } from "./split-rule.ts";
import { readTableChoice, type TableChoice } from "./table-choice.ts";

const normalisations = ["standard", "range", "none"] as const;
/** `standard`: mean 0 and deviation 1; `range`: from -1 to 1; both over the training split. */
export type Normalisation = (typeof normalisations)[number];

const continuousLosses = ["mse", "relative_l2", "gaussian"] as const;
export type LossName = (typeof continuousLosses)[number] | "cross_entropy";

/** Values of each point, or of each sample for a global. */
export interface Field {
  /** The name in predictions, metrics and messages. */
  readonly name: string;
  /** The names of the arrays in a file that it consists of, side by side. */
  readonly from: readonly string[];
  readonly normalise: Normalisation;
  /** Whether it rotates with the points; by default it does if it has as many components as there are dimensions. */
  readonly vector?: boolean;
  /** The number of classes, if the values are classes: whole numbers from 0 on, or `labels`. */
  readonly classes?: number;
  /** What files have in place of these numbers, all texts or all numbers: of each class, and then of what else is ignored. */
  readonly labels?: readonly Label[];
  /**
   * Of classes: the numbers of labels that do not count. Of a target they are left out of losses, metrics and statistics; of an input
   * the model sees none of the classes.
   */
  readonly ignore: readonly number[];
}

export interface Target extends Field {
  readonly loss: LossName;
  /** The weight of its loss in the sum of all targets' losses. */
  readonly weight: number;
  /** Whether a sample has one value of it, and not one at each point: its drag, its energy, its class. */
  readonly whole: boolean;
  /** Of numbers: what files have where a value is missing. There it is read as NaN, and left out of losses, metrics and statistics. */
  readonly missing?: readonly number[];
  /** Of classes: how much each counts in the loss; `balanced`: in inverse proportion to its points in the training split. */
  readonly classWeights?: "balanced" | readonly number[];
}

/** The name of the target that is the points' own coordinates, where these move in a sequence. */
export const POSITIONS = "positions";
/** Whether a target is the coordinates. */
export const isPositions = ({ from }: Field): boolean => from.length === 1 && from[0] === POSITIONS;

/** The graph of the messages: along the sides of cells, to the nearest points, to all within a radius (in the file's units), or none. */
export type GraphChoice =
  | { readonly kind: "mesh" }
  | { readonly kind: "none" }
  | { readonly kind: "knn"; readonly k: number; readonly loop: boolean }
  | { readonly kind: "radius"; readonly radius: number; readonly maxNeighbors: number; readonly loop: boolean };

const rotations = ["none", "x", "y", "z", "all"] as const;

export interface Augmentation {
  /** The axis about which samples are rotated by a random angle; "all" stands for any rotation. */
  readonly rotation: (typeof rotations)[number];
  /** The deviation of the noise on the inputs, in units of the inputs' own deviations. */
  readonly noise: number;
}

/** Present if samples are sequences of frames; the model then predicts the targets' change from one frame to the next. */
export interface SequenceChoice {
  /** The number of frames in a step. */
  readonly stride: number;
  /** The number of steps that an evaluation predicts from the first frame of a sequence. */
  readonly rollout: number;
  /** The number of earlier frames, each a step before the next, whose targets the model sees, too; by default none. */
  readonly history?: number;
}

export interface FolderConfig {
  /** The files that are samples: a pattern with * and **. */
  readonly files?: string;
  /** "cells" for the values that meshes have of their cells, whose centres are then a sample's points; otherwise those of points. */
  readonly location?: MeshLocation;
  /** The names of the arrays that contain the coordinates, side by side; undefined: the points that the file's format defines. */
  readonly coordinates?: readonly string[];
  /**
   * The names of the arrays that hold the axes of a grid, in the order of the fields' axes. Its points' coordinates are those of
   * `coordinates`, which names the same arrays.
   */
  readonly grid?: readonly string[];
  /** Whether the coordinates are longitudes and latitudes in degrees, in this order, of points on a globe; these have x, y and z. */
  readonly globe?: boolean;
  /** The table beside the samples whose columns are values of the whole. */
  readonly table?: TableChoice;
  /** 2 drops the third coordinate; undefined keeps all. */
  readonly dimensions?: 2 | 3;
  readonly positions: Exclude<Normalisation, "range">;
  readonly inputs: readonly Field[];
  /** Those of the points first, then those of the whole. */
  readonly targets: readonly Target[];
  readonly globals: readonly Field[];
  readonly graph: GraphChoice;
  readonly augmentation: Augmentation;
  readonly splits: SplitRule | undefined;
  readonly sequence?: SequenceChoice;
  readonly model: Omit<ErwinConfigInput, "dimensionality">;
  readonly training: OptionValues<typeof folderOptions>;
}

/** The options of training on a folder; the defaults suit a first attempt. */
export const folderOptions = trainingOptions({
  steps: 2000,
  batchSize: 4,
  lr: 1e-3,
  minLr: 1e-6,
  warmup: 50,
  validateEvery: 200,
});

const keys = [
  ...[
    "files",
    "table",
    "location",
    "coordinates",
    "grid",
    "globe",
    "dimensions",
    "inputs",
    "targets",
    "globals",
    "graph",
  ],
  ...["normalisation", "augmentation", "loss", "splits", "sequence", "model", "training"],
];

/**
 * Checks a config that was read from YAML or JSON, and fills in its defaults.
 * @throws ConfigError for an unknown key or an invalid value: `details.field` is its path, "training.lr"
 */
export function resolveFolderConfig(value: unknown): FolderConfig {
  const all = new Section(value, "", keys);
  const dimensions = all.number("dimensions", "2 or 3", (number) => number === 2 || number === 3);
  const normalisation = all.section("normalisation", ["positions", "inputs", "targets", "globals"]);
  const [ofInputs, ofTargets, ofGlobals] = ["inputs", "targets", "globals"].map(
    (key) => normalisation.choice(key, normalisations) ?? "standard",
  );
  const loss = all.choice("loss", continuousLosses) ?? "mse";
  const named = readFields(all, "targets", ["loss", "weight", "whole", "missing", "classWeights"]).map(
    ({ field, section }) => readTarget(field(ofTargets), section, loss),
  );
  const targets = [...named.filter(({ whole }) => !whole), ...named.filter(({ whole }) => whole)];
  if (targets.length === 0) throw new ConfigError("targets must name the fields to predict", { field: "targets" });
  const inputs = readFields(all, "inputs").map(({ field }) => field(ofInputs));
  const globals = readFields(all, "globals").map(({ field }) => field(ofGlobals));
  expectDifferent([...inputs, ...globals], all.path);
  expectDifferent(targets, all.path);
  const sequence = readSequence(all);
  const globe = readGlobe(all, dimensions);
  const coordinates = globe ?? all.texts("coordinates");
  const table = readTableChoice(all);
  const grid = readGrid(all, coordinates);
  const location = all.choice("location", ["points", "cells"]);
  if (grid && location) {
    const field = all.pathTo("location");
    throw new ConfigError(`${field}: is of meshes, which have no grid: leave out one of the two`, { field });
  }
  const fixed = grid ? "the points of a grid" : globe ? "the points of a globe" : location === "cells" && "cells";
  if (fixed && targets.some(isPositions)) {
    const field = `targets.${POSITIONS}`;
    throw new ConfigError(`${field}: ${fixed} do not move`, { field });
  }
  if (sequence) expectChanging(targets);
  else if (targets.some(isPositions)) {
    const field = `targets.${POSITIONS}`;
    throw new ConfigError(`${field}: positions change in sequences alone: set sequence: true`, { field });
  }
  return {
    files: all.text("files"),
    ...(location === "cells" && { location }),
    coordinates,
    grid,
    ...(globe && { globe: true }),
    ...(table && { table }),
    dimensions: dimensions as 2 | 3 | undefined,
    positions: normalisation.choice("positions", ["standard", "none"]) ?? "standard",
    inputs,
    targets,
    globals,
    graph: readGraph(all),
    augmentation: readAugmentation(all),
    splits: readSplits(all),
    sequence,
    model: readModel(all),
    training: readTraining(all),
  };
}

interface ReadField {
  section: Section;
  /** @param normalise the normalisation if the field does not set it */
  field(normalise: Normalisation): Field;
}

/** Reads a list of names, of keys with values that have a `name`, or of fields' keys by their names. */
function readFields(all: Section, key: string, more: readonly string[] = []): ReadField[] {
  const value = all.get(key) ?? [];
  const path = all.pathTo(key);
  const known = ["name", "from", "normalise", "vector", "classes", "ignore", ...more];
  const read = (name: unknown, options: unknown, at: string): ReadField => {
    const section = new Section(options ?? {}, at, known);
    const called = section.text("name") ?? name;
    if (typeof called !== "string" || called === "") throw wrongValue(at, "the name of a field", called);
    expectClasses(section, "ignore");
    const classes = readClasses(section);
    const field = (normalise: Normalisation): Field => ({
      name: called,
      from: section.texts("from") ?? [called],
      normalise: section.choice("normalise", normalisations) ?? normalise,
      vector: section.flag("vector"),
      ...classes,
    });
    return { section, field };
  };
  if (typeof value === "string") return [read(value, {}, path)];
  if (Array.isArray(value)) {
    return value.map((entry, i) =>
      isMapping(entry) ? read(undefined, entry, pathOf(path, String(i))) : read(entry, {}, pathOf(path, String(i))),
    );
  }
  if (!isMapping(value)) throw wrongValue(path, "names of fields", value);
  return Object.entries(value).map(([name, options]) => read(name, options, pathOf(path, name)));
}

/** @throws ConfigError for an option of classes where there are none */
function expectClasses(section: Section, key: string): void {
  if (section.get("classes") !== undefined || section.get(key) === undefined) return;
  const path = section.pathTo(key);
  throw new ConfigError(`${path} is of classes: say how many there are, classes: N`, { field: path });
}

function readTarget(field: Field, section: Section, usual: LossName): Target {
  const isClass = field.classes !== undefined;
  const given = section.choice("loss", [...continuousLosses, "cross_entropy"]);
  if (given !== undefined && (given === "cross_entropy") !== isClass) {
    const path = section.pathTo("loss");
    const problem = isClass ? "classes have the loss cross_entropy" : "cross_entropy needs the number of classes";
    throw new ConfigError(`${path}: ${problem}`, { field: path });
  }
  const weight = section.number("weight", "a number greater than 0", (number) => number > 0) ?? 1;
  const whole = section.flag("whole") ?? false;
  expectClasses(section, "classWeights");
  const classWeights = readClassWeights(section, field.classes ?? 0);
  const loss = given ?? (isClass ? "cross_entropy" : usual);
  const missing = readMissing(section);
  return { ...field, loss, weight, whole, ...(missing && { missing }), ...(classWeights && { classWeights }) };
}

function readClassWeights(section: Section, classes: number): Target["classWeights"] {
  const key = "classWeights";
  if (section.get(key) === "balanced") return "balanced";
  const expected = `balanced, or ${classes} numbers of at least 0, of which some are greater`;
  const weights = section.numbers(key, expected, (weight) => weight >= 0);
  if (weights === undefined || (weights.length === classes && weights.some((weight) => weight > 0))) return weights;
  throw wrongValue(section.pathTo(key), expected, section.get(key));
}

function expectDifferent(fields: readonly Field[], path: string): void {
  const names = fields.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new ConfigError(`${path}the field "${twice}" occurs twice`, { field: twice });
}

function expectChanging(targets: readonly Target[]): void {
  for (const target of targets) {
    const { name, classes, whole, missing } = target;
    if (classes === undefined && !whole) {
      if (!missing || !isPositions(target)) continue;
      const field = `targets.${name}.missing`;
      throw new ConfigError(`${field}: points without a place have to be left out of the files`, { field });
    }
    const field = `targets.${name}`;
    const problem = whole ? "is one value of the whole" : "has classes";
    throw new ConfigError(`${field} ${problem}, and a sequence is of numbers that change at each point`, { field });
  }
}

/** Reads the arrays of longitudes and latitudes, which stand in place of coordinates. */
function readGlobe(all: Section, dimensions: number | undefined): readonly string[] | undefined {
  const globe = all.texts("globe");
  if (!globe) return undefined;
  if (globe.length !== 2) throw wrongValue(all.pathTo("globe"), "two names, [longitudes, latitudes]", globe);
  const other = ["coordinates", "dimensions"].find((key) => all.get(key) !== undefined);
  if (other === undefined || dimensions === 3) return globe;
  const field = all.pathTo(other);
  throw new ConfigError(`${field}: leave it out, or globe: points on a globe have x, y and z`, { field });
}

/** Reads the axes of a grid, which the coordinates may name in another order. */
function readGrid(all: Section, given: readonly string[] | undefined): readonly string[] | undefined {
  const grid = all.texts("grid");
  const coordinates = given ?? grid;
  if (!grid || !coordinates) return undefined;
  if ((grid.length !== 2 && grid.length !== 3) || new Set(grid).size < grid.length)
    throw wrongValue(all.pathTo("grid"), "the names of two or three axes", grid);
  if (String([...coordinates].sort()) !== String([...grid].sort()))
    throw wrongValue(
      all.pathTo(all.get("globe") === undefined ? "coordinates" : "globe"),
      `the axes of the grid, in any order: ${grid.join(", ")}`,
      coordinates,
    );
  return grid;
}

function readGraph(all: Section): GraphChoice {
  const value = all.get("graph");
  const section = new Section(
    isMapping(value) ? value : value === undefined ? {} : { kind: value },
    all.pathTo("graph"),
    ["kind", "k", "radius", "maxNeighbors", "loop"],
  );
  const [k, radius, maxNeighbors] = [
    section.count("k"),
    section.number("radius", "a number greater than 0", (r) => r > 0),
    section.count("maxNeighbors"),
  ];
  const kind = section.choice("kind", ["mesh", "knn", "radius", "none"]) ?? (radius === undefined ? "knn" : "radius");
  const loop = section.flag("loop") ?? true;
  if (kind === "knn") return { kind, k: k ?? 8, loop };
  if (kind !== "radius") return { kind };
  if (radius === undefined) throw wrongValue(section.pathTo("radius"), "a number greater than 0", undefined);
  return { kind, radius, maxNeighbors: maxNeighbors ?? MAX_NEIGHBORS, loop };
}

function readAugmentation(all: Section): Augmentation {
  const section = all.section("augmentation", ["rotation", "noise"]);
  return {
    rotation: section.choice("rotation", rotations) ?? "none",
    noise: section.number("noise", "a number of at least 0", (number) => number >= 0) ?? 0,
  };
}

function readSequence(all: Section): SequenceChoice | undefined {
  const value = all.get("sequence");
  if (value === undefined || value === false) return undefined;
  const section = new Section(value === true ? {} : value, all.pathTo("sequence"), ["stride", "rollout", "history"]);
  const history = section.count("history", 0) ?? 0;
  return {
    stride: section.count("stride") ?? 1,
    rollout: section.count("rollout") ?? 100,
    ...(history > 0 && { history }),
  };
}

/** Reads a size, or a size with fields of Erwin's own config that override those of the size. */
function readModel(all: Section): FolderConfig["model"] {
  const value = all.get("model");
  const path = all.pathTo("model");
  const given = isMapping(value) ? value : value === undefined ? {} : { size: value };
  const { fields, size } = splitModel(given);
  const section = new Section(size === undefined ? {} : { size }, path, ["size"]);
  const config = {
    ...modelConfig(section.choice("size", Object.keys(modelSizes) as ModelSize[]) ?? "small"),
    ...fields,
  };
  try {
    resolveConfig(config);
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const name = String(cause.details.field);
    const written = Object.keys(given).find((key) => plainKey(key) === plainKey(name)) ?? writtenKey(name);
    const field = pathOf(path, written);
    throw new ConfigError(`${path}: ${cause.message}`, { ...cause.details, field }, { cause });
  }
  return config as FolderConfig["model"];
}

function splitModel(given: Readonly<Record<string, unknown>>) {
  const entries = Object.entries(given).map(([key, value]) => [plainKey(key), value] as const);
  const size = entries.find(([key]) => key === "size")?.[1];
  return { size, fields: Object.fromEntries(entries.filter(([key]) => key !== "size")) };
}

function readTraining(all: Section): FolderConfig["training"] {
  const section = all.section("training", Object.keys(folderOptions));
  const given = Object.keys(folderOptions).map((name) => [name, section.get(name)] as const);
  try {
    return resolveOptions(folderOptions, Object.fromEntries(given));
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    const field = section.pathTo(String(cause.details.field));
    throw new ConfigError(`${section.path}: ${cause.message}`, { ...cause.details, field }, { cause });
  }
}
