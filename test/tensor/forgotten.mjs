// A training whose results nobody disposes of, for forgotten.unit.test.ts; prints as JSON what came of it. A process of its own: each of
// its many garbage collections looks at all objects of a process, of which the tests' own has very many.
//
//   node --expose-gc test/tensor/forgotten.mjs

const library = await import(new URL("../../dist/erwin.js", import.meta.url).href);
const { requestDevice, scope, square, sum, Tensor } = library;
const megabyte = 2 ** 20;
const gc = /** @type {() => void} */ (globalThis.gc);

/** Collects garbage, and waits for what is told of it. */
async function collectGarbage() {
  for (let round = 0; round < 3; round++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const device = await requestDevice({ backend: "cpu", maxMemoryBytes: 150 * megabyte });
const x = Tensor.from(device, new Float32Array(megabyte).fill(2)).requireGrad();
const kept = square(x);
const forget = () => void scope(() => sum(square(square(x))));
for (let round = 0; round < 40; round++) {
  forget();
  await collectGarbage();
}
const peakMegabytes = device.memory.peak / megabyte;
const total = sum(kept);
await total.backward();
const numbers = await x.grad.data();
console.log(JSON.stringify({ peakMegabytes, total: await total.item(), gradient: [...new Set(numbers)] }));
device.dispose();
