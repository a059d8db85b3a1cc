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
  MultiplyAdd,
  NormPosition,
  Operator,
  Product,
  RmsNormBackward,
  Scale,
  ScatterRows,
  SumAxis,
} from "./commands";
import { elementwise } from "./elementwise";
import { gradientNorms, gradientSquares, gradientTotal } from "./gradients";
import { now } from "./host";
import { layerNorm, layerNormBackward } from "./layer-norm";
import { messageBackwardArriving, messageBackwardLeaving, messageMean } from "./messages";
import { multiplyAdd } from "./multiply-add";
import { ballOffsets, coarsenPositions } from "./positions";
import { product } from "./product";
import { normPosition, rmsNormBackward } from "./rms-norm";
import { add, clear, copy, gatherRows, gatherSum, scale, scatterRows } from "./rows";
import { columnSums, sumAxis } from "./sums";
import { meet, useControl } from "./threads";

/**
 * Runs `count` commands of `size` bytes each. False where the threads were told to stop on the way. Unless `times` is 0, the
 * milliseconds each command took until all threads had met after it are written there, f32.
 */
export function run(list: usize, count: u32, size: u32, thread: u32, threads: u32, control: usize, times: usize): bool {
  useControl(control);
  const clocked = times != 0 && thread == 0;
  let before = clocked ? now() : 0;
  for (let i: u32 = 0; i < count; i++, list += size) {
    execute(list, thread, threads);
    if (!meet(threads)) return false;
    if (!clocked) continue;
    const after = now();
    store<f32>(times + ((<usize>i) << 2), <f32>(after - before));
    before = after;
  }
  return true;
}

function execute(at: usize, thread: u32, threads: u32): void {
  switch (load<u32>(at)) {
    case Operator.Copy:
      copy(changetype<Copy>(at), thread, threads);
      break;
    case Operator.Clear:
      clear(changetype<Clear>(at), thread, threads);
      break;
    case Operator.Add:
      add(changetype<Add>(at), thread, threads);
      break;
    case Operator.GatherRows:
      gatherRows(changetype<GatherRows>(at), thread, threads);
      break;
    case Operator.ScatterRows:
      scatterRows(changetype<ScatterRows>(at), thread, threads);
      break;
    case Operator.GatherSum:
      gatherSum(changetype<GatherSum>(at), thread, threads);
      break;
    case Operator.NormPosition:
      normPosition(changetype<NormPosition>(at), thread, threads);
      break;
    case Operator.RmsNormBackward:
      rmsNormBackward(changetype<RmsNormBackward>(at), thread, threads);
      break;
    case Operator.Product:
      product(changetype<Product>(at), thread, threads);
      break;
    case Operator.ColumnSums:
      columnSums(changetype<ColumnSums>(at), thread, threads);
      break;
    case Operator.BallAttention:
      ballAttention(changetype<BallAttention>(at), thread, threads);
      break;
    case Operator.BallAttentionBackward:
      ballAttentionBackward(changetype<BallAttentionBackward>(at), thread, threads);
      break;
    case Operator.LayerNorm:
      layerNorm(changetype<LayerNorm>(at), thread, threads);
      break;
    case Operator.LayerNormBackward:
      layerNormBackward(changetype<LayerNormBackward>(at), thread, threads);
      break;
    case Operator.BatchStatistics:
      batchStatistics(changetype<BatchStatistics>(at), thread, threads);
      break;
    case Operator.BatchNorm:
      batchNorm(changetype<BatchNorm>(at), thread, threads);
      break;
    case Operator.BatchNormSums:
      batchNormSums(changetype<BatchNormSums>(at), thread, threads);
      break;
    case Operator.BatchNormBackward:
      batchNormBackward(changetype<BatchNormBackward>(at), thread, threads);
      break;
    case Operator.BallOffsets:
      ballOffsets(changetype<BallOffsets>(at), thread, threads);
      break;
    case Operator.CoarsenPositions:
      coarsenPositions(changetype<CoarsenPositions>(at), thread, threads);
      break;
    case Operator.MessageMean:
      messageMean(changetype<MessageMean>(at), thread, threads);
      break;
    case Operator.MessageBackwardArriving:
      messageBackwardArriving(changetype<MessageBackwardArriving>(at), thread, threads);
      break;
    case Operator.MessageBackwardLeaving:
      messageBackwardLeaving(changetype<MessageBackwardLeaving>(at), thread, threads);
      break;
    case Operator.Elementwise:
      elementwise(changetype<Elementwise>(at), thread, threads);
      break;
    case Operator.SumAxis:
      sumAxis(changetype<SumAxis>(at), thread, threads);
      break;
    case Operator.GradientSquares:
      gradientSquares(changetype<GradientSquares>(at), thread, threads);
      break;
    case Operator.GradientNorms:
      gradientNorms(changetype<GradientNorms>(at), thread, threads);
      break;
    case Operator.GradientTotal:
      gradientTotal(changetype<GradientTotal>(at), thread);
      break;
    case Operator.Scale:
      scale(changetype<Scale>(at), thread, threads);
      break;
    case Operator.AdamwControl:
      adamwControl(changetype<AdamwControl>(at), thread);
      break;
    case Operator.Adamw:
      adamw(changetype<Adamw>(at), thread, threads);
      break;
    case Operator.MultiplyAdd:
      multiplyAdd(changetype<MultiplyAdd>(at), thread, threads);
      break;
    default:
      unreachable();
  }
}
