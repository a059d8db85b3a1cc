// The numbers by which Gmsh's files name nodes and elements ("tags"), which need not be in order, and may have gaps.

/** A table has at most so many places for each tag, and some more; where there are greater tags, they are sorted. */
const [PLACES, MORE] = [4, 1024];

/** Finds the places of tags in their list. */
export class TagIndex {
  readonly #tags: Float64Array;
  /** The place of each tag, or -1. */
  readonly #table: Int32Array | undefined;
  /** The places in the order of the tags, if there is no table. */
  readonly #order: Uint32Array | undefined;
  /** A tag that occurs twice. */
  readonly repeated: number | undefined;

  /** @param tags whole numbers from 0 on */
  constructor(tags: Float64Array) {
    this.#tags = tags;
    const greatest = tags.reduce((most, tag) => Math.max(most, tag), -1);
    if (greatest < PLACES * tags.length + MORE) {
      this.#table = new Int32Array(greatest + 1).fill(-1);
      for (let i = 0; i < tags.length; i++) {
        if (this.#table[tags[i]] >= 0) this.repeated = tags[i];
        else this.#table[tags[i]] = i;
      }
      return;
    }
    this.#order = Uint32Array.from(tags, (_, i) => i).sort((a, b) => tags[a] - tags[b] || a - b);
    for (let i = 1; i < tags.length; i++) {
      if (tags[this.#order[i]] === tags[this.#order[i - 1]]) this.repeated = tags[this.#order[i]];
    }
  }

  /** Returns the place of a tag, of one that occurs twice the first; -1 for one that there is not. */
  placeOf(tag: number): number {
    if (this.#table) return this.#table[tag] ?? -1;
    const order = this.#order as Uint32Array;
    let [low, high] = [0, order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#tags[order[middle]] < tag) low = middle + 1;
      else high = middle;
    }
    return low < order.length && this.#tags[order[low]] === tag ? order[low] : -1;
  }
}
