// What a thread asks of its host: Atomics.wait and Atomics.notify, and the time. WebAssembly has instructions for both, but in Node 20
// threads that use them lose their wake-ups and their registers.

/** Sleeps until woken, unless the word at an address is not `value` any more. */
export declare function sleep(address: usize, value: i32): void;

/** Wakes all who sleep at an address. */
export declare function wake(address: usize): void;

/** Milliseconds since whenever: performance.now. */
export declare function now(): f64;
