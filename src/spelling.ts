// Finds what a misspelt name was meant to be.

/** Returns the name that a misspelt one was meant to be: at most a third of its letters are wrong. */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  const distances = names.map((name) => editDistance(word.toLowerCase(), name.toLowerCase()));
  const least = Math.min(...distances);
  return least <= Math.min(3, word.length / 3) ? names[distances.indexOf(least)] : undefined;
}

/** Returns the number of letters to insert, remove, replace or swap with their neighbours (Damerau and Levenshtein). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, row[j] + 1, next[j - 1] + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) next[j] = Math.min(next[j], before[j - 2] + 1);
    }
    [before, row] = [row, next];
  }
  return row[b.length];
}
