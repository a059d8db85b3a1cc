// Ball attention on the CPU.

import type { BallList, Primitives } from "../operators.ts";
import { type Context, withScratch } from "./context.ts";
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

    ballAttentionGradients({ rows: _, ...a }) {
      const { largest } = a.balls;
      withScratch(context, attentionBackwardScratch({ ...a, largest }), (scratch) =>
        context.record("BallAttentionBackward", { ...a, ...ballsOf(a.balls), largest, ...scratch }),
      );
    },

    ballOffsets({ positions, balls, offsets, dimensions }) {
      context.record("BallOffsets", { positions, ...ballsOf(balls), offsets, dimensions });
    },

    coarsenPositions(a) {
      context.record("CoarsenPositions", { ...a });
    },
  }) satisfies Partial<Primitives>;
