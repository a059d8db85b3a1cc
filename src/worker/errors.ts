// Preserves errors that cross threads: comlink by itself drops an error's class and its details.

import { transferHandlers } from "comlink";
import { deserializeError, type SerializedError, serializeError } from "../errors.ts";

/** Replaces comlink's handler for thrown values. Both sides of a connection have to call it. */
export function keepErrorClasses(): void {
  const { canHandle } = transferHandlers.get("throw")!;
  transferHandlers.set("throw", {
    canHandle,
    serialize: (thrown) => [serializeError((thrown as { value: unknown }).value), []],
    deserialize: (error) => {
      throw deserializeError(error as SerializedError);
    },
  });
}
