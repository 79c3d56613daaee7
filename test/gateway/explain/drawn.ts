// Configurations with a policy table, and requests to them, drawn from a seed; and what the table says of a request, told a second time
// in the plainest way, so that the gateway is not only compared with itself.

import { randomIntegers } from "../../memory/random.ts";

type Random = (limit: number) => number;

/** A rule as it is written. */
interface DrawnRule {
  readonly name: string;
  readonly when: Readonly<Record<string, unknown>>;
  readonly use?: string;
  readonly split?: Readonly<Record<string, number>>;
}

/** A configuration. */
export interface DrawnPolicy {
  readonly yaml: string;
  readonly rules: readonly DrawnRule[];
  readonly keys: readonly DrawnKey[];
}

interface DrawnKey {
  readonly name: string;
  readonly key: string;
  readonly tenant: string;
  readonly team?: string;
  readonly tier?: string;
  readonly region?: string;
  readonly models: readonly string[];
}

/** A request. */
export interface DrawnRequest {
  readonly key: DrawnKey;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** What it needs, as rules call it. */
  readonly needs: readonly string[];
}

const MODELS = ["small", "big", "eyes", "spread"];
const TARGETS = ["a/echo", "a/lorem", "b/echo", "b/lorem", "c/echo", "c/tool"];
const NEEDS = ["vision", "tools", "json_schema"];
const TASKS = ["code", "chat", "coding"];
const TAGS = ["beta", "plan=gold", "plan=free"];

/** Draws policies and requests. */
export class Drawing {
  readonly #random: Random;

  constructor(seed: number) {
    this.#random = randomIntegers(seed);
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#random(of.length)]!;
  }

  #maybe<T>(percent: number, make: () => T): T | undefined {
    return this.#random(100) < percent ? make() : undefined;
  }

  #some<T>(of: readonly T[]): T[] {
    const some = of.filter(() => this.#random(2) === 0);
    return some.length === 0 ? [this.#one(of)] : some;
  }

  policy(): DrawnPolicy {
    const capabilities = () => ({
      ...Object.fromEntries(NEEDS.filter(() => this.#random(4) === 0).map((need) => [need, false])),
      ...(this.#random(3) === 0 ? { context_tokens: 20 + this.#random(400) } : {}),
    });
    const models = Object.fromEntries(
      MODELS.map((name) => [
        name,
        {
          strategy: this.#one(["priority", "weighted"]),
          cache: { prompt: "auto" },
          targets: this.#some(TARGETS).map((target) => {
            const [provider, model] = target.split("/");
            return { provider, model, weight: 1 + this.#random(5), capabilities: capabilities() };
          }),
          fallbacks: this.#maybe(30, () => [this.#one(TARGETS)]),
          region: this.#maybe(10, () => "eu"),
        },
      ]),
    );
    const keys = [0, 1, 2, 3].map(
      (index): DrawnKey => ({
        ...{ name: `k${index}`, key: `key-${index}`, tenant: this.#one(["acme", "other"]) },
        models: this.#random(3) === 0 ? this.#some([...MODELS, "auto", "gpt-*", "a/*"]) : ["*"],
        ...defined({
          team: this.#maybe(50, () => this.#one(["shop", "lab"])),
          tier: this.#maybe(60, () => this.#one(["free", "paid"])),
          region: this.#maybe(10, () => this.#one(["eu", "us"])),
        }),
      }),
    );
    const rules = Array.from({ length: this.#random(7) }, (_, index) => this.#rule(index));
    const providers = {
      a: { kind: "sim", region: "eu-west-1" },
      b: { kind: "sim", region: "us" },
      c: { kind: "sim" },
    };
    const config = { providers, models, keys, tiers: { free: {}, paid: {} }, routes: rules };
    return { yaml: JSON.stringify(config), rules, keys };
  }

  #rule(index: number): DrawnRule {
    const gives = [...MODELS, ...TARGETS];
    const when = defined({
      model: this.#maybe(80, () => this.#one<unknown>(["auto", ["auto", "gpt-*"], "*", "small", "g*4"])),
      task: this.#maybe(30, () => this.#one<unknown>(["code", "cod*", ["chat", "code"]])),
      tier: this.#maybe(20, () => this.#one(["free", "paid"])),
      tenant: this.#maybe(15, () => this.#one(["acme", "o*"])),
      team: this.#maybe(10, () => "shop"),
      key: this.#maybe(10, () => this.#one(["k1", "k*"])),
      region: this.#maybe(15, () => this.#one(["eu", "us"])),
      tags: this.#maybe(20, () => [this.#one(["beta", "plan=gold", "plan=*", "plan"])]),
      header: this.#maybe(15, () => ({ "x-plan": this.#one(["gold", "g*"]) })),
      needs: this.#maybe(25, () => this.#some(NEEDS)),
      prompt_tokens: this.#maybe(20, () => this.#one([">100", "<=50", "20-200"])),
      complexity: this.#maybe(15, () => this.#one<unknown>(["simple", ["medium", "hard"]])),
      time: this.#maybe(5, () => ({ hours: "0-24", zone: "Europe/Berlin" })),
    });
    const split = () => Object.fromEntries(this.#some(gives).map((model) => [model, this.#random(9)]));
    const shares = this.#random(3) === 0 ? split() : null;
    const is_split = shares !== null && Object.values(shares).some((share) => share > 0);
    return { name: `r${index}`, when, ...(is_split ? { split: shares } : { use: this.#one(gives) }) };
  }

  request({ keys }: DrawnPolicy): DrawnRequest {
    const needs = NEEDS.filter(() => this.#random(5) === 0);
    const text = `${this.#one(["Hi", "Why? Explain and compare.", "Translate"])} ${"word ".repeat(this.#one([0, 5, 60, 300]))}`;
    const image = { type: "image_url", image_url: { url: "https://a/b.png" } };
    const content = needs.includes("vision") ? [{ type: "text", text }, image] : text;
    const schema = {
      type: "json_schema",
      json_schema: { name: "s", schema: { type: "object", properties: {} } },
    };
    return {
      key: this.#one(keys),
      needs,
      headers: defined({
        "x-venturi-task": this.#maybe(50, () => this.#one(TASKS)),
        "x-venturi-tags": this.#maybe(40, () => this.#some(TAGS).join(",")),
        "x-venturi-region": this.#maybe(15, () => this.#one(["eu", "EU-west-1", "us", "asia"])),
        // Of what is drawn by weight the first is the same for the same session alone.
        "x-venturi-session": `s${this.#random(50)}`,
        "x-plan": this.#maybe(30, () => this.#one(["gold", "free"])),
      }),
      body: defined({
        model: this.#one(["auto", "auto", "auto", "gpt-4", "small", "spread", "a/echo", "nothing"]),
        messages: [{ role: "user", content }],
        tools: needs.includes("tools") ? [{ type: "function", function: { name: "f" } }] : undefined,
        response_format: needs.includes("json_schema") ? schema : undefined,
        max_tokens: this.#maybe(30, () => 1 + this.#random(200)),
      }),
    };
  }
}

function defined<T>(values: Readonly<Record<string, T | undefined>>): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Record<
    string,
    T
  >;
}

/** The rule that holds for a request, by the plainest reading of the table; of what is estimated the gateway's word is taken. */
export function plainRule(
  { rules }: DrawnPolicy,
  { key, headers, body, needs }: DrawnRequest,
  estimated: { readonly prompt_tokens: number; readonly complexity: string },
): string | null {
  const isLike = (patterns: unknown, word: unknown) =>
    word !== undefined &&
    [patterns]
      .flat()
      .some((pattern) => new RegExp(`^${String(pattern).replaceAll("*", ".*")}$`).test(String(word)));
  const tags = new Map(
    (headers["x-venturi-tags"] ?? "")
      .split(",")
      .map((tag) => [...tag.split("="), ""].slice(0, 2) as [string, string]),
  );
  const region = (headers["x-venturi-region"] ?? key.region)?.toLowerCase();
  const isSo: Readonly<Record<string, (wanted: never) => boolean>> = {
    model: (wanted) => isLike(wanted, body["model"]),
    task: (wanted) => isLike(wanted, headers["x-venturi-task"]),
    tier: (wanted) => isLike(wanted, key.tier),
    tenant: (wanted) => isLike(wanted, key.tenant),
    team: (wanted) => isLike(wanted, key.team),
    key: (wanted) => isLike(wanted, key.name),
    region: (wanted) => region === wanted || region?.startsWith(`${wanted}-`) === true,
    tags: (wanted: readonly string[]) =>
      wanted.every((tag) => {
        const [name = "", value] = tag.split("=");
        return tags.has(name) && (value === undefined || isLike(value, tags.get(name)));
      }),
    header: (wanted) => isLike(wanted["x-plan"], headers["x-plan"]),
    needs: (wanted: readonly string[]) => wanted.every((need) => needs.includes(need)),
    prompt_tokens: (wanted) => {
      const { prompt_tokens } = estimated;
      const bounds: Readonly<Record<string, boolean>> = {
        ">100": prompt_tokens > 100,
        "<=50": prompt_tokens <= 50,
        "20-200": prompt_tokens >= 20 && prompt_tokens <= 200,
      };
      return bounds[wanted]!;
    },
    complexity: (wanted) => isLike(wanted, estimated.complexity),
    time: () => true,
  };
  const holds = rules.find(({ when }) =>
    Object.entries(when).every(([name, wanted]) => isSo[name]!(wanted as never)),
  );
  return holds?.name ?? null;
}
