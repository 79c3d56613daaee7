// Addresses of Postgres databases, as libpq's URLs: postgres://user:password@host:port/database?sslmode=verify-full&schema=venturi.
// What may be told of one in a log or a message has no password in it.

/** How a connection is encrypted: libpq's words, by what they promise. */
export const SSL_MODES = ["disable", "prefer", "require", "verify-full"] as const;

/** A database, and how it is reached. */
export interface PostgresAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Empty: none is sent. */
  readonly password: string;
  readonly database: string;
  /** Where the tables are: everything of Venturi's is in one schema. */
  readonly schema: string;
  readonly sslmode: (typeof SSL_MODES)[number];
  /** File of the authorities that a server's certificate is checked by; null: those of the system. */
  readonly ca_file: string | null;
  /** For messages, without the password. */
  readonly shown: string;
}

const SCHEMA = /^[a-z_][a-z0-9_]{0,62}$/;
const PARAMETERS: ReadonlySet<string> = new Set(["sslmode", "sslrootcert", "schema", "application_name"]);
const EXAMPLE = "postgres://user:password@host:5432/database";

/** What a value of the configuration begins with that names such a database. */
export const POSTGRES_URL = /^postgres(ql)?:\/\//;

/** Reads an address; in words, and without showing it, what is wrong with it. */
export function readPostgresAddress(text: string): PostgresAddress | { readonly fault: string } {
  const url = POSTGRES_URL.test(text) && URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.hostname === "") {
    return { fault: `must be the URL of a Postgres database, like ${EXAMPLE}` };
  }
  const parts = [url.username, url.password, url.pathname.slice(1)].map(decoded);
  if (parts.includes(null)) return { fault: "has a % that is not followed by two hexadecimal digits" };
  const [user, password, path] = parts as [string, string, string];
  if (user === "") return { fault: `names no user; write it like ${EXAMPLE}` };
  if (path.includes("/")) return { fault: "names more than a database behind the host" };
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.has(name)) {
      return {
        fault: `has a parameter "${name}" that is not known; there are ${[...PARAMETERS].join(", ")}`,
      };
    }
  }
  const host = decodeURIComponent(url.hostname.replace(/^\[|\]$/g, ""));
  const schema = url.searchParams.get("schema") ?? "venturi";
  if (!SCHEMA.test(schema))
    return { fault: "has a schema that is no name of lower-case letters, digits and _" };
  const ca_file = url.searchParams.get("sslrootcert");
  const asked = url.searchParams.get("sslmode") ?? (ca_file === null ? "prefer" : "verify-full");
  // Who checks the authority without the name checks nothing that an attacker could not have.
  const sslmode = SSL_MODES.find((mode) => mode === (asked === "verify-ca" ? "verify-full" : asked));
  if (sslmode === undefined) return { fault: `has an sslmode that is none of ${SSL_MODES.join(", ")}` };
  const port = url.port === "" ? 5432 : Number(url.port);
  const database = path === "" ? user : path;
  const shown = `postgres://${user}@${url.hostname}:${port}/${database}${schema === "venturi" ? "" : ` (schema ${schema})`}`;
  return { host, port, user, password, database, schema, sslmode, ca_file, shown };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
