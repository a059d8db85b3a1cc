// What a folder of samples holds, by looking at a few of them: what a config can name.

import type { SafeTensor } from "../../formats/elements.ts";
import { type DataSource, locate } from "../data-source.ts";
import { extensionOf, findFiles } from "./files.ts";
import { readArrays, sampleExtensions } from "./read.ts";

/** Samples that are looked at. */
const LOOKED_AT = 8;
/** Whole numbers of more values than this are no classes. */
const MOST_CLASSES = 32;

export interface FoundArray {
  readonly name: string;
  /** Whether it is of points, or of the whole. */
  readonly of: "points" | "whole";
  readonly components: number;
  readonly least: number;
  readonly most: number;
  /** Where it holds few whole numbers from 0 on: one more than the largest. */
  readonly classes?: number;
  /** In how many of the samples that were looked at. */
  readonly samples: number;
}

export interface Survey {
  /** Of the folder: the extension that most samples have. */
  readonly extension: string;
  /** Files of it, and how many of them were looked at. */
  readonly files: number;
  readonly looked: number;
  /** Files that list the frames of a sequence. */
  readonly collections: number;
  readonly dimensions: 2 | 3;
  /** Least and most number of points. */
  readonly points: readonly [number, number];
  /** Where positions have no name that is known: it must be given. */
  readonly namesPositions: boolean;
  readonly hasCells: boolean;
  readonly arrays: readonly FoundArray[];
  readonly cellData: readonly string[];
}

/** @throws FormatError where there is no sample, or one of those that are looked at is damaged */
export async function survey(source: DataSource): Promise<Survey> {
  const all = await findFiles(source);
  const count = (extension: string) => all.filter((path) => extensionOf(path) === extension).length;
  const extension = [...sampleExtensions].sort((a, b) => count(b) - count(a))[0];
  const files = all.filter((path) => extensionOf(path) === extension);
  const looked = Array.from(
    { length: Math.min(LOOKED_AT, files.length) },
    (_, i) => files[Math.floor((i * files.length) / Math.min(LOOKED_AT, files.length))],
  );
  const found = new Map<string, ArraySurvey>();
  const cellData = new Set<string>();
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
      this.#most < MOST_CLASSES &&
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
