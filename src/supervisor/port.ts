// Whose port it is: gateway processes share theirs by SO_REUSEPORT, which would let a second gateway of the same user
// share it unnoticed.

/** Makes sure that nobody else has the port, and finds a free one for 0: the port, or in words why not. */
export function claimPort(hostname: string, port: number): number | { readonly fault: string } {
  try {
    const probe = Bun.listen({ hostname, port, exclusive: true, socket: { data() {} } });
    const claimed = probe.port;
    probe.stop(true);
    return claimed;
  } catch (error) {
    return { fault: faultOf(error, hostname, port) };
  }
}

function faultOf(error: unknown, hostname: string, port: number): string {
  const code = typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} of ${hostname} is in use by another program; choose one with --port`;
    case "EACCES":
      return `port ${port} of ${hostname} is not allowed for this user; choose one with --port`;
    case "EADDRNOTAVAIL":
      return `${hostname} is no address of this machine; choose one with --host`;
    default:
      return `cannot listen on ${hostname}:${port} (${code || (error instanceof Error ? error.message : String(error))})`;
  }
}
