// What can be wrong with a database, in words that name no secret, and whether the same may work later.

/** A question that a database did not answer. */
export class DatabaseFault extends Error {
  /** SQLSTATE where the server said one (PostgreSQL manual, appendix A); else what became of the connection. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }

  /** Whether it is what was to be written that is wrong (classes 22 and 23): the same will never work. */
  get is_of_data(): boolean {
    return /^2[23]/.test(this.code);
  }

  /** Whether somebody has to change something: rights, a password, a name, tables of another version. */
  get is_lasting(): boolean {
    return /^(28|3D|3F|42|0A)/.test(this.code) || this.code === NEWER;
  }
}

/** The code of tables that a newer version has made. */
export const NEWER = "NEWER";

/** What a client's error says. */
export function faultOf(error: unknown): DatabaseFault {
  if (error instanceof DatabaseFault) return error;
  const fields = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const { code, errno } = fields;
  const state = typeof errno === "string" && /^[0-9A-Z]{5}$/.test(errno) ? errno : null;
  const message = error instanceof Error ? error.message : String(error);
  return new DatabaseFault(message, state ?? (typeof code === "string" ? code : ""));
}
