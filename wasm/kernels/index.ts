// The CPU backend's kernels: runs a list of commands (commands.ts). Every thread calls `run` on the same list, takes its
// share of each command, and meets the others before the next.
import { adamw, adamwControl } from "./adamw";
import { ballAttention } from "./attention";
import { ballAttentionBackward } from "./attention-backward";
import { batchNorm, batchNormBackward, batchNormSums, batchStatistics } from "./batch-norm";
import {
  Adamw,
  AdamwControl,
  Add,
  BallAttention,
  BallAttentionBackward,
  BallOffsets,
  BatchNorm,
  BatchNormBackward,
  BatchNormSums,
  BatchStatistics,
  Clear,
  CoarsenPositions,
  ColumnSums,
  Copy,
  Elementwise,
  FoldPosition,
  GatherRows,
  GatherSum,
  GradientNorms,
  GradientSquares,
  GradientTotal,
  LayerNorm,
  LayerNormBackward,
  MessageBackwardArriving,
  MessageBackwardLeaving,
  MessageMean,
  NormPosition,
  Operator,
  Product,
  RmsNormBackward,
  RmsScale,
  Scale,
  ScatterRows,
  SumAxis,
} from "./commands";
import { elementwise } from "./elementwise";
import { gradientNorms, gradientSquares, gradientTotal } from "./gradients";
import { layerNorm, layerNormBackward } from "./layer-norm";
import { messageBackwardArriving, messageBackwardLeaving, messageMean } from "./messages";
import { ballOffsets, coarsenPositions } from "./positions";
import { product } from "./product";
import { foldPosition, normPosition, rmsNormBackward, rmsScale } from "./rms-norm";
import { add, clear, copy, gatherRows, gatherSum, scale, scatterRows } from "./rows";
import { columnSums, sumAxis } from "./sums";
import { meet } from "./threads";

/** Runs `count` commands of `size` bytes each. False where the threads were told to stop on the way. */
export function run(list: usize, count: u32, size: u32, thread: u32, threads: u32, control: usize): bool {
  for (let i: u32 = 0; i < count; i++, list += size) {
    execute(list, thread, threads);
    if (!meet(control, threads)) return false;
  }
  return true;
}

function execute(at: usize, thread: u32, threads: u32): void {
  switch (load<u32>(at)) {
    case Operator.Copy:
      return copy(changetype<Copy>(at), thread, threads);
    case Operator.Clear:
      return clear(changetype<Clear>(at), thread, threads);
    case Operator.Add:
      return add(changetype<Add>(at), thread, threads);
    case Operator.GatherRows:
      return gatherRows(changetype<GatherRows>(at), thread, threads);
    case Operator.ScatterRows:
      return scatterRows(changetype<ScatterRows>(at), thread, threads);
    case Operator.GatherSum:
      return gatherSum(changetype<GatherSum>(at), thread, threads);
    case Operator.RmsScale:
      return rmsScale(changetype<RmsScale>(at), thread, threads);
    case Operator.NormPosition:
      return normPosition(changetype<NormPosition>(at), thread, threads);
    case Operator.RmsNormBackward:
      return rmsNormBackward(changetype<RmsNormBackward>(at), thread, threads);
    case Operator.FoldPosition:
      return foldPosition(changetype<FoldPosition>(at), thread, threads);
    case Operator.Product:
      return product(changetype<Product>(at), thread, threads);
    case Operator.ColumnSums:
      return columnSums(changetype<ColumnSums>(at), thread, threads);
    case Operator.BallAttention:
      return ballAttention(changetype<BallAttention>(at), thread, threads);
    case Operator.BallAttentionBackward:
      return ballAttentionBackward(changetype<BallAttentionBackward>(at), thread, threads);
    case Operator.LayerNorm:
      return layerNorm(changetype<LayerNorm>(at), thread, threads);
    case Operator.LayerNormBackward:
      return layerNormBackward(changetype<LayerNormBackward>(at), thread, threads);
    case Operator.BatchStatistics:
      return batchStatistics(changetype<BatchStatistics>(at), thread, threads);
    case Operator.BatchNorm:
      return batchNorm(changetype<BatchNorm>(at), thread, threads);
    case Operator.BatchNormSums:
      return batchNormSums(changetype<BatchNormSums>(at), thread, threads);
    case Operator.BatchNormBackward:
      return batchNormBackward(changetype<BatchNormBackward>(at), thread, threads);
    case Operator.BallOffsets:
      return ballOffsets(changetype<BallOffsets>(at), thread, threads);
    case Operator.CoarsenPositions:
      return coarsenPositions(changetype<CoarsenPositions>(at), thread, threads);
    case Operator.MessageMean:
      return messageMean(changetype<MessageMean>(at), thread, threads);
    case Operator.MessageBackwardArriving:
      return messageBackwardArriving(changetype<MessageBackwardArriving>(at), thread, threads);
    case Operator.MessageBackwardLeaving:
      return messageBackwardLeaving(changetype<MessageBackwardLeaving>(at), thread, threads);
    case Operator.Elementwise:
      return elementwise(changetype<Elementwise>(at), thread, threads);
    case Operator.SumAxis:
      return sumAxis(changetype<SumAxis>(at), thread, threads);
    case Operator.GradientSquares:
      return gradientSquares(changetype<GradientSquares>(at), thread, threads);
    case Operator.GradientNorms:
      return gradientNorms(changetype<GradientNorms>(at), thread, threads);
    case Operator.GradientTotal:
      return gradientTotal(changetype<GradientTotal>(at), thread);
    case Operator.Scale:
      return scale(changetype<Scale>(at), thread, threads);
    case Operator.AdamwControl:
      return adamwControl(changetype<AdamwControl>(at), thread);
    case Operator.Adamw:
      return adamw(changetype<Adamw>(at), thread, threads);
    default:
      unreachable();
  }
}
