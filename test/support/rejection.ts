// The error of a call that must fail.

import type { ErwinError } from "erwin";
import { expect } from "vitest";

/**
 * Returns the reason for which a promise is rejected. Fails if it is fulfilled.
 * @param errorClass the class that the reason must be of, by its name, too
 */
export async function rejection<Reason extends Error = ErwinError>(
  action: PromiseLike<unknown>,
  errorClass?: new (...args: never[]) => Reason,
): Promise<Reason> {
  const reason = await action.then(
    (result) => expect.fail(`nothing was thrown, but there is ${result}`),
    (reason: Reason) => reason,
  );
  if (errorClass) {
    expect(reason, String(reason)).toBeInstanceOf(errorClass);
    expect(reason.name).toBe(errorClass.name);
  }
  return reason;
}
