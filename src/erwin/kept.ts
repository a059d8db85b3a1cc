// What is computed of an input once, when it is first needed, and kept in it.

/**
 * Returns what an object keeps in a field, or makes it. It is made anew each time where an object keeps nothing, as one that is frozen
 * or in a store of a library for reactive state.
 */
export function kept<Of extends object, Name extends keyof Of>(
  of: Of,
  name: Name,
  make: () => NonNullable<Of[Name]>,
): NonNullable<Of[Name]> {
  const found = of[name];
  if (found) return found;
  const made = make();
  Reflect.set(of, name, made);
  return made;
}
