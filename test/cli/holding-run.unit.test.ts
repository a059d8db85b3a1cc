// One process at a time trains in a run's folder, and one that was killed does not stand in the way of the next.

import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { afterAll, expect, it } from "vitest";
import { holdingRun } from "../../src/cli/train/holding-run.ts";
import { temporaryFolder } from "./command.ts";

const { path, folder, remove } = temporaryFolder();
afterAll(remove);

const lease = () => JSON.parse(readFileSync(path("training.lease-1"), "utf8"));
/** Leaves the lease of another process, which says of itself what this one does except for the given facts. */
async function leaveLease(facts: object): Promise<void> {
  let own = {};
  for (const name of readdirSync(folder)) rmSync(path(name));
  await holdingRun(folder, {}, async () => void (own = lease()));
  writeFileSync(path("training.lease-1"), JSON.stringify({ ...own, owner: "another", ...facts }));
}
const ended = () => spawnSync("true").pid;

it("refuses a second process at once, and says which one trains there, and what to do", async () => {
  await leaveLease({ pid: process.ppid });
  const { since, machine } = lease();
  await expect(holdingRun(folder, {}, async () => {})).rejects.toThrow(
    `Process ${process.ppid} on ${machine.host} (since ${since}) trains in "${folder}": end it first, or choose another folder. If that is no training, delete "${path("training.lease-1")}".`,
  );
});

it("goes on at once after a process of this machine that was killed, and leaves nothing behind", async () => {
  await leaveLease({ pid: ended() });
  expect(await holdingRun(folder, {}, async () => "trained")).toBe("trained");
  expect(readdirSync(folder)).toEqual([]);
});

it("waits for the sign of life of a process elsewhere, whose process ids mean others", async () => {
  await leaveLease({ pid: ended(), machine: { host: "elsewhere" }, seconds: 0.1 });
  expect(await holdingRun(folder, {}, async () => "trained")).toBe("trained");

  await leaveLease({ pid: 1, machine: { host: "elsewhere" } });
  const left = lease();
  let renewals = 0;
  // Again and again, as that process does: whenever the first look was, a later one finds another lease.
  const renewal = setInterval(() => {
    writeFileSync(path("training.lease-1"), JSON.stringify({ ...left, renewals: ++renewals }));
  }, 100);
  const second = holdingRun(folder, {}, async () => {}).finally(() => clearInterval(renewal));
  await expect(second).rejects.toThrow("Process 1 on elsewhere");
});

it("tells a process that was stopped for long that another one has taken over", async () => {
  await leaveLease({ pid: ended() });
  await holdingRun(folder, { seconds: 0.02 }, async (expectHeld) => {
    await expectHeld();
    writeFileSync(path("training.lease-2"), JSON.stringify({ owner: "another" }));
    writeFileSync(path("training.lease-3"), JSON.stringify({ owner: "another", pid: 7, since: "noon" }));
    // As a process that was stopped, this thread renews nothing meanwhile.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30);
    await expect(expectHeld()).rejects.toThrow("Process 7 (since noon) has taken over the run");
  });
});

it("tells a process at once that its folder was deleted, and leaves the one that trains there since alone", async () => {
  for (const name of readdirSync(folder)) rmSync(path(name));
  await holdingRun(folder, { seconds: 0.6 }, async (expectHeld) => {
    rmSync(folder, { recursive: true });
    await expect(expectHeld()).rejects.toThrow(`or "training.lease-1" in it, was deleted or moved`);
    mkdirSync(folder);
    writeFileSync(path("training.lease-1"), JSON.stringify({ owner: "another", pid: 7, since: "noon" }));
    await expect(expectHeld()).rejects.toThrow("Process 7 (since noon) has taken over the run");
    // Longer than it takes to a renewal.
    await new Promise((resolve) => setTimeout(resolve, 400));
  });
  expect(lease().owner).toBe("another");
});
