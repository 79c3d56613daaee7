// Ids for calls of tools that came without one, or with one that another has.

/** An id that no other call has. */
export function newCallId(): string {
  return `call_${crypto.randomUUID().replaceAll("-", "")}`;
}
