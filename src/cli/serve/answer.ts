// Sends answers, in bounded time, and also to clients that are still sending.

import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * The rest of a refused body is received until the client is silent for so many ticks of so many milliseconds, or has sent so many
 * bytes. Ticks, as a single timer would end first where this process was held up for its time, before it has looked at the data that
 * waits: closing a connection with unread data resets it, and the answer is lost.
 */
const dropped = { silentTicks: 10, tick: 50, bytes: 2 ** 30 };

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
  let rest = body;
  if (!request.complete) {
    response.setHeader("Connection", "close");
    if (body !== undefined) response.setHeader("Content-Length", Buffer.byteLength(body)).write(body);
    rest = undefined;
    await dropRest(request, response, seconds);
    if (response.destroyed) return;
    response.on("finish", () => request.destroy());
  }
  const timer = setTimeout(() => response.destroy(), seconds * 1000);
  await new Promise<void>((resolve) => {
    response.on("close", resolve);
    response.end(rest, resolve);
  });
  clearTimeout(timer);
}

/**
 * Receives and drops the rest of a body, which would be taken for the next request. Meanwhile the answer waits for the client: it is
 * lost if the connection is closed while the client sends, and many read no answer before they have sent everything.
 */
async function dropRest(request: IncomingMessage, response: ServerResponse, seconds: number): Promise<void> {
  let timers: NodeJS.Timeout[] = [];
  await new Promise<void>((resolve) => {
    let bytes = 0;
    let silentTicks = 0;
    const tick = () => {
      silentTicks += 1;
      if (silentTicks === dropped.silentTicks) resolve();
    };
    timers = [setTimeout(resolve, seconds * 1000), setInterval(tick, dropped.tick)];
    request.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > dropped.bytes) resolve();
      silentTicks = 0;
    });
    request.on("end", resolve);
    response.on("close", resolve);
  });
  for (const timer of timers) clearTimeout(timer);
}
