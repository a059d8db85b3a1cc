// Surveys a folder of samples by reading a few of them: finds everything that a config can name.

import { expectKind } from "../../arguments/kinds.ts";
import { FormatError } from "../../errors.ts";
import type { SafeTensor } from "../../formats/bytes/elements.ts";
import { kinds } from "../../formats/clouds/cells.ts";
import { areMapAxes, mapAxes } from "../../formats/clouds/csv-names.ts";
import type { MeshLocation } from "../../formats/clouds/mesh.ts";
import { dimensionalityOf } from "../../formats/clouds/positions.ts";
import { extensionOf } from "../../formats/extension.ts";
import { Random, shuffled } from "../../random.ts";
import { isOfMesh, labelNames, positionNames } from "../array-names.ts";
import { checkSource, type DataSource, locate, splitPath } from "../data-source.ts";
import { numbersOf } from "./file-numbers.ts";
import { findFiles, findWanted, noSamples, wantedAmong } from "./files.ts";
import { FramesSource, frameExtensions } from "./frames.ts";
import { findGrid, type GridRule, gridRule, hasAxes } from "./grid.ts";
import { areSame } from "./missing.ts";
import { readArrays, sampleExtensions } from "./read.ts";
import { withCoordinates } from "./sample.ts";
import { componentsOf, type SampleArrays, withCells } from "./sample-arrays.ts";
import { isInFolder } from "./splits.ts";
import { type FoundColumn, findTableAmong } from "./survey-table.ts";
import type { TableChoice } from "./table-choice.ts";

/** The number of samples that are read. */
const LOOKED_AT = 8;
/** Whole numbers with more distinct values than this are not taken for classes. */
const MAX_CLASSES = 32;
/** Matches names of atomic numbers, which are kinds of atoms however many there are between them. */
const elementNames = /^(species|element|atomic_?numbers?)$/i;
/** The largest of them, plus one. */
const ELEMENTS = 119;
/** Arrays of the whole with more numbers than this are not proposed. */
const MAX_OF_WHOLE = 16;

/** An array that the surveyed samples have: its name, what it holds, and in how many samples it was found. */
export interface FoundArray {
  readonly name: string;
  /** Whether it holds values of points, or of the whole. */
  readonly of: "points" | "whole";
  readonly components: number;
  readonly least: number;
  readonly most: number;
  /** The number of classes, if it contains few whole numbers from 0 on, or labels from -1 on: the largest plus one. */
  readonly classes?: number;
  /** The classes' labels, if they are texts; the empty one is none. */
  readonly labels?: readonly string[];
  /** How much of its numbers is missing, from 0 to 1, if some are. */
  readonly missing?: number;
  /** Whether all points of a sample have the same values, which differ between samples. */
  readonly constant?: boolean;
  /** The number of samples that contain it, of those that were read. */
  readonly samples: number;
}

/** What was found in a folder of samples, by which a config is proposed. */
export interface Survey {
  /** The most frequent extension of the samples. */
  readonly extension: string;
  /** The extension of the files whose arrays hold several samples, which are counted as files, too, and the number of these files. */
  readonly container?: string;
  readonly containers?: number;
  /** The number of files, and how many of them were read. */
  readonly files: number;
  readonly looked: number;
  /** The extensions of the samples in other formats, which are not read. */
  readonly others?: readonly string[];
  /** The table beside the samples, whose columns are among the arrays. */
  readonly table?: TableChoice;
  /** Whether there is a folder of samples for training, and others. */
  readonly splitFolders?: boolean;
  /** Whether files hold several frames that are those of a sequence: with the same points, on a grid with times beside them. */
  readonly hasSequence?: boolean;
  /** The number of files that list the frames of a sequence. */
  readonly collections: number;
  /** Undefined, like `points`, if it is unknown which array holds the positions. */
  readonly dimensions?: 2 | 3;
  /** The smallest and the largest number of points. */
  readonly points?: readonly [number, number];
  /** Whether the positions are found without the config, which otherwise has to name them. */
  readonly namesPositions: boolean;
  /** The arrays that seem to hold the positions, side by side, if the config has to name them. */
  readonly coordinates?: readonly string[];
  /** The same arrays in the order of the fields' axes, if they seem to be the axes of a grid. */
  readonly grid?: readonly string[];
  /** The pattern of the files that are samples, if it was given. */
  readonly pattern?: string;
  /** "cells" if the arrays are those of cells, whose centres are then the points. */
  readonly location?: MeshLocation;
  readonly hasCells: boolean;
  readonly arrays: readonly FoundArray[];
  /** The names of arrays of cells, where the arrays are those of points. */
  readonly cellData: readonly string[];
  /** Arrays that cannot be read, and why, with the first file where that is so. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** How to survey. */
export interface SurveyOptions {
  /** Receives the samples that are damaged, with what is wrong with them: they are left out. By default one is an error. */
  onBad?: (file: string, problem: string) => void;
  /** The files that are samples: a pattern with * and **; by default all that can be read. */
  files?: string;
  /** Whose values of meshes are looked for: by default those of cells where points have none, otherwise those of points. */
  location?: MeshLocation;
}

/** @throws InputError for what is no source; FormatError if there is no sample, or one of those that are read is damaged */
export async function survey(given: DataSource, options: SurveyOptions = {}): Promise<Survey> {
  checkSource(given);
  const told = new Set<string>();
  const { files, location } = options;
  expectKind("location", location, '"points" or "cells"', [undefined, "points", "cells"].includes(location));
  const onBad: SurveyOptions["onBad"] =
    options.onBad &&
    ((file, problem) => {
      // A file may be looked at twice.
      if (!told.has(file)) options.onBad?.(file, problem);
      told.add(file);
    });
  const surveyAt = (location: MeshLocation | undefined) =>
    surveyOf(new FramesSource(given, { location, isSequence: true }), { files, onBad, location });
  const found = await surveyAt(location);
  const isOfPoints = found.arrays.some(({ of }) => of === "points");
  if (!location && !isOfPoints && found.cellData.length > 0) return surveyAt("cells");
  const { coordinates } = found;
  if (!coordinates) return found;
  // Frames may be told from other arrays once it is known which arrays hold the positions, and fields on a grid from others.
  const grid = gridRule(found);
  const source = new FramesSource(given, { coordinates, grid, isSequence: true });
  await findWanted(source, files);
  return source.hasArrayFrames || grid ? surveyOf(source, { files, onBad }, grid) : found;
}

async function surveyOf(
  source: FramesSource,
  { onBad, files: pattern, location }: SurveyOptions,
  grid?: GridRule,
): Promise<Survey> {
  const listed = await findFiles(source);
  const wanted = wantedAmong(source, listed, pattern);
  const table = await findTableAmong(source, listed, wanted);
  const all = wanted.filter((path) => path !== table?.choice.file);
  const withExtension = (extension: string) => all.filter((path) => extensionOf(path) === extension);
  const count = (extension: string) => withExtension(extension).length;
  const extension = [...sampleExtensions].sort((a, b) => count(b) - count(a))[0];
  const files = withExtension(extension);
  const collections = withExtension("pvd");
  if (files.length === 0) throw noSamples(locate(source, ""), { files: pattern, sequence: false, found: all });
  const looked = someOf(files, LOOKED_AT);
  const found = new Findings();
  for (const path of looked) {
    let read: SampleArrays;
    try {
      read = await readArrays(await source.read(path), locate(source, path), undefined, { grid, location });
    } catch (error) {
      if (!onBad || !(error instanceof FormatError)) throw error;
      onBad(path, error.message);
      continue;
    }
    found.add(read, path);
  }
  if (found.files === 0) {
    throw new FormatError(`${locate(source, "")}: all of the ${looked.length} files that were looked at are damaged.`, {
      file: locate(source, ""),
    });
  }
  const container = extensionOf(splitPath(files[0]).folder);
  return {
    extension,
    ...(frameExtensions.includes(container) && {
      container,
      containers: new Set(files.map((path) => splitPath(path).folder)).size,
    }),
    files: files.length,
    looked: found.files,
    others: sampleExtensions.filter((other) => other !== extension && count(other) > 0),
    splitFolders: areInFolders(collections.length > 0 ? collections : files),
    collections: collections.length,
    pattern,
    ...(location === "cells" && { location }),
    ...(source.hasSequence && { hasSequence: true }),
    ...(table && { table: table.choice }),
    ...found.resultWith(table?.columns ?? []),
  };
}

/** Whether some files are in a folder for training, and others not. */
const areInFolders = (files: readonly string[]) => new Set(files.map((path) => isInFolder(path, "train"))).size === 2;

/** Returns the first item and others at random, in their order: at even distances all files could be of one of several kinds in turn. */
function someOf<Item>(items: readonly Item[], most: number): Item[] {
  const others = shuffled([...items.keys()].slice(1), new Random(0, "survey"));
  return [0, ...others.slice(0, most - 1).sort((a, b) => a - b)].map((place) => items[place]);
}

/** What the files that were read have in common. */
class Findings {
  /** The number of files. */
  files = 0;
  #least = Number.POSITIVE_INFINITY;
  #most = 0;
  #isFlat = true;
  #hasCells = false;
  #namesPositions = true;
  #coordinates: readonly string[] | undefined;
  #grid: readonly string[] | undefined;
  readonly #arrays = new Map<string, ArraySurvey>();
  readonly #cellData = new Set<string>();
  readonly #leftOut = new Map<string, string>();
  /** The texts in columns of tables, and in how many files the columns are. */
  readonly #texts = new Map<string, { labels: Set<string>; samples: number }>();

  /** @throws FormatError for an array with numbers that cannot be used */
  add(read: SampleArrays, path: string): void {
    this.files++;
    // Degrees may be those of a map or of a globe: a table's, too, have to be named.
    const ofMap = read.axes && areMapAxes(read.axes) ? { coordinates: read.axes } : undefined;
    this.#namesPositions &&= read.points !== undefined && !read.grid && !ofMap;
    const likely: LikelyPositions = read.grid ?? ofMap ?? (read.points ? {} : likelyPositions(read));
    this.#coordinates ??= likely.coordinates;
    this.#grid ??= likely.axes;
    const arrays = read.points || this.#grid ? read : withLikely(read, this.#coordinates ?? []);
    this.#addPoints(arrays);
    this.#addArrays(arrays);
    // Types up to this one are points without sides.
    this.#hasCells ||= arrays.grid !== undefined || (arrays.cells?.types ?? []).some((type) => type > kinds.polyVertex);
    if (!arrays.corners) for (const name of arrays.elsewhere) this.#cellData.add(name);
    for (const [name, { rows, texts }] of arrays.texts ?? []) {
      if (rows !== arrays.points?.shape[0]) continue;
      const ofName = this.#texts.get(name) ?? { labels: new Set(), samples: 0 };
      for (const text of texts) ofName.labels.add(text);
      this.#texts.set(name, { ...ofName, samples: ofName.samples + 1 });
    }
    for (const [name, reason] of arrays.leftOut ?? []) {
      if (!this.#leftOut.has(name)) this.#leftOut.set(name, `${path}: ${reason}`);
    }
  }

  #addPoints({ points, file }: SampleArrays): void {
    if (!points) return;
    const [rows] = points.shape;
    const width = dimensionalityOf(points, file);
    this.#least = Math.min(this.#least, rows);
    this.#most = Math.max(this.#most, rows);
    const values = numbersOf(points, file);
    this.#isFlat &&= width === 2 || values.every((value, i) => i % 3 < 2 || value === values[2]);
  }

  #addArrays({ points, pointData, wholeData, file }: SampleArrays): void {
    for (const of of ["points", "whole"] as const) {
      for (const [name, array] of of === "points" ? pointData : wholeData) {
        const { length } = array.data;
        if (of === "whole" && (length > MAX_OF_WHOLE || isOfMesh(name))) continue;
        // Where the points are unknown, all arrays are in both.
        if (!points && (of === "whole") !== (length === 1)) continue;
        const key = `${of} ${name}`;
        const ofName = this.#arrays.get(key) ?? new ArraySurvey(name, of, array);
        this.#arrays.set(key, ofName);
        ofName.add(array, `${file}:${name}`);
      }
    }
  }

  /** Returns the columns of texts that are few, which stand for classes, but for those that hold numbers in other files. */
  #labelledBeside(numeric: readonly FoundArray[]): FoundArray[] {
    return [...this.#texts].flatMap(([name, { labels, samples }]): FoundArray[] => {
      const classes = labels.size - Number(labels.has(""));
      if (classes < 2 || classes > MAX_CLASSES || numeric.some((array) => array.name === name)) return [];
      const shared = { name, of: "points", components: 1, least: 0, most: classes - 1, samples } as const;
      return [{ ...shared, classes, labels: [...labels].sort() }];
    });
  }

  /** @param columns those of a table beside the samples */
  resultWith(columns: readonly FoundColumn[]) {
    const all = [...this.#arrays.values()].map((ofName) => ofName.result);
    const numeric = all.filter(({ missing }) => missing !== 1);
    const labelled = this.#labelledBeside(numeric);
    const empty = all.filter(({ missing }) => missing === 1);
    for (const { name } of empty) this.#leftOut.set(name, "no number in the files that were looked at");
    for (const { name } of labelled) this.#leftOut.delete(name);
    const arrays = [...joinComponents(numeric), ...labelled];
    const inTable = columns
      .filter((column) => !arrays.some(({ name }) => name === column.name))
      .map((column) => ({ ...column, samples: this.files }));
    return {
      ...(this.#most > 0 && {
        dimensions: this.#isFlat ? (2 as const) : (3 as const),
        points: [this.#least, this.#most] as const,
      }),
      namesPositions: this.#namesPositions,
      ...(!this.#namesPositions && { coordinates: this.#coordinates }),
      ...(this.#grid && { grid: this.#grid }),
      hasCells: this.#hasCells,
      arrays: [...arrays, ...inTable],
      cellData: [...this.#cellData],
      leftOut: this.#leftOut,
    };
  }
}

/**
 * Names of arrays of positions that the config has to give: what they hold is less certain. The last two are those of data sets that
 * many use: R of molecules in MD17 and QM7, data of clouds in ModelNet40, ScanObjectNN and ShapeNetPart.
 */
const likelyNames: readonly string[] = [
  ...[...positionNames, "xyz", "coord", "vertices", "verts", "nodes", "geometry"],
  ...["r", "data"],
];
/** Names of arrays of one coordinate each. */
const likelyAxes: readonly (readonly string[])[] = [
  ...[["x", "y", "z"], ["x", "y"], ...mapAxes],
  ...[
    ["x-coordinate", "y-coordinate", "z-coordinate"],
    ["x-coordinate", "y-coordinate"],
  ],
];

/** The arrays that seem to hold the positions; of a grid, its axes. */
type LikelyPositions = Partial<GridRule>;

/** Finds such arrays by their names without the groups that they are in. */
function likelyPositions({ pointData }: SampleArrays): LikelyPositions {
  const find = (wanted: string, fits: (shape: readonly number[]) => boolean) =>
    [...pointData].find(([name, { shape }]) => wanted === name.split("/").at(-1)?.toLowerCase() && fits(shape))?.[0];
  // Of a cloud, or of several frames, [frames, points, axes].
  const isOfPoints = (shape: readonly number[]) =>
    (shape.length === 2 || shape.length === 3) && [2, 3].includes(shape[shape.length - 1]);
  for (const wanted of likelyNames) {
    const name = find(wanted, isOfPoints);
    if (name !== undefined) return { coordinates: [name] };
  }
  for (const axes of likelyAxes) {
    const names = axes.map((axis) => find(axis, ({ length }) => length === 1));
    if (names.includes(undefined)) continue;
    const coordinates = names as string[];
    const grid = likelyGrid(coordinates, pointData);
    if (grid) return { coordinates, axes: grid };
    const [size, ...others] = new Set(coordinates.map((name) => pointData.get(name)?.shape[0]));
    if (others.length > 0) continue;
    // Where an array has several axes of this size, it may be one of points, or of a grid.
    const isClear = [...pointData.values()].every(({ shape }) => shape.filter((length) => length === size).length < 2);
    return isClear ? { coordinates } : {};
  }
  return {};
}

/** Returns axes in the order in which fields seem to have them: where that may be any, the first coordinate is the last axis. */
function likelyGrid(names: readonly string[], arrays: ReadonlyMap<string, SafeTensor>): readonly string[] | undefined {
  return ordersOf([...names].reverse()).find((axes) => {
    const grid = findGrid(arrays, { axes, coordinates: names });
    return grid && [...arrays.values()].some((array) => hasAxes(array, grid) || hasAxes(array, grid, 1));
  });
}

/** Returns all orders of names, beginning with the one given. */
function ordersOf(names: readonly string[]): string[][] {
  if (names.length === 0) return [[]];
  return names.flatMap((first) => ordersOf(names.filter((name) => name !== first)).map((others) => [first, ...others]));
}

/** Returns arrays with those of the names as the points, side by side, if they are all there, and are not those of several frames. */
function withLikely(arrays: SampleArrays, names: readonly string[]): SampleArrays {
  const shapes = names.map((name) => arrays.pointData.get(name)?.shape);
  if (names.length === 0 || !shapes.every((shape) => shape && shape.length < 3)) return arrays;
  const found = withCoordinates(arrays, names);
  const { pointData, points } = found;
  const others = new Map([...pointData].filter(([name]) => !names.includes(name)));
  return { ...withCells(found, points?.shape[0] ?? 0), pointData: others };
}

/** Joins arrays that are the components of one: as a vector they turn together. */
function joinComponents(arrays: readonly FoundArray[]): FoundArray[] {
  const mayJoin = ({ of, components, classes, constant }: FoundArray) =>
    of === "points" && components === 1 && classes === undefined && !constant;
  const names = arrays.filter(mayJoin).map(({ name }) => name);
  const joined = new Map<string, FoundArray>();
  for (const array of arrays) {
    const whole = array.name.replace(/[_:]\d+$/, "");
    const parts = arrays.some(({ name }) => name === whole) ? [] : componentsOf(whole, names);
    if (parts.length < 2 || !parts.includes(array.name)) {
      joined.set(`${array.of} ${array.name}`, array);
      continue;
    }
    const { least, most, samples, missing = 0 } = joined.get(whole) ?? array;
    const gaps = Math.max(missing, array.missing ?? 0);
    joined.set(whole, {
      name: whole,
      of: "points",
      components: parts.length,
      least: Math.min(least, array.least),
      most: Math.max(most, array.most),
      samples: Math.min(samples, array.samples),
      ...(gaps > 0 && { missing: gaps }),
    });
  }
  return [...joined.values()];
}

class ArraySurvey {
  readonly #components: number;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;
  #isWhole = true;
  #isConstant = true;
  #samples = 0;
  #values = 0;
  #missing = 0;

  constructor(
    readonly name: string,
    readonly of: "points" | "whole",
    { shape, data }: SafeTensor,
  ) {
    this.#components = of === "whole" ? data.length : data.length / Math.max(1, shape[0] ?? 1);
  }

  add(array: SafeTensor, name: string): void {
    const values = numbersOf(array, name);
    this.#samples++;
    this.#values += values.length;
    for (const value of values) {
      if (Number.isNaN(value)) this.#missing++;
      if (value < this.#least) this.#least = value;
      if (value > this.#most) this.#most = value;
      this.#isWhole &&= Number.isInteger(value);
    }
    this.#isConstant &&= values.every((value, i) => areSame(value, values[i % this.#components]));
  }

  get result(): FoundArray {
    const isLabel = labelNames.test(this.name);
    const isClass =
      this.#isWhole &&
      (this.of === "points" || isLabel) &&
      this.#components === 1 &&
      this.#least >= (isLabel ? -1 : 0) &&
      this.#most < (elementNames.test(this.name) ? ELEMENTS : MAX_CLASSES) &&
      this.#most > 0;
    const isConstant = this.#isConstant && this.of === "points" && this.#least < this.#most && this.#samples > 1;
    return {
      name: this.name,
      of: this.of,
      components: this.#components,
      least: this.#least,
      most: this.#most,
      samples: this.#samples,
      ...(this.#missing > 0 && { missing: this.#missing / this.#values }),
      ...(isClass && { classes: this.#most + 1 }),
      ...(isConstant && !isClass && { constant: true }),
    };
  }
}
