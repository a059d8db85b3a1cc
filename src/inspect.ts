// What others see of an object: `console.log` and notebooks in Deno, Node and Bun a line, instead of everything it is made of, and
// libraries that take objects apart the name of its class.

/** The name of the method that these hosts call: https://nodejs.org/api/util.html#utilinspectcustom */
export const inspect: unique symbol = Symbol.for("nodejs.util.inspect.custom");

/** Returns the line for an object: its class, and what tells it from others. */
export const lineOf = (object: object, details: string): string => `${object.constructor.name} (${details})`;

/**
 * An object that keeps something to itself. Its tag is the name of its class, by which libraries of reactive state, such as Vue, do not
 * take it for a plain object: a ref would hold a proxy in its place, which has none of its private fields.
 */
export abstract class Opaque {
  get [Symbol.toStringTag](): string {
    return this.constructor.name;
  }
}
