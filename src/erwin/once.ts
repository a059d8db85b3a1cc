// What is worked out from an object once, however often it is asked for.

/** `compute` for objects that do not change: its result is kept for as long as the object lives. */
export function once<Given extends object, Result extends object>(
  compute: (given: Given) => Result,
): (given: Given) => Result {
  const known = new WeakMap<Given, Result>();
  return (given) => {
    let result = known.get(given);
    if (!result) known.set(given, (result = compute(given)));
    return result;
  };
}
