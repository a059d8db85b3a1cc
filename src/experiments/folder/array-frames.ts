// Files of named arrays that hold several frames, [frames, points, ...], or clouds one after the other (joined-clouds.ts), each of which is
// made a file of its own: an .npz archive.

import { arrayFileReaders } from "../../formats/array-files.ts";
import type { ArrayContents, SafeTensor } from "../../formats/bytes/elements.ts";
import type { TextArray } from "../../formats/bytes/text-arrays.ts";
import type { MeshLocation } from "../../formats/clouds/mesh.ts";
import { extensionOf } from "../../formats/extension.ts";
import { forNumpy } from "../../formats/numpy/elements.ts";
import { saveNpyTexts } from "../../formats/numpy/npy.ts";
import { readNpz, saveNpzEntries } from "../../formats/numpy/npz.ts";
import { loadSafetensors } from "../../formats/safetensors/safetensors.ts";
import { loadTorch, torchTensors } from "../../formats/torch/torch.ts";
import { isOfMesh, positionNames } from "../array-names.ts";
import { rowOf } from "./array-rows.ts";
import type { FolderConfig } from "./config.ts";
import { findGrid, type GridRule, gridRule, hasAxes, onGrid } from "./grid.ts";
import { findJoinedClouds, partsOfClouds } from "./joined-clouds.ts";

type Reader = (bytes: Uint8Array, file: string, rule: FrameRule) => ArrayContents | Promise<ArrayContents>;

const texts = () => true;
const readers: Readonly<Record<string, Reader>> = {
  npz: (bytes, file) => readNpz(bytes, { file, texts }),
  safetensors: (bytes, file) => ({ arrays: loadSafetensors(bytes, { file }).tensors, leftOut: new Map() }),
  pt: (bytes, file) => ({ arrays: torchTensors(loadTorch(bytes, { file })), leftOut: new Map() }),
  ...Object.fromEntries(
    Object.entries(arrayFileReaders).map(([extension, read]) => [
      extension,
      (bytes: Uint8Array, file: string, { location }: FrameRule) => read(bytes, { file, texts, location }),
    ]),
  ),
};

/** The extensions of such files, without dots. */
export const arrayExtensions: readonly string[] = Object.keys(readers);
/** The extension of the files that frames are made. */
export const FRAME_EXTENSION = "npz";

/** What tells frames from other arrays. */
export interface FrameRule {
  /** The names of the arrays of coordinates, if they are not the usual ones. */
  coordinates?: readonly string[] | undefined;
  /** The grid that all frames share, [frames, lat, lon, ...]. */
  grid?: GridRule | undefined;
  /** Where a mesh has the values. */
  location?: MeshLocation | undefined;
  /** Whether frames may share their points: then it is the targets, [frames, points, ...], that tell them. */
  isSequence: boolean;
  /**
   * The names of the targets' arrays. If they are not known yet, all arrays tell, and a damaged file counts as one without frames; else
   * it is an error beside others with frames where these are sequences, of which it would be missing without a word.
   */
  targets?: readonly string[];
}

/** Returns what tells frames for a config. */
export const frameRule = ({ location, coordinates, grid, targets, sequence }: FolderConfig): FrameRule => ({
  location,
  coordinates,
  grid: gridRule({ grid, coordinates }),
  isSequence: sequence !== undefined,
  targets: targets.flatMap(({ from }) => from),
});

/** A file's frames. */
export interface ArrayFrames {
  readonly count: number;
  /** Whether they are those of a sequence: all have the same points, on a grid with times beside them. */
  readonly isSequence: boolean;
  /** The bytes that its arrays take. */
  readonly bytes: number;
  /** Returns the file of a frame. */
  encode(frame: number): Uint8Array;
}

/**
 * Reads a file's arrays and finds its frames.
 * @returns "none" if it has points that are those of a single sample; undefined if it is not known which arrays are the points'
 * @throws FormatError for a damaged file
 */
export async function readArrayFrames(
  bytes: Uint8Array,
  file: string,
  rule: FrameRule,
): Promise<ArrayFrames | "none" | undefined> {
  const { arrays, attributes = new Map(), texts = new Map() } = await readers[extensionOf(file)](bytes, file, rule);
  const numbers = new Map([...attributes, ...arrays]);
  const found = rule.grid ? framesOnGrid(arrays, rule, rule.grid) : findFrames(arrays, rule, file);
  if (found === undefined || found === "none") return found;
  const { frames, isSequence, partOf } = found;
  return {
    count: frames,
    isSequence,
    bytes: [...arrays.values()].reduce((sum, { data }) => sum + data.byteLength, 0),
    encode(frame) {
      const part = <Of extends SafeTensor | TextArray>(of: ReadonlyMap<string, Of>) =>
        [...of].flatMap(([name, array]) => {
          const own = partOf(name, array, frame);
          return own ? [[name, own] as const] : [];
        });
      const ofTexts = part(texts).map(([name, array]) => [`${name}.npy`, saveNpyTexts(array)] as const);
      const ofNumbers = part(numbers).map(([name, array]) => [name, forNumpy(array)] as const);
      return saveNpzEntries(new Map(ofTexts), new Map(ofNumbers));
    },
  };
}

interface Found {
  frames: number;
  isSequence: boolean;
  /** Returns what an array has of a frame; undefined if that is nothing. */
  partOf<Of extends SafeTensor | TextArray>(name: string, array: Of, frame: number): Of | undefined;
}

/** Whether an array with as many rows as there are frames has one for each. */
type IsOfFrames = (name: string, array: { readonly shape: readonly number[] }) => boolean;

const rowsOfFrames = (frames: number, isOfFrames: IsOfFrames): Pick<Found, "frames" | "partOf"> => ({
  frames,
  partOf: (name, array, frame) => (array.shape[0] === frames && isOfFrames(name, array) ? rowOf(array, frame) : array),
});

function findFrames(
  arrays: ReadonlyMap<string, SafeTensor>,
  { coordinates, isSequence, targets }: FrameRule,
  file: string,
): Found | "none" | undefined {
  const names = coordinates ?? positionNames.filter((name) => arrays.has(name)).slice(0, 1);
  const shapes = names.map((name) => arrays.get(name)?.shape);
  const [shape] = shapes;
  if (!shape || !shapes.every((other) => String(other) === String(shape))) return undefined;
  // Coordinates in several arrays have one number for each point.
  const ofPoint = names.length === 1 ? 1 : 0;
  const isOfMeshes = ({ shape }: { readonly shape: readonly number[] }) => shape.length === 3;
  if (shape.length === 2 + ofPoint) {
    const isOfFrames: IsOfFrames = (name, array) => !isOfMesh(name) || isOfMeshes(array);
    return { isSequence: false, ...rowsOfFrames(shape[0], isOfFrames) };
  }
  if (shape.length !== 1 + ofPoint) return "none";
  const [points] = shape;
  const joined = findJoinedClouds(arrays, points, file);
  if (joined) {
    return { frames: joined.starts.length - 1, isSequence: false, partOf: partsOfClouds(arrays, joined, file) };
  }
  if (!isSequence) return "none";
  const telling = [...arrays].filter(([name]) => !names.includes(name) && !isOfMesh(name));
  const frames = countFrames(
    telling,
    targets,
    ({ shape }) => shape.length >= 2 && shape[1] === points && shape[0] !== points,
  );
  // One row may be a number of the whole, but not where all targets have it.
  if (frames === undefined || (frames === 1 && !targets)) return "none";
  const isOfFrames: IsOfFrames = (name, array) =>
    isOfMesh(name) ? isOfMeshes(array) : frames !== points || array.shape[1] === points;
  return { isSequence: true, ...rowsOfFrames(frames, isOfFrames) };
}

function framesOnGrid(
  arrays: ReadonlyMap<string, SafeTensor>,
  { targets }: FrameRule,
  rule: GridRule,
): Found | "none" | undefined {
  const grid = findGrid(arrays, rule);
  if (!grid) return undefined;
  const others = [...arrays].filter(([name]) => !grid.axes.includes(name));
  const isOnGrid = (array: { readonly shape: readonly number[] }) => onGrid(array, grid, 1);
  const frames = countFrames(others, targets, isOnGrid);
  // A single one is read as the file's sample: such files may be the frames of a sequence.
  if (frames === undefined || frames === 1) return "none";
  const isOfFrames: IsOfFrames = (name, array) =>
    !grid.axes.includes(name) && (isOnGrid(array) || !hasAxes(array, grid));
  const isSequence = others.some(([name, { shape }]) => timeNames.test(name) && String(shape) === String([frames]));
  return { isSequence, ...rowsOfFrames(frames, isOfFrames) };
}

/** Matches names of arrays of the frames' times. */
const timeNames = /^(time|times|t)$/i;

/**
 * Returns the number of frames by the arrays that have them: the targets, if they are known, otherwise all.
 * @returns undefined if there are none, or arrays tell different numbers, which tells nothing of time
 */
function countFrames(
  arrays: readonly (readonly [string, SafeTensor])[],
  targets: readonly string[] | undefined,
  hasFrames: (array: SafeTensor) => boolean,
): number | undefined {
  const telling = arrays.filter(([name]) => targets?.includes(name) ?? true);
  const lengths = telling.flatMap(([, array]) => (hasFrames(array) ? [array.shape[0]] : targets ? [0] : []));
  const [frames, ...others] = new Set(lengths);
  return frames > 0 && others.length === 0 ? frames : undefined;
}
