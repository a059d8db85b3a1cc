// The public API of erwin.

export type { AbortOptions } from "./abort.ts";
export type { EdgeIndices, Indices } from "./arguments/indices.ts";
export type { NumberList, Numbers } from "./arguments/numbers.ts";
export {
  type BackendName,
  type Device,
  type DeviceInfo,
  type DeviceMemory,
  type DeviceOptions,
  type GradientPrecision,
  type KernelTime,
  type MatrixUnits,
  type PageBuffer,
  type PageDevice,
  type Precision,
  type ProductTuning,
  type Profile,
  type Recovery,
  type RecoveryListener,
  requestDevice,
  type Storage,
  type Tile,
} from "./backends/index.ts";
export {
  type BallTree,
  type BallTreeOptions,
  buildBallTree,
  disposeThreads,
  knnGraph,
  radiusGraph,
  type TreeLevel,
} from "./balltree/index.ts";
export * from "./errors.ts";
export { type AttentionQuestion, type AttentionWeights, attentionWeights } from "./erwin/attention.ts";
export {
  type ErwinConfig,
  type ErwinConfigInput,
  type GivenConfig,
  resolveConfig,
} from "./erwin/config.ts";
export type { GivenTree } from "./erwin/given-tree.ts";
export type { SortedEdges } from "./erwin/graph.ts";
export type { ErwinInput, PreparedGeometry, PreparedInput, PrepareOptions } from "./erwin/input.ts";
export type { MemoryEstimate, MemoryQuestion } from "./erwin/memory.ts";
export {
  type CreateOptions,
  ErwinTransformer,
  type LoadOptions,
  type ModelOptions,
  type UploadOptions,
} from "./erwin/model.ts";
export type { UploadedInput } from "./erwin/uploaded.ts";
export {
  loadSafetensors,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  type SafetensorsFile,
  saveSafetensors,
  toFloat32,
  toInt32,
} from "./formats/safetensors/safetensors.ts";
export { type AssetName, type Assets, setAssets } from "./host/given-assets.ts";
export { type Limits, limits, setLimits } from "./limits.ts";
export * as nn from "./nn/index.ts";
export { exportOnnx, type OnnxGraph, type OnnxOptions, type OnnxValue, type OnnxWeight } from "./onnx/index.ts";
export { Random } from "./random.ts";
export { checkpoint } from "./tensor/checkpoint.ts";
/** All operators, including those into which the model's layers are fused, for users' own models. */
export * as operators from "./tensor/operators/index.ts";
export {
  abs,
  accuracy,
  add,
  argmax,
  type CrossEntropyOptions,
  clamp,
  cloudMax,
  cloudMeans,
  cloudSums,
  concatenate,
  cos,
  crossEntropy,
  divide,
  dropout,
  embeddingLookup,
  exp,
  gaussianNegativeLogLikelihood,
  gelu,
  huber,
  l1,
  linear,
  log,
  logSoftmax,
  matmul,
  maximum,
  mean,
  minimum,
  mse,
  multiply,
  negate,
  relativeL2,
  relu,
  reshape,
  scale,
  sigmoid,
  silu,
  sin,
  slice,
  softmax,
  softplus,
  split,
  sqrt,
  square,
  subtract,
  sum,
  tanh,
  transpose,
} from "./tensor/operators/index.ts";
export { noGrad } from "./tensor/tape.ts";
export {
  type BufferCopyOptions,
  scope,
  Tensor,
  type TensorData,
  type TensorSource,
  type TensorType,
} from "./tensor/tensor.ts";
export { loadTraining, saveTraining, type TrainingProgress } from "./train/checkpoints/checkpoint.ts";
export { BEST_CHECKPOINT, type CheckpointStore, LAST_CHECKPOINT, MemoryStore } from "./train/checkpoints/store.ts";
export { FitController } from "./train/control.ts";
export type { BatchRequest } from "./train/data/loading.ts";
export { type EvaluateOptions, evaluate, type Metrics } from "./train/evaluate.ts";
export { fit } from "./train/fit.ts";
export type { FitOptions, FitProgress, FitResult } from "./train/fit-options.ts";
export { JsonLinesLogger, type LogEntry, type Logger, MemoryLogger } from "./train/logger.ts";
export type { MemoryPlan } from "./train/memory-plan.ts";
export { AdamW, type OptimizerState, type StepOptions, type StepReport } from "./train/optimizer/adamw.ts";
export { clipGradientNorm } from "./train/optimizer/clip.ts";
export { type LearningRates, learningRate, type Schedule } from "./train/optimizer/schedules.ts";
export type { AdamWOptions, ParameterGroup } from "./train/optimizer/settings.ts";
export {
  type BatchDetails,
  type DataSet,
  type Measure,
  type SupervisedBatch,
  type SupervisedModel,
  supervised,
  type Task,
  type Trainable,
} from "./train/task.ts";
export { createErwinWorker, ErwinWorker } from "./worker/client.ts";
export type {
  ErwinWorkerOptions,
  TrainOptions,
  TransferOptions,
  WorkerForwardOptions,
  WorkerLoadOptions,
  WorkerTraining,
} from "./worker/options.ts";
export type {
  WorkerInfo,
  WorkerInput,
  WorkerLoss,
  WorkerMode,
  WorkerOutput,
  WorkerSample,
  WorkerTrainingOptions,
  WorkerTrainingResult,
} from "./worker/protocol.ts";
export { borrowThreads, type LentThreads, lendPageThreads } from "./worker/threads.ts";
