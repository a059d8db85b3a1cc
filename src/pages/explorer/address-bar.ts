// Writes the page's address, but not too often.

/** Milliseconds between two changes of the address: browsers limit them, and Safari's engine throws at more than 100 in 10 s. */
const ADDRESS_MS = 200;

export class AddressBar {
  /** When the address was last written, and the timer of the next time. */
  #written = Number.NEGATIVE_INFINITY;
  #writing: ReturnType<typeof setTimeout> | undefined;

  /** Writes the address now or, if it was written just before, a little later, as it is then. */
  write(address: () => string): void {
    clearTimeout(this.#writing);
    const wait = this.#written + ADDRESS_MS - performance.now();
    if (wait > 0) {
      this.#writing = setTimeout(() => this.write(address), wait);
      return;
    }
    this.#written = performance.now();
    history.replaceState(history.state, "", address());
  }
}
