import { test } from "vitest";
import { cloudOptions, joinClouds, randomCloud, randomState, seededRandom } from "../support/clouds.ts";
import { forwardToHost, modelFrom, useDevice } from "../support/models.ts";
import { referenceForward } from "../support/reference.ts";
const device = useDevice();
const base = { cIn: 3, cHidden: [8, 16, 16], ballSizes: [16, 16, 8], encNumHeads: [2, 2, 4], encDepths: [2, 2, 2], decNumHeads: [2, 2], decDepths: [2, 2], strides: [2, 4], rotate: 45, mlpRatio: 2, mpSteps: 1 };
const small = { cIn: 3, cHidden: [8, 8], ballSizes: [16, 8], encNumHeads: [2, 2], encDepths: [2, 1], decNumHeads: [2], decDepths: [1], strides: [4], rotate: 45, mlpRatio: 1, mpSteps: 1 };
const small2 = { ...base, encDepths: [2, 1, 1], decDepths: [1, 1], mlpRatio: 1 };
test("times", async () => { const lines: string[] = [];
 for (const [name, c] of Object.entries({ base, small, small2 })) { const st = randomState(c, 1); using m = await modelFrom(c, st, device()); const r = seededRandom(1);
  const clouds = Array.from({ length: 300 }, (_, i) => randomCloud(i + 1, cloudOptions(c), r)); const b = joinClouds(clouds);
  await forwardToHost(m, clouds[20]);
  let t = performance.now(); await forwardToHost(m, b); console.log("T", `${name} together ${performance.now() - t}`);
  for (const n of [1, 10, 64, 100, 200, 300]) { t = performance.now(); for (let k = 0; k < 5; k++) await forwardToHost(m, clouds[n - 1]); console.log("T", `${name} alone ${n} ${(performance.now() - t) / 5}`); }
  t = performance.now(); await Promise.all(clouds.slice(0, 60).map((c) => forwardToHost(m, c))); console.log("T", `${name} 60 at once ${performance.now() - t}`);
  t = performance.now(); referenceForward(c, st, b); console.log("T", `${name} reference ${performance.now() - t}`);
 }
 }, 580000);
