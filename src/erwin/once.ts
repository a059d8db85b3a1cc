// Memoisation by object.

/** Memoises `compute` for objects that do not change: a result is kept for as long as its object lives. */
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
