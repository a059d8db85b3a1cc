// What is said of a request that has failed.

/**
 * Why `fetch` has rejected. Browsers tell a page no more than that a request has failed, whether there is no connection, the answer
 * is damaged, or its own security policy forbids it.
 */
export function reasonOfFailure(error: unknown): string {
  const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
  const isSilent = error instanceof TypeError && globalThis.location !== undefined;
  return isSilent ? `${reason}: no connection, a damaged answer, or a security policy (connect-src)` : reason;
}
