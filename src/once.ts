// Asynchronous work that is done when it is first needed, and not again.

/** Returns what does the work once, however often it is called, with what the first call gives; after a failure, the next call does it. */
export function once<Given extends unknown[], Result>(
  work: (...given: Given) => Promise<Result>,
): (...given: Given) => Promise<Result> {
  let result: Promise<Result> | undefined;
  return (...given) => {
    result ??= work(...given).catch((error) => {
      result = undefined;
      throw error;
    });
    return result;
  };
}
