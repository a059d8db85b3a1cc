// Copies of a run on the host, from which it goes on when its device is lost.

/** At most this share of a run's time goes into copies that nobody asked for. */
const SHARE = 0.01;

export class Snapshots {
  /** The newest training checkpoint. */
  latest: Uint8Array | undefined;
  #cost = 0;
  #end = Number.NEGATIVE_INFINITY;

  /** Whether so much time has passed since the last one that the next one costs less than its share. */
  get due(): boolean {
    return performance.now() - this.#end > this.#cost / SHARE;
  }

  /** Makes a new one by `save`, and returns it. */
  async take<Bytes extends Uint8Array>(save: () => Promise<Bytes>): Promise<Bytes> {
    const begun = performance.now();
    const bytes = await save();
    this.#end = performance.now();
    this.#cost = this.#end - begun;
    this.latest = bytes;
    return bytes;
  }
}
