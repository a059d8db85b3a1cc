// Predicts a folder of the private file system in a page, as two "processes" and with a worker that competes for files.

import { ErwinTransformer, loadSafetensors, requestDevice, saveSafetensors } from "erwin";
import { DirectoryStore, Leases, predictClaims, SharedWork, sha256 } from "erwin/jobs";
import { oneBlock as config } from "../support/configs.ts";

const COUNT = 6;
const bytes = (text: string) => new TextEncoder().encode(text);
const positionsOf = (cloud: number) =>
  Float32Array.from({ length: 96 }, (_, k) => Math.sin(12.9898 * (96 * cloud + k)));

export interface FolderVisit {
  /** The inputs that each of the two processes has predicted, and those that a third finds to be done. */
  made: string[][];
  skipped: number;
  /** The outputs that are not those of the model alone. */
  different: string[];
  /** Everything in the folder of the outputs. */
  names: string[];
  /** How many of the page and a worker have created each file. */
  winners: number[];
  /** What was read back of a file that was written twice, of a range, and of one that was deleted. */
  texts: (string | undefined)[];
}

export async function visitFolder(): Promise<FolderVisit> {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry("folder", { recursive: true }).catch(() => {});
  const store = new DirectoryStore(await root.getDirectoryHandle("folder", { create: true }));
  using device = await requestDevice({ backend: "cpu", threads: 1 });
  using model = await ErwinTransformer.create(config, { device, seed: 1 });
  const jobs = Array.from({ length: COUNT }, (_, i) => ({ input: `in/${i}`, output: `out/${i}.safetensors` }));
  for (const [i, { input }] of jobs.entries()) {
    await store.save(input, saveSafetensors({ node_positions: { shape: [32, 3], data: positionsOf(i) } }));
  }
  const recipe = { model: await sha256(new Uint8Array(await model.save())), options: {} };

  const predict = async (owner: string) => {
    const leases = new Leases(store, { owner, seconds: 30 });
    const made: string[] = [];
    const work = new SharedWork({
      jobs,
      inputs: store,
      outputs: store,
      recipe,
      leases,
      onFailure: (_, error) => made.push(String(error)),
    });
    await work.skipDone();
    for await (const claims of work.passes()) {
      await predictClaims(claims, {
        model,
        prepare: async ({ input }) => {
          const positions = loadSafetensors(input).tensors.get("node_positions")!.data as Float32Array;
          return model.prepare({ nodeFeatures: positions, nodePositions: positions });
        },
        encode: ({ data, width }, _, { job }) => {
          made.push(job.input);
          return saveSafetensors({ out: { shape: [data.length / width, width], data } });
        },
        batchPoints: 32,
      });
    }
    await leases.stop();
    return { made, skipped: work.counts.skipped };
  };
  const made = (await Promise.all(["one", "other"].map(predict))).map(({ made }) => made);
  const { skipped } = await predict("third");

  const different: string[] = [];
  for (const [i, { output }] of jobs.entries()) {
    const positions = positionsOf(i);
    const alone = await model.forward({ nodeFeatures: positions, nodePositions: positions });
    const expected = await alone.data();
    const found = loadSafetensors(await store.read(output)).tensors.get("out")?.data as Float32Array | undefined;
    if (!found || found.length !== expected.length || found.some((value, k) => value !== expected[k]))
      different.push(output);
  }
  const names = (await store.list("out")).map(({ name }) => name).sort();

  await store.save("text", bytes("a longer text"));
  await store.save("text", bytes("again"));
  const decode = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
  const texts = [decode(await store.load("text")), decode(await store.read("text", { offset: 1, length: 3 }))];
  await store.remove("text");
  await store.remove("text");
  texts.push(decode(await store.load("text")));
  return { made, skipped, different, names, winners: await compete(store), texts };
}

/** The page and a worker create the same files at the same time. */
async function compete(store: DirectoryStore): Promise<number[]> {
  const script = `
    import { DirectoryStore } from "${new URL("/dist/jobs.js", location.href).href}";
    const root = await navigator.storage.getDirectory();
    const store = new DirectoryStore(await root.getDirectoryHandle("folder"));
    postMessage("ready");
    addEventListener("message", async () => {
      const created = [];
      for (let i = 0; i < 10; i++) created.push(await store.create("race/" + i, new Uint8Array(10)));
      postMessage(created);
    });`;
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
  const answer = () =>
    new Promise<unknown>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    });
  try {
    await answer();
    const theirs = answer() as Promise<boolean[]>;
    worker.postMessage("begin");
    const own: boolean[] = [];
    for (let i = 0; i < 10; i++) own.push(await store.create(`race/${i}`, new Uint8Array(10)));
    const other = await theirs;
    return own.map((created, i) => Number(created) + Number(other[i]));
  } finally {
    worker.terminate();
  }
}

/** What a visit has to find. */
export function problemsOf({ made, skipped, different, names, winners, texts }: FolderVisit): string[] {
  const problems = different.map((name) => `${name} is not the model's output`);
  const all = made.flat().sort().join();
  if (all !== Array.from({ length: COUNT }, (_, i) => `in/${i}`).join()) problems.push(`predicted: ${all}`);
  if (skipped !== COUNT) problems.push(`found to be done: ${skipped}`);
  if (names.join() !== Array.from({ length: COUNT }, (_, i) => `${i}.safetensors`).join()) problems.push(names.join());
  if (winners.some((count) => count !== 1)) problems.push(`created by ${winners}`);
  if (texts.join() !== "again,gai,") problems.push(texts.join());
  return problems;
}
