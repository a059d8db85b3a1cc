// The tree benchmark: ball trees of this library against the plain algorithm in native code, on the same machine in one
// run, with the same points and numbers of threads.
import { buildBallTree } from "../balltree/index.ts";
import nativeSource from "./native/tree.cpp?raw";
import { formatTable, formatTiming, type Timing, timingOf } from "./timing.ts";

export interface TreeBenchCase {
  clouds: number;
  /** Points in each cloud, 3 dimensions. */
  points: number;
}

export interface TreeBenchOptions {
  cases?: readonly TreeBenchCase[];
  threads?: readonly number[];
  /** Rough milliseconds for one case on one side. */
  time?: number;
}

export interface TreeBenchRow extends TreeBenchCase {
  threads: number;
  erwin: Timing;
  /** Absent where there is no g++ to compile it with. */
  native?: Timing;
  /** How many times faster erwin is than native. */
  ratio?: number;
}

export interface TreeBench {
  host: string;
  /** Why there is no native baseline, where there is none. */
  missingNative?: string;
  rows: TreeBenchRow[];
}

const defaultCases: readonly TreeBenchCase[] = [
  { clouds: 16, points: 1024 },
  { clouds: 16, points: 4096 },
  { clouds: 16, points: 16384 },
  { clouds: 1, points: 1048576 },
];

/** Measures every case with every number of threads. Each side warms up first; the two take turns. */
export async function benchTree(options: TreeBenchOptions = {}): Promise<TreeBench> {
  const { cases = defaultCases, threads = [1, 2], time = 1500 } = options;
  const native = compileNative();
  const rows: TreeBenchRow[] = [];
  try {
    for (const { clouds, points } of cases) {
      for (const threadCount of threads) rows.push(await measure({ clouds, points }, threadCount, time, native.run));
    }
  } finally {
    native.remove();
  }
  const host = globalThis.navigator?.userAgent ?? "unknown host";
  return native.missing === undefined ? { host, rows } : { host, missingNative: native.missing, rows };
}

async function measure(
  size: TreeBenchCase,
  threads: number,
  time: number,
  runNative: NativeRun | undefined,
): Promise<TreeBenchRow> {
  const positions = samplePositions(size.clouds * size.points);
  const offsets = Int32Array.from({ length: size.clouds + 1 }, (_, cloud) => cloud * size.points);
  const build = async () => {
    const start = performance.now();
    await buildBallTree(positions, { dimensionality: 3, offsets, threads });
    return performance.now() - start;
  };
  // The first calls start threads and run code that is not optimised yet.
  let once = await build();
  for (let warmUp = 0; warmUp < 12; warmUp++) once = Math.min(once, await build());
  const rounds = 2;
  const repetitions = Math.max(3, Math.min(100, Math.round(time / once / rounds)));
  const nativeRepetitions = Math.max(3, Math.round(repetitions / 4));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (let repetition = 0; repetition < repetitions; repetition++) ours.push(await build());
    if (runNative) theirs.push(...runNative(size, threads, nativeRepetitions));
  }
  const erwin = timingOf(ours);
  if (!runNative) return { ...size, threads, erwin };
  const native = timingOf(theirs);
  return { ...size, threads, erwin, native, ratio: native.median / erwin.median };
}

/** The points that native/tree.cpp makes, too: uniform in the unit cube. */
function samplePositions(points: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: points * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  });
}

type NativeRun = (size: TreeBenchCase, threads: number, repetitions: number) => number[];

interface Native {
  run?: NativeRun;
  missing?: string;
  remove(): void;
}

/** Compiles the baseline in a temporary folder; says why not where that is impossible. */
function compileNative(): Native {
  const host = (globalThis as { process?: typeof process }).process;
  if (!host?.getBuiltinModule) return { missing: "no native code in a browser", remove: () => {} };
  const { execFileSync } = host.getBuiltinModule("node:child_process");
  const { mkdtempSync, rmSync, writeFileSync } = host.getBuiltinModule("node:fs");
  const { tmpdir } = host.getBuiltinModule("node:os");
  const { join } = host.getBuiltinModule("node:path");

  const folder = mkdtempSync(join(tmpdir(), "erwin-bench-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const program = join(folder, "tree");
  try {
    writeFileSync(`${program}.cpp`, nativeSource);
    execFileSync("g++", ["-O3", "-fopenmp", "-o", program, `${program}.cpp`], { stdio: "pipe" });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { missing: `g++ -fopenmp did not compile it (${reason})`, remove };
  }
  const run: NativeRun = ({ clouds, points }, threads, repetitions) => {
    // One more, for the first touches its memory.
    const words = [clouds, points, threads, repetitions + 1].map(String);
    const times: number[] = JSON.parse(execFileSync(program, words, { encoding: "utf8" }));
    return times.slice(1);
  };
  return { run, remove };
}

/** A table for people. */
export function formatTreeBench({ host, missingNative, rows }: TreeBench): string {
  const lines = [
    ["clouds x points", "threads", "erwin, median (quartiles)", "native, plain", "ratio"],
    ...rows.map((row) => [
      `${row.clouds} x ${row.points}`,
      String(row.threads),
      formatTiming(row.erwin),
      row.native ? formatTiming(row.native) : "-",
      row.ratio === undefined ? "-" : `${row.ratio.toFixed(1)} x`,
    ]),
  ];
  const note = missingNative === undefined ? [] : [`No native baseline: ${missingNative}.`];
  return [`Ball trees, 3 dimensions, ${host}`, "", ...formatTable(lines), ...note].join("\n");
}
