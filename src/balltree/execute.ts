// Runs one request on the WebAssembly module: writes its job into memory, starts the threads, reads the result. The
// same code serves threads that share a memory and a single worker that has its own.
import jobHeader from "../../wasm/balltree/job.h?raw";
import { OutOfMemoryError } from "../errors.ts";
import { type TreeLevel, treeLevels, treeSlots } from "./levels.ts";
import { Arena } from "./memory.ts";

/** What executes a request. */
export interface Engine {
  memory: WebAssembly.Memory;
  /** The first byte of the memory that belongs to jobs. */
  start: number;
  /** The number of threads available. */
  threads: number;
  /**
   * Prepares and runs the job at an address on up to `threads` threads, including the calling one if it `worksAlong`.
   */
  run(job: number, threads: number, worksAlong: boolean): Promise<void> | void;
}

/** The points of a request and their division into clouds. */
interface Points {
  /** [points, dimensionality] */
  positions: Float32Array;
  dimensionality: number;
  /** [clouds + 1] */
  offsets: Int32Array;
}

export interface TreeRequest extends Points {
  kind: "tree";
  strides: number[];
  ballSizes: number[];
  /** The angle in degrees; 0 for no rotated partitions. */
  rotate: number;
}

export interface GraphRequest extends Points {
  kind: "graph";
  /** Infinity for a nearest-neighbour graph. */
  radius: number;
  /** The maximum number of neighbours of one target. */
  maxNeighbors: number;
  loop: boolean;
}

export type Request = TreeRequest | GraphRequest;

export interface TreeResult {
  kind: "tree";
  treeIdx: Int32Array;
  treeMask: Uint8Array;
  treeIdxRot: Int32Array[];
}

export interface GraphResult {
  kind: "graph";
  edgeIndex: Int32Array;
}

/** The first row with a coordinate that is not finite. */
export interface BadRow {
  kind: "badRow";
  row: number;
}

export type Result = TreeResult | GraphResult | BadRow;

/** The fields of `struct Job` by name: their places in bytes, and whether they are of type double or of 32 bits. */
const jobFields = new Map<string, { at: number; isDouble: boolean }>();
let jobBytes = 0;
const jobStruct = /struct Job \{([^}]*)\}/.exec(jobHeader)![1];
for (const [, type, name] of jobStruct.matchAll(/^ *(?:const )?(\w+)\*? (\w+);/gm)) {
  const bytes = type === "double" ? 8 : 4;
  const at = Math.ceil(jobBytes / bytes) * bytes;
  jobFields.set(name, { at, isDouble: type === "double" });
  jobBytes = at + bytes;
}
type JobFields = Record<string, number>;
const jobKinds = { tree: 0, prepareSearch: 1, findNeighbours: 2 };

const segmentInts = 4;
const taskBytes = 32;
const levelInts = 4;
/** `struct Sync`, which begins with the first bad row. */
const syncBytes = 236;
const recordBytes = 16;
/** The number of records that may be read past a buffer's end. */
const spareRecords = 16;
const boxBytes = 32;
const candidateBytes = 16;

/** The maximum number of levels of a job: each has its own counter in `struct Sync`. */
export const maxLevels = 20;
/** Below this many points another thread is not worth waking. */
const pointsForThread = 2048;
const smallestGrain = 4096;
/** Parts of up to this many records are never split between threads. */
const leastGrain = 512;
/**
 * The calling thread works along on trees of up to this many points: a few milliseconds, less than one frame of a page.
 */
const pointsInPlace = 65536;
/** The number of points in a bucket of the neighbour search. */
const bucketSize = 8;
/** The maximum number of neighbours found in one run; more are found in several. */
const neighboursPerRun = 2 ** 26;

/** A job that is written into memory. */
class Job {
  readonly arena: Arena;
  readonly #engine: Engine;
  readonly #address: number;
  readonly #sync: number;
  readonly #fields: JobFields;

  /**
   * Writes points, offsets, two buffers for `records` records, and queues with room for the tasks of `segments`
   * segments.
   */
  constructor(engine: Engine, request: Points, records: number, segments: number) {
    this.#engine = engine;
    this.arena = new Arena(engine.memory, engine.start);
    const points = request.offsets[request.offsets.length - 1];
    const threads = Math.max(1, Math.min(engine.threads, Math.floor(records / pointsForThread)));
    const grain = threads === 1 ? 2 ** 30 : Math.max(smallestGrain, Math.ceil(records / (8 * threads)));
    // Splitting n records down to leastGrain makes fewer than 2 n / leastGrain additional tasks.
    const taskCount = segments + Math.ceil((2 * records) / leastGrain);
    this.#address = this.arena.reserve(jobBytes);
    this.#sync = this.arena.reserve(syncBytes);
    this.#fields = {
      threads,
      grain,
      leastGrain,
      dimensionality: request.dimensionality,
      points,
      clouds: request.offsets.length - 1,
      sync: this.#sync,
      tasks: this.arena.reserve(2 * taskBytes * taskCount),
      taskCount,
      offsets: this.arena.store(request.offsets),
      positions: this.arena.store(request.positions),
      records: this.arena.reserve((records + spareRecords) * recordBytes),
      spare: this.arena.reserve((records + spareRecords) * recordBytes),
    };
  }

  get threads(): number {
    return this.#fields.threads;
  }

  set(fields: JobFields): void {
    const unknown = Object.keys(fields).find((name) => !jobFields.has(name));
    if (unknown) throw new Error(`struct Job has no field ${unknown}`);
    Object.assign(this.#fields, fields);
  }

  /** Runs the job; returns the first bad row or undefined. */
  async run(kind: keyof typeof jobKinds): Promise<number | undefined> {
    const { arena } = this;
    const { points, dimensionality, threads } = this.#fields;
    this.set({ kind: jobKinds[kind] });
    const view = new DataView(arena.memory.buffer, this.#address, jobBytes);
    for (const [name, { at, isDouble }] of jobFields) {
      const value = this.#fields[name] ?? 0;
      if (isDouble) view.setFloat64(at, value, true);
      else view.setInt32(at, value, true);
    }
    const worksAlong = kind === "tree" && points <= pointsInPlace && dimensionality <= 3;
    await this.#engine.run(this.#address, threads, worksAlong);
    const row = arena.ints(this.#sync, 1)[0];
    return row < points ? row : undefined;
  }
}

/** Returns what the threads of a job have done so far, in a form that changes with everything they do. */
export function stateOf(memory: WebAssembly.Memory, job: number): string {
  const [sync] = new Uint32Array(memory.buffer, job + jobFields.get("sync")!.at, 1);
  return new Int32Array(memory.buffer, sync, syncBytes / 4).join();
}

/** Executes a request. */
export function execute(request: Request, engine: Engine): Promise<Result> {
  return request.kind === "tree" ? buildTree(request, engine) : buildGraph(request, engine);
}

async function buildTree(request: TreeRequest, engine: Engine): Promise<TreeResult | BadRow> {
  const { offsets, strides, ballSizes, rotate } = request;
  const clouds = offsets.length - 1;
  const points = offsets[clouds];
  const levels = treeLevels(offsets, strides, ballSizes);
  const slots = levels[0].offsets;
  const slotCount = slots[clouds];
  const nodes = rotate === 0 ? 0 : levels.reduce((sum, level) => sum + level.nodes, 0);
  const segmentCount = rotate === 0 ? clouds : clouds * (1 + levels.length);

  const job = new Job(engine, request, Math.max(points, nodes), segmentCount);
  const { arena } = job;
  const segments = new Int32Array(clouds * segmentInts);
  for (let cloud = 0; cloud < clouds; cloud++) {
    const count = offsets[cloud + 1] - offsets[cloud];
    segments.set([offsets[cloud], count, Math.log2(treeSlots(count)) - 1, slots[cloud]], cloud * segmentInts);
  }
  const treeIdx = arena.reserve(slotCount * 4);
  const treeMask = arena.reserve(slotCount);
  job.set({ segments: arena.store(segments), segmentCount: clouds, treeIdx, treeMask });
  const rotated = rotate === 0 ? 0 : layOutRotated(job, levels, rotate, nodes);

  const row = await job.run("tree");
  if (row !== undefined) return { kind: "badRow", row };
  let start = rotated;
  const treeIdxRot = (rotate === 0 ? [] : levels).map((level) => {
    const result = arena.ints(start, level.nodes).slice();
    start += level.nodes * 4;
    return result;
  });
  return {
    kind: "tree",
    treeIdx: arena.ints(treeIdx, slotCount).slice(),
    treeMask: arena.bytes(treeMask, slotCount).slice(),
    treeIdxRot,
  };
}

/** Adds the rotated partitions to a tree's job; returns the address of their result. */
function layOutRotated(job: Job, levels: TreeLevel[], rotate: number, nodes: number): number {
  const { arena } = job;
  const clouds = levels[0].offsets.length - 1;
  const levelWords = new Int32Array(levels.length * levelInts);
  const segments = new Int32Array(levels.length * clouds * segmentInts);
  let start = 0;
  levels.forEach(({ nodes, stride, offsets, ballSize }, index) => {
    levelWords.set([nodes, stride, start, arena.store(offsets)], index * levelInts);
    for (let cloud = 0; cloud < clouds; cloud++) {
      const count = offsets[cloud + 1] - offsets[cloud];
      const halvings = Math.max(0, Math.log2(count / ballSize));
      segments.set([start + offsets[cloud], count, halvings, 0], (index * clouds + cloud) * segmentInts);
    }
    start += nodes;
  });
  const rotated = arena.reserve(nodes * 4);
  job.set({
    levels: arena.store(levelWords),
    levelCount: levels.length,
    rotatedSegments: arena.store(segments),
    rotatedSegmentCount: levels.length * clouds,
    rotated,
    degrees: rotate,
  });
  return rotated;
}

async function buildGraph(request: GraphRequest, engine: Engine): Promise<GraphResult | BadRow> {
  const { offsets, radius, loop } = request;
  const clouds = offsets.length - 1;
  const points = offsets[clouds];
  const job = new Job(engine, request, points, clouds);
  const { arena } = job;

  const segments = new Int32Array(clouds * segmentInts);
  let boxes = 0;
  let largest = 0;
  for (let cloud = 0; cloud < clouds; cloud++) {
    const count = offsets[cloud + 1] - offsets[cloud];
    const levels = Math.max(0, Math.ceil(Math.log2(count / bucketSize)));
    segments.set([offsets[cloud], count, levels, boxes], cloud * segmentInts);
    boxes += 2 ** (levels + 1) - 1;
    largest = Math.max(largest, count);
  }
  const maxNeighbours = Math.min(request.maxNeighbors, loop ? largest : largest - 1);
  const neighbourCount = arena.reserve(points * 4);
  const isRadiusGraph = radius !== Number.POSITIVE_INFINITY;
  job.set({
    segments: arena.store(segments),
    segmentCount: clouds,
    boxes: arena.reserve(boxes * boxBytes),
    neighbourCount: isRadiusGraph ? neighbourCount : 0,
    maxNeighbours,
    loop: loop ? 1 : 0,
    squaredRadius: radius * radius,
  });
  const row = await job.run("prepareSearch");
  if (row !== undefined) return { kind: "badRow", row };

  const counts = arena.ints(neighbourCount, points);
  if (!isRadiusGraph) {
    for (let cloud = 0; cloud < clouds; cloud++) {
      const count = offsets[cloud + 1] - offsets[cloud];
      counts.fill(Math.min(maxNeighbours, loop ? count : count - 1), offsets[cloud], offsets[cloud + 1]);
    }
  }
  return { kind: "graph", edgeIndex: await findNeighbours(job, neighbourCount, points) };
}

/** Returns the edges of a prepared search, given the number of neighbours of each point. */
async function findNeighbours(job: Job, neighbourCount: number, points: number): Promise<Int32Array> {
  const { arena } = job;
  const counts = arena.ints(neighbourCount, points);
  const runs = [0];
  let edges = 0;
  let edgesOfRun = 0;
  let edgesOfLargestRun = 0;
  let maxNeighbours = 0;
  for (let target = 0; target < points; target++) {
    const count = counts[target];
    if (edgesOfRun > 0 && edgesOfRun + count > neighboursPerRun) {
      runs.push(target);
      edgesOfRun = 0;
    }
    maxNeighbours = Math.max(maxNeighbours, count);
    edges += count;
    edgesOfRun += count;
    edgesOfLargestRun = Math.max(edgesOfLargestRun, edgesOfRun);
  }
  runs.push(points);

  const neighbourStart = arena.reserve(points * 4);
  const candidates = arena.reserve(job.threads * maxNeighbours * candidateBytes);
  const neighbours = arena.reserve(edgesOfLargestRun * 4);
  const edgeIndex = newEdges(edges);
  let edge = 0;
  for (let run = 0; run + 1 < runs.length; run++) {
    const firstTarget = runs[run];
    const endTarget = runs[run + 1];
    const starts = arena.ints(neighbourStart, points);
    const countsNow = arena.ints(neighbourCount, points);
    const first = edge;
    for (let target = firstTarget; target < endTarget; target++) {
      starts[target] = edge - first;
      const end = edge + countsNow[target];
      edgeIndex.fill(target, edges + edge, edges + end);
      edge = end;
    }
    job.set({
      neighbourCount,
      neighbourStart,
      neighbours,
      candidates,
      firstTarget,
      endTarget,
      maxNeighbours,
    });
    if (edge > first) await job.run("findNeighbours");
    edgeIndex.set(arena.ints(neighbours, edge - first), first);
  }
  return edgeIndex;
}

function newEdges(edges: number): Int32Array {
  try {
    return new Int32Array(2 * edges);
  } catch (cause) {
    const bytes = 8 * edges;
    const message = `The graph has ${edges} edges, more than the host can hold (${bytes} bytes): use a smaller radius or maxNeighbors.`;
    throw new OutOfMemoryError(message, { bytes }, { cause });
  }
}
