// npm run load: erwin serve under load, on the loopback address of a Linux machine. First many requests for different clouds, each
// answer compared with that of its own cloud, beside hostile requests, each of which must be answered with its status; memory and
// handles must not grow. Then its speed beside that of one process that calls the library.
//
//   npm run load -- [--requests N] [--rounds N] [--seconds N] [--write]
//
// The requests are sent in rounds, after each of which memory is measured. --seconds is the duration of each measurement of speed;
// --write puts the results into test/serve/README.md.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import autocannon from "autocannon";
import { readArguments } from "../../src/build/arguments.mjs";
import { build } from "../../src/build/build.mjs";
import { putResults } from "../../src/build/results.mjs";
import { main } from "../../src/build/run.mjs";
import { setup } from "../../src/build/setup.mjs";
import { root } from "../../src/build/steps.mjs";

/** @typedef {import("./clouds.mjs").Model} Model */
/** @typedef {import("./service.mjs").RunningService} RunningService */
/** @typedef {{ path: string, body: Buffer, expected: string }} Known a request, and the answer that it must get */

const CONNECTIONS = [1, 16, 64];
const CLOUDS = 64;
/** The calls of the library before its speed is measured, so that its code is compiled. */
const WARM_UP = 300;

/**
 * Sends requests through some connections, each of which begins with another cloud.
 * @param {RunningService} service
 * @param {readonly Known[]} known
 * @param {{ connections: number, duration?: number, amount?: number }} options
 */
async function send({ url }, known, options) {
  let wrong = 0;
  /** @type {number[]} */
  const latencies = [];
  let first = 0;
  const requests = known.map(({ path, body, expected }) => ({
    ...{ method: /** @type {const} */ ("POST"), path, body },
    onResponse: (/** @type {number} */ status, /** @type {string} */ answer) => {
      if (status !== 200 || answer !== expected) wrong++;
    },
  }));
  /** @type {import("autocannon").Options} */
  const autocannonOptions = {
    ...{ url, timeout: 60, ...options },
    setupClient: (client) => {
      first = (first + 7) % requests.length;
      client.setRequests([...requests.slice(first), ...requests.slice(0, first)].map((request) => ({ ...request })));
    },
  };
  /** @type {import("autocannon").Result} */
  const { errors, timeouts } = await new Promise((resolve, reject) => {
    const run = autocannon(autocannonOptions, (error, result) => (error ? reject(error) : resolve(result)));
    run.on("response", (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
  });
  return { wrong: wrong + errors + timeouts, latencies: latencies.sort((a, b) => a - b) };
}

/** @param {readonly number[]} sorted @param {number} part */
const quantile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

/**
 * The library in this process, with one call after the other.
 * @param {Model} model
 * @param {import("./clouds.mjs").Cloud[]} clouds
 * @param {number} size the clouds of a call
 * @param {number} seconds
 */
async function libraryRate(model, clouds, size, seconds) {
  const { apply } = await import("./clouds.mjs");
  const [start, before] = [performance.now(), process.cpuUsage()];
  /** @type {number[]} */
  const latencies = [];
  while (performance.now() - start < 1000 * seconds) {
    const called = performance.now();
    await apply(
      model,
      Array.from({ length: size }, (_, i) => clouds[(latencies.length + i) % clouds.length]),
    );
    latencies.push(performance.now() - called);
  }
  const { user, system } = process.cpuUsage(before);
  const count = latencies.length * size;
  const rate = (1000 * count) / (performance.now() - start);
  return { rate, latencies: latencies.sort((a, b) => a - b), processor: (user + system) / 1000 / count };
}

/**
 * @param {RunningService} service
 * @param {readonly Known[]} known
 * @param {number} connections
 * @param {number} seconds
 */
async function serviceRate(service, known, connections, seconds) {
  const before = { passes: await service.metric("erwin_batches_total"), processor: service.processorTime() };
  const { wrong, latencies } = await send(service, known, { connections, duration: seconds });
  const count = latencies.length;
  const processor = (service.processorTime() - before.processor) / count;
  const together = count / ((await service.metric("erwin_batches_total")) - before.passes);
  return { rate: count / seconds, latencies, processor, together, wrong };
}

/**
 * @param {Model} model
 * @param {import("./clouds.mjs").Cloud[]} clouds
 * @param {RunningService} service
 * @param {readonly Known[]} known
 * @param {number} seconds
 */
async function compareSpeed(model, clouds, service, known, seconds) {
  const { apply } = await import("./clouds.mjs");
  for (let i = 0; i < WARM_UP; i++) await apply(model, clouds.slice(0, 1 + (i % CLOUDS)));
  const lines = [];
  let wrong = 0;
  for (const size of CONNECTIONS) {
    const library = await libraryRate(model, clouds, size, seconds);
    const served = await serviceRate(service, known, size, seconds);
    wrong += served.wrong;
    const times = [library, served].map(({ latencies }) =>
      [0.5, 0.99].map((part) => quantile(latencies, part).toFixed(1)).join(", "),
    );
    const cells = [
      size,
      ...[library, served].flatMap(({ rate, processor }, i) => [rate.toFixed(0), times[i], processor.toFixed(2)]),
      served.together.toFixed(1),
      (served.rate / library.rate).toFixed(2),
    ];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return { lines, wrong };
}

/**
 * @param {RunningService} service
 * @param {readonly Known[]} known
 * @param {{ requests: number, rounds: number }} options
 */
async function endure(service, known, { requests, rounds }) {
  const { hostileRequests, sendHostile } = await import("./hostile.mjs");
  const samples = [];
  let [sent, wrong] = [0, 0];
  /** @type {string[]} */
  const unexpected = [];
  for (let round = 0; round < rounds; round++) {
    const amount = Math.ceil((requests * (round + 1)) / rounds) - sent;
    const [answers, failures] = await Promise.all([
      send(service, known, { connections: 16, amount }),
      sendHostile(service.port),
    ]);
    sent += answers.latencies.length;
    wrong += answers.wrong;
    unexpected.push(...failures);
    samples.push(await service.measureIdle());
    console.log(`load: ${sent} requests, ${wrong} wrong answers, ${unexpected.length} wrong statuses`);
  }
  return { samples, sent, wrong, unexpected, hostile: rounds * hostileRequests.length };
}

/** @param {{ active: number }[]} samples @param {{ sent: number, wrong: number, unexpected: string[] }} found */
function failuresOf(samples, { sent, wrong, unexpected }) {
  const failures = [...new Set(unexpected)];
  if (wrong > 0) failures.push(`${wrong} of ${sent} answers are not those of their clouds`);
  if (samples.some(({ active }) => active > 0)) failures.push("a request remained active after its client had left");
  return failures;
}

/** @param {number | undefined} bytes */
const formatBytes = (bytes) => `${((bytes ?? 0) / 2 ** 20).toFixed(2)} MiB`;

await main(async () => {
  const { values } = readArguments({
    options: {
      requests: { type: "string", default: "100000" },
      rounds: { type: "string", default: "50" },
      seconds: { type: "string", default: "10" },
      write: { type: "boolean", default: false },
    },
  });
  await setup((programs) => build({ programs }));
  const { answerTo, encoders, makeCloud, makeModel, NEIGHBOURS } = await import("./clouds.mjs");
  const { hostileRequests, limits } = await import("./hostile.mjs");
  const { startService } = await import("./service.mjs");
  const { allowed, excesses, growth } = await import("../soak/bounds.mjs");
  const folder = mkdtempSync(join(tmpdir(), "erwin-load-"));
  const file = join(folder, "model.safetensors");
  const model = await makeModel(file);
  const clouds = Array.from({ length: CLOUDS }, (_, i) => makeCloud(i, 32 + i));
  const formats = Object.keys(encoders);
  const known = await Promise.all(
    clouds.map(async (cloud, i) => {
      const format = formats[i % formats.length];
      return {
        path: `/predict?from=${format}&to=json`,
        body: encoders[format](cloud),
        expected: await answerTo(model, cloud),
      };
    }),
  );
  const service = await startService([
    ...["--model", file, "--knn", String(NEIGHBOURS), "--backend", "cpu", "--threads", "1", "--queue", "256"],
    ...["--max-megabytes", String(limits.megabytes), "--timeout", String(limits.timeout)],
  ]);
  try {
    const [requests, rounds, seconds] = [values.requests, values.rounds, values.seconds].map(Number);
    const found = await endure(service, known, { requests, rounds });
    const speed = await compareSpeed(model, clouds, service, known, seconds);
    service.kill("SIGTERM");
    const code = await service.ended;
    const failures = [...failuresOf(found.samples, found), ...excesses(found.samples)];
    if (speed.wrong > 0) failures.push(`${speed.wrong} wrong answers while the speed was measured`);
    if (code !== 0) failures.push(`erwin serve ended with ${code}`);
    for (const failure of failures) console.error(`load: ${failure}`);
    if (failures.length > 0) process.exitCode = 1;

    const grown = growth(found.samples);
    const kinds = [...new Set(hostileRequests.map(({ kind }) => kind))];
    const text = [
      `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}; clouds of 32 to 95 points, one thread of the CPU backend.`,
      "",
      "| clouds per call, connections | library: clouds/s | p50, p99 (ms) | processor (ms) | service: requests/s | p50, p99 (ms) | processor (ms) | requests per pass | service / library |",
      "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
      ...speed.lines,
      "",
      `${found.sent} requests, ${found.wrong} answers not those of their clouds; ${found.hostile} hostile requests beside them, ${found.unexpected.length} answered with another status than expected:`,
      "",
      "| requests | answers |",
      "| --- | --- |",
      ...kinds.map((kind) => {
        const requests = hostileRequests.filter((request) => request.kind === kind);
        return `| ${kind} | ${requests.map(({ name, status }) => `${name}: ${status ?? "-"}`).join("; ")} |`;
      }),
      "",
      "| from the second to the last quarter | grown by | allowed |",
      "| --- | --- | --- |",
      `| process | ${formatBytes(grown.host)} | ${formatBytes(allowed.host)} |`,
      `| heap | ${formatBytes(grown.heap)} | ${formatBytes(allowed.heap)} |`,
      `| device memory | ${formatBytes(grown.device)} | ${formatBytes(allowed.device)} |`,
      `| open files and sockets | ${grown.handles} | ${allowed.handles} |`,
    ].join("\n");
    console.log(`\n${text}`);
    if (values.write) putResults(join(root, "test", "serve", "README.md"), text);
  } finally {
    service.kill("SIGKILL");
    model.device.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
