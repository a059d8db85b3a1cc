// Sends answers, in bounded time, and also to clients that are still sending.

import type { IncomingMessage, ServerResponse } from "node:http";

/** The milliseconds in which a client can read why it may not send more. */
const LINGER = 500;

export interface Answer {
  status: number;
  body?: Uint8Array | string;
  /** The body's media type. */
  type?: string;
  headers?: Readonly<Record<string, string>>;
}

/**
 * Resolves when the answer is sent, or the client has disconnected. A client that does not read the answer within some seconds is
 * disconnected.
 */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, type, headers = {} }: Answer,
  seconds: number,
): Promise<void> {
  if (response.destroyed || response.headersSent) return;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (type !== undefined) response.setHeader("Content-Type", type);
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.statusCode = status;
  if (!request.complete) dropRest(request, response);
  const timer = setTimeout(() => response.destroy(), seconds * 1000);
  await new Promise<void>((resolve) => {
    response.on("close", resolve);
    response.end(body, resolve);
  });
  clearTimeout(timer);
}

/**
 * Closes the connection after the answer, because the rest of the body would be taken for the next request. It is received for a
 * while and dropped: the answer is lost if the connection is closed while the client sends.
 */
function dropRest(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader("Connection", "close");
  request.resume();
  response.on("finish", () => setTimeout(() => request.destroy(), LINGER).unref());
}
