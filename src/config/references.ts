// References to environment variables in a configuration's values.
// What a reference stood for is remembered by path, so that no message ever shows a value that came from one.

import { type Path, pathKey } from "./problem.ts";

/** Environment variables; an injected record in tests. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A reference that could not be resolved. */
export interface ReferenceProblem {
  readonly path: Path;
  /** Whether the key or the value is to be pointed at. */
  readonly part: "key" | "value";
  readonly message: string;
}

/** A configuration without references. */
export interface Resolved {
  readonly value: unknown;
  /** Paths (by `pathKey`) whose value came from the environment, with the variables' names. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
  readonly problems: readonly ReferenceProblem[];
}

const NAME = "[A-Za-z_][A-Za-z0-9_]*";
/** A whole value, as Bifrost (`env.`) and LiteLLM (`os.environ/`) write it. */
const WHOLE = new RegExp(`^(?:env\\.|os\\.environ/)(${NAME})$`);
/** `$${` · `${NAME}` · `${NAME:-default}` · a `${` that is none of these. */
const WITHIN = new RegExp(`\\$\\$\\{|\\$\\{(${NAME})(?::-([^}]*))?\\}|\\$\\{`, "g");

/** Any string that a reference can stand in, for the editors' schema: what matches is checked at run time. */
export const REFERENCE_PATTERN = `^(?:.*\\$\\{${NAME}(?::-[^}]*)?\\}.*|(?:env\\.|os\\.environ/)${NAME})$`;

/** Replaces every reference in `value`, which is not changed. All that is missing is reported, not only the first. */
export function resolveReferences(value: unknown, env: Environment): Resolved {
  const sources = new Map<string, readonly string[]>();
  const problems: ReferenceProblem[] = [];

  const text = (raw: string, path: Path): string => {
    const names: string[] = [];
    const lookUp = (name: string, fallback: string | undefined): string => {
      names.push(name);
      const found = env[name];
      // As in a shell, `:-` also replaces an empty value.
      if (fallback !== undefined) return found === undefined || found === "" ? fallback : found;
      if (found === undefined)
        problems.push({
          path,
          part: "value",
          message: `the environment variable ${name} is not set; set it, or give a default: \${${name}:-default}`,
        });
      return found ?? "";
    };
    const whole = WHOLE.exec(raw)?.[1];
    const resolved =
      whole !== undefined
        ? lookUp(whole, undefined)
        : raw.replace(WITHIN, (match: string, name: string | undefined, fallback: string | undefined) => {
            if (match === "$${") return "${";
            if (name !== undefined) return lookUp(name, fallback);
            problems.push({
              path,
              part: "value",
              message: `"\${" does not begin a reference; write "\${NAME}", or "$\${" for the two characters themselves`,
            });
            return match;
          });
    if (names.length > 0) sources.set(pathKey(path), [...new Set(names)]);
    return resolved;
  };

  const walk = (node: unknown, path: Path): unknown => {
    if (typeof node === "string") return text(node, path);
    if (Array.isArray(node)) return node.map((item, index) => walk(item, [...path, index]));
    if (typeof node !== "object" || node === null) return node;
    const copy: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(node)) {
      if (key === "__proto__")
        problems.push({ path: [...path, key], part: "key", message: 'the key "__proto__" is not allowed' });
      else copy[key] = walk(item, [...path, key]);
    }
    return copy;
  };

  return { value: walk(value, []), sources, problems };
}
