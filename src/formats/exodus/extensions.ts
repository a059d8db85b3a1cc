// The extensions of Exodus II files, without dots: MOOSE writes .e, ParaView .ex2.

const exodusExtensions = ["e", "exo", "ex2"];

/** Returns a table with the same value for each of these extensions. */
export const forExodus = <Value>(value: Value): Record<string, Value> =>
  Object.fromEntries(exodusExtensions.map((extension) => [extension, value]));
