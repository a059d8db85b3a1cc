// The count of a worker's silence: whoever does not answer is noticed, whoever does is left alone, and time in which the waiting
// thread does not run itself does not count. Workers that hang: silence.host.test.ts.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { balltreeModule, kernelsModule } from "../../src/assets.ts";
import { CpuDevice } from "../../src/backends/cpu/device.ts";
import { Machine } from "../../src/backends/cpu/machine.ts";
import type { DeviceInfo } from "../../src/backends/device.ts";
import { execute } from "../../src/balltree/execute.ts";
import { createEngine } from "../../src/balltree/module.ts";
import { ComputeError, ComputeProcess } from "../../src/cli/queue/child.ts";
import type { QueuedPrediction } from "../../src/cli/queue/queue.ts";
import { trainRun } from "../../src/cli/sweep/run.ts";
import { WorkerError } from "../../src/errors.ts";
import { readModule } from "../../src/host/module-file.ts";
import { SilenceWatch, sendSigns, signOfLife } from "../../src/host/silence.ts";
import { setLimits } from "../../src/limits.ts";
import { linear } from "../../src/tensor/operators/index.ts";
import { Tensor } from "../../src/tensor/tensor.ts";

const SECONDS = 0.1;
beforeEach(() => setLimits({ silenceSeconds: SECONDS }));
afterEach(() => setLimits({}));

const folder = mkdtempSync(join(tmpdir(), "silence-"));
const [program, options] = [process.argv[1], process.execArgv];
afterEach(() => {
  process.argv[1] = program;
  process.execArgv = options;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Makes this code what starts where the command line starts itself again. */
function startsAgain(code: string): void {
  process.argv[1] = join(folder, "program.cjs");
  process.execArgv = [];
  writeFileSync(process.argv[1], code);
}

const passed = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;

function block(seconds: number): void {
  for (const end = performance.now() + seconds * 1000; performance.now() < end; );
}

/** A watch on a worker that answers after a message's delay, or not at all. */
function watchOn({ answers }: { answers: boolean }) {
  const onSilence = vi.fn();
  const watch: SilenceWatch = new SilenceWatch({ ask: () => answers && setImmediate(() => watch.heard()), onSilence });
  return { watch, onSilence };
}

test("silence is reported once, with its length, and only during a wait", async () => {
  const { watch, onSilence } = watchOn({ answers: false });
  await passed(2 * SECONDS);
  expect(onSilence).not.toHaveBeenCalled();
  watch.begin();
  watch.begin();
  watch.end();
  await vi.waitFor(() => expect(onSilence).toHaveBeenCalledWith(SECONDS), { timeout: 10_000 });
  await passed(2 * SECONDS);
  expect(onSilence).toHaveBeenCalledOnce();
});

test("answers, and a thread that blocks itself for longer than the limit, are no silence", async () => {
  const { watch, onSilence } = watchOn({ answers: true });
  const quiet = watchOn({ answers: false });
  watch.begin();
  quiet.watch.begin();
  await vi.waitFor(() => expect(quiet.onSilence).toHaveBeenCalled(), { timeout: 60_000 });
  for (let i = 0; i < 3; i++) {
    block(1.5 * SECONDS);
    await new Promise(setImmediate);
  }
  watch.end();
  expect(onSilence).not.toHaveBeenCalled();
});

test("no timer runs without a wait, and none with a limit of Infinity", () => {
  const before = timers();
  const { watch } = watchOn({ answers: false });
  watch.begin();
  watch.end();
  setLimits({ silenceSeconds: Number.POSITIVE_INFINITY });
  watch.begin();
  expect(timers()).toBe(before);
});

describe("signs of life of a thread that cannot return to its event loop", () => {
  const send = vi.fn();
  /** Milliseconds between two looks at the clock. */
  let between = 0;
  let clock = performance.now();
  beforeEach(() => {
    vi.spyOn(performance, "now").mockImplementation(() => {
      clock += between;
      return clock;
    });
    send.mockClear();
    sendSigns(send);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    sendSigns(() => {});
  });

  test("are sent no more often than needed", () => {
    between = 1;
    for (let i = 0; i < 1000; i++) signOfLife();
    expect(send.mock.calls.length).toBeGreaterThan(5);
    expect(send.mock.calls.length).toBeLessThan(20);
  });

  test("come from within the work on a graph", async () => {
    const engine = await createEngine(await readModule(balltreeModule()));
    between = 1000;
    // A thread takes 256 points at a time.
    const points = { positions: new Float32Array(4 * 2560), dimensionality: 4, offsets: Int32Array.of(0, 2560) };
    await execute({ kind: "graph", ...points, radius: Number.POSITIVE_INFINITY, maxNeighbors: 1, loop: false }, engine);
    expect(send.mock.calls.length).toBeGreaterThanOrEqual(10);
  });

  test("come from the CPU backend's commands, and from within long ones", async () => {
    const executor = await Machine.start(await readModule(kernelsModule()));
    using device = new CpuDevice(executor, { maxBindingBytes: Number.POSITIVE_INFINITY } as DeviceInfo);
    const x = Tensor.from(device, new Float32Array(8 * 600_000), [600_000, 8]);
    const weight = Tensor.from(device, new Float32Array(64), [8, 8]);
    between = 1000;
    await linear(x, weight).data();
    // A thread takes 1024 blocks of 128 rows at a time.
    expect(send.mock.calls.length).toBeGreaterThan(600_000 / 1024 / 128);
  });
});

test("the computing process of erwin work is ended if it hangs, and not while it is busy", async () => {
  const compute = (job: object) => child.compute(job as QueuedPrediction);
  startsAgain(`
    require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
      const { number, job } = JSON.parse(line);
      while (job?.hangs);
      setTimeout(() => console.log(JSON.stringify({ number })), job?.milliseconds ?? 0);
    });`);
  const child = new ComputeProcess([]);
  // It takes its time to start.
  setLimits({});
  await compute({});
  // Longer than a busy machine keeps a process waiting.
  const limit = 20 * SECONDS;
  setLimits({ silenceSeconds: limit });
  await compute({ milliseconds: 1500 * limit });
  const error = await compute({ hangs: true }).catch((error) => error);
  expect(error).toBeInstanceOf(ComputeError);
  expect(error.message).toContain(`no sign of life from the computing process for ${limit} s`);
  await child.stop();
});

describe("a run of erwin sweep", () => {
  const run = { name: "lr-1", settings: { lr: "1" } };
  const plan = { experiment: "overfit", options: {}, metric: "loss", goal: "min", runs: [run] } as const;
  const trained = (seconds: number) => {
    setLimits({ silenceSeconds: seconds });
    return trainRun({ ...plan, runs: [run] }, run, tmpdir(), [], new AbortController().signal).catch((error) => error);
  };

  test("is ended if it hangs, and fails with that reason", async () => {
    startsAgain("for (;;);");
    const error = await trained(SECONDS);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error.message).toContain(`no sign of life from the process of the run lr-1 for ${SECONDS} s`);
  });

  test("is left alone while it gives signs of life", async () => {
    // Longer than a process takes to start, also on a busy machine.
    const limit = 50 * SECONDS;
    startsAgain(`
      setInterval(() => console.log("a sign"), ${100 * SECONDS});
      setTimeout(() => {
        console.error("error: out of luck");
        process.exit(1);
      }, ${1200 * limit});`);
    expect((await trained(limit)).message).toBe("out of luck");
  });
});
