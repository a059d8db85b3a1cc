// The assembly of AMD's GPUs, as Mesa's RADV lists it.

import type { Block, Kind, LoadCounter } from "./listing.ts";

/** The first pattern that matches decides. */
const patterns: [Kind, RegExp][] = [
  ["fma", /^v_(dual_|pk_)?(fma|fmac|fmaak|fmamk|mac|mad)(_legacy)?_f(32|16)|^v_(fma|mad)_mix|^v_dot/],
  ["matrix", /^v_wmma|^v_mfma/],
  ["shared-load", /^ds_(load|read)/],
  ["shared-store", /^ds_/],
  ["load", /^(buffer|global|flat|scratch)_load/],
  ["store", /^(buffer|global|flat|scratch)_/],
  ["constant", /^s_(buffer_)?load/],
  ["barrier", /^s_barrier/],
  ["branch", /^s_(c?branch|setpc|endpgm)/],
  ["wait", /^s_wait/],
  ["pad", /^s_(delay_alu|clause|nop|code_end)/],
  ["special", /^v_(s_)?(exp|log|rcp|rsq|sqrt|sin|cos)_/],
  [
    "fp",
    /^v_(dual_)?(add|sub|subrev|mul|max|min|maximum|minimum|med3|ldexp|fract|floor|cmp_\w+|cmpx_\w+)_(num_)?(f32|f16)/,
  ],
];

const kindOf = (op: string): Kind => patterns.find(([, pattern]) => pattern.test(op))?.[0] ?? "int";

export function parseRdna(listing: string): Block[] {
  const blocks: Block[] = [{ label: "start", instructions: [] }];
  for (const line of listing.split("\n")) {
    const code = line.split(";")[0].trim();
    const label = /^(BB\d+):/.exec(code)?.[1];
    if (label) blocks.push({ label, instructions: [] });
    if (label || code === "" || code.startsWith("(")) continue;
    const space = code.indexOf(" ");
    const op = space < 0 ? code : code.slice(0, space);
    const operands = space < 0 ? "" : code.slice(space + 1);
    // A dual instruction is an FMA if one of its two is.
    const halves = code.split("::").map((half) => kindOf(half.trim().split(/\s/)[0]));
    const kind = halves.length > 1 && halves.includes("fma") ? "fma" : kindOf(op);
    const target = kind === "branch" ? /^BB\d+/.exec(operands)?.[0] : undefined;
    blocks.at(-1)!.instructions.push({ kind, op, operands, target, ends: /^s_(branch|setpc|endpgm)/.test(op) });
  }
  return blocks;
}

/** Counts by the code's own waits; all loads issued before a wait are taken to be complete after it. */
export const countRdnaLoads: LoadCounter = (...sequences) => {
  let [asked, done, there, loadsInFlight, waits] = [0, 0, 0, 0, 0];
  for (const sequence of sequences) {
    waits = 0;
    for (const { kind, op, operands } of sequence) {
      if (kind === "load") {
        asked++;
        loadsInFlight = Math.max(loadsInFlight, asked - done);
      }
      if (kind !== "wait") continue;
      const pattern = op === "s_wait_loadcnt" ? /^(0x[0-9a-f]+|\d+)/ : /vmcnt\((\d+)\)/;
      const left = pattern.exec(operands)?.[1];
      if (left === undefined) continue;
      done = Math.max(done, asked - Number(left));
      if (done > there) {
        waits++;
        there = asked;
      }
    }
  }
  return { loadsInFlight, waits };
};
