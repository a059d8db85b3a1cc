// Worker scripts on pages that require trusted types.

/** The part of trusted types that is used; TypeScript does not declare it. */
interface Policy {
  createScriptURL(url: string): string;
}
const { trustedTypes } = globalThis as { trustedTypes?: { createPolicy(name: string, policy: Policy): Policy } };

let policy: Policy | undefined;

/**
 * Passes a URL through a policy of ours if the host has trusted types; if the policy may not be created, the host
 * decides about the plain URL.
 */
function trusted(url: string): string {
  try {
    policy ??= trustedTypes?.createPolicy("erwin", { createScriptURL: (url) => url });
  } catch {}
  return policy?.createScriptURL(url) ?? url;
}

/** Starts a worker whose URL no bundler has to see. */
export const startWorkerAt = (url: string, options?: WorkerOptions) => new Worker(trusted(url), options);

/**
 * Returns the worker that `start` creates.
 * @throws Error with advice on a page that requires trusted types and does not allow the script's URL
 */
export function whereTrusted(start: () => Worker): Worker {
  try {
    return start();
  } catch (cause) {
    // Other refusals are not TypeErrors.
    if (!(cause instanceof TypeError && trustedTypes)) throw cause;
    const advice =
      "say where the library's files are by setAssets() and allow the policy it makes: trusted-types erwin";
    throw new Error(`the page requires trusted types (${cause.message}): ${advice}`, { cause });
  }
}
