// What a thread imports from its host: Atomics.wait and Atomics.notify, the time, and a way to give signs of life. WebAssembly has instructions for
// waiting and waking, but in Node 20 threads that use them lose wake-ups and registers.

/** Sleeps until woken, unless the word at an address differs from `value`. */
export declare function sleep(address: usize, value: i32): void;

/** Wakes all threads that sleep at an address. */
export declare function wake(address: usize): void;

/** Returns performance.now(): milliseconds from an arbitrary origin. */
export declare function now(): f64;

/** Gives a sign of life, for the owner of a thread that shares no memory with it. */
export declare function beat(): void;
