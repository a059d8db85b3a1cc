// Requests to servers. One that fails in a way that may pass is sent again, after pauses that grow.

import { ErwinError } from "../../errors.ts";
import { concatBytes, expectFileBytes } from "../bytes/bytes.ts";

/** A server's answer, with its whole body. */
export interface Answer {
  status: number;
  statusText: string;
  headers: Headers;
  body: Uint8Array<ArrayBuffer>;
  /** The number of requests that failed before. It is not known whether they had an effect. */
  failures: number;
}

/** Whether an answer is a success. */
export const isOk = ({ status }: Answer): boolean => status >= 200 && status < 300;

/** Whether an answer says that there is no such file. */
export const isMissing = ({ status }: Answer): boolean => status === 404 || status === 410;

export interface RequestOptions {
  /** The file's name in error messages. */
  file: string;
  /** The milliseconds before each repetition. */
  pauses: readonly number[];
  /** Further statuses after which a request is repeated. */
  passing?: readonly number[];
}

/** There was no answer: `message` says why. */
export class NoAnswerError extends Error {
  override name = "NoAnswerError";
}

/** The milliseconds without a sign of life after which a request has failed, and those that each sent byte adds (at 100 kB/s). */
const PATIENCE = 60_000;
const PER_BYTE = 0.01;
/** The longest pause for which a server can ask, in milliseconds. */
const MAX_PAUSE = 30_000;

/**
 * Sends a request, and repeats it if there is no answer, or one with a status that may pass (429, and 500 and more).
 * @param makeRequest makes the request of each try, because a signature holds for some minutes only
 * @returns the last answer, whatever its status
 * @throws NoAnswerError if there is none; what `makeRequest` throws; FormatError for an answer larger than the limit `fileBytes`; a
 *   permission that Deno refuses
 */
export async function sendRequest(
  makeRequest: () => Promise<[string | URL, RequestInit]>,
  { file, pauses, passing = [] }: RequestOptions,
): Promise<Answer> {
  for (let failures = 0; ; failures++) {
    const [address, init] = await makeRequest();
    const pause = pauses[failures];
    let asked = 0;
    try {
      const answer = await sendOnce(address, init, file);
      const { status, headers } = answer;
      // 501 and 505 say that the server lacks what is asked for.
      const mayPass = (status >= 500 && status !== 501 && status !== 505) || status === 429 || passing.includes(status);
      if (!mayPass || pause === undefined) return { ...answer, failures };
      asked = pauseAskedFor(headers.get("Retry-After") ?? "");
    } catch (error) {
      if (error instanceof ErwinError || isRefusal(error)) throw error;
      if (pause === undefined) throw new NoAnswerError(reasonOf(error), { cause: error });
    }
    // Processes that failed at the same time do not all come back at the same time.
    await new Promise((resolve) => setTimeout(resolve, asked + pause * (0.5 + Math.random())));
  }
}

/** Returns the milliseconds for which a server asks by a header, which holds a number of seconds or a date. */
function pauseAskedFor(text: string): number {
  const asked = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return asked > 0 ? Math.min(asked, MAX_PAUSE) : 0;
}

/**
 * Reads what a server sends.
 * @param file the file's name in error messages
 * @param onPart called when a part has arrived
 * @throws FormatError for more bytes than the limit `fileBytes`, as soon as they are announced or have arrived
 */
export async function readBody(
  response: Response,
  file: string,
  onPart: () => void = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  // The header gives the size, unless the server compresses or does not know it. It may be no number: "3, 3" where it is there twice.
  expectFileBytes(Number(response.headers.get("Content-Length")) || 0, file);
  const parts: Uint8Array[] = [];
  let received = 0;
  const reader = response.body?.getReader();
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      received += part.value.length;
      onPart();
      expectFileBytes(received, file);
      parts.push(part.value);
    }
  } catch (error) {
    reader?.cancel().catch(() => {});
    throw error;
  }
  return concatBytes(parts);
}

async function sendOnce(address: string | URL, init: RequestInit, file: string): Promise<Omit<Answer, "failures">> {
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
    const isHead = init.method === "HEAD";
    const body = isHead ? new Uint8Array() : await readBody(response, file, () => expectLife(PATIENCE));
    const { status, statusText, headers } = response;
    return { status, statusText, headers, body };
  } finally {
    clearTimeout(timer);
  }
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
