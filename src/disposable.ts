// What is disposed, by `using` too. Defines `Symbol.dispose` where the language does not have it yet (Safari, Firefox before 141,
// Chrome before 134): `using`, as compilers write it for such browsers, looks for it when it ends. Every file with another object that
// has the method imports this one first, since an object takes the key when it is made.

import { Opaque } from "./inspect.ts";

// The key that esbuild, Babel and Oxc take in its place.
if (!Symbol.dispose) Object.defineProperty(Symbol, "dispose", { value: Symbol.for("Symbol.dispose") });

/** What owns memory or threads, until it is disposed. */
export abstract class Resource extends Opaque {
  /** Frees what it owns. Calling it again does nothing. */
  abstract dispose(): void;

  [Symbol.dispose](): void {
    this.dispose();
  }
}
