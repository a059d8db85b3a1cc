// Requests to servers. One that fails in a way that may pass is sent again, after pauses that grow.

import { ErwinError } from "../errors.ts";

/** A server's answer, with its whole body. */
export interface Answer {
  status: number;
  statusText: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  /** The number of requests that failed before. It is not known whether they had an effect. */
  failures: number;
}

export interface RequestOptions {
  /** The milliseconds before each repetition. */
  pauses: readonly number[];
  /** Further statuses after which a request is repeated. */
  passing?: readonly number[];
  /** Refuses a body by throwing an ErwinError; called with the bytes that are announced, then with those that have arrived. */
  expectBytes?(bytes: number): void;
}

/** There was no answer: `message` says why. */
export class NoAnswerError extends Error {
  override name = "NoAnswerError";
}

/** The milliseconds without a sign of life after which a request has failed, and those that each sent byte adds (at 100 kB/s). */
const PATIENCE = 60_000;
const PER_BYTE = 0.01;
/** The longest pause for which a server can ask, in milliseconds. */
const LONGEST_PAUSE = 30_000;

/**
 * Sends a request, and repeats it if there is no answer, or one with a status that may pass (429, and 500 and more).
 * @param makeRequest makes the request of each try, because a signature holds for some minutes only
 * @returns the last answer, whatever its status
 * @throws NoAnswerError if there is none; what `makeRequest` and `expectBytes` throw; a permission that Deno refuses
 */
export async function sendRequest(
  makeRequest: () => Promise<[string | URL, RequestInit]>,
  { pauses, passing = [], expectBytes = () => {} }: RequestOptions,
): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    const [address, init] = await makeRequest();
    let pause = pauses[failures];
    try {
      const answer = await sendOnce(address, init, expectBytes);
      const { status, headers } = answer;
      // 501 and 505 say that the server lacks what is asked for.
      const mayPass = (status >= 500 && status !== 501 && status !== 505) || status === 429 || passing.includes(status);
      if (!mayPass || pause === undefined) return { ...answer, failures };
      const wanted = 1000 * Number(headers.get("Retry-After") ?? Number.NaN);
      if (wanted > pause) pause = Math.min(wanted, LONGEST_PAUSE);
    } catch (error) {
      if (error instanceof ErwinError || isRefusal(error)) throw error;
      if (pause === undefined) throw new NoAnswerError(reasonOf(error), { cause: error });
    }
    // Processes that failed at the same time do not all come back at the same time.
    await new Promise((resolve) => setTimeout(resolve, pause * (0.5 + Math.random())));
  }
}

/** Reads what a server sends. @throws what `expectBytes` throws, as soon as it does */
export async function readBody(
  response: Response,
  expectBytes: (bytes: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  // The header gives the size, unless the server compresses or does not know it.
  expectBytes(Number(response.headers.get("Content-Length") ?? 0));
  const parts: Uint8Array[] = [];
  let received = 0;
  const reader = response.body?.getReader();
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      received += part.value.length;
      expectBytes(received);
      parts.push(part.value);
    }
  } catch (error) {
    reader?.cancel().catch(() => {});
    throw error;
  }
  return concatenate(parts);
}

async function sendOnce(
  address: string | URL,
  init: RequestInit,
  expectBytes: (bytes: number) => void,
): Promise<Omit<Answer, "failures">> {
  const controller = new AbortController();
  const sent = (init.body as Uint8Array | undefined)?.byteLength ?? 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expectLife = (milliseconds: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => controller.abort(new Error(`no answer for ${milliseconds / 1000} s`)), milliseconds);
  };
  expectLife(PATIENCE + sent * PER_BYTE);
  try {
    const response = await fetch(address, { ...init, signal: controller.signal });
    // A HEAD's answer announces the bytes of the file, which do not follow.
    const expected = init.method === "HEAD" ? () => {} : expectBytes;
    const body = await readBody(response, (bytes) => {
      expectLife(PATIENCE);
      expected(bytes);
    });
    const { status, statusText, headers } = response;
    return { status, statusText, headers, body };
  } finally {
    clearTimeout(timer);
  }
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Whether Deno refuses the permission, which no repetition changes. */
const isRefusal = (error: unknown) => error instanceof Error && /^(NotCapable|PermissionDenied)$/.test(error.name);

/** Node says only "fetch failed", and gives the reason as the cause, which may consist of several for several addresses. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0]);
  if (cause instanceof Error) return reasonOf(cause);
  return error.message || String((error as { code?: string }).code ?? error.name);
}
