// Where the state that hosts share is kept: `valkey://[user[:password]@]host[:port][/database]`, `valkey+cluster://` and
// `valkey+sentinel://` with several hosts, an `s` behind `valkey` for TLS; `redis` says the same as `valkey`.
// It is read by hand, because a URL names one host only; what is wrong is said without showing a password.

/** A server that is asked first; the others of a cluster are told of by it. */
export interface StateNode {
  readonly host: string;
  readonly port: number;
}

/** An address, taken apart. */
export interface StateAddress {
  readonly kind: "single" | "cluster" | "sentinel";
  readonly tls: boolean;
  readonly nodes: readonly StateNode[];
  readonly user: string | null;
  readonly password: string | null;
  readonly database: number;
  /** What sentinels call the servers that they watch; null for other kinds. */
  readonly group: string | null;
}

const EXAMPLE = "valkey://cache.internal:6379";
const FORM = /^(?:valkey|redis)(s?)(?:\+(cluster|sentinel))?:\/\/(?:([^/]*)@)?([^/@]+)(?:\/([^?#]*))?$/;
const VALKEY_PORT = 6379;
const SENTINEL_PORT = 26_379;
const NODES_MAX = 64;

/** The parts of an address, or what is wrong with it. */
export function readStateAddress(text: string): StateAddress | { readonly fault: string } {
  const match = FORM.exec(text);
  if (match === null) return { fault: `is not an address of Valkey or Redis; write it like ${EXAMPLE}` };
  const [, tls, named, credentials, hosts = "", path = ""] = match;
  const kind = named === "cluster" || named === "sentinel" ? named : "single";
  const nodes: StateNode[] = [];
  for (const one of hosts.split(",")) {
    const node = readNode(one, kind === "sentinel" ? SENTINEL_PORT : VALKEY_PORT);
    if (node === null) return { fault: `names a host that cannot be one; write it like ${EXAMPLE}` };
    nodes.push(node);
  }
  if (nodes.length > NODES_MAX)
    return { fault: `names more than ${NODES_MAX} hosts; some of them are enough` };
  if (kind === "single" && nodes.length > 1)
    return { fault: "names several hosts; begin it with valkey+cluster:// or valkey+sentinel://" };
  const login = readLogin(credentials);
  if (login === null)
    return { fault: "has a user or password with a % that encodes nothing; write it as %25" };
  const steps = path === "" ? [] : path.split("/");
  const group = kind === "sentinel" ? (steps.shift() ?? "") : null;
  if (group === "") return { fault: "needs the name of the group: valkey+sentinel://host:26379/mymaster" };
  const [database = "0", ...rest] = steps;
  if (rest.length > 0 || !/^\d{1,5}$/.test(database))
    return { fault: "ends with what is no number of a database" };
  if (kind === "cluster" && database !== "0") return { fault: "names a database; clusters have none" };
  return { kind, tls: tls === "s", nodes, ...login, database: Number(database), group };
}

function readNode(text: string, usual_port: number): StateNode | null {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const port = match[3] === undefined ? usual_port : Number(match[3]);
  return port < 1 || port > 65_535 ? null : { host: (match[1] ?? match[2])!, port };
}

/** `user:password`, `:password`, or a password alone; percent-encoded. Null where it is not. */
function readLogin(
  text: string | undefined,
): { readonly user: string | null; readonly password: string | null } | null {
  if (text === undefined || text === "") return { user: null, password: null };
  const colon = text.indexOf(":");
  try {
    const password = decodeURIComponent(text.slice(colon + 1));
    const user = colon <= 0 ? null : decodeURIComponent(text.slice(0, colon));
    return { user, password: password === "" ? null : password };
  } catch {
    return null;
  }
}

/** An address as it may be shown: without who logs in. */
export function shownAddress({ kind, tls, nodes, database, group }: StateAddress): string {
  const scheme = `valkey${tls ? "s" : ""}${kind === "single" ? "" : `+${kind}`}`;
  const hosts = nodes.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(",");
  return `${scheme}://${hosts}${group === null ? "" : `/${group}`}${database === 0 ? "" : `/${database}`}`;
}
