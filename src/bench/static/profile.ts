// The static profile: compiles every kernel that the benchmarks' model runs for real GPUs, and models a pass's time from the
// compiled code. README.md beside this file explains how, and what the columns mean.
//
//   npm run profile:static -- [WORD ...] [--fronts naga,tint,tint-norobust] [--gpus sm_86,sm_90,navi31] [--jobs N]
//     [--tile ROWSxCOLUMNS] [--uncorrected] [--json FILE] [--compare FILE] [--update]
//
// With words, only kernels with one of them in their names are compiled, and times are left out. --tile profiles passes as if tuning
// had chosen this tile for large products. --uncorrected estimates times by the model as it was before measurements. --json writes the
// result, --compare shows the differences from a written one, --update writes results/now.json and the README's tables. Missing tools
// are installed first (tools.ts), which takes root and Debian. $STATIC_PROFILE_CACHE is the folder of tools and listings.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { TILES } from "../../backends/webgpu/products.ts";
import { readArguments } from "../../build/arguments.mjs";
import { withLock } from "../../build/lock.mjs";
import { CommandError, main, run } from "../../build/run.mjs";
import { amdDriver } from "./amd.ts";
import type { Compiled, CompiledKernel } from "./compiled.ts";
import { devices, uncorrectedDevices } from "./devices.ts";
import { intelDriver, isIntel } from "./intel.ts";
import { compileWithMesa, type MesaDriver } from "./mesa.ts";
import { compileForNvidia, isNvidia, writeMetal } from "./nvidia.ts";
import { isQualcomm, qualcommDriver } from "./qualcomm.ts";
import { updateReadme } from "./readme.ts";
import type { RecordedDevice, Recording } from "./record.ts";
import { formatComparison, formatEstimate, formatRows, formatTimes } from "./report.ts";
import {
  formatResult,
  makeResult,
  makeRow,
  type ProfiledVariant,
  parseResult,
  type Row,
  rounded,
  type StaticResult,
  type Time,
} from "./result.ts";
import { frontEnds, type NamedKernel, writeSpirv } from "./spirv.ts";
import { type Estimate, estimatePass } from "./times.ts";
import { cacheFolder, mesaParts, prepareTools } from "./tools.ts";
import { nameVariants } from "./variants.ts";

/** The case that is reported in detail, and from whose times the shares of kernels are taken. */
const DETAILED_POINTS = 16384;
const SHARES_OF = { device: "H100", front: "naga" };

const { values, positionals: words } = readArguments({
  allowPositionals: true,
  options: {
    fronts: { type: "string", default: Object.keys(frontEnds).join() },
    gpus: { type: "string", default: "sm_86,sm_90,navi31" },
    jobs: { type: "string", default: String(availableParallelism()) },
    tile: { type: "string" },
    uncorrected: { type: "boolean", default: false },
    json: { type: "string" },
    compare: { type: "string" },
    update: { type: "boolean", default: false },
  },
});
const fronts = values.fronts.split(",");
const gpus = values.gpus.split(",");
const jobs = Number(values.jobs);
const tiles = TILES.map(({ rows, columns }) => `${rows}x${columns}`);
const folder = join(cacheFolder, "runs", "profile");

/** These GPUs run kernels of their own: a profile has either their kernels or those of the others. */
const hasFewRegisters = (gpu: string) => isIntel(gpu) || isQualcomm(gpu);

const say = (text: string) => console.error(`static profile: ${text}`);

function checkOptions() {
  const unknown = fronts.filter((front) => !(front in frontEnds));
  if (unknown.length > 0) throw new CommandError(`finding the front ends ${unknown.join(", ")}`, 2);
  if (!(jobs >= 1)) throw new CommandError("--jobs with a number from 1", 2);
  if (values.tile && !tiles.includes(values.tile)) throw new CommandError(`--tile with one of ${tiles.join(", ")}`, 2);
  if (gpus.some(hasFewRegisters) && !gpus.every(hasFewRegisters)) {
    throw new CommandError("profiling Intel's and Qualcomm's GPUs apart from others, which run other kernels", 2);
  }
  if (values.update && gpus.some(hasFewRegisters)) throw new CommandError("--update for NVIDIA's and AMD's GPUs", 2);
  if (values.update && values.tile) throw new CommandError("--update for the tile that is used before tuning", 2);
  if (values.update && values.uncorrected) throw new CommandError("--update by the corrected model", 2);
  if (values.update && words.length > 0) throw new CommandError("--update of some kernels only", 2);
}

function record(): Recording {
  const file = join(folder, "record.json");
  const [rows, columns] = values.tile?.split("x").map(Number) ?? [];
  const device: RecordedDevice = {
    fewRegisters: gpus.every(hasFewRegisters),
    ...(rows && { tile: { rows, columns } }),
  };
  run("node", ["src/bench/static/record.mjs", file, JSON.stringify(device)]);
  return JSON.parse(readFileSync(file, "utf8"));
}

/** Compiles each kernel for one GPU from the SPIR-V of one front end, in the folder `spirv`. */
async function compile(
  kernels: readonly NamedKernel[],
  front: string,
  gpu: string,
  spirv: string,
): Promise<Compiled[]> {
  if (isNvidia(gpu)) return compileForNvidia(gpu, kernels, spirv, jobs);
  return compileWithMesa(await driverOf(gpu), kernels, spirv, join(folder, "mesa", `${gpu}-${front}`));
}

async function driverOf(gpu: string): Promise<MesaDriver> {
  if (isIntel(gpu)) return intelDriver(gpu, await mesaParts());
  if (isQualcomm(gpu)) return qualcommDriver(gpu, await mesaParts());
  return amdDriver(gpu);
}

/** Estimates all passes in float32 on the devices of these GPUs; none where a kernel could not be compiled. */
function estimate({ passes, kernels }: Recording, found: Map<string, Compiled[]>) {
  const estimates: { device: string; front: string; pass: Time["pass"]; points: number; estimate: Estimate }[] = [];
  for (const [device, model] of Object.entries(values.uncorrected ? uncorrectedDevices : devices)) {
    for (const front of fronts) {
      const compiled = found.get(`${front} ${model.gpu}`);
      if (!compiled) continue;
      try {
        for (const pass of passes.filter(({ precision }) => precision === "float32")) {
          const failed = pass.dispatches.find(({ kernel }) => "error" in compiled[kernel]);
          if (failed) throw new Error(`${kernels[failed.kernel].name} could not be compiled`);
          estimates.push({
            device,
            front,
            pass: pass.training ? "training" : "forward",
            points: pass.points,
            estimate: estimatePass(pass, kernels, compiled as CompiledKernel[], model),
          });
        }
      } catch (error) {
        say(`no times for ${front} on ${device}: ${(error as Error).message}`);
      }
    }
  }
  return estimates;
}

/** The share of each kernel in the estimated times. */
function shareKernels(kernels: ProfiledVariant[], estimates: ReturnType<typeof estimate>) {
  const of = (pass: Time["pass"]) =>
    estimates.find(
      (one) =>
        one.pass === pass &&
        one.points === DETAILED_POINTS &&
        one.device === SHARES_OF.device &&
        one.front === SHARES_OF.front,
    )?.estimate;
  const [forward, training] = [of("forward"), of("training")];
  if (!forward || !training) return;
  kernels.forEach((kernel, index) => {
    if (!training.byKernel.has(index) && !forward.byKernel.has(index)) return;
    const share = ({ byKernel, seconds }: Estimate) => rounded((byKernel.get(index) ?? 0) / seconds);
    kernel.shares = { forward: share(forward), training: share(training) };
  });
}

async function profile(before: StaticResult | undefined) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const recording = record();
  const variants: ProfiledVariant[] = nameVariants(recording.kernels);
  const chosen = recording.kernels.flatMap((kernel, index) => {
    const isAskedFor = words.length === 0 || words.some((word) => variants[index].kernel.includes(word));
    return isAskedFor ? [{ ...kernel, index, file: `${String(index).padStart(3, "0")}_${kernel.name}` }] : [];
  });
  if (chosen.length === 0) throw new CommandError(`finding a kernel named like ${words.join(" or ")}`, 2);
  say(`${chosen.length} of ${recording.kernels.length} kernels`);

  const found = new Map<string, Compiled[]>();
  for (const front of fronts) {
    const spirv = join(folder, "spirv", front);
    for (const problem of writeSpirv(chosen, front, spirv)) say(`${front}: ${problem}`);
    if (gpus.some(isNvidia)) writeMetal(spirv);
    for (const gpu of gpus) {
      const start = performance.now();
      const compiled = await compile(chosen, front, gpu, spirv);
      found.set(`${front} ${gpu}`, compiled);
      say(`${front}, ${gpu}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
    }
  }
  const rows: Row[] = chosen.flatMap(({ index }, i) =>
    fronts.flatMap((front) =>
      gpus.map((gpu) => makeRow(variants[index], front, gpu, found.get(`${front} ${gpu}`)![i])),
    ),
  );
  const estimates = words.length === 0 ? estimate(recording, found) : [];
  shareKernels(variants, estimates);
  const times = estimates.map(({ device, front, pass, points, estimate: { seconds, floor } }) => {
    return { device, front, pass, points, ms: rounded(1e3 * seconds, 2), floor: rounded(1e3 * floor, 2) };
  });
  const result = makeResult(
    chosen.map(({ index }) => variants[index]),
    rows,
    times,
  );

  const lines = before ? formatComparison(before, result) : formatRows(rows);
  if (times.length > 0) lines.push("", ...formatTimes(times, before ? before.times : []), "");
  const detailed = estimates.filter(({ points }) => points === DETAILED_POINTS);
  const names = recording.kernels.map(({ name }) => name);
  for (const { device, front, pass, estimate } of detailed)
    lines.push(`${device}, ${front}, ${pass} 16 x ${DETAILED_POINTS}: ${formatEstimate(estimate, names)}`);
  console.log(lines.join("\n"));
  if (values.json) writeFileSync(values.json, formatResult(result));
  if (values.update) updateReadme(result);
}

await main(async () => {
  checkOptions();
  const before = values.compare ? parseResult(readFileSync(values.compare, "utf8"), values.compare) : undefined;
  await prepareTools();
  await withLock(() => profile(before), join(cacheFolder, "profile.lock"));
});
