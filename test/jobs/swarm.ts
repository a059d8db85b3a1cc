// Several processes of erwin predict on one output folder, some of which are killed or stopped meanwhile.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ErwinTransformer, requestDevice, saveSafetensors } from "erwin";
import { holdingAfter, type Result, type Running, start } from "../cli/command.ts";
import { seededRandom, uniformCloud } from "../support/clouds.ts";
import { twoLevels as config } from "../support/configs.ts";

/** The number of points of each cloud. */
export const POINTS = 64;

/** The device is the same everywhere, so that bytes can be compared. */
export const deviceWords = ["--backend", "cpu", "--threads", "1"];

/** Creates a folder with a small model, and with clouds for it. */
export async function makeClouds(folder: string, count: number): Promise<void> {
  const device = await requestDevice({ backend: "cpu" });
  using model = await ErwinTransformer.create(config, { device, seed: 1 });
  mkdirSync(join(folder, "clouds"), { recursive: true });
  writeFileSync(join(folder, "model.safetensors"), await model.save());
  device.dispose();
  const random = seededRandom(1);
  for (let i = 0; i < count; i++) {
    const positions = { shape: [POINTS, 3], data: uniformCloud(POINTS, 3, random) };
    const name = `${String(i).padStart(5, "0")}.safetensors`;
    writeFileSync(join(folder, "clouds", name), saveSafetensors({ node_positions: positions }));
  }
}

/** Returns the arguments of the command that predicts these clouds. */
function predictWords(folder: string, output: string, ...more: string[]): string[] {
  const files = ["--model", join(folder, "model.safetensors"), "--input", join(folder, "clouds")];
  return ["predict", ...files, "--output", join(folder, output), "--knn", "16", ...deviceWords, ...more];
}

/** Runs a single process. */
export function predictAlone(folder: string, output: string, ...more: string[]): Promise<Result> {
  return start(predictWords(folder, output, ...more)).ended;
}

export interface Swarm {
  /** The results of the process that was stopped and woken, and of the undisturbed ones. */
  results: Result[];
  /** The number of leases that another process took over. */
  takenOver: number;
}

/**
 * Runs three processes: the first is killed when a tenth of the outputs exists; the second is stopped when a fifth exists, and
 * woken when the third has finished.
 */
export async function predictByThree(folder: string, output: string, count: number, more: string[]): Promise<Swarm> {
  const words = predictWords(folder, output, ...more);
  // The first two cannot end before that, however late it is noticed. The model's hash is a turn, too.
  const [killed, stopped] = [count / 10, count / 5].map((files): Running => start(words, holdingAfter(1 + files)));
  const lasting = start(words);
  const takenOver = new Set<string>();
  const outputs = () => {
    const names = existsSync(join(folder, output)) ? readdirSync(join(folder, output)) : [];
    for (const name of names) if (/\.lease-[2-9]$/.test(name)) takenOver.add(name);
    return names.filter((name) => name.endsWith(".safetensors")).length;
  };
  await until(() => outputs() >= count / 10);
  process.kill(killed.pid, "SIGKILL");
  await until(() => outputs() >= count / 5);
  process.kill(stopped.pid, "SIGSTOP");
  const watch = setInterval(outputs, 20);
  const results = [await lasting.ended];
  clearInterval(watch);
  process.kill(stopped.pid, "SIGCONT");
  results.push(await stopped.ended);
  await killed.ended;
  return { results, takenOver: takenOver.size };
}

async function until(isTime: () => boolean): Promise<void> {
  while (!isTime()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Returns the names of files that are not in both folders with the same bytes. */
export function differences(one: string, other: string): string[] {
  const names = new Set([...readdirSync(one), ...readdirSync(other)]);
  return [...names].filter((name) => {
    const [a, b] = [join(one, name), join(other, name)];
    return !existsSync(a) || !existsSync(b) || !readFileSync(a).equals(readFileSync(b));
  });
}
