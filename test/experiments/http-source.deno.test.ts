// A data set on a server, with the index that the command line writes: partial reads, servers without partial reads, and errors.

import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HttpSource } from "erwin/experiments";
import { afterAll, beforeAll, expect, it } from "vitest";
import { erwinAlone, temporaryFolder } from "../cli/command.ts";

const { folder, path, remove } = temporaryFolder();
afterAll(remove);

/** How the server answers in the current test; by default as usual servers do. */
let answer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false;
const ranges: (string | undefined)[] = [];
const server = createServer((request, response) => {
  ranges.push(request.headers.range);
  if (answer(request, response)) return;
  const file = join(folder, decodeURIComponent(request.url ?? ""));
  const [, first, last] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "") ?? [];
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) response.writeHead(404).end();
  else if (first) response.writeHead(206).end(readFileSync(file).subarray(Number(first), Number(last) + 1));
  else response.end(readFileSync(file));
});
let address = "";

beforeAll(async () => {
  cpSync(fileURLToPath(new URL("../golden/experiments/md/data", import.meta.url)), path("data"), { recursive: true });
  writeFileSync(path("data/a #1.txt"), "0123456789");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const text = async (bytes: Promise<Uint8Array>) => new TextDecoder().decode(await bytes);

it("reads files and parts of them by the index", async () => {
  await expect(HttpSource.open(address)).rejects.toMatchObject({ name: "FormatError" });
  const { code, stdout } = await erwinAlone(["index", path("data")]);
  expect([code, stdout]).toEqual([0, expect.stringContaining("index.json: ")]);
  const source = await HttpSource.open(address);
  expect((await source.list("")).map(({ name, folder }) => [name, folder])).toEqual([
    ["a #1.txt", false],
    ["polymer_test", true],
    ["polymer_train", true],
    ["splits", true],
  ]);
  expect(await text(source.read("a #1.txt"))).toBe("0123456789");
  expect(await text(source.read("a #1.txt", { offset: 2, length: 3 }))).toBe("234");
  expect(await text(source.read("a #1.txt", { offset: 8, length: 100 }))).toBe("89");
  expect(ranges.slice(-2)).toEqual(["bytes=2-4", "bytes=8-9"]);
  await expect(source.read("a #2.txt")).rejects.toMatchObject({ name: "FormatError" });
});

it("takes the whole file, once, from a server that sends no parts", async () => {
  const source = await HttpSource.open(address);
  answer = (_, response) => Boolean(response.end("0123456789"));
  const asked = ranges.length;
  expect(await text(source.read("a #1.txt", { offset: 2, length: 3 }))).toBe("234");
  expect(await text(source.read("a #1.txt", { offset: 0, length: 2 }))).toBe("01");
  expect(ranges.length - asked).toBe(1);
  answer = () => false;
});

it("asks again where a server is busy, and says what is wrong with it where that does not help", async () => {
  const source = await HttpSource.open(address);
  let busy = 1;
  answer = (_, response) => busy-- > 0 && Boolean(response.writeHead(503).end());
  expect(await text(source.read("a #1.txt"))).toBe("0123456789");
  answer = (_, response) => Boolean(response.writeHead(403).end());
  const refused = { name: "InputError", message: expect.stringContaining("403") };
  await expect(source.read("a #1.txt")).rejects.toMatchObject(refused);
  answer = (_, response) => Boolean(response.end("01234"));
  const shrunk = { name: "FormatError", message: expect.stringContaining("5 bytes came, expected 10") };
  await expect(source.read("a #1.txt")).rejects.toMatchObject(shrunk);
  answer = () => false;
});

it.each([
  ["{", "not JSON"],
  ["[]", "lists no files"],
  ['{"files": {"a": -1}}', "no number of bytes"],
  ['{"files": {"../a": 1}}', "not a path within"],
])("refuses the index %s", async (index, problem) => {
  writeFileSync(path("data/index.json"), index);
  const expected = { name: "FormatError", message: expect.stringContaining(problem) };
  await expect(HttpSource.open(address)).rejects.toMatchObject(expected);
  rmSync(path("data/index.json"));
});
