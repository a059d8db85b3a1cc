// Ball attention on the CPU.

import type { BallList, Primitives } from "../operators.ts";
import { type Context, withScratch } from "./context.ts";
import { recordColumnSums } from "./linear.ts";
import { movedRows } from "./rows.ts";
import { attentionBackwardScratch, attentionScratch } from "./scratch.ts";

const ballsOf = ({ storage, host }: BallList) => ({ balls: storage, ballCount: host.length / 2 });

export const ballOperators = (context: Context) =>
  ({
    ballAttention({ rows: _, balls, ...a }) {
      const { largest } = balls;
      withScratch(context, attentionScratch({ ...a, largest }), (scratch) =>
        context.record("BallAttention", a, ballsOf(balls), { largest }, scratch),
      );
    },

    ballAttentionBackward({ rows, balls, into, ...a }) {
      const { largest } = balls;
      const rowTerms = context.pool.allocate(rows * a.heads * 4);
      const results = { dqkv: into.qkv, rowTerms };
      withScratch(context, attentionBackwardScratch({ ...a, largest }), (scratch) =>
        context.record("BallAttentionBackward", a, ballsOf(balls), { largest }, results, scratch),
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
