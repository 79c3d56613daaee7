// `venturi prices`: takes over new prices, and shows what a model would be charged and who says so.
// A running gateway takes new prices over when it reloads its configuration (SIGHUP).

import { existsSync } from "node:fs";
import { loadConfig } from "../config/load.ts";
import { resolveModel } from "../config/models.ts";
import { PROVIDERS } from "../config/providers.ts";
import { findFact, findPrice, type PriceBook } from "../ledger/prices/book.ts";
import { type ModelPrice, priceOfPlan } from "../ledger/prices/cost.ts";
import { loadPriceBook } from "../ledger/prices/load.ts";
import { updatePrices } from "../ledger/prices/update.ts";
import { FLAG, parseFlags, voiceOf } from "./command_line.ts";
import { findDataFolder } from "./data_folder.ts";
import { factText, priceLines } from "./price_text.ts";

const USAGE = `usage: venturi prices update [FILE|URL] [--data DIR]
       venturi prices show MODEL [--config venturi.yaml] [--data DIR]`;
const { misuse, failed } = voiceOf("prices", USAGE);

const DEFAULT_FILE = "venturi.yaml";

interface Flags {
  readonly config: string | undefined;
  readonly data: string | undefined;
  readonly words: readonly string[];
}

/** Runs it. Returns the exit code: 0, 1 where it failed or no price is known, 2 for misuse. */
export async function prices(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  if (typeof flags === "string") return misuse(flags);
  const [action, subject, ...more] = flags.words;
  if (more.length > 0) return misuse(`what is "${more[0]}"?`);
  const data = findDataFolder(flags.data, flags.config);
  if (typeof data !== "string") return failed(data.fault);
  if (action === "update") return update(data, subject);
  if (action === "show" && subject !== undefined) return show(subject, flags.config, data);
  if (action === "show") return misuse("say of which model");
  return misuse(action === undefined ? "say what to do" : `there is no "${action}"`);
}

function readFlags(args: readonly string[]): Flags | string {
  const options = { config: { type: "string", short: "c" }, data: FLAG } as const;
  const parsed = parseFlags(args, { options, allowPositionals: true });
  if (typeof parsed === "string") return parsed;
  const { values, positionals } = parsed;
  return { config: values.config, data: values.data, words: positionals };
}

async function update(data: string, source: string | undefined): Promise<number> {
  const { REMOTE_DATA_JSON_URL } = await import("@pydantic/genai-prices");
  const result = await updatePrices(data, source ?? REMOTE_DATA_JSON_URL, new Date());
  if (!result.ok) {
    console.error(`venturi prices update: ${result.fault}; the prices stay as they are`);
    return 1;
  }
  const { path, models, providers } = result;
  console.log(
    `${path}: ${models} prices of ${providers} providers; a running gateway takes them over on SIGHUP`,
  );
  return 0;
}

/** Who is asked for a model. */
interface Asked {
  readonly name: string;
  readonly kind: string;
  readonly host: string;
  readonly model: string;
  /** Of the configuration. */
  readonly own: ModelPrice | null;
}

async function show(name: string, config: string | undefined, data: string): Promise<number> {
  const asked = askedOf(name, config ?? (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : null));
  if (typeof asked === "string") {
    console.error(`venturi prices show: ${asked}`);
    return 1;
  }
  const { book, fault } = await loadPriceBook(data);
  if (fault !== null) console.error(`venturi prices show: ${fault}; the installed prices stand in`);
  const texts = asked.map((one) => describe(book, one));
  console.log(texts.map(({ text }) => text).join("\n\n"));
  return texts.every(({ is_known }) => is_known) ? 0 : 1;
}

/** The targets of a configured model, or a known provider's model; or in words why there are none. */
function askedOf(name: string, config: string | null): readonly Asked[] | string {
  if (config !== null) {
    const loaded = loadConfig(config);
    if (!loaded.ok) return `${config} has faults; \`venturi check\` tells them`;
    const model = resolveModel(loaded.plan, name);
    if (model !== null) {
      const own = model.price === null ? null : priceOfPlan(model.price);
      return model.targets.map(({ provider, model: served }) => ({
        ...{ name: `${provider.name}/${served}`, kind: provider.kind, host: provider.origin.host },
        ...{ model: served, own },
      }));
    }
  }
  const slash = name.indexOf("/");
  const provider = name.slice(0, slash);
  if (slash < 1 || !Object.hasOwn(PROVIDERS, provider)) {
    return `"${name}" is no model of the configuration, and not provider/model of a provider that is known by name`;
  }
  const { kind, base_url } = PROVIDERS[provider]!;
  const host = base_url === null ? "" : new URL(base_url).hostname;
  return [{ name, kind, host, model: name.slice(slash + 1), own: null }];
}

function describe(book: PriceBook, asked: Asked): { readonly text: string; readonly is_known: boolean } {
  const { name, kind, host, model, own } = asked;
  const price = own ?? findPrice(book, kind, host, model);
  if (price === null) {
    const text = `${name}: no price is known; its calls run, and their cost is told as unknown\n  set one: models.NAME.price in the configuration`;
    return { text, is_known: false };
  }
  const text = [`${name}: US dollars for a million tokens (${price.version})`];
  const fact = findFact(book, kind, host, model);
  if (fact !== null) text.push(factText(fact));
  text.push(...priceLines(price));
  return { text: text.join("\n  "), is_known: true };
}
