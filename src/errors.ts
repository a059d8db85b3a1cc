// Every error that the engine throws deliberately. Each class has a stable `name` (which survives structured cloning
// between workers), a message that says what was wrong, where, what was expected and what to do, and the fields that a
// program needs.

/** Details that a program may want to read from an error, by name. All values can cross a worker boundary. */
export type ErrorDetails = Record<string, string | number | boolean | null | string[] | number[]>;

/** Base class of all errors thrown by this library. */
export class ErwinError extends Error {
  override name = "ErwinError";
  /** The facts behind the message: the row, tensor, field or file concerned, what was expected, what was found. */
  readonly details: ErrorDetails;

  constructor(message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.details = details;
  }
}

/** An invalid configuration of a model, tree or optimiser: `details.field` names the field. */
export class ConfigError extends ErwinError {
  override name = "ConfigError";
}

/** Invalid input data: `details.row` and `details.tensor` say where. */
export class InputError extends ErwinError {
  override name = "InputError";
}

/** A checkpoint that does not match the model: `details.missing`, `.unexpected`, `.misshapen` list every tensor. */
export class CheckpointError extends ErwinError {
  override name = "CheckpointError";
}

/** A file that violates its format: `details.file`, and `.offset` if known. */
export class FormatError extends ErwinError {
  override name = "FormatError";
}

/** No usable device: there is no adapter, or it failed the known-answer check. */
export class DeviceError extends ErwinError {
  override name = "DeviceError";
}

/**
 * The device was lost (driver reset, tab throttled, out of power): `details.reason`. Request a new device and load
 * again.
 */
export class DeviceLostError extends ErwinError {
  override name = "DeviceLostError";
}

/** An allocation that the device or the WebAssembly memory cannot satisfy: `details.bytes`, `.limit`. */
export class OutOfMemoryError extends ErwinError {
  override name = "OutOfMemoryError";
}

/** A worker script or a WebAssembly module that could not be loaded, or a worker that stopped unexpectedly: `details.url`. */
export class WorkerError extends ErwinError {
  override name = "WorkerError";
}

/**
 * A server that stores files and does not do what is asked: `details.file`, `.reason` ("network" if it may pass) and, if there was
 * an answer, `.status`.
 */
export class StorageError extends ErwinError {
  override name = "StorageError";
}

/** A NaN or an infinity where none is allowed: `details.tensor`. */
export class NumericalError extends ErwinError {
  override name = "NumericalError";
}

/** An object used after `dispose()`. */
export class DisposedError extends ErwinError {
  override name = "DisposedError";
}

const classes = {
  ErwinError,
  ConfigError,
  InputError,
  CheckpointError,
  FormatError,
  DeviceError,
  DeviceLostError,
  OutOfMemoryError,
  WorkerError,
  StorageError,
  NumericalError,
  DisposedError,
};

/** The result of `serializeError`: a plain object that can be posted between threads. */
export interface SerializedError {
  name: string;
  message: string;
  stack?: string;
  details: ErrorDetails;
}

/** Converts any thrown value to a plain object that keeps name, message, stack and details across a worker boundary. */
export function serializeError(error: unknown): SerializedError {
  if (error instanceof ErwinError) {
    return { name: error.name, message: error.message, stack: error.stack, details: error.details };
  }
  if (error instanceof Error) return { name: error.name, message: error.message, stack: error.stack, details: {} };
  return { name: "Error", message: String(error), details: {} };
}

/**
 * The inverse of `serializeError`: returns an instance of the named class, so that `instanceof` works on the other
 * side.
 */
export function deserializeError(error: SerializedError): Error {
  const ErrorClass = classes[error.name as keyof typeof classes];
  const result = ErrorClass ? new ErrorClass(error.message, error.details) : new Error(error.message);
  if (!ErrorClass) result.name = error.name;
  if (error.stack) result.stack = error.stack;
  return result;
}
