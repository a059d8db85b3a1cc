// Batches: small clouds share a pass over the device, large ones have one of their own.

export interface Sized {
  points: number;
}

/** Items in their order, as many together as have no more than `most` points; a larger one alone. */
export async function* packBatches<T extends Sized>(items: AsyncIterable<T>, most: number): AsyncGenerator<T[]> {
  let batch: T[] = [];
  let points = 0;
  for await (const item of items) {
    if (batch.length > 0 && points + item.points > most) {
      yield batch;
      [batch, points] = [[], 0];
    }
    batch.push(item);
    points += item.points;
  }
  if (batch.length > 0) yield batch;
}
