// Requests to a database as promises.

import { within } from "../../host/patience.ts";

/** Browsers may leave the request for a database unanswered, Safari's for one. */
const OPENING_SECONDS = 10;

/** Returns the database that is asked for. @throws Error where the browser refuses it, or gives no answer */
export const opened = (request: IDBOpenDBRequest): Promise<IDBDatabase> => within(OPENING_SECONDS, answerOf(request));

export function answerOf<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
