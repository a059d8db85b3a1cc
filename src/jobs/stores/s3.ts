// Files in a bucket of S3, or of a server that speaks its protocol.

import type { StorageError } from "../../errors.ts";
import { type DataEntry, joinPath, missing } from "../../experiments/data-source.ts";
import { type Answer, isOk } from "../../formats/sources/request.ts";
import { sha256 } from "../job.ts";
import { HttpStore, type RemoteOptions } from "./http.ts";
import { elementsOf, parseXml, textOf, type XmlElement } from "./xml.ts";

/** The keys by which requests are signed. */
export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** The place of a store, and the credentials for it. */
export interface S3StoreOptions extends RemoteOptions {
  bucket: string;
  /** The folder in the bucket that is the store's outermost one; default: the bucket itself. */
  folder?: string;
  /** The server's address, for another one than that of AWS. */
  endpoint?: string | URL;
  /** Default "us-east-1". */
  region?: string;
  /** Without any, requests are not signed: public buckets can be read. */
  credentials?: S3Credentials;
}

/** The largest object that S3 takes in one request, in bytes. */
const MAX_BYTES = 5 * 2 ** 30;

const NO_CREDENTIALS = "no credentials were given: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
const PERMISSIONS =
  "the credentials do not permit it; reading needs s3:GetObject and s3:ListBucket, writing also s3:PutObject and s3:DeleteObject";
/** What to do about refused credentials, by the code of the answer. */
const advices: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: "the server does not know AWS_ACCESS_KEY_ID; AWS_ENDPOINT_URL chooses another server",
  SignatureDoesNotMatch: "AWS_SECRET_ACCESS_KEY does not belong to AWS_ACCESS_KEY_ID",
  ExpiredToken: "the credentials have expired, and new ones are needed",
  InvalidToken: "AWS_SESSION_TOKEN does not belong to the other credentials",
};

type Signer = import("aws4fetch").AwsClient;

/**
 * Files in a bucket of S3, or of another server that speaks its protocol: "/" in a key separates folders. The bucket has to exist.
 * Pages need a bucket that allows their origin (CORS), the headers of requests, and exposes `x-amz-bucket-region`.
 */
export class S3Store extends HttpStore {
  override readonly name: string;
  readonly #options: S3StoreOptions;
  readonly #region: string;
  /** The path of all keys that belong to the store. */
  readonly #folder: string;
  #signer: Promise<Signer> | undefined;

  constructor(options: S3StoreOptions) {
    const { bucket, folder = "", endpoint, region = "us-east-1" } = options;
    super(bucketAddress(bucket, region, endpoint), options);
    this.#options = options;
    this.#region = region;
    this.#folder = folder.replace(/^\/+|\/+$/g, "");
    this.name = `s3://${joinPath(bucket, this.#folder)}`;
  }

  override async list(folder: string): Promise<DataEntry[]> {
    const entries: DataEntry[] = [];
    const prefix = joinPath(this.#folder, folder, "x").slice(0, -1);
    for await (const page of this.#pages(prefix, "/")) {
      const decode = textOf(page, "EncodingType") === "url" ? decodeKey : String;
      const names = (kind: string, field: string) =>
        elementsOf(page, kind).map((element) => decode(textOf(element, field) ?? "").slice(prefix.length));
      for (const name of names("CommonPrefixes", "Prefix")) entries.push({ name: name.slice(0, -1), folder: true });
      // A folder that was made by hand is an empty object of its own name.
      for (const name of names("Contents", "Key")) if (name !== "") entries.push({ name, folder: false });
    }
    if (entries.length === 0 && folder !== "") throw missing(this, folder, "folder");
    return entries;
  }

  /** @throws StorageError for more than 5 GiB */
  override async save(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.put(path, bytes);
  }

  override sweep(): Promise<void> {
    return Promise.resolve(); // an object appears whole, without a temporary one
  }

  protected override async put(
    path: string,
    bytes: Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    if (bytes.length > MAX_BYTES) {
      const advice = "S3 takes 5 GiB at once: divide the input";
      throw this.problem("write", path, `it has ${bytes.length} bytes, ${advice}`, { reason: "size" });
    }
    // The server compares the hash with what has arrived.
    const signed = { ...headers, "X-Amz-Content-Sha256": await sha256(bytes) };
    // 409: another creation of the same object is under way, and one of them has to be sent again.
    const answer = await this.send("PUT", path, signed, bytes, { passing: [409] });
    if (isOk(answer) || answer.status === 412) return answer;
    throw this.failure(answer, "write", path);
  }

  protected override async prepare(address: string, init: RequestInit & { headers: Record<string, string> }) {
    const { credentials } = this.#options;
    // Another region answers with a redirection, to which a signature would not belong.
    const request: RequestInit = { ...init, redirect: "manual", cache: "no-store" };
    if (!credentials) return [address, request] as [string, RequestInit];
    this.#signer ??= makeSigner(credentials, this.#region);
    const { headers } = await (await this.#signer).sign(address, { method: init.method, headers: init.headers });
    return [address, { ...request, headers }] as [string, RequestInit];
  }

  protected override addressOf(path: string): string {
    return super.addressOf(path === "" ? "" : joinPath(this.#folder, path));
  }

  /** A missing bucket is not a missing file. */
  protected override isMissing(answer: Answer): boolean {
    return super.isMissing(answer) && codeOf(answer) !== "NoSuchBucket";
  }

  protected override failure(answer: Answer, action: "read" | "write", path: string): StorageError {
    const { status, headers, body } = answer;
    const { bucket, credentials, endpoint } = this.#options;
    const error = parseXml(body);
    const code = codeOf(answer);
    const said = `the server answers ${[status, code ?? answer.statusText].join(" ").trim()}`;
    const problem = (advice: string, reason: string) =>
      this.problem(action, path, `${said}: ${advice}`, { status, reason });
    const region = headers.get("x-amz-bucket-region") ?? textOf(error, "Region");
    if ((region && region !== this.#region) || (status >= 300 && status < 400)) {
      const advice = region ? `set AWS_REGION=${region}` : "set AWS_REGION to the bucket's";
      return problem(`the bucket "${bucket}" is not in the region ${this.#region}, ${advice}`, "region");
    }
    if (code === "NoSuchBucket" || code === "InvalidBucketName") {
      const where = endpoint ? new URL(endpoint).host : "AWS";
      return problem(`there is no bucket "${bucket}" at ${where}; AWS_ENDPOINT_URL chooses another server`, "bucket");
    }
    if (code === "RequestTimeTooSkewed") return problem("this machine's clock is wrong", "clock");
    if (status === 401 || status === 403 || code === "ExpiredToken" || code === "InvalidToken") {
      return problem(credentials ? (advices[code ?? ""] ?? PERMISSIONS) : NO_CREDENTIALS, "forbidden");
    }
    return super.failure(answer, action, path);
  }

  /** Requests a listing in its pages of up to 1,000 keys. */
  async *#pages(prefix: string, delimiter: string): AsyncGenerator<XmlElement> {
    let token: string | undefined;
    do {
      const query = new URLSearchParams({ "list-type": "2", "encoding-type": "url", delimiter, prefix });
      if (token !== undefined) query.set("continuation-token", token);
      const answer = await this.send("GET", "", {}, undefined, {
        query: `?${query.toString().replaceAll("+", "%20")}`,
      });
      const page = parseXml(answer.body);
      if (answer.status !== 200 || page?.name !== "ListBucketResult") throw this.failure(answer, "read", "");
      yield page;
      token = textOf(page, "IsTruncated") === "true" ? textOf(page, "NextContinuationToken") : undefined;
    } while (token);
  }
}

/** AWS has a host for each bucket, unless the name has dots, for which there are no certificates; other servers have paths. */
function bucketAddress(bucket: string, region: string, endpoint: string | URL | undefined): string {
  if (endpoint !== undefined) return `${String(endpoint).replace(/\/+$/, "")}/${bucket}`;
  const domain = `s3.${region}.amazonaws.com`;
  return bucket.includes(".") ? `https://${domain}/${bucket}` : `https://${bucket}.${domain}`;
}

async function makeSigner(credentials: S3Credentials, region: string): Promise<Signer> {
  const { AwsClient } = await import("aws4fetch");
  return new AwsClient({ ...credentials, region, service: "s3" });
}

/** Returns the code of an answer that is an error. */
const codeOf = ({ body }: Answer): string | undefined => {
  const error = parseXml(body);
  return error?.name === "Error" ? textOf(error, "Code") : undefined;
};

/** Decodes a key of a listing, which is encoded as in a form, so that it may have characters that XML forbids. */
const decodeKey = (key: string): string => decodeURIComponent(key.replaceAll("+", "%20"));
