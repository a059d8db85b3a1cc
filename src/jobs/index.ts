// The entry `erwin/jobs`: predictions of many files that several processes, machines, pages or workers share, and the stores of their
// files.

export { type FileStore, type Job, type JobRecord, type Recipe, recordOf, sha256 } from "./job.ts";
export { type Lease, type LeaseContent, type LeaseOptions, Leases } from "./leases.ts";
export { type PredictOptions, predictClaims } from "./predict.ts";
export type { OutputRows } from "./rows.ts";
export { type Claim, type Counts, SharedWork, type SharedWorkOptions } from "./shared-work.ts";
export { DirectoryStore } from "./stores/directory.ts";
export { HttpStore, type RemoteOptions } from "./stores/http.ts";
export { type S3Credentials, S3Store, type S3StoreOptions } from "./stores/s3.ts";
