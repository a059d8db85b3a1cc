// What is said of a request that has failed.

/**
 * Why `fetch` has rejected. Browsers tell a page no more than that a request has failed, whether there is no connection, the answer
 * is damaged, or its own security policy forbids it.
 */
export function reasonOfFailure(error: unknown): string {
  const reason = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
  const isSilent = error instanceof TypeError && globalThis.location !== undefined;
  return isSilent
    ? `${reason}; the server cannot be reached, its answer broke off or is not in its Content-Encoding, or a security policy forbids it (connect-src)`
    : reason;
}
