// Where in a model an error happened: the part's name in checkpoints, which its message begins with.

import { type ErrorDetails, ErwinError, InputError } from "../errors.ts";

/** Returns the same error with a message that begins with where it happened. */
export function located(error: unknown, place: string, details: ErrorDetails): unknown {
  if (!(error instanceof ErwinError)) return error;
  const SameError = error.constructor as typeof ErwinError;
  return new SameError(`${place}: ${error.message}`, { ...error.details, ...details }, { cause: error });
}

/** Modules whose errors name them already. */
const named = new WeakSet<object>();

/** Lets errors of a part's `forward` say where they were, by its name in checkpoints: each module around it adds its own. */
export function nameInErrors(module: object, name: string): void {
  const part = module as { forward?: (...input: never[]) => unknown };
  const forward = part?.forward;
  if (!forward || named.has(part)) return;
  named.add(part);
  const fail = (error: unknown): never => {
    if (!(error instanceof InputError)) throw error;
    const inner = error.details.module;
    const place = inner ? `${name}.${inner}` : name;
    throw located((inner && error.cause) || error, `in ${place}`, { module: place });
  };
  part.forward = function (...input) {
    try {
      const output = forward.apply(this, input);
      return output instanceof Promise ? output.catch(fail) : output;
    } catch (error) {
      return fail(error);
    }
  };
}
