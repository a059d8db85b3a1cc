// Ball attention on the CPU.

import type { BallList, Primitives } from "../operators.ts";
import { type Context, withScratch } from "./context.ts";
import { recordColumnSums } from "./linear.ts";
import { movedRows } from "./rows.ts";
import { attentionBackwardScratch, attentionScratch } from "./scratch.ts";

const ballsOf = ({ storage, host }: BallList) => ({ balls: storage, ballCount: host.length / 2 });

export const ballOperators = (context: Context) =>
  ({
    ballAttention({ rows: _, ...a }) {
      const { largest } = a.balls;
      withScratch(context, attentionScratch({ ...a, largest }), (scratch) =>
        context.record("BallAttention", { ...a, ...ballsOf(a.balls), largest, ...scratch }),
      );
    },

    ballAttentionBackward({ rows, into, ...a }) {
      const { largest } = a.balls;
      const rowTerms = context.pool.allocate(rows * a.heads * 4);
      const results = { dqkv: into.qkv, rowTerms };
      withScratch(context, attentionBackwardScratch({ ...a, largest }), (scratch) =>
        context.record("BallAttentionBackward", { ...a, ...ballsOf(a.balls), largest, ...results, ...scratch }),
      );
      if (into.sigma) recordColumnSums(context, rowTerms, into.sigma, { rows, columns: a.heads });
      context.pool.release(rowTerms);
    },

    placeLevelAtOnce: () => false,

    ballOffsets({ positions, from, balls, offsets, rows, dimensions }) {
      if (from) movedRows(context).gatherRows({ ...from, out: positions, rows, width: dimensions });
      context.record("BallOffsets", { positions, ...ballsOf(balls), offsets, dimensions });
    },

    coarsenPositions(a) {
      context.record("CoarsenPositions", { ...a });
    },
  }) satisfies Partial<Primitives>;
