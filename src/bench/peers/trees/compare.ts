// Repeats the published table of ball trees: the trees of a batch of clouds by this library, with one thread and with several,
// and by scikit-learn's BallTree with joblib, one after the other on the same machine.
//
//   node src/bench/peers/run.mjs --trees [--points 1024,2048,4096,8192,16384] [--clouds 16] [--threads 2] [--seconds 2] [--json FILE]
//
// Points are uniform in the unit cube. This library divides clouds down to leaves of two points, scikit-learn as it does by
// default, down to leaves of 40.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { buildBallTree, disposeThreads, Random } from "erwin";
import { readArguments } from "../../../build/arguments.mjs";
import { caseOffsets } from "../../cases/case.ts";
import { formatTiming, type Timing, timed, timingOf } from "../../rates/timing.ts";
import { formatTable } from "../../report/table.ts";
import { findPython, scikit } from "../python.mjs";

/** The speed relative to scikit-learn in the paper's table, with 16 processors. */
const published = new Map([
  [1024, 48.8],
  [2048, 22.3],
  [4096, 13.8],
  [8192, 7.4],
  [16384, 6.3],
]);

const { values } = readArguments({
  options: {
    trees: { type: "boolean" },
    points: { type: "string", default: [...published.keys()].join() },
    clouds: { type: "string", default: "16" },
    threads: { type: "string", default: "2" },
    seconds: { type: "string", default: "2" },
    json: { type: "string" },
  },
});
const clouds = Number(values.clouds);
const threads = Number(values.threads);
const seconds = Number(values.seconds);

interface Row {
  points: number;
  /** Times are in milliseconds. */
  oneThread: Timing;
  allThreads: Timing;
  scikit: Timing;
}

/** Times the trees of one batch with one thread and with all threads, which take turns. */
async function measureErwin(points: number): Promise<Pick<Row, "oneThread" | "allThreads">> {
  const random = new Random(points, "points");
  const positions = Float32Array.from({ length: clouds * points * 3 }, () => random.uniform());
  const offsets = caseOffsets(clouds, points);
  const build = (threads: number) => timed(() => buildBallTree(positions, { dimensionality: 3, offsets, threads }));
  const one: number[] = [];
  const all: number[] = [];
  // The first calls start threads and run unoptimised code.
  for (let warmUp = 0; warmUp < 10; warmUp++) for (const count of [1, threads]) await build(count);
  const end = performance.now() + seconds * 1000;
  while (all.length < 3 || performance.now() < end) {
    for (let i = 0; i < 10; i++) one.push(await build(1));
    for (let i = 0; i < 10; i++) all.push(await build(threads));
  }
  return { oneThread: timingOf(one), allThreads: timingOf(all) };
}

function measureScikit(): { versions: string; rows: { points: number; times: number[] }[] } {
  const here = import.meta.dirname;
  const [program, ...words] = findPython(scikit, [here])!;
  const { points, clouds, threads, seconds } = values;
  const args = ["--points", points, "--clouds", clouds, "--processes", threads, "--seconds", seconds];
  const output = execFileSync(program, [...words, join(here, "scikit.py"), ...args], {
    encoding: "utf8",
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

console.error("scikit-learn ...");
const { versions, rows: measured } = measureScikit();
console.error("erwin ...");
const rows: Row[] = [];
for (const { points, times } of measured) {
  rows.push({ points, ...(await measureErwin(points)), scikit: timingOf(times) });
}
await disposeThreads();

const lines = rows.map(({ points, oneThread, allThreads, scikit }) => [
  `${clouds} x ${points}`,
  formatTiming(oneThread),
  formatTiming(allThreads),
  formatTiming(scikit),
  `${(scikit.median / allThreads.median).toFixed(1)} x`,
  clouds === 16 && published.has(points) ? `${published.get(points)} x` : "",
]);
const head = [
  "clouds x points",
  "erwin, 1 thread",
  `erwin, ${threads} threads`,
  `${threads} processes`,
  "ratio",
  "published",
];
console.log(["", `${versions}; medians (quartiles)`, "", ...formatTable([head, ...lines])].join("\n"));
if (values.json) {
  const report = { date: new Date().toISOString(), processor: cpus()[0]?.model, threads, clouds, versions, rows };
  writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
