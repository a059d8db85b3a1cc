// The assembly of Qualcomm's GPUs, as Mesa's Turnip lists it.

import type { Block, Kind, LoadCounter } from "./listing.ts";

/** The first pattern that matches decides. */
const patterns: [Kind, RegExp][] = [
  ["fma", /^mad\.f/],
  ["special", /^(rcp|rsq|hrsq|sqrt|exp2|hexp2|log2|hlog2|sin|cos)$/],
  ["fp", /^(add|mul|min|max|cmps|absneg|sign|floor|ceil|rndne|trunc|sel)\.f/],
  ["shared-load", /^ldl(w|v)?\b/],
  ["shared-store", /^stl(w|v)?\b/],
  ["load", /^(ldib|ldg|ldp|isam|isaml)\b/],
  ["store", /^(stib|stg|stp)\b/],
  ["constant", /^(ldc|stc|ldg\.k)\b/],
  ["barrier", /^bar\b/],
  ["wait", /^fence\b/],
  ["branch", /^(br|brao|braa|bany|ball|jump|getone|getlast|shps|predt|predf|prede|end|kill|call|ret)\b/],
  ["pad", /^nop$/],
];

const kindOf = (op: string): Kind => patterns.find(([, pattern]) => pattern.test(op))?.[0] ?? "int";

export function parseIr3(listing: string): Block[] {
  const blocks: Block[] = [{ label: "start", instructions: [] }];
  for (const line of listing.split("\n")) {
    const label = /^(l\d+):/.exec(line)?.[1];
    if (label) blocks.push({ label, instructions: [] });
    // Flags come first: (sy) and (ss) wait for loads, (rptN) repeats an instruction N times.
    const code = /^((?:\([a-z]+\d*\))*)\s*([a-z][\w.]*)(?:\s+(.*))?$/.exec(line.trim());
    if (!code) continue;
    const [, flags = "", op = "", operands = ""] = code;
    const kind = kindOf(op);
    const target = kind === "branch" ? /#(l\d+)/.exec(operands)?.[1] : undefined;
    const instruction = { kind, op, operands, target, ends: op === "jump" || op === "end", predicate: flags };
    const times = 1 + Number(/\(rpt(\d+)\)/.exec(flags)?.[1] ?? 0);
    for (let i = 0; i < times; i++) blocks.at(-1)!.instructions.push(instruction);
  }
  return blocks;
}

/** A flag waits for all loads from memory at once. */
export const countIr3Loads: LoadCounter = (...sequences) => {
  let underWay = 0;
  let loadsInFlight = 0;
  let waits = 0;
  for (const sequence of sequences) {
    waits = 0;
    for (const { kind, predicate = "" } of sequence) {
      if (underWay > 0 && predicate.includes("(sy)")) {
        waits++;
        underWay = 0;
      }
      if (kind !== "load") continue;
      underWay++;
      loadsInFlight = Math.max(loadsInFlight, underWay);
    }
  }
  return { loadsInFlight, waits };
};
