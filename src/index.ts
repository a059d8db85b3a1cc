// The public API of erwin.

export {
  type BackendName,
  type Device,
  type DeviceInfo,
  type DeviceMemory,
  type DeviceOptions,
  requestDevice,
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
export { type ErwinConfig, type ErwinConfigInput, resolveConfig } from "./erwin/config.ts";
export type { ErwinInput, GivenTree, PreparedInput } from "./erwin/input.ts";
export { type CreateOptions, ErwinTransformer, type LoadOptions } from "./erwin/model.ts";
export {
  loadSafetensors,
  type SafeTensor,
  type SafeTensorInput,
  type SafeTensorType,
  type SafetensorsFile,
  saveSafetensors,
  toFloat32,
  toInt32,
} from "./formats/safetensors.ts";
export { Tensor, type TensorData, type TensorType } from "./tensor/tensor.ts";
export {
  createErwinWorker,
  type ErwinWorker,
  type ErwinWorkerOptions,
  type TransferOptions,
  type WorkerLoadOptions,
} from "./worker/client.ts";
export type { WorkerConfig, WorkerInfo, WorkerInput, WorkerMode, WorkerOutput } from "./worker/protocol.ts";
