// Runs one request, for a tree or a graph, on the WebAssembly module: lays out its jobs, runs them, reads the result.
import { OutOfMemoryError } from "../errors.ts";
import { type Engine, Job, type Points } from "./job.ts";
import { type TreeLevel, treeLevels, treeSlots } from "./levels.ts";

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
  edgeIndex: Int32Array<ArrayBuffer>;
}

/** The first row with a coordinate that is not finite. */
export interface BadRow {
  kind: "badRow";
  row: number;
}

export type Result = TreeResult | GraphResult | BadRow;

/** The result of a kind of request, if all coordinates are finite. */
export type ResultOf<Kind extends Request["kind"]> = Extract<Result, { kind: Kind }>;

const segmentInts = 4;
const levelInts = 4;
const boxBytes = 32;
const candidateBytes = 16;

/** The number of points in a bucket of the neighbour search. */
const bucketSize = 8;
/** The maximum number of neighbours found in one run; more are found in several. */
const neighboursPerRun = 2 ** 26;

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
async function findNeighbours(job: Job, neighbourCount: number, points: number): Promise<Int32Array<ArrayBuffer>> {
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

function newEdges(edges: number): Int32Array<ArrayBuffer> {
  try {
    return new Int32Array(2 * edges);
  } catch (cause) {
    const bytes = 8 * edges;
    const message = `The graph has ${edges} edges, more than the host can hold (${bytes} bytes): use a smaller radius or maxNeighbors.`;
    throw new OutOfMemoryError(message, { bytes }, { cause });
  }
}
