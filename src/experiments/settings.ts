// The options of a run as its config.json holds them: text by the flags of the command line. A call with other settings is another run.

/** The options that may differ between calls of the same run. */
const freeOptions: readonly string[] = ["saveEvery", "logEvery"];

/** The settings that a later call of a run may change: they decide no step, only after which one the run ends early. */
export const changeableSettings: readonly string[] = ["patience"];

/** "batch-size", the flag of the option `batchSize`. */
export const flagOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Formats an option's value as it is written on the command line; undefined is "none". */
export function textOf(value: unknown): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  return value === undefined ? "none" : String(value);
}

/** Returns the settings that decide a run's results, of all options of its experiment. */
export const settingsOf = (options: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(options)
      .filter(([name]) => !freeOptions.includes(name))
      .map(([name, value]) => [flagOf(name), textOf(value)]),
  );
