// Formats values as a console prints them, in short.

const MAX_NUMBERS = 6;

/** Returns the arguments of a `console.log` as a line. */
export const lineOf = (values: readonly unknown[]): string =>
  values.map((value) => (typeof value === "string" ? value : print(value))).join(" ");

function print(value: unknown): string {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const numbers = value as Float32Array;
    const more = numbers.length > MAX_NUMBERS ? ", ..." : "";
    return `${numbers.constructor.name}(${numbers.length}) [${Array.from(numbers.subarray(0, MAX_NUMBERS)).join(", ")}${more}]`;
  }
  if (Array.isArray(value)) return `[${value.map(print).join(", ")}]`;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
