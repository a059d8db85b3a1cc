// Why a service cannot listen where it was told to.

import { InputError } from "../../index.ts";

/** Where a service listens. */
export interface Place {
  port: number;
  host: string;
}

/** Returns an error that says what to do, for the reasons that the caller of the service can mend; else the given one. */
export function listenError(cause: NodeJS.ErrnoException, { port, host }: Place): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `the port ${port} is taken: choose another by --port, or 0 for any that is free`,
    EACCES: `the port ${port} is only for administrators: choose one above 1023 by --port`,
    EADDRNOTAVAIL: `this machine has no such address: --host 0.0.0.0 is all that it has`,
    ENOTFOUND: `there is no such host: --host is an address of this machine, or 0.0.0.0 for all`,
  };
  const reason = reasons[cause.code ?? ""];
  return reason === undefined
    ? cause
    : new InputError(`cannot listen on ${host}: ${reason}.`, { host, port }, { cause });
}
