// Predictions over HTTP: which requests are accepted, their timeouts, and the answers to requests that fail.

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import process from "node:process";
import { DeviceLostError, ErwinError, FormatError, OutOfMemoryError } from "../../index.ts";
import { UsageError } from "../command.ts";
import { describeError } from "../process/failure.ts";
import { printError } from "../process/progress.ts";
import { allowOrigin, expectToken } from "./access.ts";
import { type Answer, send } from "./answer.ts";
import { HttpError } from "./http-error.ts";
import { Metrics } from "./metrics.ts";
import type { Predictor } from "./predictor.ts";
import { expectMethod, givenId, type Query, readBody, readQuery, targetOf, within } from "./request.ts";

export interface ServiceOptions {
  predictor: Predictor;
  /** What `/health` reports about the model and the device. */
  about: Readonly<Record<string, string>>;
  /** The max number of requests that are read, waiting, computed or answered at a time; more are refused with 429. */
  queue: number;
  /** The max bytes of a body; longer ones are refused with 413. */
  maxBytes: number;
  /** The timeout in seconds, for receiving a request's body, for computing its answer, and for sending it. */
  timeout: number;
  /** The token that requests must send as `Authorization: Bearer TOKEN`. */
  token?: string;
  /** The origin whose pages may send requests; pages of other origins are refused. */
  cors?: string;
  /** Called once when the device is lost: the service answers 503 from then on. */
  onLost(error: DeviceLostError): void;
}

/** The max bytes of a JSON body. JSON is for small clouds, because it takes many times the memory of its values. */
const MAX_JSON_BYTES = 1 << 20;

const contentTypes: Readonly<Record<string, string>> = { json: "application/json", csv: "text/csv" };
const retry = { "Retry-After": "1" };

export class Service {
  readonly server: Server;
  readonly #options: ServiceOptions;
  readonly #metrics = new Metrics();
  #active = 0;
  #isDraining = false;
  #lost: DeviceLostError | undefined;
  #onIdle = () => {};

  constructor(options: ServiceOptions) {
    this.#options = options;
    const milliseconds = options.timeout * 1000;
    // The host times out the head of a request; the timeouts of its body and of the answer are in this folder.
    const limits = {
      headersTimeout: milliseconds,
      requestTimeout: 2 * milliseconds,
      connectionsCheckingInterval: Math.min(1000, milliseconds),
    };
    const listener = (request: IncomingMessage, response: ServerResponse) => void this.#answer(request, response);
    this.server = createServer(limits, listener);
    // A client that asks whether it should send its body is told if it should not.
    this.server.on("checkContinue", listener);
  }

  /** Reports that the device was lost. */
  lose(error: DeviceLostError): void {
    if (this.#lost) return;
    this.#lost = error;
    this.#options.onLost(error);
  }

  /** Refuses further requests with 503, and ends when the current ones are answered, at the latest after the timeout. */
  async end(): Promise<void> {
    this.#isDraining = true;
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        setTimeout(resolve, this.#options.timeout * 1000).unref();
      });
    }
    this.server.close();
    this.server.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const start = performance.now();
    const id = givenId(request) ?? randomUUID();
    response.setHeader("X-Request-Id", id);
    let isPrediction = false;
    let leave = () => {};
    let answer: Answer;
    try {
      const { pathname, searchParams } = targetOf(request);
      isPrediction = pathname === "/predict" && request.method === "POST";
      allowOrigin(request, response, this.#options.cors);
      if (request.method === "OPTIONS") answer = { status: 204 };
      else if (pathname === "/health") answer = this.#health(request);
      else {
        expectToken(request, this.#options.token);
        if (pathname === "/metrics") answer = this.#formatMetrics(request);
        else if (pathname !== "/predict") throw new HttpError(404, "there are /predict, /health and /metrics");
        else {
          expectMethod(request, "POST");
          const query = readQuery(searchParams, this.#options.predictor.globals);
          leave = this.#enter();
          answer = await this.#predict(request, response, query);
        }
      }
    } catch (error) {
      answer = this.#refusal(error, id);
    }
    if (isPrediction) this.#metrics.count(answer.status, (performance.now() - start) / 1000);
    await this.#send(request, response, answer);
    leave();
  }

  async #send(request: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
    const headers = this.#isDraining ? { ...answer.headers, Connection: "close" } : answer.headers;
    await send(request, response, { ...answer, headers }, this.#options.timeout);
  }

  /** Counts a request as active from its head until its answer is sent, when the returned function is to be called. */
  #enter(): () => void {
    const { queue } = this.#options;
    if (this.#lost) throw this.#lost;
    if (this.#isDraining) throw new HttpError(503, "the service is ending", retry);
    if (this.#active >= queue) throw new HttpError(429, `${queue} requests are already waiting or computed`, retry);
    this.#active++;
    return () => {
      if (--this.#active === 0) this.#onIdle();
    };
  }

  async #predict(request: IncomingMessage, response: ServerResponse, query: Query): Promise<Answer> {
    const { predictor, timeout, maxBytes } = this.#options;
    const given = new AbortController();
    const giveUp = () => {
      if (!response.writableEnded) given.abort(new HttpError(499, "the client has gone"));
    };
    response.on("close", giveUp);
    const isJson = /^application\/json\b/.test(request.headers["content-type"] ?? "");
    try {
      const { from = isJson ? "json" : "safetensors", to = from, values } = query;
      const limit = from === "json" ? Math.min(MAX_JSON_BYTES, maxBytes) : maxBytes;
      const slow = () => new HttpError(408, `no whole request came within ${timeout} s`);
      const late = () => new HttpError(504, `no prediction within ${timeout} s`);
      const formats = { from, to, beside: { values } };
      const body = await within(timeout, slow, given, async () => readBody(request, response, limit, given.signal));
      const bytes = await within(timeout, late, given, () => predictor.predict(body, formats, given.signal));
      return { status: 200, body: bytes, type: contentTypes[to] ?? "application/octet-stream" };
    } catch (error) {
      if (!(error instanceof FormatError) || query.from !== undefined) throw error;
      const other = isJson ? "" : " Without ?from=FORMAT a body is read as safetensors.";
      throw new HttpError(400, error.message + other);
    } finally {
      response.off("close", giveUp);
    }
  }

  #health(request: IncomingMessage): Answer {
    expectMethod(request, "GET");
    const status = this.#lost ? "lost" : this.#isDraining ? "draining" : "ok";
    const body = `${JSON.stringify({ status, ...this.#options.about })}\n`;
    return { status: status === "ok" ? 200 : 503, body, type: "application/json" };
  }

  #formatMetrics(request: IncomingMessage): Answer {
    expectMethod(request, "GET");
    const { batches, points, waiting, deviceBytes } = this.#options.predictor.numbers;
    const { rss, heapUsed } = process.memoryUsage();
    const body = this.#metrics.format([
      {
        name: "erwin_requests_active",
        kind: "gauge",
        help: "Requests that are received, waiting, computed or answered.",
        value: this.#active,
      },
      { name: "erwin_queue_length", kind: "gauge", help: "Inputs that wait for the device.", value: waiting },
      { name: "erwin_batches_total", kind: "counter", help: "Passes of the model.", value: batches },
      { name: "erwin_points_total", kind: "counter", help: "Points predicted.", value: points },
      { name: "erwin_device_memory_bytes", kind: "gauge", help: "Memory in use on the device.", value: deviceBytes },
      { name: "process_resident_memory_bytes", kind: "gauge", help: "Memory of the process.", value: rss },
      { name: "process_heap_bytes", kind: "gauge", help: "JavaScript heap in use.", value: heapUsed },
    ]);
    return { status: 200, body, type: "text/plain; version=0.0.4" };
  }

  /** Unexpected errors may name files, so clients are only told where to find them. */
  #refusal(error: unknown, id: string): Answer {
    if (error instanceof DeviceLostError) this.lose(error);
    const refused = asHttpError(error);
    if (refused.status === 500) printError(`request ${id}: ${describeError(error)}`);
    const { status, message, headers } = refused;
    return { status, body: `${JSON.stringify({ error: message })}\n`, type: "application/json", headers };
  }
}

function asHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof DeviceLostError) return new HttpError(503, "the device was lost", retry);
  const isTooLarge = error instanceof OutOfMemoryError || (error instanceof ErwinError && "limit" in error.details);
  if (isTooLarge) return new HttpError(413, error.message);
  if (error instanceof ErwinError || error instanceof UsageError) return new HttpError(400, error.message);
  return new HttpError(500, "unexpected error; the service's log names it by the answer's X-Request-Id");
}
