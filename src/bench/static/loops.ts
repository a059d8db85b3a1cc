// Finds the loops of code by its control flow, wherever a compiler placed their parts.

/** For each block of the code, the blocks that may run after it. The first block runs first. */
export type ControlFlow = readonly (readonly number[])[];

export interface Loop {
  /** The only block through which the loop is entered. */
  header: number;
  /** All blocks of the loop, in the code's order. */
  blocks: readonly number[];
}

/** Returns all blocks that run after `start`, and itself, where `without` does not run. */
function reach(flow: ControlFlow, start: number, without?: number): Set<number> {
  const reached = new Set<number>();
  const waiting = [start];
  for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
    if (block === without || reached.has(block)) continue;
    reached.add(block);
    waiting.push(...flow[block]);
  }
  return reached;
}

/**
 * Finds natural loops: a block jumps back to a header that always runs before it, and what leads to that jump from the header is
 * the loop. Code between header and jump that leads elsewhere, like the code after the loop, is not part of it.
 */
export function findLoops(flow: ControlFlow): Loop[] {
  const before: number[][] = flow.map(() => []);
  flow.forEach((blocks, block) => {
    for (const next of blocks) before[next].push(block);
  });
  return flow.flatMap((_, header) => {
    const after = reach(flow, header);
    const elsewhere = reach(flow, 0, header);
    const jumps = before[header].filter((block) => after.has(block) && !elsewhere.has(block));
    if (jumps.length === 0) return [];
    const blocks = new Set(
      jumps.flatMap((jump) => [...reach(before, jump, header)]).filter((block) => after.has(block)),
    );
    return [{ header, blocks: [...blocks.add(header)].sort((a, b) => a - b) }];
  });
}

export const isInside = (inner: Loop, outer: Loop) => inner !== outer && outer.blocks.includes(inner.header);
