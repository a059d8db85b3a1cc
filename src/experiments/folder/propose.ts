// Proposes a config for a folder: likely choices are filled in, and comments list the alternatives.

import { expectKind } from "../../arguments/kinds.ts";
import { areMapAxes } from "../../formats/clouds/csv-names.ts";
import { labelNames } from "../array-names.ts";
import { shareOf } from "./missing.ts";
import { isOneBall, twoLevels } from "./model-config.ts";
import { writtenKey } from "./section.ts";
import { usual } from "./split-rule.ts";
import type { FoundArray, Survey } from "./survey.ts";

/** Matches names of quantities that are usually known before a simulation. */
const knownBefore =
  /^n_?[xyz]$|norm|sdf|dist|wall|bound|bc|type|kind|mask|mater|conduct|permeab|^nu$|viscos|^id$|ids$|coord|area|thick|source|forcing|load/i;
/** Matches names of values of the whole that are usually results. */
const resultOfWhole = /energ(y|ies)|^e$|stress|virial|dipole|drag|lift|^c_?[dlm]$|coeff|label|class|target/i;
/** Matches names of arrays that identify a step or a point, but are no physical quantity. */
const bookkeeping =
  /^(time|times|timevalue|cycle|step|(.*_)?ind(ex|ices)|frame|iteration|batch_idx|.*ids?|vtkghosttype|nodenumber)$/i;

/** Whether a pattern matches an array's name, without the groups of an HDF5 file that it is in, such as Gadget's PartType1. */
const isNamed = (pattern: RegExp, { name }: FoundArray) => pattern.test(name.slice(name.lastIndexOf("/") + 1));

/** Divides arrays into what is likely known beforehand, of points and of the whole, and what is likely to be predicted. */
function chooseRoles(found: Survey) {
  const { arrays } = found;
  const isOfWhole = ({ of, constant }: FoundArray) => of === "whole" || constant === true;
  const isLabel = (array: FoundArray) => array.classes !== undefined && isNamed(labelNames, array);
  // A small t of the whole is the time; a field T is a temperature.
  const isKept = (array: FoundArray) =>
    isLabel(array) ||
    !(isNamed(bookkeeping, array) || (isOfWhole(array) && isNamed(/^t$/, array)) || found.grid?.includes(array.name));
  const quantities = arrays.filter(isKept);
  const wholes = quantities.filter(isOfWhole);
  const ofPoints = quantities.filter((array) => !isOfWhole(array));
  // Where points are labelled, all else is known: a segmentation.
  const isSegmented = ofPoints.some(isLabel);
  const isInput = (array: FoundArray) =>
    isSegmented ? !isLabel(array) : isNamed(knownBefore, array) || array.classes !== undefined;
  const isResult = (array: FoundArray) => !isOfSequences(found) && isNamed(resultOfWhole, array);
  return {
    inputs: ofPoints.filter(isInput),
    globals: wholes.filter((array) => !isResult(array)),
    targets: ofPoints.filter((array) => !isInput(array)),
    results: wholes.filter(isResult),
  };
}

/**
 * Returns a config in YAML, with comments. `folder` is its path on the command line.
 * @throws InputError for what is no survey, or no path
 */
export function proposeConfig(found: Survey, folder: string): string {
  expectKind("found", found, "what survey returns", Array.isArray(found?.arrays));
  expectKind("folder", folder, "a path", typeof folder === "string");
  const { inputs, globals, targets, results } = chooseRoles(found);
  const size = found.points ? ` of ${describeSize(found.points)} ${found.location ?? "points"}` : "";
  const looked = found.looked < found.files ? `, of which ${found.looked} were looked at` : "";
  const lines = [
    `# How to train on ${folder}: ${describeFiles(found, String(found.files))}${size}${looked}.`,
    `#   erwin train --data-path ${quote(folder)} --config run.yaml --out run`,
    "# Move arrays between inputs and targets, take out what you do not need; all else has a default. All keys are explained in",
    "# erwin's src/experiments/folder/README.md. A key may also be set on the command line: training.steps=5000 graph=mesh",
    "",
    ...filesLine(found),
    ...(found.location ? ["location: cells   # the values are those of cells, whose centres are the points"] : []),
    ...tableLine(found),
    ...(found.namesPositions ? [] : [coordinatesLine(found)]),
    ...(found.grid
      ? [`grid: [${found.grid.map(quote).join(", ")}]   # the axes of fields on a grid, in their order`]
      : []),
    ...(found.dimensions === 2 && !isOnGlobe(found)
      ? ["dimensions: 2   # all points lie in a plane: a third coordinate is left out"]
      : []),
    ...(found.dimensions === 3 ? ["dimensions: 3"] : []),
    "",
    "# What is known of each point beforehand. Positions are always among it. Whole numbers that stand for kinds: {classes: N}.",
    ...fieldLines("inputs", inputs, found),
    "",
    "# What is to be predicted at each point, or of the whole sample with {whole: true}: numbers or vectors; classes with {classes: N}.",
    ...fieldLines("targets", targets, found, {
      ofWhole: results,
      mayMiss: true,
      none: `targets:   # edit: nothing in all files looks like a result, so name one of the inputs or an array of your own${ofMotion(found)}`,
    }),
    ...(found.cellData.length > 0
      ? [
          `# Besides the points' there are data of cells (${found.cellData.join(", ")}): location: cells is for these (erwin init --location cells).`,
        ]
      : []),
    "",
    "# Numbers of a whole sample: inflow speed, angle of attack.",
    ...fieldLines("globals", globals, found),
    "",
    ...(found.hasCells
      ? [
          `graph: mesh   # ${found.location ? "between cells that share a side" : "along the sides of the cells"}; or {kind: knn, k: 8}, {kind: radius, radius: 0.1}, none`,
        ]
      : ["graph: {kind: knn, k: 8}   # the nearest points; or {kind: radius, radius: 0.1}, none"]),
    "loss: mse   # or relative_l2, gaussian (predicts its own uncertainty)",
    "augmentation: {rotation: none, noise: 0}   # rotation about x, y, z, or all: only where turned samples are as likely",
    ...splitLines(found),
    found.collections > 0
      ? "sequence: {stride: 1, rollout: 100}   # .pvd files: the model predicts the targets' change from a frame to the next"
      : found.hasSequence
        ? "sequence: {stride: 1, rollout: 100}   # arrays [frames, points, ...]: the model predicts the targets' change to the next frame"
        : `# sequence: {stride: 1, rollout: 100}   # where ${found.container ? "a file's frames" : "numbered files (or .pvd)"} are steps in time; history: 2 shows the model two more`,
    "",
    ...modelLines(found),
    "training:",
    "  steps: 2000",
    "  batch_size: 4",
    "  lr: 0.001",
    "",
  ];
  return lines.join("\n");
}

/** Frames of a file whose points are not the same may be moments of a motion, of which the points themselves are the result. */
const ofMotion = ({ container, hasSequence }: Survey) =>
  container === undefined || hasSequence ? "" : "; or where the points move: positions, with sequence: {history: 5}";

/** @param count how many there are, formatted */
export const describeFiles = ({ container, extension }: Survey, count: string): string =>
  container === undefined ? `${count} .${extension} files` : `${count} frames in .${container} files`;

const describeSize = ([least, most]: readonly [number, number]) =>
  least === most ? `${least}` : `${least} to ${most}`;

function filesLine({ pattern, others = [], collections, extension }: Survey): string[] {
  const leftOut = others.map((other) => `.${other}`).join(", ");
  if (pattern !== undefined) return [`files: ${quote(pattern)}${leftOut && `   # matches ${leftOut}, too`}`];
  return others.length > 0 ? [`files: "**/*.${collections > 0 ? "pvd" : extension}"   # left out: ${leftOut}`] : [];
}

function tableLine({ table }: Survey): string[] {
  if (!table) return [];
  const { file, key } = table;
  const value = key === undefined ? quote(file) : `{file: ${quote(file)}, key: ${quote(key)}}`;
  return [`table: ${value}   # has a row for each sample; its columns are globals, or targets of the whole`];
}

/** Whether the coordinates seem to be longitudes and latitudes. */
const isOnGlobe = ({ coordinates = [] }: Survey): boolean =>
  areMapAxes(coordinates.map((name) => name.split("/").at(-1) as string));

function coordinatesLine(found: Survey): string {
  const { coordinates: names, grid } = found;
  if (!names) return "coordinates: positions   # edit: the array that holds the points' coordinates, or [x, y, z]";
  const [name, ...more] = names.map(quote);
  if (isOnGlobe(found)) {
    const both = [name, ...more].join(", ");
    return `globe: [${both}]   # degrees on the globe; as on a map, where ±180° lie far apart, they are coordinates: [${both}]`;
  }
  if (grid) return `coordinates: [${[name, ...more].join(", ")}]`;
  return more.length === 0
    ? `coordinates: ${name}   # the array that seems to hold the points' coordinates`
    : `coordinates: [${[name, ...more].join(", ")}]   # the arrays that seem to hold the points' coordinates`;
}

/** Of so many files with several frames each, whole files are held out: their frames may be steps of one simulation. */
const GROUPED_FROM = 10;

function splitLines({ splitFolders, containers = 0 }: Survey): string[] {
  const { train, val, test } = usual.fractions;
  const fractions = (more = "") => `{train: ${train}, val: ${val}, test: ${test}, seed: ${usual.seed}${more}}`;
  if (splitFolders)
    return [`splits: folders   # train, val, test; or ${fractions()} of all samples, or lists of files`];
  if (containers >= GROUPED_FROM)
    return [
      "# All frames of a file are in one split, as the steps of one simulation should be; without group_by each for itself.",
      `splits: ${fractions(", group_by: file")}   # or folders, or lists`,
    ];
  return [
    `splits: ${fractions()}   # or folders, or lists: {train: [a.vtu, ...], val: ..., test: list.txt}`,
    "# Where the files in a folder are steps of one simulation, splits: {..., group_by: folder} keeps them in one split.",
  ];
}

function modelLines({ points }: Survey): string[] {
  const others = "medium, large; or any field of the model's config: {size: small, c_hidden: 48, rotate: 0}";
  if (!points || !isOneBall(points[1])) return [`model: {size: small}   # ${others}`];
  const levels = Object.entries(twoLevels).map(([key, values]) => `${writtenKey(key)}: [${values.join(", ")}]`);
  return [
    `# Two levels, for clouds as small as these; {size: small} alone has four, and takes about three times as long. Or ${others}`,
    `model: {size: small, ${levels.join(", ")}}`,
  ];
}

/** Whether the proposed config is of sequences. */
const isOfSequences = ({ collections, hasSequence }: Survey): boolean => collections > 0 || hasSequence === true;

/**
 * Arrays that are not in all of the files that were looked at are comments: training needs each named array in every file.
 * @param mayMiss whether values may be missing
 * @param none the line where there is no array
 */
function fieldLines(
  key: string,
  ofPoints: readonly FoundArray[],
  { looked, files, table }: Survey,
  {
    ofWhole = [],
    mayMiss = false,
    none = `${key}: {}`,
  }: { ofWhole?: readonly FoundArray[]; mayMiss?: boolean; none?: string } = {},
): string[] {
  const all = [...ofPoints, ...ofWhole];
  const isInAll = ({ samples }: FoundArray) => samples === looked;
  if (all.length === 0) return [none];
  const texts = all.map((array) => {
    const gaps = mayMiss && array.missing !== undefined ? ["missing: nan"] : [];
    const options = [...classOptions(array), ...gaps, ...(ofWhole.includes(array) ? ["whole: true"] : [])];
    const [mark, note] = isInAll(array) ? ["", ""] : ["# ", "not in all files: "];
    // Of a sample's label few samples tell not all that there are; a table tells them.
    const isOpen = array.of === "whole" && array.classes !== undefined && looked < files && !table;
    const more = isOpen ? ` in ${looked} samples: edit, if others have larger ones` : "";
    return [
      `  ${mark}${quote(array.name)}: {${options.join(", ")}}`,
      `   # ${note}${describeArray(array)}${more}`,
    ] as const;
  });
  const width = Math.max(...texts.map(([text]) => text.length));
  return [all.some(isInAll) ? `${key}:` : none, ...texts.map(([text, comment]) => text.padEnd(width) + comment)];
}

function classOptions({ classes, labels, least }: FoundArray): string[] {
  if (classes === undefined) return [];
  if (!labels) return [`classes: ${classes}`, ...(least < 0 ? [`ignore: ${least}`] : [])];
  const named = labels.filter((label) => label !== "");
  return [`classes: [${named.map(quote).join(", ")}]`, ...(labels.includes("") ? ['ignore: ""'] : [])];
}

function describeArray(array: FoundArray): string {
  const { missing } = array;
  return missing === undefined ? describeNumbers(array) : `${describeNumbers(array)}; ${shareOf(missing)} missing`;
}

function describeNumbers({ components, least, most, classes, labels }: FoundArray): string {
  if (labels) return "texts";
  const range = `${shorten(least)} to ${shorten(most)}`;
  if (classes !== undefined) return `whole numbers, ${range}`;
  return components === 1 ? range : `${components} components, ${range}`;
}

const shorten = (value: number) => String(Number(value.toPrecision(4)));

/** Formats a text as YAML. */
function quote(text: string): string {
  return /^[A-Za-z_][\w./-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text);
}
