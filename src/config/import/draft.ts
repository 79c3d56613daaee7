// The configuration that an import makes: the same tree that a user would write, with comments for whoever reads it, and
// with the place in the source that each part comes from.

import { headerNameFault, headerValueFault } from "../address.ts";
import { type Path, pathKey } from "../problem.ts";
import { PROVIDERS } from "../providers.ts";
import type { ConfigInput } from "../schema.ts";
import { starIn, wildcardOf } from "../wildcards.ts";
import type { Source } from "./source.ts";

type PartName = "providers" | "models" | "routes" | "keys" | "tenants" | "teams";
type Parts = { [Name in PartName]: NonNullable<ConfigInput[Name]> };
/** A provider as it is written. */
export type ProviderInput = Parts["providers"][string];
/** A model as it is written. */
export type ModelInput = Parts["models"][string];
/** A target with its settings as it is written. */
export type TargetInput = Exclude<ModelInput["targets"][number], string>;
/** Limits as they are written. */
export type LimitsInput = NonNullable<ProviderInput["limits"]>;

/** A configuration in the making. */
export class Draft {
  readonly config: Omit<ConfigInput, PartName> & Parts = {
    ...{ providers: {}, models: {}, routes: [], keys: [], tenants: {}, teams: {} },
  };
  /** Comments by the path (`pathKey`) of what they stand above. */
  readonly comments = new Map<string, string>();
  /** Paths of the source by those (`pathKey`) of what came of them. */
  readonly origins = new Map<string, Path>();

  /** Names of providers by what they were asked for as. */
  readonly #providers = new Map<string, string>();

  /** Says where a part comes from. */
  from(path: Path, source: Path): void {
    if (!this.origins.has(pathKey(path))) this.origins.set(pathKey(path), source);
  }

  /** Puts a comment above a part. */
  comment(path: Path, text: string): void {
    const key = pathKey(path);
    const before = this.comments.get(key);
    this.comments.set(key, before === undefined ? text : `${before}\n${text}`);
  }

  /** Whether clients could ask for a name: it is a model's, or one that a star stands for. */
  hasModel(name: string): boolean {
    return Object.hasOwn(this.config.models, name) || this.#starOf(name) !== null;
  }

  /** The model of a name, for settings of its own: one that a star stands for becomes an entry. Undefined where there is none. */
  model(name: string): ModelInput | undefined {
    const { models } = this.config;
    const found = Object.hasOwn(models, name) ? null : this.#starOf(name);
    if (found !== null) {
      const copy = structuredClone(models[found.pattern]!);
      for (const target of copy.targets)
        if (typeof target !== "string") target.model = target.model.replace("*", () => found.star);
      models[name] = copy;
      this.from(["models", name], this.origins.get(pathKey(["models", found.pattern])) ?? []);
    }
    return models[name];
  }

  #starOf(name: string): { readonly pattern: string; readonly star: string } | null {
    if (name.includes("*")) return null;
    for (const pattern of Object.keys(this.config.models)) {
      const parts = wildcardOf(pattern);
      const star = parts === null ? null : starIn(name, parts);
      if (star !== null) return { pattern, star };
    }
    return null;
  }

  /**
   * The name of a provider with these settings: that of an equal one, else the wanted one, with a number where that is taken.
   * @param origin where in the source it is first asked for
   */
  provider(wanted: string, settings: ProviderInput, origin: Path): string {
    const { providers } = this.config;
    const id = `${baseOf(wanted)}\n${JSON.stringify(settings)}`;
    const known = this.#providers.get(id);
    if (known !== undefined) return known;
    const clean = providerNameOf(wanted);
    let name = clean;
    for (let count = 2; Object.hasOwn(providers, name); count++) name = `${clean}-${count}`;
    providers[name] = settings;
    this.#providers.set(id, name);
    this.from(["providers", name], origin);
    return name;
  }
}

function baseOf(name: string): string {
  return providerNameOf(name).replace(/-\d+$/, "");
}

const TAKEN = new Set(["admin", "health", "metrics", "openapi.json", "ui", "v1", "v1beta", "sim"]);

/** A text as a provider may be called. */
export function providerNameOf(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 60);
  if (name === "") return "provider";
  return TAKEN.has(name) ? `${name}-provider` : name;
}

/** A text as a model may be called; null where nothing of it can be kept. */
export function modelNameOf(text: string): string | null {
  const name = text
    .trim()
    .replace(/[^!-~]+|\$+\{/g, "-")
    .slice(0, 128);
  return name === "" ? null : name;
}

/** An address without what it need not say: a slash at its end, or all of it where it is the one that is known. */
export function addressOf(kind: string, address: string | null): string | undefined {
  if (address === null) return undefined;
  const plain = address.replace(/\/+$/, "");
  return plain === PROVIDERS[kind]?.base_url ? undefined : plain;
}

/** Header fields that can be sent; of others it is told what is wrong with them. */
export function headerFields(
  fields: readonly (readonly [name: string, text: string | null, source: Source])[],
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, text, source] of fields) {
    if (text === null) continue;
    const fault = headerNameFault(name) ?? headerValueFault(text);
    if (fault === null) headers[name.toLowerCase()] = text;
    else source.left(fault);
  }
  return headers;
}

/** A reference to an environment variable. */
export function variable(name: string, otherwise: string | null = null): string {
  return otherwise === null ? `\${${name}}` : `\${${name}:-${otherwise}}`;
}
