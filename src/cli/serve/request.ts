// What a request asks for, and its body: of any size that a client announces or sends, no more is read than is allowed.

import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpError } from "./http-error.ts";

/** @throws HttpError if the request's target is no path or URL, such as "//" */
export function targetOf({ url = "/" }: IncomingMessage): URL {
  try {
    return new URL(url.startsWith("/") ? `http://localhost${url}` : url);
  } catch {
    throw new HttpError(400, "the request's target is no URL");
  }
}

/** What the address of a request for `/predict` says. */
export interface Query {
  /** The format of the body. */
  from: string | undefined;
  /** The format of the answer. */
  to: string | undefined;
  /** Values of the whole sample. */
  values: Record<string, string>;
}

/**
 * Reads what an address says.
 * @param globals the names of the values that it can give
 * @throws HttpError if it has another name, which would be ignored, or one twice
 */
export function readQuery(query: URLSearchParams, globals: readonly string[]): Query {
  const known = ["from", "to", ...globals];
  const found: Record<string, string> = Object.create(null);
  for (const [name, value] of query) {
    if (!known.includes(name)) {
      const expected = `${known.slice(0, -1).join(", ")} and ${known.at(-1)}`;
      throw new HttpError(400, `the address has "${name}", expected only ${expected}`);
    }
    if (name in found) throw new HttpError(400, `the address has "${name}" twice`);
    found[name] = value;
  }
  const { from, to, ...values } = found;
  return { from, to, values };
}

/** HEAD is GET without the body of the answer, which the host leaves out. */
export function expectMethod({ method }: IncomingMessage, expected: "GET" | "POST"): void {
  const isHead = expected === "GET" && method === "HEAD";
  if (method !== expected && !isHead) throw new HttpError(405, `expected ${expected}`, { Allow: expected });
}

/** Returns the id that a proxy has given the request, if it has one of a usual form. */
export function givenId({ headers }: IncomingMessage): string | undefined {
  const id = headers["x-request-id"];
  return typeof id === "string" && /^[\w-]{1,64}$/.test(id) ? id : undefined;
}

/**
 * Reads a body, but stops if it is longer than allowed, whatever length the request has announced.
 * @throws HttpError for a body that is longer or compressed, and when the client disconnects; the signal's reason
 */
export function readBody(
  request: IncomingMessage,
  response: ServerResponse,
  limit: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { "content-length": announced, "content-encoding": encoding = "identity", expect } = request.headers;
  const tooLong = () => new HttpError(413, `the body is longer than ${limit} bytes`);
  if (encoding !== "identity") throw new HttpError(415, `the body is in ${encoding}, expected no Content-Encoding`);
  if (Number(announced ?? 0) > limit) throw tooLong();
  if (expect !== undefined) response.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    request.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      if (length > limit) reject(tooLong());
      else chunks.push(chunk);
    });
    request.on("end", () => resolve(new Uint8Array(Buffer.concat(chunks))));
    request.on("error", () => reject(new HttpError(499, "the client has gone")));
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** Rejects with an error after some seconds, and aborts the work; rejects as soon as the work is aborted. */
export async function within<Result>(
  seconds: number,
  late: () => HttpError,
  given: AbortController,
  work: () => Promise<Result>,
): Promise<Result> {
  const timer = setTimeout(() => given.abort(late()), seconds * 1000);
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
