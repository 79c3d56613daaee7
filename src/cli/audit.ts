// `venturi audit`: who has changed what; and `venturi audit verify`: whether the record of it is as it was written.
// It reads the files themselves, whether a gateway runs or not.

import { isThereKeyStore, openKeyStore } from "../access/key_store.ts";
import { type AuditHead, openLine } from "../console/audit/line.ts";
import { auditLines, auditPath, type RawLine, rememberedHead } from "../console/audit/log.ts";
import { sharedLines } from "../console/audit/shared_log.ts";
import { type AuditVerdict, verifyAudit } from "../console/audit/verify.ts";
import { FLAG, parseFlags, voiceOf } from "./command_line.ts";
import { findDataFolder, findKeyStore } from "./data_folder.ts";
import { MOMENT_EXAMPLES, parseMoment } from "./moment.ts";

const USAGE = `usage: venturi audit [--since T] [--format text|json] [--data DIR]
       venturi audit verify [--data DIR]
times: ${MOMENT_EXAMPLES}, in UTC; by default everything`;
const { help, misuse, failed } = voiceOf("audit", USAGE);

interface Flags {
  readonly is_verify: boolean;
  readonly since_ms: number;
  readonly is_json: boolean;
  readonly data: string;
  /** The database that keys are shared in; null where they are not. */
  readonly key_store: string | null;
}

/** Runs it. Returns the exit code: 0, 1 where the log is not intact or cannot be read, 2 for misuse. */
export async function audit(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) return help();
  const flags = readFlags(args);
  if (typeof flags === "string") return misuse(flags);
  if (flags.is_verify) return verify(flags);
  try {
    await print(auditLines(flags.data), flags);
    if (flags.key_store !== null) await print(sharedLines(flags.key_store), flags);
    return 0;
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

async function print(lines: AsyncIterable<RawLine>, { since_ms, is_json }: Flags): Promise<void> {
  for await (const { bytes } of lines) {
    const text = bytes.toString();
    const entry = openLine(text);
    if (entry === null) console.error("venturi audit: a line here is no entry; see venturi audit verify");
    else if (Date.parse(entry.time) >= since_ms) {
      const { time, actor, action, target, change } = entry;
      console.log(is_json ? text : `${time}  ${action}  ${target}  by ${actor}  ${JSON.stringify(change)}`);
    }
  }
}

async function verify({ data, key_store }: Flags): Promise<number> {
  const remembered = await headOf(data);
  if (typeof remembered === "string") return failed(remembered);
  const verdict = await verifyAudit(auditLines(data), remembered);
  const is_intact = tell(verdict, auditPath(data), "");
  if (key_store === null) return is_intact ? 0 : 1;
  try {
    const shared = await verifyAudit(sharedLines(key_store), null);
    return tell(shared, "the log of shared keys", " of shared keys") && is_intact ? 0 : 1;
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

/** Tells a verdict; gives whether the log is intact. */
function tell(verdict: AuditVerdict, place: string, of: string): boolean {
  if (!verdict.is_intact) {
    console.error(`${verdict.line === 0 ? place : `${place}:${verdict.line}`}: ${verdict.fault}`);
    return false;
  }
  for (const note of verdict.notes) console.log(`note: ${note}`);
  console.log(`intact: ${verdict.entries} ${verdict.entries === 1 ? "entry" : "entries"}${of}`);
  return true;
}

/** The log's end as the store of keys knows it, null if it knows none; or in words why it cannot be asked. */
async function headOf(data: string): Promise<AuditHead | null | string> {
  if (!isThereKeyStore(data)) return null;
  const store = openKeyStore(data);
  if ("fault" in store) return store.fault;
  try {
    return rememberedHead(store);
  } finally {
    await store.close();
  }
}

function readFlags(args: readonly string[]): Flags | string {
  const options = { since: FLAG, format: FLAG, data: FLAG };
  const parsed = parseFlags(args, { options, allowPositionals: true });
  if (typeof parsed === "string") return parsed;
  const { values, positionals } = parsed;
  const [word, ...more] = positionals;
  if (more.length > 0 || (word !== undefined && word !== "verify")) return `what is "${positionals.at(-1)}"?`;
  const since_ms = values.since === undefined ? 0 : parseMoment(values.since, Date.now());
  if (since_ms === null) return `--since must be a time such as ${MOMENT_EXAMPLES}, not "${values.since}"`;
  const format = values.format ?? "text";
  if (format !== "text" && format !== "json") return `--format must be text or json, not "${format}"`;
  const data = findDataFolder(values.data);
  if (typeof data !== "string") return data.fault;
  const key_store = findKeyStore(values.data);
  if (key_store !== null && typeof key_store !== "string") return key_store.fault;
  return { is_verify: word === "verify", since_ms, is_json: format === "json", data, key_store };
}
