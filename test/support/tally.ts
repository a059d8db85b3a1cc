// The results of fuzzing one target: how many inputs there were, what came of them, and what they cost at most. `npm run fuzz` makes a
// table of them. It runs in all hosts.

/** The results of one target. */
export interface FuzzResult {
  target: string;
  inputs: number;
  refused: number;
  /** The number of different refusals, whatever names and numbers they contain. */
  kinds: number;
  /** The milliseconds of the slowest input. */
  slowest: number;
  /** The max memory in bytes that an input needed besides its own bytes. */
  memory: number;
}

const process = (globalThis as { process?: NodeJS.Process }).process;

export class Tally {
  readonly result: FuzzResult;
  readonly #kinds = new Set<string>();

  constructor(target: string) {
    this.result = { target, inputs: 0, refused: 0, kinds: 0, slowest: 0, memory: 0 };
  }

  /**
   * Counts an attempt.
   * @param attempt returns the refusal's message, or undefined if the input was accepted
   * @returns the refusal's kind if it is a new one, and whether the input was the slowest so far
   */
  async count(
    attempt: () => Promise<string | undefined> | string | undefined,
  ): Promise<{ newKind?: string; isSlowest: boolean }> {
    const { result } = this;
    const [before, begun] = [memoryInUse(), performance.now()];
    const refusal = await attempt();
    const time = performance.now() - begun;
    const isSlowest = time > result.slowest;
    result.inputs++;
    result.slowest = Math.max(result.slowest, time);
    result.memory = Math.max(result.memory, memoryInUse() - before);
    if (refusal === undefined) return { isSlowest };
    result.refused++;
    const kind = refusal.replaceAll(/"[^"]*"|[\d.-]+/g, "#").slice(0, 200);
    if (this.#kinds.has(kind)) return { isSlowest };
    this.#kinds.add(kind);
    result.kinds++;
    return { newKind: kind, isSlowest };
  }

  /** Writes the results into the folder of a long run. */
  save(): void {
    const folder = process?.env?.ERWIN_FUZZ_FOLDER;
    if (!folder) return;
    const { writeFileSync } = process.getBuiltinModule("node:fs");
    writeFileSync(`${folder}/${fileName(this.result.target)}.json`, JSON.stringify(this.result));
  }
}

/** Returns the name of a target's files. */
export const fileName = (target: string) => target.replaceAll(/\W+/g, "-");

function memoryInUse(): number {
  const { heapUsed, arrayBuffers } = process?.memoryUsage?.() ?? { heapUsed: 0, arrayBuffers: 0 };
  return heapUsed + arrayBuffers;
}
