// Device memory as operators are handed it.

/** A piece of device memory. What is behind it is the backend's own business. */
export interface Storage {
  readonly bytes: number;
}
