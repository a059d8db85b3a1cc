// Several calls of erwin predict share a bucket.

import { expect, it } from "vitest";
import { S3Store } from "../../../src/jobs/stores/s3.ts";
import { startS3Server } from "./s3-server.ts";
import { predictByThree } from "./swarm.mjs";

it("three calls share a bucket: one killed, one stopped beyond its lease, and all outputs are those of one alone", async () => {
  const server = await startS3Server();
  try {
    const { endpoint } = server;
    const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
    const store = new S3Store({ bucket: "bucket", folder: "run", endpoint, credentials });
    const env = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    };
    const { results, different, others } = await predictByThree({ address: "s3://bucket/run", store, env }, 24, {
      lease: 3,
    });
    for (const { code, text } of results) expect(code, text).toBe(0);
    expect({ different, others }).toEqual({ different: [], others: [] });
  } finally {
    await server.stop();
  }
});
