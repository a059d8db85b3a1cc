// Files of named arrays that hold several frames, [frames, points, ...], each of which is made a file of its own: an .npz archive.

import { arrayFileReaders } from "../../formats/array-files.ts";
import type { ArrayContents, SafeTensor } from "../../formats/bytes/elements.ts";
import type { TextArray } from "../../formats/bytes/text-arrays.ts";
import { extensionOf } from "../../formats/extension.ts";
import { forNumpy } from "../../formats/numpy/elements.ts";
import { saveNpyTexts } from "../../formats/numpy/npy.ts";
import { readNpz, saveNpzEntries } from "../../formats/numpy/npz.ts";
import { loadSafetensors } from "../../formats/safetensors/safetensors.ts";
import { loadTorch, torchTensors } from "../../formats/torch/torch.ts";
import { edgeNames, positionNames, triangleNames } from "../array-names.ts";
import type { FolderConfig } from "./config.ts";

type Reader = (bytes: Uint8Array, file: string) => ArrayContents | Promise<ArrayContents>;

const texts = () => true;
const readers: Readonly<Record<string, Reader>> = {
  npz: (bytes, file) => readNpz(bytes, { file, texts }),
  safetensors: (bytes, file) => ({ arrays: loadSafetensors(bytes, { file }).tensors, leftOut: new Map() }),
  pt: (bytes, file) => ({ arrays: torchTensors(loadTorch(bytes, { file })), leftOut: new Map() }),
  ...Object.fromEntries(
    Object.entries(arrayFileReaders).map(([extension, read]) => [
      extension,
      (bytes: Uint8Array, file: string) => read(bytes, { file, texts }),
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
  /** Whether frames may share their points: then it is the targets, [frames, points, ...], that tell them. */
  isSequence: boolean;
  /**
   * The names of the targets' arrays. If they are not known yet, all arrays tell, and a damaged file counts as one without frames; else
   * it is an error beside others with frames where these are sequences, of which it would be missing without a word.
   */
  targets?: readonly string[];
}

/** Returns what tells frames for a config. */
export const frameRule = ({ coordinates, targets, sequence }: FolderConfig): FrameRule => ({
  coordinates,
  isSequence: sequence !== undefined,
  targets: targets.flatMap(({ from }) => from),
});

/** A file's frames. */
export interface ArrayFrames {
  readonly count: number;
  /** Whether all frames have the same points. */
  readonly arePointsFixed: boolean;
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
  const { arrays, attributes = new Map(), texts = new Map() } = await readers[extensionOf(file)](bytes, file);
  const numbers = new Map([...attributes, ...arrays]);
  const found = findFrames(arrays, rule);
  if (found === undefined || found === "none") return found;
  const { frames, points, arePointsFixed } = found;
  const isOfFrames = (name: string, { shape }: { shape: readonly number[] }) => {
    if (isOfMesh(name)) return shape[0] === frames && shape.length === 3;
    return shape[0] === frames && (frames !== points || !arePointsFixed || shape[1] === points);
  };
  return {
    count: frames,
    arePointsFixed,
    bytes: [...arrays.values()].reduce((sum, { data }) => sum + data.byteLength, 0),
    encode(frame) {
      const part = <Of extends SafeTensor | TextArray>(of: ReadonlyMap<string, Of>) =>
        [...of].map(([name, array]) => [name, isOfFrames(name, array) ? rowOf(array, frame) : array] as const);
      const ofTexts = part(texts).map(([name, array]) => [`${name}.npy`, saveNpyTexts(array)] as const);
      const ofNumbers = part(numbers).map(([name, array]) => [name, forNumpy(array)] as const);
      return saveNpzEntries(new Map(ofTexts), new Map(ofNumbers));
    },
  };
}

const isOfMesh = (name: string) => edgeNames.includes(name) || triangleNames.includes(name);

interface Found {
  frames: number;
  points: number;
  arePointsFixed: boolean;
}

function findFrames(
  arrays: ReadonlyMap<string, SafeTensor>,
  { coordinates, isSequence, targets }: FrameRule,
): Found | "none" | undefined {
  const names = coordinates ?? positionNames.filter((name) => arrays.has(name)).slice(0, 1);
  const shapes = names.map((name) => arrays.get(name)?.shape);
  const [shape] = shapes;
  if (!shape || !shapes.every((other) => String(other) === String(shape))) return undefined;
  // Coordinates in several arrays have one number for each point.
  const ofPoint = names.length === 1 ? 1 : 0;
  if (shape.length === 2 + ofPoint) return { frames: shape[0], points: shape[1], arePointsFixed: false };
  if (shape.length !== 1 + ofPoint || !isSequence) return "none";
  const [points] = shape;
  const isOfFrames = ({ shape }: SafeTensor) => shape.length >= 2 && shape[1] === points && shape[0] !== points;
  const telling = [...arrays].filter(
    ([name]) => !names.includes(name) && !isOfMesh(name) && (targets?.includes(name) ?? true),
  );
  const lengths = telling.flatMap(([, array]) => (isOfFrames(array) ? [array.shape[0]] : targets ? [1] : []));
  const [frames, ...others] = new Set(lengths);
  const areAllOfFrames = telling.every(([, array]) => isOfFrames(array));
  // Several lengths tell nothing of time, and one row may be a number of the whole, but not where the targets have it.
  const isOneFrame = frames === 1 && targets !== undefined && areAllOfFrames;
  return (frames > 1 || isOneFrame) && others.length === 0 ? { frames, points, arePointsFixed: true } : "none";
}

/** Returns what an array has at an index of its first axis. */
function rowOf<Of extends SafeTensor | TextArray>(array: Of, row: number): Of {
  const [rows, ...shape] = array.shape;
  const values = "texts" in array ? array.texts : array.data;
  const size = values.length / rows;
  const part = values.slice(row * size, (row + 1) * size);
  return { ...array, shape, ...("texts" in array ? { texts: part } : { data: part }) };
}
