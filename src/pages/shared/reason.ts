// What an error says.

/** Returns an error's message, or its name where the browser gives no words; what is thrown may be no error. */
export function reasonOf(error: unknown): string {
  const { message, name } = (error ?? {}) as Partial<Error>;
  return message || name || String(error);
}
