// Scopes: what is made inside one is freed when it ends.

/** What owns memory until it is disposed. */
export interface Owner {
  dispose(): void;
}

const scopes: Set<Owner>[] = [];

/** Says to the innermost scope that something was made. */
export function noteMade(made: Owner): void {
  scopes.at(-1)?.add(made);
}

/**
 * Runs `compute` and disposes every tensor made inside, except the one it returns: intermediate results need no care.
 * Only for synchronous work.
 */
export function scope<Result extends Owner | undefined>(compute: () => Result): Result {
  const made = new Set<Owner>();
  scopes.push(made);
  let result: Result | undefined;
  try {
    result = compute();
    return result;
  } finally {
    scopes.pop();
    for (const tensor of made) if (tensor !== result) tensor.dispose();
    if (result && made.has(result)) noteMade(result);
  }
}

/** What `make` gives, and the tensors made inside, which belong to the caller from then on; none is left where it fails. */
export function collect<Result>(make: () => Result): { result: Result; tensors: Iterable<Owner> } {
  const tensors = new Set<Owner>();
  scopes.push(tensors);
  try {
    return { result: make(), tensors };
  } catch (error) {
    for (const tensor of tensors) tensor.dispose();
    throw error;
  } finally {
    scopes.pop();
  }
}

/** Makes tensors that outlive the scope they are made in, such as parameters. */
export function outsideScopes<Result>(make: () => Result): Result {
  const saved = scopes.splice(0);
  try {
    return make();
  } finally {
    scopes.push(...saved);
  }
}
