// The store in S3, against a server that speaks its protocol.

import { afterAll, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { sha256 } from "../../../src/jobs/job.ts";
import { Leases } from "../../../src/jobs/leases.ts";
import { type Claim, SharedWork } from "../../../src/jobs/shared-work.ts";
import { S3Store, type S3StoreOptions } from "../../../src/jobs/stores/s3.ts";
import { type S3Server, startS3Server } from "./s3-server.ts";

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server.stop());
beforeEach(() => {
  server.onRequest = () => undefined;
  server.overwrites = false;
});

const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
const store = (options: Partial<S3StoreOptions> = {}) =>
  new S3Store({ bucket: "bucket", endpoint: server.endpoint, credentials, pauses: [1, 1, 1], ...options });
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);
const unusual = ["plain", "with space", "über", "a+b", "a&b=c", "50%", "it's (1)!*", "<tag>"];

it("saves, reads, lists and removes objects of any name, below its folder", async () => {
  const files = store({ folder: "names" });
  for (const name of unusual) await files.save(`in/${name}`, bytes(name));
  for (const name of unusual) expect(text(await files.load(`in/${name}`))).toBe(name);
  const listed = await files.list("in");
  expect(listed.map(({ name }) => name).sort()).toEqual([...unusual].sort());
  expect(await store().list("names")).toEqual([{ name: "in", folder: true }]);
  expect(await files.size("in/über")).toBe(5);
  expect(text(await files.read("in/plain", { offset: 1, length: 3 }))).toBe("lai");
  expect(await files.read("in/plain", { offset: 10, length: 3 })).toEqual(new Uint8Array());
  await files.remove("in/plain");
  await files.remove("in/plain");
  expect(await files.load("in/plain")).toBeUndefined();
  await expect(files.read("in/plain")).rejects.toThrow("s3://bucket/names/in/plain: there is no such file.");
  await expect(files.size("in/plain")).rejects.toMatchObject({ name: "FormatError" });
  await expect(files.list("out")).rejects.toMatchObject({ name: "FormatError" });
});

it("lists page by page", async () => {
  const files = store({ folder: "pages" });
  const names = Array.from({ length: 7 }, (_, i) => `${i}.txt`);
  await Promise.all(names.map((name) => files.save(name, bytes(name))));
  server.pageSize = 3;
  const before = server.requests.length;
  expect((await files.list("")).map(({ name }) => name).sort()).toEqual(names);
  expect(server.requests.length - before).toBe(3);
});

it("creates an object once, whoever tries, and tells whether the server can do that", async () => {
  const winners = await Promise.all(Array.from({ length: 8 }, (_, i) => store().create("one", bytes(`${i}`))));
  expect(winners.filter(Boolean).length).toBe(1);
  expect(text(await store().load("one"))).toBe(String(winners.indexOf(true)));
  expect(await store().tryWriting()).toBe(true);
  server.overwrites = true;
  expect(await store().tryWriting()).toBe(false);
  expect((await store().list("")).filter(({ name }) => name.includes("trial"))).toEqual([]);
});

/** A process that no longer renews its leases. */
class Stopped extends S3Store {
  override async save() {
    throw new Error("this process is stopped");
  }
}

it("shares work, each output made once, and takes over what a stopped process has begun", async () => {
  const inputs = store({ folder: "work/in" });
  const names = Array.from({ length: 9 }, (_, i) => `${i}.csv`);
  await Promise.all(names.map((name) => inputs.save(name, bytes(name))));
  const recipe = { model: await sha256(bytes("model")), options: {} };
  const begin = (outputs: S3Store, owner: string, seconds: number) => {
    const leases = new Leases(outputs, { owner, seconds });
    const jobs = names.map((name) => ({ input: name, output: name }));
    const failures: unknown[] = [];
    const onFailure = (_: unknown, error: unknown) => failures.push(error);
    const work = new SharedWork({ jobs, inputs, outputs, recipe, leases, parallel: 3, onFailure });
    return { work, leases, failures };
  };
  const folder = "work/out";
  const options = { bucket: "bucket", folder, endpoint: server.endpoint, credentials };
  const stopped = begin(new Stopped(options), "stopped", 1);
  const claim = (await (await stopped.work.passes().next()).value!.next()).value as Claim;
  const made = await Promise.all(
    ["one", "other"].map(async (owner) => {
      const { work, leases, failures } = begin(store({ folder }), owner, 100);
      const done: string[] = [];
      for await (const claims of work.passes()) {
        for await (const { job, input, finish } of claims) if (await finish(input)) done.push(job.input);
      }
      await leases.stop();
      expect(failures).toEqual([]);
      return done;
    }),
  );
  expect(made.flat().sort()).toEqual(names);
  expect(await claim.finish(bytes("too late"))).toBe(false);
  expect(stopped.failures).toEqual([]);
  await stopped.leases.stop();
  const found = (await store({ folder }).list("")).map(({ name }) => name).sort();
  expect(found).toEqual(names.flatMap((name) => [name, `${name}.job.json`]).sort());
  for (const name of names) expect(text(await store({ folder }).load(name))).toBe(name);
});

it("repeats what fails for a while, and knows its own creation if only the answer was lost", async () => {
  let failures = 2;
  server.onRequest = () => (failures-- > 0 ? 503 : undefined);
  await store().save("slow", bytes("down"));
  expect(text(await store().load("slow"))).toBe("down");
  failures = 1;
  server.onRequest = (method) => (method === "PUT" && failures-- > 0 ? "cut" : undefined);
  expect(await store().create("cut", bytes("mine"))).toBe(true);
  failures = 1;
  expect(await store().create("cut", bytes("of another"))).toBe(false);
});

it.each([
  ["no such bucket", { bucket: "absent" }, "bucket", /there is no bucket "absent" at 127\.0\.0\.1.*AWS_ENDPOINT_URL/],
  [
    "credentials that are not known",
    { credentials: { accessKeyId: "unknown", secretAccessKey: "hidden" } },
    "forbidden",
    /does not know AWS_ACCESS_KEY_ID/,
  ],
  ["a server that is not there", { endpoint: "http://127.0.0.1:1" }, "network", /127\.0\.0\.1:1 cannot be reached/],
])("says what is wrong: %s", async (_, options, reason, message) => {
  const failed = await store(options)
    .save("x", bytes("x"))
    .catch((error: unknown) => error);
  expect(failed).toMatchObject({ name: "StorageError", details: { reason }, message: expect.stringMatching(message) });
  expect(String(failed)).not.toContain("hidden");
});

it("says in which region a bucket is", async () => {
  server.onRequest = () => 301;
  await expect(store().load("x")).rejects.toThrow(/not in the region us-east-1, set AWS_REGION to the bucket's/);
  server.onRequest = () => 403;
  await expect(store({ credentials: undefined }).load("x")).rejects.toThrow(/no credentials were given/);
});

it.each([
  ["data", "https://data.s3.us-east-1.amazonaws.com/x"],
  // Its name has dots, for which there are no certificates.
  ["my.data", "https://s3.us-east-1.amazonaws.com/my.data/x"],
])("of AWS finds the bucket %s, and repeats what AWS says of its region", async (bucket, address) => {
  const fetched = vi.fn(async (request: RequestInfo | URL) => {
    expect(String(request instanceof Request ? request.url : request)).toBe(address);
    return new Response(null, { status: 400, headers: { "x-amz-bucket-region": "eu-west-1" } });
  });
  vi.stubGlobal("fetch", fetched);
  try {
    const wrong = new S3Store({ bucket, pauses: [] }).load("x");
    await expect(wrong).rejects.toThrow(/not in the region us-east-1, set AWS_REGION=eu-west-1/);
    expect(fetched).toHaveBeenCalledOnce();
  } finally {
    vi.unstubAllGlobals();
  }
});
