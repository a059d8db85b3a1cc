// Values of samples in a table beside them: the built command line finds it, trains with it, and predicts with it, beside the inputs or not.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { loadCsv } from "erwin/formats";
import { afterAll, expect, it } from "vitest";
import { parse } from "yaml";
import { parseSideTable, partOf } from "../../src/experiments/folder/side-table.ts";
import { sha256 } from "../../src/jobs/job.ts";
import { useErwin } from "./calls.ts";
import { cliPath, errorLine, spawnDeno, start, temporaryFolder } from "./command.ts";

const { path, remove } = temporaryFolder();
afterAll(remove);
const erwin = useErwin();

const speeds = [1, 4, 2, 6, 3, 5, 8, 7];
const tableOf = (factor: number) =>
  `case,speed\n${speeds.map((speed, i) => `Fall ä ${i},${factor * speed}\n`).join("")}`;
const onCpu = ["--backend", "cpu", "--threads", "1"];
const small = ["c_in=4", "c_hidden=4", "ball_sizes=[16]", "enc_depths=[1]", "enc_num_heads=[1]", "dec_depths=[]"];
const model = [...small, "dec_num_heads=[]", "strides=[]", "rotate=0"].map((entry) => `model.${entry}`);
const prediction = (file: string) => [
  ...loadCsv(readFileSync(path(file)), { attributes: ["prediction"] }).attributes!.get("prediction")!.data,
];

it("init, train, evaluate and predict take a sample's values from its row", async () => {
  mkdirSync(path("data"));
  // u is the speed: without the table nothing tells it.
  for (const [i, speed] of speeds.entries()) {
    const rows = Array.from({ length: 12 }, (_, k) => `${k % 3},${k >> 2},0,${speed + 0.25}\n`);
    writeFileSync(path(`data/Fall ä ${i}.csv`), `x,y,z,u\n${rows.join("")}`);
  }
  writeFileSync(path("data/params.csv"), tableOf(1));
  const proposed = await erwin(["init", path("data"), "--out", path("run.yaml")]);
  expect(proposed.stdout).toContain("8 .csv files: inputs none; targets none; globals u, speed");
  expect(parse(readFileSync(path("run.yaml"), "utf8")).table).toBe("params.csv");

  const settings = [
    "globals=[speed]",
    "targets=[u]",
    "training.steps=200",
    "training.lr=0.01",
    "training.batch_size=8",
  ];
  const splits = 'splits={"train":["*"],"test":["*"]}';
  const train = ["train", "--data-path", path("data"), "--config", path("run.yaml"), "--out", path("run")];
  const trained = await erwin([...train, ...settings, splits, ...model, ...onCpu]);
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stdout).toContain("samples: 8 to train on");
  const json = path("test.json");
  const evaluated = await erwin(["evaluate", "--model", path("run"), "--json", json, "--split", "test", ...onCpu]);
  expect(evaluated.code, evaluated.stderr).toBe(0);
  expect(JSON.parse(readFileSync(json, "utf8")).metrics.r2_u).toBeGreaterThan(0.5);

  const many = ["predict", "--model", path("run"), "--input", path("data"), "--output", path("all"), ...onCpu];
  expect((await erwin(many)).stdout).toContain("8 predicted, 0 skipped, 0 failed");
  expect(existsSync(path("all/params.csv"))).toBe(false);
  expect(readdirSync(path("all")).filter((name) => name.endsWith(".csv"))).toHaveLength(8);
  const before = prediction("all/Fall ä 3.csv");
  // Other values are other inputs.
  expect((await erwin(many)).stdout).toContain("0 predicted, 8 skipped, 0 failed");
  writeFileSync(path("data/params.csv"), tableOf(0.5));
  expect((await erwin(many)).stdout).toContain("8 predicted, 0 skipped, 0 failed");
  expect(prediction("all/Fall ä 3.csv")[0]).toBeLessThan(before[0] - 1);

  mkdirSync(path("other"));
  copyFileSync(path("data/Fall ä 3.csv"), path("other/Fall ä 3.csv"));
  const one = ["predict", "--model", path("run"), "--input", path("other/Fall ä 3.csv"), "--output", path("one.csv")];
  const without = await erwin([...one, ...onCpu]);
  expect(without.code).toBe(1);
  expect(errorLine(without)).toContain(
    'has no array "speed"; there are "u". The model knows such values from the table',
  );
  writeFileSync(path("values.csv"), tableOf(1));
  const given = await erwin([...one, "--table", path("values.csv"), ...onCpu]);
  expect(given.code, given.stderr).toBe(0);
  expect(prediction("one.csv")).toEqual(before);
  // One in the folder around that of the input is found, too.
  writeFileSync(path("params.csv"), tableOf(1));
  expect((await erwin([...one, ...onCpu])).code).toBe(0);

  // What a queue's worker does with a job, which has the sample's row with it.
  const weights = path("run/model.safetensors");
  const job = {
    ...{ model: weights, input: path("other/Fall ä 3.csv"), output: path("queued.csv"), format: ".csv" },
    recipe: { model: await sha256(readFileSync(weights)), options: {} },
    table: partOf(parseSideTable(new TextEncoder().encode(tableOf(1)), "params.csv"), "other/Fall ä 3.csv"),
  };
  const worker = spawnDeno([cliPath, "work", "--compute", ...onCpu]);
  let answer = "";
  worker.stdout.on("data", (data) => (answer += data));
  worker.stdin.end(`${JSON.stringify({ number: 1, job })}\n`);
  await new Promise((resolve) => worker.on("close", resolve));
  expect(answer).toBe('{"number":1}\n');
  expect(prediction("queued.csv")).toEqual(before);

  const service = start(["serve", "--model", path("run"), "--port", "0", ...onCpu]);
  try {
    const [, url] = /on (\S+)/.exec(await service.printed(/serving .*\n/))!;
    const post = async (query: string) => {
      const body = readFileSync(path("other/Fall ä 3.csv"));
      const response = await fetch(`${url}/predict?from=csv${query}`, { method: "POST", body });
      return { status: response.status, text: await response.text() };
    };
    const served = await post("&speed=6");
    expect([served.status, served.text]).toEqual([200, readFileSync(path("queued.csv"), "utf8")]);
    for (const [query, message] of [
      ["", "The model knows such values from the table"],
      ["&sped=6", 'the address has \\"sped\\", expected only from, to and speed'],
      ["&speed=6&speed=7", 'the address has \\"speed\\" twice'],
      ["&speed=fast", 'speed, row 0: is \\"fast\\", expected a number'],
      ["&speed=", 'speed, row 0: is \\"\\", expected a number'],
      ["&speed=1,2", "speed has 2 rows, expected 1"],
    ]) {
      const refused = await post(query);
      expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(message)]);
    }
  } finally {
    process.kill(service.pid);
    await service.ended;
  }
});

it("learns what the table has for whole samples, writes it as a table, and says how to mend a rate at which numbers overflow", async () => {
  for (const [i, speed] of speeds.entries()) {
    mkdirSync(path("whole"), { recursive: true });
    const rows = Array.from({ length: 12 }, (_, k) => `${k % 3},${(k >> 2) * speed},0\n`);
    writeFileSync(path(`whole/Fall ä ${i}.csv`), `x,y,z\n${rows.join("")}`);
  }
  writeFileSync(path("whole/params.csv"), tableOf(1));
  const settings = ["targets.speed.whole=true", "table=params.csv", "training.batch_size=8", ...model];
  const splits = 'splits={"train":["*"],"test":["*"]}';
  writeFileSync(path("whole.yaml"), "training: {}\n");
  const train = (out: string) => [
    "train",
    "--data-path",
    path("whole"),
    "--config",
    path("whole.yaml"),
    "--out",
    path(out),
  ];
  const trained = await erwin([...train("drags"), ...settings, splits, "training.steps=2", ...onCpu]);
  expect(trained.code, trained.stderr).toBe(0);
  expect(trained.stdout).toContain("predictions of whole samples beside the truth: ");
  const [header, ...rows] = readFileSync(path("drags/predictions/whole.csv"), "utf8").trim().split("\n");
  expect(header).toBe("sample,speed,prediction,error");
  expect(rows.map((row) => row.split(",").slice(0, 2))).toEqual(
    speeds.map((speed, i) => [`Fall ä ${i}.csv`, `${speed}`]),
  );
  for (const row of rows) {
    const [truth, predicted, error] = row.split(",").slice(1).map(Number);
    expect(predicted - truth).toBeCloseTo(error, 4);
  }

  const wild = ["training.steps=200", "training.lr=1e20", "training.warmup=0"];
  const failed = await erwin([...train("wild"), ...settings, splits, ...wild, ...onCpu]);
  expect(failed.code).toBe(1);
  expect(errorLine(failed)).toMatch(
    /is not finite at step \d+: begin anew with a lower learning rate, .* \(training\.lr=X and training\.max_grad_norm=1\), in another --out\.$/,
  );
});
