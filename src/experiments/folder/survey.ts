// Surveys a folder of samples by reading a few of them: finds everything that a config can name.

import type { SafeTensor } from "../../formats/elements.ts";
import { type DataSource, locate } from "../data-source.ts";
import { extensionOf, findFiles, noSamples } from "./files.ts";
import { readArrays, sampleExtensions } from "./read.ts";

/** The number of samples that are read. */
const LOOKED_AT = 8;
/** Whole numbers with more distinct values than this are not taken for classes. */
const MAX_CLASSES = 32;

/** An array that the surveyed samples have: its name, what it holds, and in how many samples it was found. */
export interface FoundArray {
  readonly name: string;
  /** Whether it holds values of points, or of the whole. */
  readonly of: "points" | "whole";
  readonly components: number;
  readonly least: number;
  readonly most: number;
  /** The number of classes, if it contains few whole numbers from 0 on: the largest plus one. */
  readonly classes?: number;
  /** The number of samples that contain it, of those that were read. */
  readonly samples: number;
}

/** What was found in a folder of samples, by which a config is proposed. */
export interface Survey {
  /** The most frequent extension of the samples. */
  readonly extension: string;
  /** The number of files, and how many of them were read. */
  readonly files: number;
  readonly looked: number;
  /** The number of files that list the frames of a sequence. */
  readonly collections: number;
  readonly dimensions: 2 | 3;
  /** The smallest and the largest number of points. */
  readonly points: readonly [number, number];
  /** Whether the config has to name the positions, because no array has a usual name of positions. */
  readonly namesPositions: boolean;
  readonly hasCells: boolean;
  readonly arrays: readonly FoundArray[];
  readonly cellData: readonly string[];
  /** Arrays that cannot be read, and why, with the first file where that is so. */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** @throws FormatError if there is no sample, or one of those that are read is damaged */
export async function survey(source: DataSource): Promise<Survey> {
  const all = await findFiles(source);
  const count = (extension: string) => all.filter((path) => extensionOf(path) === extension).length;
  const extension = [...sampleExtensions].sort((a, b) => count(b) - count(a))[0];
  const files = all.filter((path) => extensionOf(path) === extension);
  if (files.length === 0) throw noSamples(locate(source, ""), { sequence: false });
  const looked = Array.from(
    { length: Math.min(LOOKED_AT, files.length) },
    (_, i) => files[Math.floor((i * files.length) / Math.min(LOOKED_AT, files.length))],
  );
  const found = new Map<string, ArraySurvey>();
  const cellData = new Set<string>();
  const leftOut = new Map<string, string>();
  let [least, most, isFlat, hasCells, namesPositions] = [Number.POSITIVE_INFINITY, 0, true, false, true];
  for (const path of looked) {
    const arrays = await readArrays(await source.read(path), locate(source, path));
    const { points } = arrays;
    if (points) {
      least = Math.min(least, points.shape[0]);
      most = Math.max(most, points.shape[0]);
      isFlat &&=
        points.shape[1] === 2 || points.data.every((value, i) => i % 3 < 2 || Number(value) === Number(points.data[2]));
    } else namesPositions = false;
    hasCells ||= (arrays.cells?.types ?? []).some((type) => type > 2);
    for (const name of arrays.cellData) cellData.add(name);
    for (const [name, reason] of arrays.leftOut ?? []) {
      if (!leftOut.has(name)) leftOut.set(name, `${path}: ${reason}`);
    }
    for (const [of, named] of [
      ["points", arrays.pointData],
      ["whole", arrays.wholeData],
    ] as const) {
      for (const [name, array] of named) {
        if (of === "whole" && array.data.length > 16) continue;
        const key = `${of} ${name}`;
        const ofName = found.get(key) ?? new ArraySurvey(name, of, array);
        found.set(key, ofName);
        ofName.add(array);
      }
    }
  }
  return {
    extension,
    files: files.length,
    looked: looked.length,
    collections: count("pvd"),
    dimensions: isFlat ? 2 : 3,
    points: [least, most],
    namesPositions,
    hasCells,
    arrays: [...found.values()].map((ofName) => ofName.result),
    cellData: [...cellData],
    leftOut,
  };
}

class ArraySurvey {
  readonly #components: number;
  #least = Number.POSITIVE_INFINITY;
  #most = Number.NEGATIVE_INFINITY;
  #isWhole = true;
  #samples = 0;

  constructor(
    readonly name: string,
    readonly of: "points" | "whole",
    { shape, data }: SafeTensor,
  ) {
    this.#components = of === "whole" ? data.length : data.length / Math.max(1, shape[0] ?? 1);
  }

  add({ data }: SafeTensor): void {
    this.#samples++;
    for (const entry of data) {
      const value = Number(entry);
      if (value < this.#least) this.#least = value;
      if (value > this.#most) this.#most = value;
      this.#isWhole &&= Number.isInteger(value);
    }
  }

  get result(): FoundArray {
    const isClass =
      this.#isWhole &&
      this.of === "points" &&
      this.#components === 1 &&
      this.#least >= 0 &&
      this.#most < MAX_CLASSES &&
      this.#most > 0;
    return {
      name: this.name,
      of: this.of,
      components: this.#components,
      least: this.#least,
      most: this.#most,
      samples: this.#samples,
      ...(isClass && { classes: this.#most + 1 }),
    };
  }
}
