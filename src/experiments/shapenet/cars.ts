// Reads cars with the pressure on their surfaces from the published files: either meshes of the solver, or preprocessed tensors that
// others have made of them.

import { FormatError } from "../../errors.ts";
import { loadNpy } from "../../formats/numpy/npy.ts";
import { loadTorch, TorchTensor } from "../../formats/torch/torch.ts";
import { loadVtk, type VtkFile } from "../../formats/vtk/vtk.ts";
import { expectFinite, floatsOf } from "../arrays.ts";
import { type DataSource, hasFolder, joinPath, locate, sortedNames } from "../data-source.ts";
import type { Split, SplitName } from "../experiment.ts";
import { DIMENSIONS } from "../space.ts";
import { testIndices } from "./test-indices.ts";

/** The folders of the published set, and the number of cars in it. */
const FOLDERS = Array.from({ length: 9 }, (_, i) => `param${i}`);
const PUBLISHED_CARS = 889;
/** The places in a data set where these folders may be. */
const ROOTS = ["", "preprocessed", "raw", "training_data"];

/** The bounds of the published cars' positions, which are mapped to 0 .. 1 and then standardised. */
const MIN_CORNER = [-2, -1, -4.5];
const MAX_CORNER = [2, 4.5, 6];
const POSITION = { mean: 0.4063, deviation: 0.1531 };
const PRESSURE_MEAN = -36.3099;
/** The deviation of the published pressures, Pa. */
export const PRESSURE_DEVIATION = 48.5743;

/** The share of the training cars that are used for validation, unless a split is chosen for it. */
const VALIDATION_SHARE = 0.1;

/** The scaling from normalised positions to those of the files. */
export const POSITION_SCALING = {
  mean: MIN_CORNER.map((least, axis) => least + POSITION.mean * (MAX_CORNER[axis] - least)),
  deviation: MIN_CORNER.map((least, axis) => POSITION.deviation * (MAX_CORNER[axis] - least)),
};
/** The scaling from normalised pressures to Pa. */
export const PRESSURE_SCALING = { mean: [PRESSURE_MEAN], deviation: [PRESSURE_DEVIATION] };

export interface CarSample {
  /** [points, 3] normalised. */
  positions: Float32Array;
  /** [points] normalised. */
  pressure: Float32Array;
}

/**
 * Loads the cars of a split. The test split consists of those published test indices that exist.
 * @param validation the split for validation; with "val" every tenth training car is used for it and not for training
 * @throws FormatError if there are no cars; when a car is read, with the name of a file that is missing or damaged
 */
export async function loadCars(
  source: DataSource,
  split: SplitName,
  validation: "val" | "test",
): Promise<Split<CarSample> | undefined> {
  const { cars, root } = await findCars(source);
  const tested = new Set(testIndices);
  const test = cars.filter((_, index) => tested.has(index));
  const others = cars.filter((_, index) => !tested.has(index));
  const validating = validation === "test" ? new Set(test) : heldOut(others);
  const chosen = {
    train: others.filter((car) => !validating.has(car)),
    val: [...validating],
    test,
  }[split];
  if (chosen.length === 0) return undefined;
  const note = `${locate(source, root)} holds ${cars.length} of the ${PUBLISHED_CARS} published cars: the published test indices among them are the test split`;
  const held = new Map<number, Promise<CarSample>>();
  return {
    size: chosen.length,
    load(index) {
      const sample = held.get(index) ?? readCar(source, joinPath(root, chosen[index]));
      held.set(index, sample);
      // A car that could not be read is tried again the next time.
      sample.catch(() => held.delete(index));
      return sample;
    },
    nameOf: (index) => chosen[index],
    ...(cars.length !== PUBLISHED_CARS && split === "test" && { note }),
  };
}

/** Returns the cars for validation: `VALIDATION_SHARE` of them, evenly spread. */
function heldOut(cars: readonly string[]): Set<string> {
  const count = cars.length < 2 ? 0 : Math.max(1, Math.round(VALIDATION_SHARE * cars.length));
  return new Set(Array.from({ length: count }, (_, i) => cars[Math.floor(((i + 0.5) * cars.length) / count)]));
}

/** Returns the cars' folders in order, within the folder that contains those of param0 to param8 that exist. */
async function findCars(source: DataSource): Promise<{ cars: string[]; root: string }> {
  for (const root of ROOTS) {
    if (root !== "" && !(await hasFolder(source, root))) continue;
    const folders = await sortedNames(source, root, "folders");
    const cars: string[] = [];
    for (const folder of FOLDERS.filter((name) => folders.includes(name))) {
      const names = await sortedNames(source, joinPath(root, folder), "folders");
      for (const name of names) cars.push(joinPath(folder, name));
    }
    if (cars.length > 0) return { cars, root };
  }
  const file = locate(source, "param0");
  throw new FormatError(`${file}: there are no cars, expected a folder for each in param0 to param8.`, { file });
}

async function readCar(source: DataSource, folder: string): Promise<CarSample> {
  const files = await sortedNames(source, folder, "files");
  const { positions, pressure } = files.includes("mesh_points.th")
    ? await readTensors(source, folder)
    : await readMesh(source, folder);
  return {
    positions: positions.map((value, i) => {
      const axis = i % DIMENSIONS;
      return ((value - MIN_CORNER[axis]) / (MAX_CORNER[axis] - MIN_CORNER[axis]) - POSITION.mean) / POSITION.deviation;
    }),
    pressure: pressure.map((value) => (value - PRESSURE_MEAN) / PRESSURE_DEVIATION),
  };
}

/** Reads preprocessed files: the used points and their pressure as PyTorch's tensors. */
async function readTensors(source: DataSource, folder: string): Promise<CarSample> {
  const tensor = async (name: string) => {
    const path = joinPath(folder, name);
    const file = locate(source, path);
    const value = loadTorch(await source.read(path), { file });
    if (value instanceof TorchTensor) return { value, file };
    throw new FormatError(`${file}: holds no single tensor.`, { file });
  };
  const [points, pressure] = [await tensor("mesh_points.th"), await tensor("pressure.th")];
  const positions = floatsOf(points.value, [-1, DIMENSIONS], points.file);
  expectPoints(positions, points.file);
  return { positions, pressure: floatsOf(flat(pressure.value), [positions.length / DIMENSIONS], pressure.file) };
}

/** Reads the solver's files: the points of the mesh's quads in ascending order, and the pressure of all points. */
async function readMesh(source: DataSource, folder: string): Promise<CarSample> {
  const [meshPath, pressurePath] = ["quadpress_smpl.vtk", "press.npy"].map((name) => joinPath(folder, name));
  const [meshFile, pressureFile] = [meshPath, pressurePath].map((path) => locate(source, path));
  const mesh = loadVtk(await source.read(meshPath), { file: meshFile });
  const all = loadNpy(await source.read(pressurePath), { file: pressureFile });
  const used = pointsOfQuads(mesh);
  const points = mesh.positions.length / DIMENSIONS;
  const pressures = floatsOf(flat(all), [-1], pressureFile);
  if (pressures.length !== points) {
    throw new FormatError(`${pressureFile}: holds ${pressures.length} numbers, but ${meshFile} has ${points} points.`, {
      file: pressureFile,
      expected: points,
      found: pressures.length,
    });
  }
  const positions = new Float32Array(used.length * DIMENSIONS);
  used.forEach((point, i) => {
    positions.set(mesh.positions.subarray(point * DIMENSIONS, (point + 1) * DIMENSIONS), i * DIMENSIONS);
  });
  expectPoints(positions, meshFile);
  expectFinite(positions, meshFile);
  return { positions, pressure: Float32Array.from(used, (point) => pressures[point]) };
}

const QUAD = 4;

function pointsOfQuads({ cells }: VtkFile): number[] {
  const used = new Set<number>();
  for (const { offsets, connectivity } of cells.values()) {
    for (let cell = 0; cell + 1 < offsets.length; cell++) {
      if (offsets[cell + 1] - offsets[cell] !== QUAD) continue;
      for (let at = offsets[cell]; at < offsets[cell + 1]; at++) used.add(connectivity[at]);
    }
  }
  return [...used].sort((a, b) => a - b);
}

function expectPoints(positions: Float32Array, file: string): void {
  if (positions.length === 0) throw new FormatError(`${file}: has no points on a surface.`, { file });
}

/** Returns a column as a list. */
function flat<Values extends { shape: readonly number[] }>(array: Values): Values & { shape: number[] } {
  const { shape } = array;
  const isColumn = shape.length === 2 && shape[1] === 1;
  return { ...array, shape: isColumn ? [shape[0]] : [...shape] };
}
