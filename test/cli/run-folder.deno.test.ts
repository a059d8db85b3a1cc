// The files and the output of a run, its behaviour with damaged files and other formats of weights, and W&B.

import { cpSync, existsSync, readdirSync, readFileSync, truncateSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { loadVtu, readTfRecords } from "erwin/formats";
import { afterAll, expect, it } from "vitest";
import { expectClose } from "../support/compare.ts";
import { useErwin } from "./calls.ts";
import { errorLine, erwinAlone, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const golden = (name: string) => fileURLToPath(new URL(`../golden/experiments/${name}`, import.meta.url));
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
const entries = (run: string) =>
  readFileSync(path(`${run}/metrics.jsonl`), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

const md = (run: string, ...more: string[]) => [
  ...["train", "md", "--data-path", golden("md/data"), "--init", golden("md/init.safetensors"), "--backend", "cpu"],
  ...["--batch-size", "12", "--steps", "4", "--log-every", "2", "--out", path(run), ...more],
];

const eventFiles = (run: string) => readdirSync(path(run)).filter((name) => name.startsWith("events.out.tfevents."));

it("holds config, weights, numbers for TensorBoard too, a picture, and predictions in the data's own units", async () => {
  const trained = await erwin(md("whole"));
  expect(trained.code, trained.stderr).toBe(0);
  const config = json(path("whole/config.json"));
  expect(config).toMatchObject({
    experiment: "md",
    settings: { steps: "4", "batch-size": "12", seed: "0" },
    model: { c_in: 16, ball_sizes: [32, 16, 16] },
    samples: { train: 132, val: 88, test: 88 },
    host: expect.stringMatching(/^Deno \d/),
  });
  const [target] = config.fields.targets;
  expect(target).toMatchObject({ name: "acceleration", deviation: [1.7428, 1.7295, 1.739] });
  expect(existsSync(path("whole/curve.svg"))).toBe(true);

  const [events] = eventFiles("whole");
  const text = new TextDecoder("latin1");
  const records = [...readTfRecords(readFileSync(path(`whole/${events}`)))].map((record) => text.decode(record));
  // There is one record for the version, and one for each line of the log.
  expect(records).toHaveLength(1 + entries("whole").length);
  expect(records[0]).toContain("brain.Event:2");
  for (const tag of ["training/loss", "training/lr", "training/gradientNorm", "training/pointsPerSecond", "test/mse"]) {
    expect(
      records.some((record) => record.includes(tag)),
      tag,
    ).toBe(true);
  }

  const files = readdirSync(path("whole/predictions"));
  expect(files).toHaveLength(88);
  const errors = files.map((file) => {
    const { pointData } = loadVtu(readFileSync(path(`whole/predictions/${file}`)), { file });
    const [truth, predicted, error] = ["acceleration", "prediction", "error"].map(
      (name) => pointData.get(name)!.data as Float32Array,
    );
    expectClose(
      predicted,
      Float32Array.from(truth, (value, i) => value + error[i]),
      1e-5,
      file,
    );
    return error.reduce((sum, value, i) => sum + (value / target.deviation[i % 3]) ** 2, 0) / error.length;
  });
  const evaluated = await erwin([
    "evaluate",
    "--model",
    path("whole"),
    "--json",
    path("found.json"),
    "--backend",
    "cpu",
  ]);
  expect(evaluated.code, evaluated.stderr).toBe(0);
  const measured = json(path("found.json")).samples.map(({ mse }: { mse: number }) => mse);
  expectClose(errors, measured, 1e-5, "mean squared error of each prediction");
});

it("is described by erwin info", async () => {
  const { code, stdout, stderr } = await erwin(["info", path("whole"), "--json"]);
  expect(code, stderr).toBe(0);
  const { format, samples, arrays, run } = JSON.parse(stdout);
  expect({ format, samples }).toEqual({ format: "run", samples: { train: 132, val: 88, test: 88 } });
  expect(run).toMatchObject({ experiment: "md", step: 4, steps: 4, test: entries("whole").at(-1) });
  expect(arrays.map(({ name }: { name: string }) => name)).toContain("dynamics_model.embed.embed_fn.weight");
  const text = (await erwin(["info", path("whole")])).stdout;
  expect(text).toMatch(/steps +4 of 4/);
  expect(text).toMatch(/targets +acceleration \[3\]/);
  expect((await erwin(["info", golden("shapenet/data/preprocessed"), "--json"])).stdout).toMatch(
    /"train": \d+,\s+"val": \d+,\s+"test": \d+/,
  );
});

it("says what a run will take, and writes nothing", async () => {
  const { code, stdout, stderr } = await erwin(md("planned", "--dry-run"));
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/memory: .* the model, .* gradients and AdamW, .* at most/);
  expect(stdout).toMatch(/time: [\d.]+ \w+ a step/);
  expect(stdout).toContain("for 4 steps");
  expect(existsSync(path("planned"))).toBe(false);
});

it("leaves damaged samples out where it may, and tells which", async () => {
  cpSync(golden("shapenet/data/preprocessed"), path("cars"), { recursive: true });
  const cars = json(golden("shapenet/expected.json")).cars as Record<"train" | "test", string[]>;
  for (const car of [cars.train[0], cars.test[0]]) truncateSync(path(`cars/${car}/pressure.th`), 300);
  const words = (run: string, ...more: string[]) => [
    ...["train", "shapenet", "--data-path", path("cars"), "--init", golden("shapenet/init.safetensors")],
    ...["--validation", "test", "--batch-size", "2", "--steps", "4", "--backend", "cpu", "--predictions", "off"],
    ...["--out", path(run), ...more],
  ];
  const refused = await erwin(words("tolerant"));
  expect(refused.code).toBe(1);
  expect(errorLine(refused)).toMatch(/pressure\.th.* --skip-bad leaves out samples whose files are damaged\.$/);

  // The refused call has left nothing from which to continue, so its folder takes other settings.
  // The workers find the damaged sample more than once, but it is reported once.
  const trained = await erwin(words("tolerant", "--skip-bad", "--num-workers", "2"));
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stdout).toContain(`${cars.test.length - 1} to test with`);
  expect(trained.stdout).toContain("left out 3 damaged samples");
  const { leftOut } = json(path("tolerant/config.json"));
  expect(leftOut.map(({ split, sample }: Record<string, string>) => [split, sample])).toEqual([
    ["train", cars.train[0]],
    ["val", cars.test[0]],
    ["test", cars.test[0]],
  ]);
  expect(existsSync(path("tolerant/predictions"))).toBe(false);

  const evaluation = ["evaluate", "--model", path("tolerant"), "--backend", "cpu", "--json", path("sound.json")];
  expect((await erwin(evaluation)).stderr).toMatch(/^error: .*pressure\.th.*--skip-bad/m);
  const evaluated = await erwin([...evaluation, "--skip-bad"]);
  expect(evaluated.code, evaluated.stderr).toBe(0);
  expect(evaluated.stderr).toContain(`left out ${cars.test[0]}: `);
  const found = json(path("sound.json"));
  expect(found.samples.map(({ name }: { name: string }) => name)).toEqual(cars.test.slice(1));
  expect(found.leftOut).toMatchObject([{ sample: cars.test[0] }]);
});

it("begins with PyTorch's weights as with its own", async () => {
  const words = (run: string, ...more: string[]) => [
    ...["train", "overfit", "--backend", "cpu", "--predictions", "off", "--steps", "1", "--log-every", "1"],
    ...["--out", path(run), ...more],
  ];
  expect((await erwin(words("first"))).code).toBe(0);
  expect((await erwin(["convert", path("first/model.safetensors"), path("first.pt")])).code).toBe(0);
  const fromOwn = await erwin(words("own", "--init", path("first/model.safetensors")));
  expect(fromOwn.code, fromOwn.stderr).toBe(0);
  const fromTorch = await erwin(words("torch", "--init", path("first.pt")));
  expect(fromTorch.code, fromTorch.stderr).toBe(0);
  expect(fromTorch.stderr).toMatch(/first\.pt does not say ball_sizes and rotate: .* ball_sizes \[.+\], rotate \d/);
  expect(entries("torch").map(({ loss }) => loss)).toEqual(entries("own").map(({ loss }) => loss));
});

it("sends its numbers to Weights & Biases, and goes on where that fails", async () => {
  const asked: { url: string; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      asked.push({ url: request.url ?? "", body });
      response.setHeader("content-type", "application/json");
      const bucket = {
        id: "x",
        name: "x",
        displayName: "x",
        project: { id: "p", name: "erwin", entity: { name: "us" } },
      };
      const viewer = { id: "1", entity: "us", flags: "{}", teams: { edges: [] } };
      response.end(JSON.stringify({ data: { viewer, upsertBucket: { bucket, inserted: true } } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const env = { WANDB_API_KEY: "0".repeat(40), WANDB_BASE_URL: address };
  const words = (run: string) => md(run, "--use-wandb", "1", "--predictions", "off");
  try {
    const sent = await erwinAlone(words("sent"), { env });
    expect(sent.code, sent.stderr).toBe(0);
    const { id } = json(path("sent/config.json"));
    expect(sent.stderr).toContain(`/us/erwin/runs/${id}`);
    const lines = asked
      .filter(({ url }) => url === `/files/us/erwin/${id}/file_stream`)
      .flatMap(({ body }) => JSON.parse(body).files?.["wandb-history.jsonl"]?.content ?? [])
      .map((line: string) => JSON.parse(line));
    const steps = entries("sent");
    expect(lines.map(({ _step }) => _step)).toEqual(steps.map(({ step }) => step));
    expect(lines[0]["training/loss"]).toBe(steps[0].loss);
    expect(asked.some(({ body }) => body.includes('"complete":true,"exitcode":0'))).toBe(true);
  } finally {
    server.close();
    server.closeAllConnections();
  }
  const alone = await erwinAlone(words("alone"), { env });
  expect(alone.code, alone.stderr).toBe(0);
  expect(alone.stderr).toMatch(/Weights & Biases: .*; training goes on without it/);
  expect(entries("alone").map(({ loss }) => loss)).toEqual(entries("sent").map(({ loss }) => loss));
});
