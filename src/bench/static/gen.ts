// The assembly of Intel's GPUs, as Mesa's ANV lists it. Memory is reached by messages, whose description is on a line of its own.

import type { Block, Instruction, Kind, LoadCounter } from "./listing.ts";

/** The kind of a message by its description; the first pattern that matches decides. Surface 254 is the workgroup's memory. */
const messages: [Kind, RegExp][] = [
  ["barrier", /barrier msg/],
  ["wait", /fence/],
  ["constant", /^const /],
  ["shared-load", /^slm .*\bload\b|surface read, Surface = 254|read, bti 254/],
  ["shared-store", /^slm |surface write, Surface = 254|write, bti 254/],
  ["load", /\bload\b|\bread\b/],
  ["store", /\bstore\b|\bwrite\b/],
];
const JUMPS = /^(if|else|endif|while|break|cont|halt|jmpi)$/;
const FLOAT_OPERATIONS = /^(add|mul|sel|cmp|rndd|rnde|rndz|frc|cmpn|csel)$/;

const isFloat = (operands: string) => /<\d+>F\b|:F\b|>F\b/.test(operands);

function kindOf(op: string, operands: string): Kind {
  if (JUMPS.test(op)) return "branch";
  if (op === "sync" || op === "nop") return "pad";
  if (op === "math") return /^int/.test(operands) ? "int" : "special";
  if (!isFloat(operands)) return "int";
  if (op === "mad") return "fma";
  return FLOAT_OPERATIONS.test(op) ? "fp" : "int";
}

export function parseGen(listing: string): Block[] {
  const blocks: Block[] = [{ label: "start", instructions: [] }];
  let last: Instruction | undefined;
  for (const line of listing.split("\n")) {
    const label = /^(LABEL\d+):/.exec(line)?.[1];
    if (label) blocks.push({ label, instructions: [] });
    const described = /^\s+.*?(\w+) MsgDesc: (.*)/.exec(line);
    if (described && last?.op.startsWith("send")) {
      const description = `${described[1]} ${described[2]}`;
      last.kind = messages.find(([, pattern]) => pattern.test(description))?.[0] ?? "int";
      // The description ends with what the message waits for, and with its own token.
      last.operands += ` ${described[2]}`;
    }
    const code = /^(?:\(([^)]*)\)\s*)?([a-z]\w*)(?:\.\S+)?(?:\(\d+\))?\s+(.*)/.exec(line);
    if (!code) continue;
    const [, predicate, name, operands] = code as unknown as [string, string | undefined, string, string];
    // A function's name follows the operation: math inv(8).
    const kind = kindOf(name, operands);
    // A loop's end may be passed: channels leave it by a break, to a place inside the loop. A block's end jumps nowhere.
    const target = kind === "branch" && name !== "endif" ? /JIP:\s+(LABEL\d+)/.exec(operands)?.[1] : undefined;
    last = { kind, op: name, operands, target, ends: /\bEOT\b/.test(operands), predicate };
    blocks.at(-1)!.instructions.push(last);
  }
  return blocks;
}

/** The number of the token by which others wait for a message. */
const tokenOf = (operands: string) => /\$(\d+)(?![\d.])/.exec(operands)?.[1];

/** An instruction that names the token of a load in flight waits for it. */
export const countGenLoads: LoadCounter = (...sequences) => {
  let underWay: string[] = [];
  let loadsInFlight = 0;
  let waits = 0;
  for (const sequence of sequences) {
    waits = 0;
    for (const { kind, operands } of sequence) {
      const needed = [...operands.matchAll(/\$(\d+)\.dst/g)].map(([, token]) => token);
      const isNeeded = (token: string) => needed.includes(token);
      if (underWay.some(isNeeded)) {
        waits++;
        underWay = underWay.filter((token) => !isNeeded(token));
      }
      const token = tokenOf(operands);
      if (kind !== "load" || token === undefined) continue;
      underWay.push(token);
      loadsInFlight = Math.max(loadsInFlight, underWay.length);
    }
  }
  return { loadsInFlight, waits };
};
