// Preloaded into a command that is to be interrupted: after $ERWIN_TEST_TURNS turns it waits for the signal. A test on a busy machine
// would signal only when the command has ended. A turn is a message between two steps of a training, or the hash of a predicted file's bytes.
import process from "node:process";

let left = Number(process.env.ERWIN_TEST_TURNS);
/** @type {(() => void)[]} */
const held = [];
/** @type {ReturnType<typeof setInterval> | undefined} */
let waiting;

/** @param {() => void} take */
function takeTurn(take) {
  if (left-- > 0) return take();
  held.push(take);
  // A process that only waits for a promise would end.
  waiting ??= setInterval(() => {}, 1000);
}

const { postMessage } = MessagePort.prototype;
MessagePort.prototype.postMessage = function (/** @type {[any, any]} */ ...given) {
  // Nothing else sends null.
  if (given[0] === null) takeTurn(() => postMessage.apply(this, given));
  else postMessage.apply(this, given);
};

const { digest } = SubtleCrypto.prototype;
SubtleCrypto.prototype.digest = async function (...given) {
  await new Promise((resolve) => takeTurn(() => resolve(undefined)));
  return digest.apply(this, given);
};

for (const signal of ["SIGINT", "SIGTERM", "SIGCONT"]) {
  process.once(signal, () => {
    clearInterval(waiting);
    left = Number.POSITIVE_INFINITY;
    // After the command's own listener.
    setTimeout(() => {
      for (const take of held.splice(0)) take();
    });
  });
}
