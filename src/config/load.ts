// From a file to a Plan: parse, replace references, validate, cross-check, fill in from the environment, compile.
// Everything that is wrong comes back as values, all of it at once; nothing is thrown for a bad configuration.

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { type ReadText, readTls, type TlsPlan } from "./certificates.ts";
import type { ReadGoogle } from "./cloud_check.ts";
import { compilePlan } from "./compile.ts";
import { crossCheck, declaredIn, type ReadCa } from "./crosscheck.ts";
import { type Document, readDocument } from "./document.ts";
import {
  applyEnvironment,
  applyProxies,
  environmentProviders,
  metadataHost,
  processEnvironment,
} from "./environment.ts";
import { explainIssues, type Finding } from "./explain.ts";
import { METADATA, readGoogleCredentials } from "./google.ts";
import type { Plan } from "./plan.ts";
import { type Path, type Problem, pathKey } from "./problem.ts";
import { withoutFaults } from "./prune.ts";
import { type Environment, resolveReferences } from "./references.ts";
import {
  type Config,
  config_schema,
  ledgerOf,
  type ProviderConfig,
  type ResolvedConfig,
  WORKERS_MAX,
} from "./schema.ts";
import { coerceReferences } from "./shape.ts";
import { settleStores, withFilesFrom } from "./stores_schema.ts";

/** A configuration and its Plan, or everything that is wrong with it (never an empty list). */
export type LoadResult =
  | {
      readonly ok: true;
      readonly config: ResolvedConfig;
      readonly plan: Plan;
      /** Paths of the files that it names and that were read with it, such as certificates. */
      readonly files: readonly string[];
      /** What whoever runs the gateway should know of the file. */
      readonly told?: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What the command line says in place of the file. */
export interface Overrides {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly workers?: number | "auto" | undefined;
  readonly data?: string | undefined;
}

/** What loading depends on besides the file. */
export interface LoadOptions {
  /** Environment variables; the process's own by default. */
  readonly env?: Environment | undefined;
  readonly overrides?: Overrides | undefined;
  /** Whether keys are stored in a data folder, as good as keys in the file; none are by default. */
  readonly hasStoredKeys?: ((data: string) => boolean) | undefined;
  /** What is wrong with a kind of personal data that the file defines, its examples tried; only its pattern is looked at by default. */
  readonly checkCustom?: ((custom: Config["privacy"]["custom"][number]) => string | null) | undefined;
}

/** Loads a file. `path` is also how problems call it. */
export function loadConfig(path: string, options: LoadOptions = {}): LoadResult {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    return { ok: false, problems: [{ file: path, line: 1, col: 1, message: fileFault(error) }] };
  }
  return parseConfig(bytes, path, options);
}

/** Loads a configuration from its text. `file` is how problems call it; `tls.ca` is looked for beside it. */
export function parseConfig(bytes: Uint8Array, file: string, options: LoadOptions = {}): LoadResult {
  const read = readDocument(bytes, file);
  if (!read.ok) return read;
  if (isLitellm(read.document.value)) return finishLitellm(read.document, file, options);
  return finish(read.document, file, options);
}

function isLitellm(value: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(value["model_list"]) && value["providers"] === undefined;
}

/** LiteLLM's configuration is served as if it had been imported; what is wrong is told where it stands there. */
function finishLitellm(document: Document, file: string, options: LoadOptions): LoadResult {
  // What reads it is loaded by those who have one.
  const { importDocument } = require("./import/import.ts") as typeof import("./import/import.ts");
  const { draft, notes, locate } = importDocument("litellm", document, file);
  const result = finish({ value: { ...draft.config }, locate }, file, options);
  const count = (fate: string) => notes.filter((note) => note.fate === fate).length;
  const told = `${file}: LiteLLM's configuration, served as imported: ${count("carried")} settings carried, ${count("changed")} changed, ${count("left out")} left out; venturi import litellm tells which`;
  return result.ok ? { ...result, told } : result;
}

/** The configuration of no file: a provider for every key that the environment has, and the simulator. */
export function zeroConfig(options: LoadOptions = {}): LoadResult {
  const env = options.env ?? processEnvironment();
  // There is no place to point at: what can be wrong is named by its variable.
  const document = { value: { providers: environmentProviders(env) }, locate: () => ({ line: 0, col: 0 }) };
  return finish(document, "environment", options);
}

function finish(document: Document, file: string, options: LoadOptions): LoadResult {
  const env = options.env ?? processEnvironment();
  const overrides = options.overrides ?? {};
  const { value: tree, sources, problems: missing } = resolveReferences(document.value, env);
  coerceReferences(tree, sources);
  const variables = new Map(sources);
  const sourceOf = (path: Path): string | null =>
    variables
      .get(pathKey(path))
      ?.map((name) => `\${${name}}`)
      .join(", ") ?? null;

  const parsed = config_schema.safeParse(tree);
  const issues = parsed.success ? [] : explainIssues(parsed.error.issues, tree, sourceOf);
  // What is wrong in one place must not hide what is wrong in another: the rest is checked without it.
  const written = parsed.success ? parsed.data : withoutFaults(tree);
  const config: Config | null = written === null ? null : settleStores(written, ledgerOf);
  const findings: Finding[] = [...issues];
  const problems: Problem[] = flagProblems(overrides);
  const files = new NamedFiles(file);
  const readCa = caReader(files);
  const readGoogle = googleReader(files, env);
  let tls: TlsPlan | null = null;
  if (config !== null) {
    applyEnvironment(config, env, (path, variable) => variables.set(pathKey(path), [variable]));
    applyOverrides(config, overrides);
    findings.push(
      ...crossCheck(
        config,
        declaredIn(tree),
        sourceOf,
        readCa,
        readGoogle,
        options.hasStoredKeys,
        options.checkCustom,
      ),
    );
    const read = config.listen.tls === undefined ? null : readTls(config.listen.tls, files.read);
    if (read !== null && "plan" in read) tls = read.plan;
    else if (read !== null) findings.push(...read.findings);
    problems.push(...applyProxies(config, env));
  }
  const unset = new Set(missing.map(({ path }) => pathKey(path)));
  const typos = new Set(issues.flatMap(({ meant }) => (meant === undefined ? [] : [pathKey(meant)])));
  const places: Finding[] = [
    ...missing.map(({ path, part, message }): Finding => ({ path, part, message })),
    // Nor is it said that a value is wrong which is not known, or that a key is missing which is misspelt.
    ...findings.filter(({ path }) => !unset.has(pathKey(path)) && !typos.has(pathKey(path))),
  ];
  for (const { path, part, message } of places) {
    if (overrides.host !== undefined && pathKey(path) === pathKey(["listen", "host"]))
      problems.push({ file: "--host", line: 0, col: 0, message });
    else problems.push({ file, ...document.locate(path, part), message });
  }
  if (problems.length > 0 || config === null)
    return { ok: false, problems: problems.sort((a, b) => a.line - b.line || a.col - b.col) };
  const resolved = resolveRest(withFilesFrom(config, dirname(file)), readCa, readGoogle, tls);
  return { ok: true, config: resolved, plan: compilePlan(resolved), files: files.paths };
}

/** Sets what the command line says. */
function applyOverrides(config: Config, { host, port, workers, data }: Overrides): void {
  if (host !== undefined) config.listen.host = host;
  if (port !== undefined) config.listen.port = port;
  if (workers !== undefined) config.listen.workers = workers;
  if (data !== undefined) config.data = data;
}

function flagProblems({ host, port, workers, data }: Overrides): Problem[] {
  const problems: Problem[] = [];
  const add = (file: string, message: string) => problems.push({ file, line: 0, col: 0, message });
  const whole = (value: number, min: number, max: number) =>
    Number.isInteger(value) && value >= min && value <= max;
  if (host === "") add("--host", "must be an address, such as 127.0.0.1");
  if (port !== undefined && !whole(port, 0, 65_535)) add("--port", "must be a whole number from 0 to 65535");
  if (workers !== undefined && workers !== "auto" && !whole(workers, 1, WORKERS_MAX))
    add("--workers", 'must be "auto" or a whole number from 1 to 62');
  if (data === "") add("--data", "must be a folder, such as ./data");
  return problems;
}

function fileFault(error: unknown): string {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : "";
  if (code === "ENOENT") return "there is no such file; create it, or name another";
  if (code === "EISDIR") return "this is a folder; name a file in it";
  if (code === "EACCES" || code === "EPERM") return "this user may not read the file; change its permissions";
  return `the file cannot be read (${String(code)})`;
}

/** Files that a configuration names, relative to its own folder; each is read once. */
class NamedFiles {
  readonly #folder: string;
  readonly #known = new Map<string, ReturnType<ReadText>>();

  constructor(file: string) {
    this.#folder = dirname(file);
  }

  /** Those that were asked for, as paths. */
  get paths(): string[] {
    return [...this.#known.keys()];
  }

  readonly read: ReadText = (path) => {
    const full_path = resolve(this.#folder, path);
    const result = this.#known.get(full_path) ?? readText(full_path);
    this.#known.set(full_path, result);
    return result;
  };
}

function readText(path: string): ReturnType<ReadText> {
  try {
    return { text: readFileSync(path, "utf8") };
  } catch (error) {
    return { fault: `cannot be used: ${fileFault(error)}` };
  }
}

/** Reads files of certificate authorities. */
function caReader(files: NamedFiles): ReadCa {
  return (path) => {
    const file = files.read(path);
    if ("fault" in file) return file;
    if (!file.text.includes("-----BEGIN CERTIFICATE-----"))
      return { fault: "names a file without a certificate in PEM (-----BEGIN CERTIFICATE-----)" };
    return { pem: file.text };
  };
}

/** Reads Google's credentials: a file relative to the configuration's own folder, JSON, or a map of its own. */
function googleReader(files: NamedFiles, env: Environment): ReadGoogle {
  return (given) => {
    if (given === METADATA) return readGoogleCredentials({ type: METADATA, host: metadataHost(env) });
    if (typeof given !== "string" || given.trimStart().startsWith("{")) return readGoogleCredentials(given);
    const file = files.read(given);
    return "fault" in file ? file : readGoogleCredentials(file.text);
  };
}

/** The last steps to a configuration that needs nothing outside itself. */
function resolveRest(
  config: Config,
  readCa: ReadCa,
  readGoogle: ReadGoogle,
  tls: TlsPlan | null,
): ResolvedConfig {
  const providers: Record<string, ProviderConfig> = {};
  for (const [name, provider] of Object.entries(config.providers)) {
    const ca = provider.tls?.ca === undefined ? null : readCa(provider.tls.ca);
    const { google } = provider;
    const read = google?.credentials === undefined ? null : readGoogle(google.credentials);
    providers[name] = {
      ...provider,
      ...(ca !== null && "pem" in ca ? { tls: { ...provider.tls, ca: ca.pem } } : {}),
      ...(read !== null && "credentials" in read
        ? {
            google: {
              ...google,
              project: google?.project ?? read.project ?? undefined,
              credentials: { ...read.credentials },
            },
          }
        : {}),
    };
  }
  const { state } = config;
  const state_ca = typeof state !== "object" || state.tls?.ca === undefined ? null : readCa(state.tls.ca);
  const shared =
    state_ca !== null && "pem" in state_ca && typeof state === "object"
      ? { state: { ...state, tls: { ca: state_ca.pem } } }
      : {};
  const { workers, tls: _paths, ...listen } = config.listen;
  const own = Math.min(WORKERS_MAX, Math.max(1, availableParallelism() - 1));
  const count = workers === "auto" ? own : workers;
  return {
    ...config,
    ...shared,
    providers,
    listen: { ...listen, workers: count, ...(tls === null ? {} : { tls }) },
  };
}
