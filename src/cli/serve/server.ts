// Predictions over HTTP: which requests are accepted, their sizes and timeouts, and the answers to requests that fail.

import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import process from "node:process";
import { DeviceLostError, ErwinError, OutOfMemoryError } from "../../index.ts";
import { UsageError } from "../command.ts";
import { describeError } from "../failure.ts";
import { HttpError } from "./http-error.ts";
import { Metrics } from "./metrics.ts";
import type { Predictor } from "./predictor.ts";

export interface ServiceOptions {
  predictor: Predictor;
  /** What `/health` reports about the model and the device. */
  about: Readonly<Record<string, string>>;
  /** The max number of requests that are read, waiting or computed at a time; more are refused with 429. */
  queue: number;
  /** The max bytes of a body; longer ones are refused with 413. */
  maxBytes: number;
  /** The timeout in seconds, for receiving a request's body and then for computing its answer. */
  timeout: number;
  /** The token that requests must send as `Authorization: Bearer TOKEN`. */
  token?: string;
  /** The origin whose pages may send requests; pages of other origins are refused. */
  cors?: string;
  /** Called when the device is lost: the service answers 503 from then on. */
  onLost(error: DeviceLostError): void;
}

/** The max bytes of a JSON body. JSON is for small clouds, because it takes many times the memory of its values. */
const MAX_JSON_BYTES = 1 << 20;

/** The milliseconds in which a client can read why it may not send more. */
const LINGER = 500;

const contentTypes: Readonly<Record<string, string>> = { json: "application/json", csv: "text/csv" };

export class Service {
  readonly server: Server;
  readonly #options: ServiceOptions;
  readonly #metrics = new Metrics();
  readonly #ended = new AbortController();
  #active = 0;
  #isLost = false;
  #onIdle = () => {};

  constructor(options: ServiceOptions) {
    this.#options = options;
    const milliseconds = options.timeout * 1000;
    // The host times out the head of a request; the timeouts of its body and of the answer are in this file.
    const limits = {
      headersTimeout: milliseconds,
      requestTimeout: 2 * milliseconds,
      connectionsCheckingInterval: Math.min(1000, milliseconds),
    };
    this.server = createServer(limits, (request, response) => void this.#answer(request, response));
  }

  /** Accepts no more requests, and waits for the current ones, at most for the timeout. */
  async end(): Promise<void> {
    this.#ended.abort();
    this.server.close();
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        setTimeout(resolve, this.#options.timeout * 1000).unref();
      });
    }
    this.server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const start = performance.now();
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    const isPrediction = pathname === "/predict" && request.method === "POST";
    try {
      this.#allowOrigin(request, response);
      if (request.method === "OPTIONS") return await end(response, 204);
      if (pathname === "/health") return await this.#health(request, response);
      this.#expectToken(request);
      if (pathname === "/metrics") {
        expectMethod(request, "GET");
        return await end(response, 200, this.#formatMetrics(), "text/plain; version=0.0.4");
      }
      if (pathname !== "/predict") throw new HttpError(404, "there are /predict, /health and /metrics");
      expectMethod(request, "POST");
      await this.#whileActive(async () => {
        const { bytes, type } = await this.#predict(request, response, searchParams);
        this.#metrics.count(200, (performance.now() - start) / 1000);
        await end(response, 200, bytes, type);
      });
    } catch (error) {
      const status = this.#statusOf(error);
      if (isPrediction) this.#metrics.count(status, 0);
      await refuse(request, response, status, error);
    }
  }

  /** Counts a request as active from its head until its answer is sent. */
  async #whileActive(work: () => Promise<void>): Promise<void> {
    const { queue } = this.#options;
    if (this.#ended.signal.aborted) throw new HttpError(503, "the service is ending");
    if (this.#isLost) throw new HttpError(503, "the device was lost");
    if (this.#active >= queue) throw new HttpError(429, `${queue} requests are already waiting or computed`);
    this.#active++;
    try {
      await work();
    } finally {
      if (--this.#active === 0) this.#onIdle();
    }
  }

  async #predict(request: IncomingMessage, response: ServerResponse, query: URLSearchParams) {
    const { predictor, timeout } = this.#options;
    const given = new AbortController();
    const giveUp = () => {
      if (!response.writableEnded) given.abort(new HttpError(499, "the client has gone"));
    };
    response.on("close", giveUp);
    try {
      const isJson = /^application\/json\b/.test(request.headers["content-type"] ?? "");
      const from = query.get("from") ?? (isJson ? "json" : "safetensors");
      const to = query.get("to") ?? from;
      const body = await within(timeout, new HttpError(408, `no whole request came within ${timeout} s`), given, () =>
        this.#readBody(request, from === "json" ? MAX_JSON_BYTES : Number.POSITIVE_INFINITY, given.signal),
      );
      const late = new HttpError(504, `no prediction within ${timeout} s`);
      const bytes = await within(timeout, late, given, () => predictor.predict(body, { from, to }, given.signal));
      return { bytes, type: contentTypes[to] ?? "application/octet-stream" };
    } finally {
      response.off("close", giveUp);
    }
  }

  /** Stops reading a body that is larger than allowed, whatever length the request has announced. */
  #readBody(request: IncomingMessage, most: number, signal: AbortSignal): Promise<Uint8Array> {
    const limit = Math.min(most, this.#options.maxBytes);
    const tooLong = new HttpError(413, `the body is longer than ${limit} bytes`);
    if (Number(request.headers["content-length"] ?? 0) > limit) return Promise.reject(tooLong);
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let length = 0;
      request.on("data", (chunk: Uint8Array) => {
        length += chunk.length;
        if (length > limit) reject(tooLong);
        else chunks.push(chunk);
      });
      request.on("end", () => resolve(new Uint8Array(Buffer.concat(chunks))));
      request.on("error", reject);
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }

  #health(request: IncomingMessage, response: ServerResponse): Promise<void> {
    expectMethod(request, "GET");
    const status = this.#isLost ? "lost" : this.#ended.signal.aborted ? "ending" : "ok";
    const text = JSON.stringify({ status, ...this.#options.about });
    return end(response, status === "ok" ? 200 : 503, `${text}\n`, "application/json");
  }

  #formatMetrics(): string {
    const { batches, points, waiting } = this.#options.predictor.numbers;
    const memory = process.memoryUsage().rss;
    return this.#metrics.format([
      {
        name: "erwin_requests_active",
        kind: "gauge",
        help: "Requests that are received, waiting or computed.",
        value: this.#active,
      },
      { name: "erwin_queue_length", kind: "gauge", help: "Inputs that wait for the device.", value: waiting },
      { name: "erwin_batches_total", kind: "counter", help: "Passes of the model.", value: batches },
      { name: "erwin_points_total", kind: "counter", help: "Points predicted.", value: points },
      { name: "process_resident_memory_bytes", kind: "gauge", help: "Memory of the process.", value: memory },
    ]);
  }

  /** Pages of other origins cannot read the answers, but could keep the device busy. */
  #allowOrigin({ headers }: IncomingMessage, response: ServerResponse): void {
    const { cors } = this.#options;
    if (cors !== undefined) {
      response.setHeader("Access-Control-Allow-Origin", cors);
      response.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type");
      response.setHeader("Access-Control-Allow-Methods", "GET, POST");
      response.setHeader("Vary", "Origin");
    }
    const { origin } = headers;
    if (origin === undefined || origin === cors || cors === "*") return;
    throw new HttpError(403, `pages of ${origin} may not ask: see --cors`);
  }

  #expectToken({ headers }: IncomingMessage): void {
    const { token } = this.#options;
    if (token === undefined) return;
    const [kind, given = ""] = (headers.authorization ?? "").split(" ");
    // The hashes have the same length, and the time of their comparison reveals nothing.
    const same = timingSafeEqual(hash(given), hash(token));
    if (!same || kind.toLowerCase() !== "bearer") throw new HttpError(401, "the bearer token is missing or another");
  }

  #statusOf(error: unknown): number {
    if (error instanceof HttpError) return error.status;
    if (error instanceof DeviceLostError) {
      if (!this.#isLost) this.#options.onLost(error);
      this.#isLost = true;
      return 503;
    }
    if (error instanceof OutOfMemoryError) return 413;
    return error instanceof ErwinError || error instanceof UsageError ? 400 : 500;
  }
}

const hash = (text: string) => createHash("sha256").update(text).digest();

function expectMethod(request: IncomingMessage, method: string): void {
  if (request.method !== method) throw new HttpError(405, `expected ${method}`);
}

/** Rejects with `late` after some seconds, and aborts the work; rejects as soon as the work is aborted. */
async function within<Result>(
  seconds: number,
  late: HttpError,
  given: AbortController,
  work: () => Promise<Result>,
): Promise<Result> {
  const timer = setTimeout(() => given.abort(late), seconds * 1000);
  let onAbort = () => {};
  try {
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(given.signal.reason);
      given.signal.addEventListener("abort", onAbort);
    });
    return await Promise.race([work(), aborted]);
  } finally {
    clearTimeout(timer);
    given.signal.removeEventListener("abort", onAbort);
  }
}

/** Resolves when the answer is sent, or the client has disconnected. */
function end(response: ServerResponse, status: number, body?: Uint8Array | string, type?: string): Promise<void> {
  if (type !== undefined) response.setHeader("Content-Type", type);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.statusCode = status;
  return new Promise((resolve) => {
    response.on("close", resolve);
    response.end(body, resolve);
  });
}

async function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  error: unknown,
): Promise<void> {
  if (response.destroyed || response.headersSent) return;
  const message = error instanceof HttpError ? error.message : describeError(error).replace(/^error: /, "");
  if (status === 429 || status === 503) response.setHeader("Retry-After", "1");
  if (status === 401) response.setHeader("WWW-Authenticate", "Bearer");
  // The rest of the body would be taken for the next request.
  if (!request.complete) {
    response.setHeader("Connection", "close");
    // If the connection is closed while the client sends, the answer is lost: the rest is received for a while, and dropped.
    request.resume();
    response.on("finish", () => setTimeout(() => request.destroy(), LINGER).unref());
  }
  await end(response, status, `${JSON.stringify({ error: message })}\n`, "application/json");
}
