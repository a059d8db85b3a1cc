// Any arguments of a worker's calls give the right numbers or an ErwinError that names the argument, whatever they are and wherever
// their memory lies; and the worker serves on.

import { createErwinWorker, DisposedError, ErwinError, type ErwinWorker, InputError } from "erwin";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Any, anything, mostly, resultOrRefusal } from "../support/anything.ts";
import { cloudOptions, randomCloud, seededRandom } from "../support/clouds.ts";
import { oneBlock as config } from "../support/configs.ts";
import { quickBackend } from "../support/models.ts";

const points = 12;
const { nodeFeatures, nodePositions } = randomCloud(points, cloudOptions(config), seededRandom(1));
const cloud = { nodeFeatures, nodePositions };
const sample = { ...cloud, target: nodePositions };
const schedule = { kind: "constant", lr: 0 } as const;
const training = { samples: [sample], steps: 1, batchSize: 1, schedule, seed: 0 };

let erwin: ErwinWorker;
let checkpoint: Uint8Array;
let expected: Float32Array;
beforeAll(async () => {
  erwin = await createErwinWorker({ backend: quickBackend, threads: 1 });
  await erwin.create(config, { seed: 1 });
  checkpoint = await erwin.save();
  expected = (await erwin.forward(cloud)).data;
});
afterAll(() => erwin.dispose());

test("arguments of all types are computed with or refused", async () => {
  const fields = (given: object) =>
    fc.record(Object.fromEntries(Object.entries(given).map(([name, value]) => [name, mostly(value)])));
  const cases = fc.record({
    a: anything,
    b: anything,
    input: fields({ ...cloud, batchIdx: undefined, offsets: undefined, edgeIndex: undefined, tree: undefined }),
    config: fields(config),
    sample: fields(sample),
    training: fields({ ...training, validation: undefined, optimizer: undefined, loss: "mse", checkpoint: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(cases, async (given: Any) => {
      const { a, b } = given;
      const train = (...words: Any[]) => (erwin.train as Any)(...words).finished;
      const calls: Record<string, () => unknown> = {
        createErwinWorker: async () => (await createErwinWorker(a)).dispose(),
        "createErwinWorker backend": async () => (await createErwinWorker({ backend: a })).dispose(),
        load: () => erwin.load(a),
        "load options": () => erwin.load(checkpoint, a),
        "load config": () => erwin.load(checkpoint, { config: given.config }),
        create: () => erwin.create(given.config),
        "create anything": () => erwin.create(a, b),
        "create seed": () => erwin.create(config, { seed: a }),
        forward: () => erwin.forward(given.input),
        "forward anything": () => erwin.forward(a, b),
        "forward transfer": () => erwin.forward({ ...structuredClone(cloud), nodeFeatures: a }, { transfer: true }),
        setMode: () => erwin.setMode(a),
        train: () => train(given.training),
        "train samples": () => train({ ...training, samples: [given.sample] }),
        "train anything": () => train(a, b),
        "train listener": () => train(training, a),
        "train options": () => train(training, undefined, a),
        "train onCheckpoint": () => train(training, undefined, { onCheckpoint: a }),
      };
      for (const [name, call] of Object.entries(calls)) {
        // What is not refused can replace the model.
        await erwin.load(checkpoint);
        await resultOrRefusal(name, call);
      }
    }),
    // Each host tries others.
    { numRuns: 6, seed: "Deno" in globalThis ? 4 : 5 },
  );
  await erwin.load(checkpoint);
  expect((await erwin.forward(cloud)).data).toEqual(expected);
});

test.for([false, true])("numbers are the same wherever their memory lies, transferred: %s", async (transfer) => {
  const memories: Record<string, (bytes: number) => ArrayBufferLike> = {
    shared: (bytes) => new SharedArrayBuffer(bytes),
    resizable: (bytes) => new (ArrayBuffer as Any)(bytes, { maxByteLength: 2 * bytes }),
    plain: (bytes) => new ArrayBuffer(bytes),
  };
  for (const [kind, memory] of Object.entries(memories)) {
    const within = (array: Float32Array) => {
      const copy = new Float32Array(memory(array.byteLength + 8), 4, array.length);
      copy.set(array);
      return copy;
    };
    const input = { nodeFeatures: within(nodeFeatures), nodePositions: within(nodePositions) };
    const bytes = new Uint8Array(memory(checkpoint.length + 3), 1, checkpoint.length);
    bytes.set(checkpoint);
    await erwin.create(config, { seed: 2 });
    await erwin.load(bytes, { transfer });
    expect((await erwin.forward(input, { transfer })).data, kind).toEqual(expected);
  }
});

if ("Buffer" in globalThis)
  test("a small Buffer is not transferred with the memory it shares with others", async () => {
    const [one, other] = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];
    await expect(erwin.load(one, { transfer: true })).rejects.toBeInstanceOf(ErwinError);
    expect([...other]).toEqual([4, 5, 6]);
  });

test("bytes that are still to come are to be awaited", async () => {
  const bytes = Promise.resolve(new Uint8Array(8)) as unknown as Uint8Array;
  await expect(erwin.load(bytes)).rejects.toThrow("source is a Promise (await it), which cannot leave its thread");
});

test("memory of WebAssembly, which cannot be transferred, is refused by name", async () => {
  const { buffer } = new WebAssembly.Memory({ initial: 1 });
  const input = { ...structuredClone(cloud), nodeFeatures: new Float32Array(buffer, 0, nodeFeatures.length) };
  await expect(erwin.forward(input, { transfer: true })).rejects.toBeInstanceOf(InputError);
  input.nodeFeatures.set(nodeFeatures);
  expect((await erwin.forward(input)).data).toEqual(expected);
});

test("a training that nobody listens to is ended by dispose without an unhandled rejection", async () => {
  const other = await createErwinWorker({ backend: "cpu", threads: 1 });
  await other.create(config);
  let ended: Promise<unknown> | undefined;
  await new Promise<void>((resolve) => {
    ended = other.train({ ...training, steps: 100_000, logEvery: 1 }, () => resolve()).finished;
  });
  const unhandled: unknown[] = [];
  const listen = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    unhandled.push(event.reason);
  };
  addEventListener("unhandledrejection", listen);
  other.dispose();
  await new Promise((resolve) => setTimeout(resolve, 100));
  removeEventListener("unhandledrejection", listen);
  expect(unhandled).toEqual([]);
  await expect(ended).rejects.toBeInstanceOf(DisposedError);
});
