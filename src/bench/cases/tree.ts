// The tree benchmark: this library's ball trees against the plain algorithm in native code, on the same machine in one run, with
// the same points and as many threads.
import { buildBallTree } from "../../index.ts";
import nativeSource from "../native/tree.cpp?raw";
import { calibrateOnHost, formatTiming, type Repeats, timed, timingOf } from "../rates/timing.ts";
import { type BenchCase, type CaseListener, threadsText } from "../report/measurement.ts";
import { formatTable } from "../report/table.ts";
import type { SubjectListener } from "../suite/subject.ts";
import { caseOffsets } from "./case.ts";

export interface TreeOptions extends Repeats {
  /** The clouds have 3 dimensions; `points` are those of each cloud. */
  cases: readonly { clouds: number; points: number }[];
  threads: readonly number[];
  onCase?: CaseListener;
}

/** Measures each case with each number of threads. Both sides warm up, then take turns. */
export async function benchTree({ cases, threads, onCase, ...repeats }: TreeOptions): Promise<BenchCase[]> {
  const native = compileNative();
  const note = native.missing === undefined ? undefined : `no native baseline: ${native.missing}`;
  const measured: BenchCase[] = [];
  try {
    for (const { clouds, points } of cases) {
      for (const threadCount of threads) {
        const size = { ...treeCase(clouds, points, threadCount), threads: threadCount, note };
        const done = { ...size, ...(await measure(size, repeats, native.run)) };
        measured.push(done);
        onCase?.(done);
      }
    }
  } finally {
    native.remove();
  }
  return measured;
}

/** Makes the cases ready for rounds of measurements, with each number of threads. */
export async function readyTrees(
  { cases, threads }: Pick<TreeOptions, "cases" | "threads">,
  { onReady }: Pick<SubjectListener, "onReady">,
): Promise<void> {
  for (const { clouds, points } of cases) {
    const positions = samplePositions(clouds * points);
    const offsets = caseOffsets(clouds, points);
    for (const threadCount of threads) {
      const size: BenchCase = { ...treeCase(clouds, points, threadCount), threads: threadCount };
      const build = () => buildBallTree(positions, { dimensionality: 3, offsets, threads: threadCount });
      for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) await build();
      const { take, span } = await calibrateOnHost(build);
      onReady({ description: size, take, span, summarise: (time) => ({ ...size, time }), dispose: () => {} });
    }
  }
}

const treeCase = (clouds: number, points: number, threads: number) =>
  ({
    name: `tree ${clouds} x ${points}, ${threadsText(threads)}`,
    benchmark: "tree",
    clouds,
    points,
  }) as const;

/** The first calls start threads and run unoptimised code, so they are not measured. */
const WARM_UPS = 12;

async function measure(
  size: { clouds: number; points: number; threads: number },
  { repeat, seconds }: Repeats,
  runNative: NativeRun | undefined,
): Promise<Pick<BenchCase, "time" | "native">> {
  const { clouds, points, threads } = size;
  const positions = samplePositions(clouds * points);
  const offsets = caseOffsets(clouds, points);
  const build = () => timed(() => buildBallTree(positions, { dimensionality: 3, offsets, threads }));
  let once = await build();
  for (let warmUp = 0; warmUp < WARM_UPS; warmUp++) once = Math.min(once, await build());
  const rounds = 2;
  const fitting = Math.max(3, Math.min(100, Math.round((seconds * 1000) / once / rounds)));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const repetitions = repeat === undefined ? fitting : Math.ceil((repeat - round) / rounds);
    for (let repetition = 0; repetition < repetitions; repetition++) ours.push(await build());
    const ofNative = repeat === undefined ? Math.max(3, Math.round(fitting / 4)) : repetitions;
    if (runNative) theirs.push(...runNative(size, ofNative));
  }
  return { time: timingOf(ours), native: runNative && timingOf(theirs) };
}

/** Makes the same points as native/tree.cpp, uniform in the unit cube. */
function samplePositions(points: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: points * 3 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 24;
  });
}

type NativeRun = (size: { clouds: number; points: number; threads: number }, repetitions: number) => number[];

interface Native {
  run?: NativeRun;
  missing?: string;
  remove(): void;
}

/** Compiles the baseline in a temporary folder; `missing` says why where that is impossible. */
function compileNative(): Native {
  const host = (globalThis as { process?: typeof process }).process;
  if (!host?.getBuiltinModule) return { missing: "no native code in a browser", remove: () => {} };
  const { execFileSync } = host.getBuiltinModule("node:child_process");
  const { mkdtempSync, rmSync, writeFileSync } = host.getBuiltinModule("node:fs");
  const { tmpdir } = host.getBuiltinModule("node:os");
  const { join } = host.getBuiltinModule("node:path");

  let program = "";
  let remove = () => {};
  try {
    // Deno may not have the permission for one of these.
    const folder = mkdtempSync(join(tmpdir(), "erwin-bench-"));
    remove = () => rmSync(folder, { recursive: true, force: true });
    program = join(folder, "tree");
    writeFileSync(`${program}.cpp`, nativeSource);
    execFileSync("g++", ["-O3", "-fopenmp", "-o", program, `${program}.cpp`], { stdio: "pipe" });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { missing: `g++ -fopenmp did not compile it (${reason})`, remove };
  }
  const run: NativeRun = ({ clouds, points, threads }, repetitions) => {
    // The first repetition, which touches the memory for the first time, does not count.
    const words = [clouds, points, threads, repetitions + 1].map(String);
    const times: number[] = JSON.parse(execFileSync(program, words, { encoding: "utf8" }));
    return times.slice(1);
  };
  return { run, remove };
}

/** Formats the cases as a table for people. */
export function formatTrees(cases: readonly BenchCase[]): string[] {
  const lines = [
    ["clouds x points", "threads", "erwin, median (quartiles)", "native, plain", "ratio"],
    ...cases.flatMap(({ clouds, points, threads, time, native }) => {
      if (!time) return [];
      const ratio = native && native.median / time.median;
      const baseline = native ? [formatTiming(native), `${ratio!.toFixed(1)} x`] : ["-", "-"];
      return [[`${clouds} x ${points}`, String(threads), formatTiming(time), ...baseline]];
    }),
  ];
  const notes = new Set(cases.flatMap(({ note }) => note ?? []));
  return [...formatTable(lines), ...notes];
}
