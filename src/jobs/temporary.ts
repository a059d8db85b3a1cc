// The names of files that are being written: a whole output is renamed to its place, and what a killed process leaves is found by them.

/**
 * Returns a new name beside that of an output. It does not contain the process id, because the machines that share a folder may have
 * processes with the same id.
 */
export const temporaryName = (path: string): string => `${path}.${crypto.randomUUID().slice(0, 13)}.tmp`;

/** Whether a name is that of an output while it was written; both without their folder. */
export const isTemporaryOf = (output: string, name: string): boolean =>
  name.startsWith(`${output}.`) && name.endsWith(".tmp");
