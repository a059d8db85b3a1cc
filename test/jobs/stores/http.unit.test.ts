// The store on a web server, against one that speaks WebDAV and against one that only sends files.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { v2 as webdav } from "webdav-server";
import { readFile, takeUser } from "../../../src/cli/files/remote-files.ts";
import { findInputs } from "../../../src/cli/predict/inputs.ts";
import { formatIndex } from "../../../src/experiments/sources/http.ts";
import { HttpStore } from "../../../src/jobs/stores/http.ts";

let server: Server;
let address = "";
const requests: { method?: string; url?: string; headers: IncomingMessage["headers"] }[] = [];
/** Answers a request in place of the WebDAV server, if it returns true. */
let inPlace: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;

beforeAll(async () => {
  const dav = new webdav.WebDAVServer({ requireAuthentification: false });
  server = createServer((request, response) => {
    const { method, url, headers } = request;
    requests.push({ method, url, headers });
    if (!inPlace(request, response)) dav.executeRequest(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  inPlace = () => false;
  requests.length = 0;
});

const store = (folder: string) => new HttpStore(`${address}/${folder}`, { pauses: [1, 1] });
it("refuses an address whose parts are not encoded, without its password", () => {
  for (const address of ["https://user:50%pass@host/", "https://user:pass#word@host/", "https://host/100%/"]) {
    const error = (() => new HttpStore(address)) as () => unknown;
    expect(error).toThrow(/address is not valid/);
    expect(error).not.toThrow(/pass@|word@/);
  }
});

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

/** Sends files as a server does that knows nothing else. */
const sendOnly = (files: Record<string, string>) => (request: IncomingMessage, response: ServerResponse) => {
  const found = files[decodeURIComponent(request.url ?? "")];
  const isRead = request.method === "GET" || request.method === "HEAD";
  response.writeHead(isRead ? (found === undefined ? 404 : 200) : 405, { "Content-Length": found?.length ?? 0 });
  response.end(request.method === "GET" ? found : undefined);
  return true;
};

it("waits as long as a busy server asks for, in seconds or until a date", async () => {
  const asked = [new Date(Date.now() + 1600).toUTCString(), "1"];
  const come: number[] = [];
  inPlace = (request, response) => {
    come.push(Date.now());
    const again = asked[come.length - 1];
    if (again === undefined) return sendOnly({ "/busy/a": "a" })(request, response);
    response.writeHead(503, { "Retry-After": again }).end();
    return true;
  };
  expect(text(await store("busy").read("a"))).toBe("a");
  // Timers may be a millisecond early.
  expect(come[1]).toBeGreaterThan(Date.parse(asked[0]) - 20);
  expect(come[2] - come[1]).toBeGreaterThan(980);
});

it("saves, reads, lists and removes files, in folders that it makes", async () => {
  const files = store("made/for it");
  const names = ["plain", "with space", "über", "a+b", "50%"];
  for (const name of names) await files.save(`in/${name}`, bytes(name));
  for (const name of names) expect(text(await files.load(`in/${name}`))).toBe(name);
  // Written beside its place and moved there.
  expect(requests.filter(({ method }) => method === "MOVE").length).toBe(names.length);
  expect((await files.list("in")).map(({ name }) => name).sort()).toEqual([...names].sort());
  expect(await files.list("")).toEqual([{ name: "in", folder: true }]);
  expect(await files.size("in/über")).toBe(5);
  expect(text(await files.read("in/plain", { offset: 1, length: 3 }))).toBe("lai");
  await files.save("in/plain", bytes("again"));
  expect(text(await files.load("in/plain"))).toBe("again");
  await files.save("in/plain.0123.tmp", bytes("left by a killed process"));
  await store("made/for it").sweep("in/plain");
  expect((await files.list("in")).length).toBe(names.length);
  await files.remove("in/plain");
  await files.remove("in/plain");
  expect(await files.load("in/plain")).toBeUndefined();
  await expect(files.read("in/plain")).rejects.toMatchObject({ name: "FormatError" });
  await expect(files.list("out")).rejects.toMatchObject({ name: "FormatError" });
});

it("knows its own save if only the answer was lost, and says that a server is full", async () => {
  const files = store("lost");
  await files.save("first", bytes("so it knows that files can be moved"));
  let lost = 0;
  inPlace = ({ method }, response) => {
    if (method === "MOVE" && lost++ === 0) response.end = () => response.destroy();
    return false;
  };
  await files.save("second", bytes("moved once"));
  expect(lost).toBe(2);
  expect(text(await files.load("second"))).toBe("moved once");
  inPlace = ({ method }, response) => method === "PUT" && !!response.writeHead(507).end();
  await expect(files.save("third", bytes("too much"))).rejects.toMatchObject({
    name: "StorageError",
    details: { reason: "ENOSPC", status: 507 },
  });
});

it.each([
  ["is silent", (response: ServerResponse) => response.destroy()],
  ["is busy", (response: ServerResponse) => response.writeHead(503).end()],
])("asks again whether files are moved, and for the index, where the server %s at first", async (_, fail) => {
  const files = store("outage");
  inPlace = ({ method }, response) => method === "OPTIONS" && !!fail(response);
  await expect(files.save("a", bytes("a"))).rejects.toMatchObject({
    name: "StorageError",
    details: { reason: "network" },
  });
  inPlace = () => false;
  requests.length = 0;
  await files.save("a", bytes("a"));
  await files.save("b", bytes("b"));
  expect(requests.map(({ method }) => method).filter((method) => method === "OPTIONS" || method === "MOVE")).toEqual([
    "OPTIONS",
    "MOVE",
    "MOVE",
  ]);

  const listed = store("listed");
  const found = sendOnly({ "/listed/index.json": formatIndex({ a: 1 }) });
  inPlace = (request, response) => (request.method === "GET" ? !!fail(response) : found(request, response));
  await expect(listed.list("")).rejects.toMatchObject({ name: "StorageError", details: { reason: "network" } });
  inPlace = found;
  expect(await listed.list("")).toEqual([{ name: "a", folder: false }]);
});

it("finds out that a server writes over what exists", async () => {
  expect(await store("trial").tryWriting()).toBe(false);
  inPlace = ({ method, headers }, response) => {
    if (method !== "PUT" || headers["if-none-match"] !== "*") return false;
    const isFirst = requests.filter(({ method }) => method === "PUT").length === 1;
    response.writeHead(isFirst ? 201 : 412).end();
    return true;
  };
  requests.length = 0;
  expect(await store("trial").tryWriting()).toBe(true);
});

it("reads from a server that only sends files, by lists and by an index", async () => {
  inPlace = sendOnly({
    "/data/clouds/list.txt": "a.csv\n\nsub/b c.csv\n../other.csv\n",
    "/data/clouds/sub/b c.csv": "x,y,z\n",
    "/data/index.json": formatIndex({ "clouds/a.csv": 1, "clouds/deep/d.csv": 2, "notes.md": 3 }),
  });
  const found = async (input: string) =>
    (await findInputs([`${address}/data/${input}`], "out")).map(({ input, name }) => [input, name]);
  expect(await found("clouds/list.txt")).toEqual([
    [`${address}/data/clouds/a.csv`, "a.safetensors"],
    [`${address}/data/other.csv`, "other.safetensors"],
    [`${address}/data/clouds/sub/b%20c.csv`, "sub/b c.safetensors"],
  ]);
  expect(text(await readFile(`${address}/data/clouds/sub/b%20c.csv`))).toBe("x,y,z\n");
  expect(await found("")).toEqual([
    [`${address}/data/clouds/a.csv`, "clouds/a.safetensors"],
    [`${address}/data/clouds/deep/d.csv`, "clouds/deep/d.safetensors"],
  ]);
  expect(text(await store("data/clouds/sub").read("b c.csv", { offset: 2, length: 3 }))).toBe("y,z");
  await expect(found("clouds/")).rejects.toThrow(/does not list folders: give a \.txt list/);
  await expect(store("data").save("x", bytes("x"))).rejects.toMatchObject({
    name: "StorageError",
    message: expect.stringContaining("takes no files by PUT"),
  });
});

it("sends a user's name and password, and does not show them", async () => {
  inPlace = (_, response) => !!response.writeHead(403).end();
  const protectedAddress = address.replace("://", "://ann:p%40ss@");
  const cleaned = takeUser(`${protectedAddress}/private/a.csv`);
  expect(cleaned).toBe(`${address}/private/a.csv`);
  const error = await readFile(cleaned).catch((error: unknown) => error);
  expect(requests[0].headers.authorization).toBe(`Basic ${btoa("ann:p@ss")}`);
  expect(error).toMatchObject({ name: "StorageError", details: { reason: "forbidden", status: 403 } });
  expect(JSON.stringify([String(error), (error as { details: unknown }).details])).not.toMatch(/p@ss|p%40ss/);
});
