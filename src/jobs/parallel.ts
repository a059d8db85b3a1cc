// Several pieces of asynchronous work at a time, such as requests to a server, whose answers take long.

/**
 * Does work for each item, in their order and at most `limit` at a time; yields the results in the same order. With a limit of 1 no
 * work begins before its result is asked for. When the iteration ends early, it waits for the work that has begun.
 */
export async function* inParallel<Item, Result>(
  items: Iterable<Item>,
  limit: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<Result> {
  const running: Promise<Result>[] = [];
  const iterator = items[Symbol.iterator]();
  try {
    while (true) {
      while (running.length < limit) {
        const next = iterator.next();
        if (next.done) break;
        const result = work(next.value);
        // A failure is reported when its turn comes.
        result.catch(() => {});
        running.push(result);
      }
      const first = running.shift();
      if (!first) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(running);
  }
}
