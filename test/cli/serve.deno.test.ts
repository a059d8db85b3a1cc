// The service: every client gets its own answer, whatever the others do, and the status says what is wrong with a request.

import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { ErwinTransformer, knnGraph, loadSafetensors, saveSafetensors, toFloat32 } from "erwin";
import { loadNpz, readPointCloud } from "erwin/formats";
import { afterAll, expect, it, vi } from "vitest";
import { listenError } from "../../src/cli/serve/listen-error.ts";
import { BatchPredictor, type Predictor } from "../../src/cli/serve/predictor.ts";
import { Service, type ServiceOptions } from "../../src/cli/serve/server.ts";
import { DeviceLostError } from "../../src/errors.ts";
import { cloudOptions, randomCloud, seededRandom } from "../support/clouds.ts";
import { twoLevels as config } from "../support/configs.ts";
import { forwardToHost, useDevice } from "../support/models.ts";

const device = useDevice("cpu");

const services: Service[] = [];
afterAll(() => Promise.all(services.map((service) => service.end())));

async function serve(predictor: Predictor, options: Partial<ServiceOptions> = {}) {
  const limits = { queue: 64, maxBytes: 1 << 20, timeout: 5, onLost: () => {} };
  const service = new Service({ ...limits, predictor, about: { model: "m" }, ...options });
  services.push(service);
  await new Promise<void>((resolve) => service.server.listen(0, "127.0.0.1", resolve));
  const { port } = service.server.address() as AddressInfo;
  return { service, port, url: `http://127.0.0.1:${port}` };
}

const post = (url: string, body: BodyInit, init: RequestInit = {}) => fetch(url, { method: "POST", body, ...init });

/** Returns the answer to a request that may be no valid one, or may not end. */
function answerTo(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let answer = "";
    socket.on("data", (data) => (answer += data));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}

/** A predictor that answers when the test lets it, with the body itself. */
function heldPredictor() {
  const held = new Map<string, () => void>();
  const aborted: unknown[] = [];
  const predictor: Predictor = {
    globals: [],
    numbers: { batches: 0, points: 0, waiting: 0, deviceBytes: 0 },
    predict: (body, _, signal) => {
      signal.addEventListener("abort", () => aborted.push(signal.reason));
      return new Promise((resolve) => held.set(new TextDecoder().decode(body), () => resolve(body)));
    },
  };
  const until = async (isTime: () => boolean) => {
    while (!isTime()) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { predictor, held, aborted, until };
}

it("gives each of many clients at once the bits of its own cloud, in shared passes", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const predictor = new BatchPredictor(model, { features: undefined, graph: { k: 4 } }, 4096);
  const { url } = await serve(predictor);
  const random = seededRandom(1);
  const clouds = Array.from({ length: 40 }, (_, i) => randomCloud(20 + 3 * i, cloudOptions(config), random));
  const expected = [];
  for (const cloud of clouds) expected.push((await forwardToHost(model, cloud)).data);
  const bodies = clouds.map(({ nodePositions, nodeFeatures, edgeIndex }) => {
    const n = nodePositions.length / 3;
    return saveSafetensors({
      node_positions: { shape: [n, 3], data: nodePositions },
      node_features: { shape: [n, 3], data: nodeFeatures as Float32Array },
      edge_index: { shape: [2, edgeIndex!.length / 2], data: edgeIndex as Int32Array },
    });
  });
  const answers = await Promise.all(
    bodies.map(async (body, i) => {
      const response = await post(`${url}/predict?to=${["safetensors", "npz", "vtu"][i % 3]}`, body);
      expect(response.status).toBe(200);
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (i % 3 === 0) return toFloat32(loadSafetensors(bytes).tensors.get("out")!);
      if (i % 3 === 1) return toFloat32(loadNpz(bytes).get("out")!);
      return readPointCloud(bytes, "vtu", { attributes: ["out"] }).attributes!.get("out")!.data;
    }),
  );
  expect(answers).toEqual(expected);
  // They have 1,645 points, of which a pass may have 1,500: those that fit into the first pass wait for each other's trees.
  const together = new BatchPredictor(model, { features: undefined, graph: { k: 4 } }, 1500);
  const formats = { from: "safetensors", to: "npy" };
  await Promise.all(bodies.slice(-14).map((body) => together.predict(body, formats, new AbortController().signal)));
  expect(together.numbers).toMatchObject({ batches: 2, waiting: 0 });

  const positions = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]; // biome-ignore format: points
  const nodePositions = Float32Array.from(positions.flat());
  const edgeIndex = await knnGraph(nodePositions, { dimensionality: 3, k: 4, loop: false });
  const edges = [[...edgeIndex.slice(0, edgeIndex.length / 2)], [...edgeIndex.slice(edgeIndex.length / 2)]];
  const headers = { "Content-Type": "application/json" };
  const json = await post(`${url}/predict`, JSON.stringify({ positions, edge_index: edges }), { headers });
  const { out } = await json.json();
  const alone = await forwardToHost(model, {
    nodePositions,
    nodeFeatures: nodePositions,
    batchIdx: new Int32Array(positions.length),
    edgeIndex,
  });
  expect(out.flat()).toEqual([...alone.data]);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toContain('erwin_requests_total{status="200"} 41\n');
  expect(metrics).toMatch(/^erwin_request_seconds_count 41$/m);
});

it("answers what is wrong with a request by its status", async () => {
  using model = await ErwinTransformer.create(config, { device: device() });
  const predictor = new BatchPredictor(model, { features: undefined, graph: { k: 4 } }, 4096);
  const { url, port } = await serve(predictor, { token: "secret", cors: "https://a.example", maxBytes: 1000 });
  const headers = { Authorization: "Bearer secret" };
  const status = async (answer: Promise<Response>) => {
    const response = await answer;
    await response.body?.cancel();
    return response.status;
  };
  expect(await status(post(`${url}/predict`, "x"))).toBe(401);
  expect(await status(post(`${url}/predict`, "x", { headers: { Authorization: "Bearer secre" } }))).toBe(401);
  expect(await status(fetch(`${url}/health`))).toBe(200);
  expect(await status(fetch(`${url}/health`, { method: "HEAD" }))).toBe(200);
  expect(await status(fetch(`${url}/metrics`))).toBe(401);
  expect(await status(post(`${url}/predict`, "x", { headers: { ...headers, Origin: "https://b.example" } }))).toBe(403);
  const allowed = await fetch(`${url}/predict`, { method: "OPTIONS", headers: { Origin: "https://a.example" } });
  expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([204, "https://a.example"]);
  expect(await status(fetch(`${url}/predict`, { headers }))).toBe(405);
  expect(await status(fetch(`${url}/other`, { headers }))).toBe(404);
  expect(await status(post(`${url}/predict`, new Uint8Array(1001), { headers }))).toBe(413);
  // Without a length, the body is read no further than the limit.
  const chunk = `3e8\r\n${"x".repeat(1000)}\r\n`;
  const head =
    "POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nTransfer-Encoding: chunked\r\n\r\n";
  expect(await answerTo(port, `${head}${chunk}${chunk}`)).toMatch(/^HTTP\/1.1 413 /);
  const answers = await Promise.all(
    ["GET //", "GET http://[", "GET /../../etc/passwd"].map((line) =>
      answerTo(port, `${line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nConnection: close\r\n\r\n`),
    ),
  );
  expect(answers.map((answer) => answer.slice(9, 12))).toEqual(["404", "400", "404"]);
  expect(await status(post(`${url}/predict`, "x", { headers: { ...headers, "Content-Encoding": "gzip" } }))).toBe(415);
  for (const [query, body, message] of [
    ["", "x", /truncated.* Without \?from=FORMAT a body is read as safetensors\.$/],
    ["?from=safetensors", "x", /truncated(?!.*Without)/],
    ["?form=vtu", "x", /has "form", expected only from and to/],
    ["?from=vtu", "x", /not XML/],
    ["?from=txt", "x", /txt/],
    ["?to=gif", "x", /to is "gif", expected json, safetensors/],
    ["?from=json", "{", /no JSON/],
    ["?from=json", '{"positions":[[0,0],[1]]}', /positions: expected rows/],
    ["?from=json", '{"positions":[[0,0],[1,1]]}', /2 dimensions, the model expects 3/],
    ["?from=gif", "x", /from is "gif", expected json, safetensors/],
    ["?from=stl", "x", /to is "stl", expected .* \(by default it is from\)/],
    ["?from=json", '{"positions":[[0,0,null]]}', /positions: row 0, column 2 is null, expected a number/],
    ["?from=json", '{"positions":[[0,0,0]],"batchIdx":[0]}', /has "batchIdx", expected only positions, .*batch_idx/],
    ["?from=json", '{"positions":[[0,0,0]],"batch_idx":[4294967296]}', /batch_idx: expected 1 whole number/],
    ["?from=json", '{"positions":[[0,0,0]],"edge_index":[[4294967296],[0]]}', /edge_index: expected a row of sources/],
  ] as const) {
    const response = await post(`${url}/predict${query}`, body, { headers });
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([
      400,
      expect.stringMatching(message),
    ]);
  }
});

it("answers a client that reads nothing before it has sent a body that is far too long", async () => {
  const { port } = await serve(heldPredictor().predictor);
  const length = 50 << 20;
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`);
      socket.write(new Uint8Array(length), () => {
        let text = "";
        socket.on("data", (data) => (text += data));
        socket.on("close", () => resolve(text));
      });
      setTimeout(() => {
        // On a busy machine the server may be held up for longer than it waits for a silent client.
        const end = performance.now() + 600;
        while (performance.now() < end);
      }, 20);
    });
    socket.on("error", reject);
  });
  expect(answer).toMatch(/^HTTP\/1.1 413 .*longer than 1048576 bytes/s);
});

it("says what to do where its port is taken", async () => {
  const { predictor } = heldPredictor();
  const { port } = await serve(predictor);
  const place = { port, host: "127.0.0.1" };
  const second = new Service({ queue: 1, maxBytes: 1, timeout: 1, onLost: () => {}, predictor, about: {} });
  const problem = await new Promise<Error>((resolve) => second.server.on("error", resolve).listen(place));
  expect(listenError(problem, place).message).toBe(
    `cannot listen on 127.0.0.1: the port ${port} is taken: choose another by --port, or 0 for any that is free.`,
  );
});

it("refuses more than the queue holds, drops what a client gives up, and ends after what is under way", async () => {
  const { predictor, held, aborted, until } = heldPredictor();
  const { service, url, port } = await serve(predictor, { queue: 2 });
  const gone = new AbortController();
  const first = post(`${url}/predict`, "first");
  const second = post(`${url}/predict`, "second", { signal: gone.signal }).catch((error) => error.name);
  await until(() => held.size === 2);
  const third = await post(`${url}/predict`, "third");
  expect([third.status, third.headers.get("retry-after")]).toEqual([429, "1"]);
  await third.body?.cancel();
  gone.abort();
  expect(await second).toBe("AbortError");
  await until(() => aborted.length === 1);
  // There is room for another request again, which is given up before it is whole.
  const half = connect(port, "127.0.0.1", () => {
    half.write("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf");
    setTimeout(() => half.destroy(), 50);
  });
  const metrics = async () => (await fetch(`${url}/metrics`)).text();
  await expect.poll(metrics).toContain('erwin_requests_total{status="499"} 2');
  const fourth = post(`${url}/predict`, "fourth");
  await until(() => held.size === 3);
  const ended = service.end();
  const health = await fetch(`${url}/health`);
  expect([health.status, ((await health.json()) as { status: string }).status]).toEqual([503, "draining"]);
  const tooLate = await answerTo(port, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
  expect(tooLate).toMatch(/^HTTP\/1.1 503 /);
  expect(tooLate).toMatch(/^Connection: close\r$/im);
  held.get("fourth")!();
  expect(await (await fourth).text()).toBe("fourth");
  held.get("first")!();
  expect(await (await first).text()).toBe("first");
  await ended;
  await expect(fetch(`${url}/health`)).rejects.toThrow();
});

it("answers a request that fails while the service ends", async () => {
  let fail: ((error: Error) => void) | undefined;
  const { predictor, until } = heldPredictor();
  predictor.predict = () => new Promise((_, reject) => (fail = reject));
  const { service, url } = await serve(predictor);
  const last = post(`${url}/predict`, "x");
  await until(() => fail !== undefined);
  const ended = service.end();
  fail?.(new DeviceLostError("the driver was reset"));
  expect((await last).status).toBe(503);
  await ended;
});

it("waits for no slow request, neither its head nor its body, and for no slow pass", async () => {
  const { predictor, aborted } = heldPredictor();
  const { url, port } = await serve(predictor, { timeout: 0.3 });
  const [head, body, pass] = await Promise.all([
    answerTo(port, "POST /predict HTTP/1.1\r\nHo"),
    answerTo(port, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"),
    post(`${url}/predict`, "x"),
  ]);
  for (const answer of [head, body]) expect(answer).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
  expect(pass.status).toBe(504);
  await pass.body?.cancel();
  expect(aborted.length).toBe(1);
});

it("tells clients nothing of unexpected errors, and answers 503 from the loss of the device on", async () => {
  const losses: DeviceLostError[] = [];
  const errors = [new Error("/home/user/secret"), new DeviceLostError("the driver was reset")];
  const { predictor } = heldPredictor();
  predictor.predict = () => Promise.reject(errors.shift());
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const { url } = await serve(predictor, { onLost: (error) => losses.push(error) });
  const unexpected = await post(`${url}/predict`, "x", { headers: { "X-Request-Id": "request-7" } });
  expect([unexpected.status, unexpected.headers.get("x-request-id")]).toEqual([500, "request-7"]);
  expect(await unexpected.text()).not.toContain("secret");
  expect(log.mock.calls).toEqual([[expect.stringMatching(/request-7.*\/home\/user\/secret/)]]);
  log.mockRestore();
  for (let i = 0; i < 2; i++) {
    const lost = await post(`${url}/predict`, "x");
    expect(lost.status).toBe(503);
    await lost.body?.cancel();
  }
  expect(losses.length).toBe(1);
  expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: "lost" });
});
