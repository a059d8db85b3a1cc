// An S3 server (the package s3rver) in a process of its own, behind a proxy. The proxy adds what this server lacks and S3 has, the
// refusal to write an existing object again, and it lets requests fail as S3 may.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { SerialQueue } from "../../../src/serial.ts";

const program = `
const S3rver = require("s3rver");
const [directory] = process.argv.slice(1);
const server = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory, configureBuckets: [{ name: "bucket" }] });
server.run().then(({ port }) => console.log(String(port)));
`;

export interface S3Server {
  endpoint: string;
  /** Whether existing objects are written again although a request forbids it. */
  overwrites: boolean;
  /** The number of keys in a page of a listing. */
  pageSize: number;
  /** Decides about each request: a status to be answered in place of the server, or the connection's end after its work is done. */
  onRequest(method: string, path: string): number | "cut" | undefined;
  /** The methods and paths of all requests. */
  readonly requests: string[];
  stop(): Promise<void>;
}

/** Starts a server with one bucket, "bucket". Its credentials are S3RVER and S3RVER. */
export async function startS3Server(): Promise<S3Server> {
  const folder = mkdtempSync(join(tmpdir(), "erwin-s3-"));
  // Its continuation tokens are made by a cipher that Node no longer has by default.
  const words = ["--openssl-legacy-provider", "-e", program, folder];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  const port = Number(await new Promise((resolve) => child.stdout.once("data", resolve)));
  const turns = new SerialQueue();

  const server = createServer((incoming, answer) => {
    // Where the server breaks off its answer, so does the proxy.
    handle(incoming, answer).catch(() => incoming.socket.destroy());
  });
  const self: S3Server = {
    endpoint: "",
    overwrites: false,
    pageSize: 1000,
    onRequest: () => undefined,
    requests: [],
    stop: async () => {
      server.closeAllConnections();
      server.close();
      child.kill();
      await new Promise((resolve) => child.once("exit", resolve));
      rmSync(folder, { recursive: true });
    },
  };

  async function handle(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part as Buffer);
    const { method = "", url = "", headers } = incoming;
    const body = Buffer.concat(parts);
    self.requests.push(`${method} ${url}`);
    const fate = self.onRequest(method, url);
    if (typeof fate === "number") {
      answer.writeHead(fate, { "Content-Type": "application/xml" });
      answer.end(`<Error><Code>${fate === 503 ? "SlowDown" : "InternalError"}</Code></Error>`);
      return;
    }
    const path = url.includes("list-type=2") ? `${url}&max-keys=${self.pageSize}` : url;
    const forward = () => ask(port, method, path, headers, body);
    const isExclusive = method === "PUT" && headers["if-none-match"] === "*" && !self.overwrites;
    const result = await (isExclusive
      ? turns.run(async () => {
          const { status } = await ask(port, "HEAD", url, { host: headers.host }, Buffer.alloc(0));
          return status === 200 ? { status: 412, headers: {}, body: Buffer.alloc(0) } : forward();
        })
      : forward());
    if (fate === "cut") {
      incoming.socket.destroy();
      return;
    }
    answer.writeHead(result.status, result.headers);
    answer.end(result.body);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  self.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return self;
}

interface Result {
  status: number;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

function ask(
  port: number,
  method: string,
  path: string,
  headers: IncomingMessage["headers"],
  body: Buffer,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("error", reject);
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(parts) }),
      );
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}
