// Fuzzing: the budget of a short and of a long run, the inputs that are kept between long runs, and the findings. `npm run fuzz`
// sets the environment variables; without them, a test tries the number of inputs that it names.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { seededRandom } from "./clouds.ts";
import { type FuzzResult, fileName, Tally } from "./tally.ts";

/** The milliseconds for each target of a long run. */
const budget = Number(process.env.ERWIN_FUZZ_MILLISECONDS ?? 0);
/** The folder of a long run's corpora and results. */
const folder = process.env.ERWIN_FUZZ_FOLDER;

/** A function to fuzz, which accepts bytes. */
export interface FuzzTarget {
  name: string;
  /** Valid inputs. */
  seeds: readonly Uint8Array[];
  /** The number of inputs in a short run. */
  short: number;
  /** Returns the kind of refusal, or undefined if the input was accepted; throws for any other outcome. */
  attempt(bytes: Uint8Array): Promise<string | undefined> | string | undefined;
}

type Random = ReturnType<typeof seededRandom>;

/**
 * Runs a target with damaged inputs, until the budget is used up. An input that is refused in a new way is kept, and damaged
 * further.
 * @throws Error with the seed of the damage and the file that contains the input, if the target neither accepts nor refuses it
 */
export async function fuzz({ name, seeds, short, attempt }: FuzzTarget): Promise<FuzzResult> {
  const kept = folder && join(folder, fileName(name));
  if (kept) mkdirSync(kept, { recursive: true });
  const corpus = [
    ...seeds,
    ...(kept ? readdirSync(kept).map((file) => new Uint8Array(readFileSync(join(kept, file)))) : []),
  ];
  const keep = (label: string, bytes: Uint8Array, again = false) => {
    const file = kept && join(kept, label);
    if (file && (again || !existsSync(file))) writeFileSync(file, bytes);
    return file ?? "not kept";
  };
  const tally = new Tally(name);
  const first = budget > 0 ? Date.now() % 2 ** 30 : 1;
  const end = performance.now() + budget;
  for (let round = 0; budget > 0 ? performance.now() < end : round < short; round++) {
    const random = seededRandom(first + round);
    // Damaged inputs are mostly refused again, so half of the attempts begin with a valid input.
    const bytes = damage(pick(random() < 0.5 ? seeds : corpus, random), corpus, random);
    try {
      const { newKind, isSlowest } = await tally.count(() => attempt(bytes));
      if (newKind !== undefined) {
        if (corpus.length < 300) corpus.push(bytes);
        keep(`kind-${hash(newKind)}`, bytes);
      }
      if (isSlowest) keep("slowest", bytes, true);
    } catch (cause) {
      const file = keep(`failure-${first + round}`, bytes);
      throw new Error(`${name}, seed ${first + round}, ${bytes.length} bytes (${file}): ${cause}`, { cause });
    }
  }
  tally.save();
  return tally.result;
}

function hash(text: string): string {
  let state = 5381;
  for (let i = 0; i < text.length; i++) state = (Math.imul(state, 33) ^ text.charCodeAt(i)) >>> 0;
  return state.toString(36);
}

const upTo = (limit: number, random: Random) => Math.floor(random() * limit);
const pick = <Value>(values: readonly Value[], random: Random) => values[upTo(values.length, random)];

/** Numbers that are too large, and text that is not a number. */
const words = ["0", "-1", "1", "99999999999", "4294967296", "1e308", "1e-400", "nan", "", "0x10", "1".repeat(400)];
const integers = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** Damages bytes in up to four places, most of them near the start and the end, where headers and directories are. */
function damage(sound: Uint8Array, others: readonly Uint8Array[], random: Random): Uint8Array {
  let bytes: Uint8Array = sound.slice();
  for (let times = 1 + upTo(4, random); times > 0; times--) bytes = pick(damages, random)(bytes, others, random);
  return bytes.subarray(0, 2 ** 20).slice();
}

function place(bytes: Uint8Array, random: Random): number {
  const near = Math.min(bytes.length, 400);
  const choice = random();
  if (choice < 0.5) return upTo(near, random);
  return choice < 0.7 && near > 0 ? bytes.length - 1 - upTo(near, random) : upTo(bytes.length, random);
}

/** Replaces the bytes from `start` to `end`. */
const replaced = (bytes: Uint8Array, start: number, end: number, middle: Uint8Array) => {
  const result = new Uint8Array(start + middle.length + Math.max(0, bytes.length - end));
  result.set(bytes.subarray(0, start));
  result.set(middle, start);
  result.set(bytes.subarray(end), start + middle.length);
  return result;
};

type Damage = (bytes: Uint8Array, others: readonly Uint8Array[], random: Random) => Uint8Array;
const damages: Damage[] = [
  (bytes, _, random) => {
    if (bytes.length > 0) bytes[place(bytes, random)] ^= 1 << upTo(8, random);
    return bytes;
  },
  (bytes, _, random) => {
    const width = pick([1, 2, 4, 8], random);
    const at = Math.max(0, Math.min(place(bytes, random), bytes.length - width));
    if (at + width > bytes.length) return bytes;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const [value, little] = [pick([...integers, bytes.length, bytes.length - 1], random), random() < 0.7];
    if (width === 8) view.setBigUint64(at, BigInt(value) << BigInt(upTo(2, random) * 31), little);
    else if (width === 4) view.setUint32(at, value, little);
    else if (width === 2) view.setUint16(at, value, little);
    else bytes[at] = value;
    return bytes;
  },
  (bytes, _, random) => bytes.slice(0, upTo(bytes.length + 1, random)),
  (bytes, _, random) => {
    const start = place(bytes, random);
    return replaced(bytes, start, start + upTo(40, random), new Uint8Array(0));
  },
  (bytes, _, random) => {
    const start = place(bytes, random);
    const part = bytes.slice(start, start + 1 + upTo(60, random));
    const times = pick([1, 2, 30, 1000], random);
    const repeated = new Uint8Array(part.length * times);
    for (let i = 0; i < times; i++) repeated.set(part, i * part.length);
    return replaced(bytes, start, start, repeated);
  },
  (bytes, others, random) => {
    const other = pick(others, random);
    const start = place(bytes, random);
    return replaced(
      bytes,
      start,
      start + upTo(100, random),
      other.subarray(upTo(other.length, random)).subarray(0, 2000),
    );
  },
  // Damages a number in a text.
  (bytes, _, random) => {
    let start = place(bytes, random);
    while (start < bytes.length && !(bytes[start] >= 0x30 && bytes[start] <= 0x39)) start++;
    let end = start;
    while (end < bytes.length && bytes[end] >= 0x30 && bytes[end] <= 0x39) end++;
    return replaced(bytes, start, end, new TextEncoder().encode(pick(words, random)));
  },
];
