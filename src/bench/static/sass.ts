// SASS, the instructions of NVIDIA's GPUs, as nvdisasm lists them.

import type { Block, Instruction, Kind, LoadCounter } from "./listing.ts";

const OPERATIONS: Partial<Record<Kind, string>> = {
  fma: "FFMA FFMA2 HFMA2",
  fp: "FADD FADD2 FMUL FMUL2 FSEL FMNMX FMNMX3 FSETP FSET FCHK HADD2 HMUL2 HSETP2",
  special: "MUFU",
  matrix: "HMMA IMMA HGMMA",
  load: "LDG LD LDL",
  store: "STG ST STL",
  "shared-load": "LDS LDSM",
  "shared-store": "STS",
  constant: "LDC ULDC LDCU",
  barrier: "BAR WARPSYNC DEPBAR",
  branch: "BRA BSSY BSYNC EXIT CALL RET BREAK BMOV BRX JMP",
  pad: "NOP YIELD",
};
const kinds = new Map(
  Object.entries(OPERATIONS).flatMap(([kind, names]) => names.split(" ").map((name) => [name, kind as Kind] as const)),
);

function kindOf(op: string, operands: string): Kind {
  // This form only moves a constant.
  if (op.startsWith("HFMA2") && operands.includes("RZ, RZ")) return "int";
  return kinds.get(op.split(".")[0]) ?? "int";
}

/** Without a predicate; BRA may have a condition before its target. */
const ALWAYS_LEAVES = /^(EXIT|RET|BRX|JMP)\b|^BRA(\.U)? `/;

export function parseSass(listing: string): Block[] {
  const blocks: Block[] = [{ label: "start", instructions: [] }];
  for (const line of listing.split("\n")) {
    const text = line.trim();
    const label = /^\.(L_x_\d+):/.exec(text)?.[1];
    if (label) blocks.push({ label, instructions: [] });
    const code = /^\/\*[0-9a-f]+\*\/\s+(@!?U?P\w+\s+)?([A-Z][A-Z0-9_.]*)\s*(.*?)\s*;/.exec(text);
    if (!code) continue;
    const [, predicate = "", op, operands] = code as unknown as [string, string | undefined, string, string];
    // The compiler jumps by calls, too, where a target is far away.
    const target = /^(BRA|CALL\.REL)/.test(op) ? /L_x_\d+/.exec(operands)?.[0] : undefined;
    const instruction: Instruction = { kind: kindOf(op, operands), op, operands, target, predicate: predicate.trim() };
    instruction.ends = predicate === "" && ALWAYS_LEAVES.test(`${op} ${operands}`);
    blocks.at(-1)!.instructions.push(instruction);
  }
  return blocks;
}

/** The registers of an instruction's operands, the destination first; all registers of a wide operand are listed. */
function registersOf({ op, operands }: Instruction): number[][] {
  const wide = op.includes(".128") ? 4 : op.includes(".64") ? 2 : 1;
  return operands.split(",").flatMap((operand) =>
    [...operand.matchAll(/\bR(\d+)(\.64)?/g)].map(([, first, pair]) => {
      const length = pair ? 2 : operand.includes("[") ? 1 : wide;
      return Array.from({ length }, (_, i) => Number(first) + i);
    }),
  );
}

/** Of the loads under a condition and those under its opposite, only the larger number is in flight. */
function countUnderWay(predicates: readonly string[]): number {
  const of = (predicate: string) => predicates.filter((other) => other === predicate).length;
  const conditions = new Set(predicates.filter((predicate) => predicate !== "" && !predicate.includes("!")));
  const both = [...conditions].map((one) => Math.min(of(one), of(one.replace("@", "@!"))));
  return predicates.length - both.reduce((sum, n) => sum + n, 0);
}

/** An instruction that names the register of a load in flight waits for all loads. */
export const countSassLoads: LoadCounter = (...sequences) => {
  let underWay: { registers: number[]; predicate: string }[] = [];
  let loadsInFlight = 0;
  let waits = 0;
  for (const sequence of sequences) {
    waits = 0;
    for (const instruction of sequence) {
      const named = registersOf(instruction);
      const all = new Set(named.flat());
      if (underWay.some(({ registers }) => registers.some((register) => all.has(register)))) {
        waits++;
        underWay = [];
      }
      if (instruction.kind !== "load" || !named[0]) continue;
      underWay.push({ registers: named[0], predicate: instruction.predicate ?? "" });
      loadsInFlight = Math.max(loadsInFlight, countUnderWay(underWay.map(({ predicate }) => predicate)));
    }
  }
  return { loadsInFlight, waits };
};
