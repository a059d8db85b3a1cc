// The bounds of memory in a soak: it may grow at the beginning, but must not grow afterwards.

/** @typedef {import("./rounds.mjs").SoakSample} SoakSample */

const MiB = 2 ** 20;

/**
 * How much each measure may increase from the second to the last quarter of the samples, by their medians: by nothing for what the
 * library counts, by little for what a host rounds, collects and keeps in reserve.
 * @type {Record<"device" | "reserved" | "heap" | "host" | "handles", number>}
 */
export const allowed = { device: 0, reserved: 2 * MiB, heap: 2 * MiB, host: 24 * MiB, handles: 0 };

/**
 * Returns how much each measure has increased at the end, by medians; undefined if the host does not report it.
 * @param {readonly Partial<SoakSample>[]} samples
 */
export function growth(samples) {
  const quarter = Math.floor(samples.length / 4);
  const median = (/** @type {number[]} */ values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
  const of = (/** @type {keyof typeof allowed} */ name) => {
    const values = samples.map((sample) => sample[name]);
    if (values.includes(undefined)) return undefined;
    const known = /** @type {number[]} */ (values);
    return median(known.slice(-quarter)) - median(known.slice(quarter, 2 * quarter));
  };
  const names = /** @type {(keyof typeof allowed)[]} */ (Object.keys(allowed));
  return /** @type {Record<keyof typeof allowed, number | undefined>} */ (
    Object.fromEntries(names.map((name) => [name, of(name)]))
  );
}

/**
 * Describes the measures that have increased by more than is allowed.
 * @param {readonly Partial<SoakSample>[]} samples
 */
export function excesses(samples) {
  const names = /** @type {(keyof typeof allowed)[]} */ (Object.keys(allowed));
  const grown = growth(samples);
  return names
    .filter((name) => (grown[name] ?? 0) > allowed[name])
    .map((name) => `${name} has grown by ${grown[name]}, of which ${allowed[name]} are allowed`);
}
