// The error with which a request is refused.

export class HttpError extends Error {
  override name = "HttpError";

  /** @param headers further headers of the answer */
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}
