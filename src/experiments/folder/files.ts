// Finds the files of a folder that are samples, and groups those that are frames of one sequence.

import { FormatError } from "../../errors.ts";
import { extensionOf } from "../../formats/extension.ts";
import { adviceFor, blockFormats, headFormats } from "../../formats/other-formats.ts";
import { loadPvd } from "../../formats/vtk/pvd.ts";
import { type DataSource, joinPath, locate, readLines, splitPath } from "../data-source.ts";
import { isRunFolder } from "../run-files.ts";
import { FramesSource, frameExtensions } from "./frames.ts";
import { type Numbered, numberIn } from "./numbering.ts";
import { sampleExtensions } from "./read.ts";
import type { Unit } from "./splits.ts";

export interface FindOptions {
  /** The files that are samples: a pattern with * and **; by default all that can be read. */
  files?: string;
  /** A file that lists the samples, one on each line, or is the only one; by default they are found. */
  list?: string;
  /** Whether samples are frames of sequences. */
  sequence: boolean;
  /** The path of a table beside the samples, which is none of them. */
  table?: string | undefined;
}

/**
 * Returns the samples of a folder, or its sequences, by name.
 * @throws FormatError if there are none
 */
export async function findUnits(source: DataSource, options: FindOptions): Promise<Unit[]> {
  const { units, found } = await unitsIn(source, options);
  if (units.length > 0) return units;
  throw noSamples(locate(source, options.list ?? ""), { ...options, found });
}

/** Returns the samples of a folder, or its sequences, of which there may be none, and all files that are wanted. */
export async function unitsIn(
  source: DataSource,
  { files, list, sequence, table }: FindOptions,
): Promise<{ units: Unit[]; found: string[] }> {
  const listed = list === undefined ? await findWanted(source, files) : await listedIn(source, list);
  const wanted = listed.filter((path) => path !== table && isWanted(path, files));
  const samples = wanted.filter((path) => sampleExtensions.includes(extensionOf(path)));
  const units = sequence
    ? await sequencesIn(source, wanted, samples)
    : samples.map((path) => ({ name: path, files: [path] }));
  return { units, found: wanted };
}

/**
 * Returns the lines of a list, each once, as a sample in two splits would be learnt where it is tested; in place of a file of several
 * frames all of these. A sample, or such a file, is a list of itself.
 */
async function listedIn(source: DataSource, list: string): Promise<string[]> {
  if ([...sampleExtensions, "pvd"].includes(extensionOf(list))) return findWanted(source, list);
  const listed = new Map<string, string>();
  for (const path of await readLines(source, list)) {
    const frames = source instanceof FramesSource ? await source.framesOf(path) : [path];
    for (const frame of frames) {
      const file = frame.replace(/^(\.\/)+/, "");
      if (!listed.has(file)) listed.set(file, frame);
    }
  }
  return [...listed.values()];
}

/**
 * Returns the files below a folder that a pattern matches, by default all.
 * @throws FormatError for a mesh whose pieces are files: each would be taken for a sample
 */
export const findWanted = async (source: DataSource, pattern: string | undefined): Promise<string[]> =>
  wantedAmong(source, await findFiles(source), pattern);

/** Returns those of a source's files, as `findWanted` does. */
export function wantedAmong(source: DataSource, files: readonly string[], pattern: string | undefined): string[] {
  const wanted = files.filter((path) => isWanted(path, pattern));
  expectWhole(source, wanted);
  return wanted;
}

function isWanted(path: string, pattern: string | undefined): boolean {
  if (pattern === undefined || matchesPattern(path, pattern)) return true;
  // A pattern for a file means all of its frames.
  const { folder } = splitPath(path);
  return frameExtensions.includes(extensionOf(folder)) && matchesPattern(folder, pattern);
}

/** The number of kinds of files that a message names. */
const MAX_NAMED = 8;

/**
 * @param folder its name in the message
 * @param found what there is instead of samples
 */
export function noSamples(
  folder: string,
  { files, sequence, found = [] }: Pick<FindOptions, "files" | "sequence"> & { found?: readonly string[] },
): FormatError {
  const kind = files === undefined ? sampleExtensions.map((extension) => `.${extension}`).join(" ") : files;
  const problem = sequence
    ? "holds no sequence: a .pvd, or a file with a number for each frame, such as run_0.h5 and run_1.h5"
    : "holds no sample";
  // What is in a folder such as flow.zarr is of its format.
  const parts = new Set(found.flatMap((path) => path.split("/").map((_, i, names) => names.slice(0, i + 1).join("/"))));
  const other = [...parts].find((path) => adviceFor(extensionOf(path)));
  const advice = other ? ` "${other}" is ${adviceFor(extensionOf(other))}.` : "";
  const others = [...new Set(found.map(extensionOf))];
  const instead =
    others.length > 0
      ? `, found ${others
          .slice(0, MAX_NAMED)
          .map((extension) => (extension ? `.${extension}` : "a file without extension"))
          .join(", ")}`
      : "";
  return new FormatError(`${folder}: ${problem} (${kind})${instead}.${advice}`, {
    file: folder,
    expected: [...sampleExtensions],
    found: others,
  });
}

/** The extensions of files that put a mesh together from others. */
const inPieces: readonly string[] = [...headFormats, ...blockFormats];

function expectWhole(source: DataSource, paths: readonly string[]): void {
  const head = paths.find((path) => inPieces.includes(extensionOf(path)));
  if (head === undefined) return;
  const file = locate(source, head);
  const problem = "is in pieces, each of which would be a sample of its own";
  const advice =
    'join them in ParaView (save as .vtu), or choose the samples: files: "**/*.vtu" in the config, for erwin init --files "**/*.vtu"';
  throw new FormatError(`${file}: ${problem}: ${advice}.`, { file, found: [head] });
}

/**
 * Returns all files below a folder in the order of their names, without hidden ones and those of runs, whose predictions would be taken
 * for samples: by `--data-path . --out run`, the next training, or evaluation, would divide other samples than the first did.
 */
export async function findFiles(source: DataSource, folder = ""): Promise<string[]> {
  const entries = await source.list(folder);
  if (folder !== "" && isRunFolder(entries)) return [];
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const { name, folder: isFolder } of entries) {
    if (name.startsWith(".")) continue;
    const path = joinPath(folder, name);
    // Not as the arguments of one push: no call takes more than about 120,000.
    if (isFolder) for (const file of await findFiles(source, path)) found.push(file);
    else found.push(path);
  }
  return found;
}

/** Finds sequences. Collections list their frames; in the names of other files, the last number counts the frames. */
async function sequencesIn(source: DataSource, all: readonly string[], samples: readonly string[]): Promise<Unit[]> {
  const units: Unit[] = [];
  const taken = new Set<string>();
  for (const path of all.filter((candidate) => extensionOf(candidate) === "pvd")) {
    const frames = await framesOf(source, path);
    for (const { file } of frames) taken.add(file);
    units.push({ name: path, files: frames.map(({ file }) => file), times: frames.map(({ time }) => time) });
  }
  const untaken = samples.filter((path) => !taken.has(path));
  return [...units, ...numberedSequences(untaken, source)];
}

/**
 * Groups files whose names differ in nothing but their last number. A sequence is called by what its names begin with, and by
 * the extension, too, where several would be called the same, such as run_0.npz, run_0.csv and run0.npz.
 * @throws FormatError if the numbers do not tell the order
 */
function numberedSequences(samples: readonly string[], source: DataSource): Unit[] {
  const groups = new Map<string, Numbered[]>();
  for (const path of samples) {
    const numbered = numberIn(path);
    if (!numbered) continue;
    const key = `${numbered.start}*${numbered.extension}`;
    const frames = groups.get(key) ?? [];
    frames.push(numbered);
    groups.set(key, frames);
  }
  const sequences = [...groups.values()].filter((frames) => frames.length > 1);
  const shortName = ([{ start, extension }]: Numbered[]) => start.replace(/[-_./ ]+$/, "") || extension.slice(1);
  const shortNames = sequences.map(shortName);
  return sequences.map((frames) => {
    checkPadding(frames, source);
    const name = shortName(frames);
    const alone = shortNames.indexOf(name) === shortNames.lastIndexOf(name);
    const inTime = [...frames].sort((a, b) => Number(a.digits) - Number(b.digits));
    return { name: alone ? name : frames[0].start + frames[0].extension, files: inTime.map(({ path }) => path) };
  });
}

/** A number padded with zeros beside a shorter one is a decimal, as in t_0.05 and t_0.1, or the same number twice. */
function checkPadding(frames: readonly Numbered[], source: DataSource): void {
  const padded = frames.find(({ digits }) => digits.length > 1 && digits.startsWith("0"));
  const shorter = padded && frames.find(({ digits }) => digits.length < padded.digits.length);
  if (!shorter) return;
  const file = locate(source, padded.path);
  const problem = `"${padded.digits}" and, in "${shorter.path}", "${shorter.digits}" do not tell which frame is earlier`;
  throw new FormatError(`${file}: ${problem}: write all numbers with as many digits, or list the frames in a .pvd.`, {
    file,
    other: shorter.path,
  });
}

async function framesOf(source: DataSource, path: string): Promise<{ file: string; time: number }[]> {
  const file = locate(source, path);
  const entries = loadPvd(await source.read(path), { file });
  const inTime = entries
    .map((entry, i) => ({ entry, i }))
    .sort((a, b) => (a.entry.time ?? 0) - (b.entry.time ?? 0) || a.i - b.i);
  const parallel = inTime.find(({ entry }, i) => i > 0 && entry.time === inTime[i - 1].entry.time);
  if (parallel) {
    const problem = `has several files at the time ${parallel.entry.time}, expected one for each frame.`;
    throw new FormatError(`${file}: ${problem}`, { file });
  }
  const { folder } = splitPath(path);
  return inTime.map(({ entry }) => ({ file: resolvePath(folder, entry.file), time: entry.time ?? 0 }));
}

function resolvePath(folder: string, path: string): string {
  const names: string[] = [];
  for (const name of joinPath(folder, path.replaceAll("\\", "/")).split("/")) {
    if (name === "..") names.pop();
    else if (name !== "." && name !== "") names.push(name);
  }
  return names.join("/");
}

/** What stands for other letters in a pattern, as regular expressions. */
const wildcards: Readonly<Record<string, string>> = { "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" };

/**
 * Returns whether a path matches a pattern: * stands for part of a name, ? for a letter and ** for any folders; without a slash, in any
 * folder. Extensions may be in capitals or not, as they may be where files are read.
 */
export function matchesPattern(path: string, pattern: string): boolean {
  const target = pattern.includes("/") ? path : (path.split("/").at(-1) as string);
  const source = withLowExtension(pattern)
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*\/?|\*|\?/g, (wildcard) => wildcards[wildcard]);
  return new RegExp(`^${source}$`).test(withLowExtension(target));
}

const withLowExtension = (path: string) => path.replace(/\.\w+$/, (extension) => extension.toLowerCase());
