// Chooses the device: a GPU where one works, else the processor.

export type {
  BackendName,
  Device,
  DeviceInfo,
  DeviceMemory,
  GradientPrecision,
  KernelTime,
  MatrixUnits,
  PageBuffer,
  PageDevice,
  Precision,
  ProductTuning,
  Profile,
  Storage,
  Tile,
} from "./device.ts";
export { causeOf } from "./loss.ts";
export { Recoveries, type Recovery, type RecoveryListener } from "./recovery.ts";
export { type DeviceOptions, deviceOptionNames, requestDevice } from "./request.ts";
