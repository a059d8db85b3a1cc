// Finds loops in compilers' listings and counts their instructions, the same for NVIDIA and AMD.

/**
 * fp: other float arithmetic; special: exp, sqrt, reciprocal (of the special function unit); int: addresses, comparisons, moves;
 * load, store: memory; constant: uniforms; pad: no operation; wait: for loads, explicit in AMD's code alone.
 */
export type Kind =
  | "fma"
  | "fp"
  | "special"
  | "matrix"
  | "int"
  | "load"
  | "store"
  | "shared-load"
  | "shared-store"
  | "constant"
  | "branch"
  | "barrier"
  | "wait"
  | "pad";

export interface Instruction {
  kind: Kind;
  op: string;
  operands: string;
  /** The label it may jump to. */
  target?: string;
  predicate?: string;
}

export interface Block {
  label: string;
  instructions: Instruction[];
}

export type Counts = Partial<Record<Kind, number>>;

/** The loop in which a kernel spends its time; the counts are those of one iteration. */
export interface HotLoop {
  instructions: number;
  /** Share of fused multiply-adds among them. */
  share: number;
  counts: Counts;
}

export interface Analysis {
  /** Instructions outside of all loops. */
  outside: number;
  /** The instructions of each loop, without those of loops inside it. */
  loops: Counts[];
  /** Absent where the compiler left no loop. */
  hot?: HotLoop;
  /** Max number of loads from memory issued before one of them is needed, in the hot loop or, without one, in the whole code. */
  loadsInFlight: number;
  /** How often one iteration waits for loads. */
  waits: number;
}

/** Counts loads in flight and waits in sequences of instructions that run one after the other. */
export type LoadCounter = (...sequences: Instruction[][]) => Pick<Analysis, "loadsInFlight" | "waits">;

/** The first and the last block of a jump back. */
type Loop = readonly [first: number, last: number];

/** Kinds that do not count as instructions: padding, and the scheduling hints of AMD's compiler. */
const IGNORED: readonly Kind[] = ["pad", "wait"];

export const total = (counts: Counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

function findLoops(blocks: readonly Block[]): Loop[] {
  const index = new Map(blocks.map(({ label }, i) => [label, i]));
  const lasts = new Map<number, number>();
  blocks.forEach(({ instructions }, i) => {
    for (const { target } of instructions) {
      const first = target === undefined ? undefined : index.get(target);
      if (first !== undefined && first <= i) lasts.set(first, Math.max(i, lasts.get(first) ?? 0));
    }
  });
  return [...lasts].sort(([a], [b]) => a - b);
}

const isInside = (inner: Loop, outer: Loop) => inner !== outer && outer[0] <= inner[0] && inner[1] <= outer[1];

/** Counts the instructions of a range of blocks by kind, without those of some loops. */
function count(blocks: readonly Block[], [first, last]: Loop, without: readonly Loop[] = []): Counts {
  const counts: Counts = {};
  for (let i = first; i <= last; i++) {
    if (without.some(([a, b]) => a <= i && i <= b)) continue;
    for (const { kind } of blocks[i].instructions) if (!IGNORED.includes(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Adds up `times` iterations of an inner loop and one of the loop around it. */
function turns(times: number, inner: Counts, around: Counts): Counts {
  const counts = { ...around };
  for (const [kind, n] of Object.entries(inner) as [Kind, number][]) counts[kind] = (counts[kind] ?? 0) + times * n;
  return counts;
}

/** Whether a loop may be the hot one: not if it only fills memory with zeros, or jumps to itself at the end of the code. */
const mayBeHot = ({ load, fma, fp, special, "shared-load": shared }: Counts) =>
  Boolean(load || fma || fp || special || shared);

/** Orders loops by their own FMAs, then by loads, then by instructions, the largest first. */
const byHeat = (a: Counts, b: Counts) =>
  (b.fma ?? 0) - (a.fma ?? 0) || (b.load ?? 0) - (a.load ?? 0) || total(b) - total(a);

/**
 * Analyses a listing. Where one iteration of the hot loop is known to have `fmaATurn` FMAs and the hottest loop has fewer, it is
 * an inner loop: then the loop around it counts, with as many inner iterations as that takes. The share is that of those FMAs, or
 * of all FMAs where their number is not known.
 */
export function analyse(blocks: readonly Block[], countLoads: LoadCounter, fmaATurn?: number): Analysis {
  const found = findLoops(blocks);
  const all = found.map((loop) => {
    const inner = found.filter((other) => isInside(other, loop));
    return { loop, own: count(blocks, loop, inner) };
  });
  const loops = all.filter(({ own }) => Object.keys(own).some((kind) => kind !== "branch"));
  const whole: Loop = [0, blocks.length - 1];
  const outside = count(
    blocks,
    whole,
    loops.map(({ loop }) => loop),
  );
  const result = { outside: total(outside), loops: loops.map(({ own }) => own) };
  const sequenceOf = ([first, last]: Loop) => blocks.slice(first, last + 1).flatMap(({ instructions }) => instructions);

  const [hottest] = loops.filter(({ own }) => mayBeHot(own)).sort((a, b) => byHeat(a.own, b.own));
  if (!hottest) return { ...result, ...countLoads(sequenceOf(whole)) };
  let { loop: region, own: counts } = hottest;
  if (fmaATurn && counts.fma) {
    const times = Math.round(fmaATurn / counts.fma);
    const [around] = loops
      .filter(({ loop }) => isInside(hottest.loop, loop))
      .sort(({ loop: a }, { loop: b }) => a[1] - a[0] - (b[1] - b[0]));
    if (times > 1 && around) {
      region = around.loop;
      counts = turns(times, counts, around.own);
    }
  }
  const instructions = total(counts);
  const hot = { instructions, share: (fmaATurn ?? counts.fma ?? 0) / instructions, counts };
  // The sequence is counted twice, since one iteration may issue the loads of the next.
  const sequence = sequenceOf(region);
  return { ...result, hot, ...countLoads(sequence, sequence) };
}
