// Forms batches: small clouds share a pass, and a large cloud has a pass of its own.

export interface Sized {
  points: number;
}

/** Groups items in their order, each group with at most `max` points; a larger item is a group of its own. */
export async function* packBatches<T extends Sized>(items: AsyncIterable<T>, max: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let points = 0;
  for await (const item of items) {
    if (batch.length > 0 && points + item.points > max) {
      yield batch;
      [batch, points] = [[], 0];
    }
    batch.push(item);
    points += item.points;
  }
  if (batch.length > 0) yield batch;
}
