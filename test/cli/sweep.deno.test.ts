// erwin sweep, as users call it: calls that share its runs, and an interruption.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { afterAll, expect, it } from "vitest";
import { cliPath, spawnDeno, start, temporaryFolder } from "./command.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);

it("two calls share a sweep's runs, and both name the best", async () => {
  const search = "search: { lr: [0.001, 0.003] }";
  writeFileSync(path("sweep.yaml"), `train: overfit\noptions: { steps: 2, predictions: off }\n${search}\n`);
  const sweep = () => start(["sweep", "--config", path("sweep.yaml"), "--out", folder, "--backend", "cpu"]).ended;
  const both = await Promise.all([sweep(), sweep()]);
  for (const { code, stdout, stderr } of both) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain(`best: ${path("lr-0.003")}, loss 0.`);
  }
  // Each run is reported by the call that has made it.
  expect(both.flatMap(({ stdout }) => stdout.match(/^lr-.*: loss/gm) ?? []).sort()).toEqual([
    "lr-0.001: loss",
    "lr-0.003: loss",
  ]);
  expect(readFileSync(path("sweep.csv"), "utf8")).toMatch(/^lr,loss,step\n0\.003,0\.\d+,2\n0\.001,0\.\d+,2\n$/);
  expect(readFileSync(path("sweep.svg"), "utf8").match(/<polyline/g)?.length).toBe(2);
  expect(existsSync(path("lr-0.001.json.lease-1"))).toBe(false);
});

it("Ctrl-C in a terminal, which reaches all of its processes, leaves a checkpoint of the run", async () => {
  const out = path("interrupted");
  const search = "search: { lr: [0.001] }";
  writeFileSync(
    path("one.yaml"),
    `train: overfit\noptions: { steps: 100000, save-every: 100000, log-every: 1 }\n${search}\n`,
  );
  const words = ["sweep", "--config", path("one.yaml"), "--out", out, "--backend", "cpu"];
  const child = spawnDeno([cliPath, ...words], { detached: true });
  const ended = new Promise((resolve) => child.on("close", resolve));
  while (!existsSync(path("interrupted/lr-0.001/metrics.jsonl"))) await setTimeout(20);
  process.kill(-child.pid!, "SIGINT");
  expect(await ended).toBe(1);
  expect(existsSync(path("interrupted/lr-0.001/last.safetensors"))).toBe(true);
});
