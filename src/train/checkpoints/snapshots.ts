// Copies of a run on the host, from which it continues when its device is lost.

/** The max share of a run's time for copies that the user has not requested. */
const SHARE = 0.01;

export class Snapshots {
  /** The newest training checkpoint. */
  latest: Uint8Array | undefined;
  #cost = 0;
  #end = Number.NEGATIVE_INFINITY;

  /** Whether enough time has passed since the last copy for the next one to cost less than its share. */
  get due(): boolean {
    return performance.now() - this.#end > this.#cost / SHARE;
  }

  /** Makes a new copy with `save`, and returns it. */
  async take<Bytes extends Uint8Array>(save: () => Promise<Bytes>): Promise<Bytes> {
    const begun = performance.now();
    const bytes = await save();
    this.#end = performance.now();
    this.#cost = this.#end - begun;
    this.latest = bytes;
    return bytes;
  }
}
