// Counts the instructions of loops in compilers' listings, the same for NVIDIA and AMD.

import { type ControlFlow, findLoops, isInside, type Loop } from "./loops.ts";

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
  /** Whether the instruction after it never runs next. */
  ends?: boolean;
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

/** Kinds that do not count as instructions: padding, and the scheduling hints of AMD's compiler. */
const IGNORED: readonly Kind[] = ["pad", "wait"];

export const total = (counts: Counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Divides labelled blocks after every jump, so that each part runs as a whole. */
function divide(blocks: readonly Block[]): { parts: Instruction[][]; flow: ControlFlow } {
  const parts: Instruction[][] = [];
  const starts = new Map<string, number>();
  for (const { label, instructions } of blocks) {
    starts.set(label, parts.length);
    parts.push([]);
    for (const instruction of instructions) {
      const last = parts.at(-1)!.at(-1);
      if (last?.target !== undefined || last?.ends) parts.push([]);
      parts.at(-1)!.push(instruction);
    }
  }
  const flow = parts.map((part, i) => {
    const { target, ends } = part.at(-1) ?? {};
    const jump = target === undefined ? undefined : starts.get(target);
    const isLast = ends || i + 1 === parts.length;
    return [...(jump === undefined ? [] : [jump]), ...(isLast ? [] : [i + 1])];
  });
  return { parts, flow };
}

/** Counts instructions by kind. */
function count(parts: readonly Instruction[][]): Counts {
  const counts: Counts = {};
  for (const { kind } of parts.flat()) if (!IGNORED.includes(kind)) counts[kind] = (counts[kind] ?? 0) + 1;
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
 * Analyses a listing. Where one iteration of the hot loop is known to have `fmaATurn` FMAs and the hottest loop has fewer, a loop
 * inside it has the others; if there is none, it is itself an inner loop, and the loop around it counts. Either way the inner loop
 * counts with as many iterations as that takes. The share is that of those FMAs, or of all FMAs where their number is not known.
 */
export function analyse(blocks: readonly Block[], countLoads: LoadCounter, fmaATurn?: number): Analysis {
  const { parts, flow } = divide(blocks);
  const found = findLoops(flow);
  const partsOf = ({ blocks }: Loop, without: readonly Loop[] = []) =>
    blocks.filter((i) => !without.some((other) => other.blocks.includes(i))).map((i) => parts[i]);
  const all = found.map((loop) => {
    const inner = found.filter((other) => isInside(other, loop));
    return { loop, own: count(partsOf(loop, inner)) };
  });
  const loops = all.filter(({ own }) => Object.keys(own).some((kind) => kind !== "branch"));
  const whole = { header: 0, blocks: parts.map((_, i) => i) };
  const inLoops = loops.map(({ loop }) => loop);
  const result = { outside: total(count(partsOf(whole, inLoops))), loops: loops.map(({ own }) => own) };

  const [hottest] = loops.filter(({ own }) => mayBeHot(own)).sort((a, b) => byHeat(a.own, b.own));
  if (!hottest) return { ...result, ...countLoads(parts.flat()) };
  let { loop: region, own: counts } = hottest;
  if (fmaATurn && counts.fma) {
    const [inside] = loops
      .filter(({ loop, own }) => isInside(loop, region) && own.fma)
      .sort((a, b) => byHeat(a.own, b.own));
    const times = Math.round((fmaATurn - (inside ? counts.fma : 0)) / (inside?.own ?? counts).fma!);
    const [around] = loops
      .filter(({ loop }) => isInside(hottest.loop, loop))
      .sort(({ loop: a }, { loop: b }) => a.blocks.length - b.blocks.length);
    if (inside) counts = turns(times, inside.own, counts);
    else if (times > 1 && around) {
      region = around.loop;
      counts = turns(times, counts, around.own);
    }
  }
  const instructions = total(counts);
  const hot = { instructions, share: (fmaATurn ?? counts.fma ?? 0) / instructions, counts };
  // The sequence is counted twice, since one iteration may issue the loads of the next.
  const sequence = partsOf(region).flat();
  return { ...result, hot, ...countLoads(sequence, sequence) };
}
