// Who may use the service: pages of certain origins, and clients that know the token.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { HttpError } from "./http-error.ts";

/**
 * Lets pages of an origin read the answers ("*": of all origins). Pages of other origins could not read them, but could keep the
 * device busy.
 * @throws HttpError for pages of other origins
 */
export function allowOrigin({ headers }: IncomingMessage, response: ServerResponse, allowed: string | undefined): void {
  if (allowed !== undefined) {
    response.setHeader("Access-Control-Allow-Origin", allowed);
    response.setHeader("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Request-Id");
    response.setHeader("Access-Control-Allow-Methods", "GET, POST");
    response.setHeader("Access-Control-Expose-Headers", "Retry-After, X-Request-Id");
    response.setHeader("Vary", "Origin");
  }
  const { origin } = headers;
  if (origin === undefined || origin === allowed || allowed === "*") return;
  throw new HttpError(403, `pages of ${origin} may not ask: see --cors`);
}

/** @throws HttpError if the request does not send the token */
export function expectToken({ headers }: IncomingMessage, token: string | undefined): void {
  if (token === undefined) return;
  const [kind, given = ""] = (headers.authorization ?? "").split(" ");
  // The hashes have the same length, and the time of their comparison reveals nothing.
  const same = timingSafeEqual(hash(given), hash(token));
  if (same && kind.toLowerCase() === "bearer") return;
  throw new HttpError(401, "the bearer token is missing or another", { "WWW-Authenticate": "Bearer" });
}

const hash = (text: string) => createHash("sha256").update(text).digest();
