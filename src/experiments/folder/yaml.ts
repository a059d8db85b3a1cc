// What is wrong with a text in YAML, in one line.

/** Describes what the package yaml throws or lists: its messages go on with the text, and call names that begin with * aliases. */
export function yamlProblem(error: unknown): string {
  const { message } = error as Error;
  const alias = /^Unresolved alias .*: (.*)$/.exec(message)?.[1];
  return alias === undefined ? message.split(":\n")[0] : `"*${alias}" begins with *, write it in quotes`;
}
