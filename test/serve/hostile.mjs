// Requests that no well-behaved client sends, each with the status that it must be answered with.
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { zipSync } from "fflate";
import { encoders, makeCloud, saveNpy, saveSafetensors } from "./clouds.mjs";

/** The limits with which the service must be started. */
export const limits = { megabytes: 2, timeout: 5 };

const [bytes, points] = [limits.megabytes * 2 ** 20, 50];
const cloud = makeCloud(0, points);

/** @param {string} query @param {readonly string[]} headers */
const head = (query, ...headers) => `POST /predict${query} HTTP/1.1\r\n${["Host: x", ...headers].join("\r\n")}\r\n\r\n`;

/**
 * Sends pieces on a connection of its own, and returns the status of the answer.
 * @param {number} port
 * @param {Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>} pieces
 * @returns {Promise<number | undefined>}
 */
function exchange(port, pieces) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("data", (data) => {
      answer += data;
      // An interim answer, such as 100, is followed by another.
      const status = [...answer.matchAll(/^HTTP\/1.1 (\d+)/gm)]
        .map((match) => Number(match[1]))
        .find((code) => code >= 200);
      if (status === undefined) return;
      socket.destroy();
      resolve(status);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(undefined));
    socket.on("connect", async () => {
      for await (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
      }
    });
  });
}

/** @param {string} query @param {Uint8Array | string} body @param {readonly string[]} headers */
const whole = (query, body, ...headers) => {
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  return (/** @type {number} */ port) => exchange(port, [head(query, length, ...headers), body]);
};

/** @param {string} format */
const cut = (format) => whole(`?from=${format}`, encoders[format](cloud).subarray(0, -20));

/** @param {Parameters<typeof saveSafetensors>[0]} arrays */
const arrays = (arrays) => whole("", saveSafetensors(arrays));
const positions = { shape: [points, 3], data: cloud };

/** Sends a part of a request, and disconnects. @param {readonly (string | Uint8Array)[]} pieces @param {boolean} untilAnswer whether after the answer's first bytes */
const leave =
  (pieces, untilAnswer = false) =>
  (/** @type {number} */ port) =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        for (const piece of pieces) socket.write(piece);
        if (untilAnswer) socket.once("data", () => socket.destroy());
        else setTimeout(() => socket.destroy(), 20);
      });
      socket.on("error", () => {});
      socket.on("close", () => resolve(undefined));
    });

const large = encoders.safetensors(makeCloud(1, 20_000));
const length = `Content-Length: ${large.length}`;

async function* chunked() {
  yield head("", "Transfer-Encoding: chunked");
  const chunk = `10000\r\n${"x".repeat(0x10000)}\r\n`;
  for (let sent = 0; sent <= bytes; sent += 0x10000) yield chunk;
}

async function* trickle() {
  yield head("", "Content-Length: 1000");
  for (let i = 0; i < 1000; i++) {
    await pause(100);
    yield "x";
  }
}

/**
 * The status is undefined where the client does not wait for one.
 * @type {readonly { kind: string, name: string, status: number | undefined, send: (port: number) => Promise<unknown> }[]}
 */
export const hostileRequests = [
  ...["safetensors", "npz", "vtu", "json"].map((format) => ({
    ...{ kind: "malformed", name: `${format} cut short`, status: 400, send: cut(format) },
  })),
  { kind: "malformed", name: "another format", status: 400, send: whole("?from=npz", encoders.vtu(cloud)) },
  { kind: "malformed", name: "unknown format", status: 400, send: whole("?to=gif", encoders.safetensors(cloud)) },
  {
    kind: "malformed",
    name: "a coordinate that is NaN",
    status: 400,
    send: arrays({
      node_positions: { shape: [points, 3], data: cloud.map((value, i) => (i === 7 ? Number.NaN : value)) },
    }),
  },
  {
    kind: "malformed",
    name: "two dimensions",
    status: 400,
    send: arrays({ node_positions: { shape: [points, 2], data: cloud.subarray(0, 2 * points) } }),
  },
  {
    kind: "malformed",
    name: "more features than points",
    status: 400,
    send: arrays({
      node_positions: positions,
      node_features: { shape: [points + 1, 3], data: new Float32Array(3 * points + 3) },
    }),
  },
  {
    kind: "malformed",
    name: "an edge beyond the points",
    status: 400,
    send: arrays({ node_positions: positions, edge_index: { shape: [2, 1], data: Int32Array.of(0, points) } }),
  },
  { kind: "malformed", name: "compressed", status: 415, send: whole("", "x", "Content-Encoding: gzip") },
  {
    kind: "malformed",
    name: "GET //",
    status: 404,
    send: (port) => exchange(port, ["GET // HTTP/1.1\r\nHost: x\r\n\r\n"]),
  },
  { kind: "malformed", name: "no HTTP", status: 400, send: (port) => exchange(port, ["\x16\x03\x01\r\n\r\n"]) },
  { kind: "malformed", name: "a long header", status: 431, send: whole("", "x", `X: ${"x".repeat(20_000)}`) },
  { kind: "huge", name: "by its Content-Length", status: 413, send: whole("", new Uint8Array(2 * bytes)) },
  { kind: "huge", name: "in chunks", status: 413, send: (port) => exchange(port, chunked()) },
  {
    kind: "huge",
    name: "after asking (Expect: 100-continue)",
    status: 413,
    send: (port) => exchange(port, [head("", "Expect: 100-continue", `Content-Length: ${2 * bytes}`)]),
  },
  { kind: "huge", name: "JSON", status: 413, send: whole("?from=json", " ".repeat(2 ** 20 + 1)) },
  {
    kind: "huge",
    name: "when decompressed",
    status: 413,
    send: whole(
      "?from=npz",
      zipSync({ "node_positions.npy": saveNpy({ shape: [bytes, 3], data: new Float32Array(3 * bytes) }) }),
    ),
  },
  {
    kind: "slow",
    name: "the head stops",
    status: 408,
    send: (port) => exchange(port, ["POST /predict HTTP/1.1\r\nHo"]),
  },
  {
    kind: "slow",
    name: "the body stops",
    status: 408,
    send: (port) => exchange(port, [head("", "Content-Length: 1000"), "x"]),
  },
  { kind: "slow", name: "ten bytes a second", status: 408, send: (port) => exchange(port, trickle()) },
  { kind: "aborted", name: "in the head", status: undefined, send: leave(["POST /pre"]) },
  { kind: "aborted", name: "in the body", status: undefined, send: leave([head("", length), large.subarray(0, 1000)]) },
  { kind: "aborted", name: "while waiting", status: undefined, send: leave([head("", length), large]) },
  { kind: "aborted", name: "in the answer", status: undefined, send: leave([head("?to=json", length), large], true) },
];

/**
 * Sends all of them at once.
 * @returns {Promise<string[]>} the answers that have another status
 */
export async function sendHostile(/** @type {number} */ port) {
  const found = await Promise.all(hostileRequests.map(({ send }) => send(port)));
  return hostileRequests.flatMap(({ kind, name, status }, i) =>
    found[i] === status ? [] : [`${kind}, ${name}: ${found[i]}, expected ${status}`],
  );
}
