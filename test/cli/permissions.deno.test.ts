// Every command works with exactly the permissions that src/SECURITY.md lists. One process runs all commands of a row.

import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import process from "node:process";
import { saveSafetensors } from "erwin";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../src/build/steps.mjs";
import { tableRows } from "../readme/markdown.ts";
import { seededRandom, uniformCloud } from "../support/clouds.ts";
import { callsProgram, END } from "./calls.ts";
import { cliPath, erwinAlone, temporaryFolder } from "./command.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);

const words = (text: string) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
const rows = tableRows(readFileSync(join(root, "src", "SECURITY.md"), "utf8"), "permissions in Deno").map((row) => ({
  commands: words(row.commands),
  flags: words(row["permissions in Deno"])[0]
    .replaceAll("FILES", folder)
    .replaceAll(/\bdist\b/g, dirname(cliPath))
    .split(" "),
}));

const model = ["--model", path("run/last.safetensors"), "--backend", "cpu"];
const points = ["--input", path("points.safetensors")];
/** A call of each command, in an order in which each finds the files that it needs. */
const calls: Record<string, string[]> = {
  generate: ["cosmology", "--out", path("halos"), "--samples", "4"],
  index: [path("halos")],
  tree: [...points, "--output", path("tree.npz")],
  train: [
    ...["farthest", "--out", path("run"), "--steps", "1", "--batch-size", "1", "--max-predictions", "1"],
    ...["--backend", "cpu"],
  ],
  evaluate: ["--model", path("run"), "--backend", "cpu"],
  predict: [...model, ...points, "--output", path("prediction.npy")],
  gradients: [...model, ...points, "--output", path("gradients.npz")],
  export: ["--model", path("run/last.safetensors"), "--onnx", path("model.onnx")],
  convert: [path("run/last.safetensors"), path("model.pt")],
  init: [path("fields"), "--out", path("run.yaml")],
  demo: ["--channels", "8", "--output", path("balls.svg")],
  assets: [path("assets")],
  info: [],
  bench: ["tree", "--points", "64", "--clouds", "1", "--seconds", "0.01"],
  sweep: ["--config", path("sweep.yaml"), "--out", path("sweep"), "--backend", "cpu"],
};
/** The commands that need a server of another program. */
const ofQueues = ["status", "work"];

interface DenoOutput {
  code: number;
  stdout: Uint8Array;
  stderr: Uint8Array;
}
interface DenoCommand {
  output(): Promise<DenoOutput>;
  spawn(): {
    stdin: WritableStream<Uint8Array>;
    stdout: ReadableStream<Uint8Array>;
    output(): Promise<DenoOutput>;
    status: Promise<{ code: number }>;
    kill(signal: string): void;
  };
}
/** node:child_process is not used, because it passes on all permissions. */
const { Command } = (
  globalThis as unknown as { Deno: { Command: new (program: string, options: object) => DenoCommand } }
).Deno;

/** Returns what each command of a row has printed. */
async function runAll(commands: readonly string[], flags: readonly string[]): Promise<Map<string, string>> {
  const inOrder = Object.keys(calls).filter((name) => commands.includes(name));
  const lines = inOrder.map((name) => `${JSON.stringify([name, ...calls[name]])}\n`);
  const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" };
  const args = ["run", "--no-prompt", ...flags, ...callsProgram];
  const child = new Command(process.execPath, { args, env: { NO_COLOR: "1" }, ...pipes }).spawn();
  await new Blob(lines).stream().pipeTo(child.stdin);
  const { code, stdout, stderr } = await child.output();
  const [printed, told] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  expect(code, told).toBe(0);
  expect(told).not.toContain("error");
  // After each call's output comes its exit code.
  const parts = printed.split(new RegExp(`${END}0\n`));
  expect(parts.length, printed).toBe(inOrder.length + 1);
  return new Map(inOrder.map((name, i) => [name, parts[i]]));
}

beforeAll(() => {
  const data = uniformCloud(60, 3, seededRandom(1));
  const probe = { shape: [60, 16], data: new Float32Array(60 * 16).fill(1) };
  writeFileSync(path("points.safetensors"), saveSafetensors({ node_positions: { shape: [60, 3], data }, probe }));
  writeFileSync(
    path("sweep.yaml"),
    "train: overfit\noptions: { steps: 1, predictions: off }\nsearch: { lr: [0.001] }\n",
  );
  mkdirSync(path("fields"));
  for (const name of ["a", "b"]) writeFileSync(path(`fields/${name}.csv`), "x,y,z,heat\n1,2,3,4\n3,2,1,5\n2,2,2,6\n");
});

it("names every command", async () => {
  const all = [...(await erwinAlone(["help"])).stdout.matchAll(/^ {2}([a-z]+) {2,}/gm)].map(([, name]) => name);
  expect([...rows.flatMap(({ commands }) => commands), ...ofQueues].sort()).toEqual(all.sort());
  expect([...Object.keys(calls), "serve", ...ofQueues].sort()).toEqual(all);
});

describe("with exactly these permissions", () => {
  it("commands read and write files", async () => {
    const printed = await runAll(rows[0].commands, rows[0].flags);
    expect(printed.size).toBe(rows[0].commands.length);
    const demo = printed.get("demo")!;
    expect(demo).toContain("1,839 points");
    expect(Number(/differ by at most (\S+)/.exec(demo)?.[1])).toBeLessThan(1e-4);
    const picture = readFileSync(path("balls.svg"), "utf8");
    expect(picture).toMatch(/^<svg [\s\S]*<\/svg>\n$/);
    for (const balls of ["128 balls of 128", "32 balls of 512", "8 balls of 2,048"]) expect(picture).toContain(balls);
    expect(statSync(path("balls.svg")).size).toBeLessThan(1_500_000);
  });

  it("predict also takes addresses, with the permission for their host", async () => {
    const server = createServer((_, response) => response.end(readFileSync(path("points.safetensors"))));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/points.safetensors`;
    const words = ["predict", ...model, "--input", address, "--output", path("remote.npy")];
    const run = (...more: string[]) => {
      const args = ["run", "--no-prompt", ...rows[0].flags, ...more, cliPath, ...words];
      return new Command(process.execPath, { args, env: { NO_COLOR: "1" } }).output();
    };
    const refused = await run();
    expect([refused.code, new TextDecoder().decode(refused.stderr)]).toEqual([1, expect.stringMatching(/--allow-net/)]);
    expect((await run("--allow-net=127.0.0.1")).code).toBe(0);
    expect(readFileSync(path("remote.npy"))).toEqual(readFileSync(path("prediction.npy")));
    server.close();
  });

  it("others only read", async () => {
    const printed = await runAll(rows[1].commands, rows[1].flags);
    expect(printed.get("info")).toMatch(/host +Deno \d/);
    expect(printed.get("info")).toMatch(/device +\S/);
    expect(printed.get("bench")).toMatch(/no native baseline: .*permission|no native baseline: .*--allow/);
  });

  it("the service listens on its own machine", async () => {
    const args = ["run", "--no-prompt", ...rows[2].flags, cliPath, "serve", ...model, "--port", "0"];
    const options = { args, env: { NO_COLOR: "1" }, stdout: "piped", stderr: "inherit" };
    const service = new Command(process.execPath, options).spawn();
    const reader = service.stdout.pipeThrough(new TextDecoderStream() as never).getReader();
    const { value } = (await reader.read()) as { value?: string };
    const url = /http:\S+/.exec(value ?? "")?.[0];
    expect((await fetch(`${url}/health`)).status).toBe(200);
    service.kill("SIGTERM");
    expect((await service.status).code).toBe(0);
    await reader.cancel();
  });

  it("a sweep starts its trainings", async () => {
    expect((await runAll(rows[3].commands, rows[3].flags)).get("sweep")).toContain("best: ");
  });
});
