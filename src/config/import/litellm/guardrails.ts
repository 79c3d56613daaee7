// LiteLLM's guardrails: those that have an equal become guards or privacy of every model; services of others stay what they are.
// https://docs.litellm.ai/docs/proxy/guardrails/quick_start

import type { Draft, ModelInput } from "../draft.ts";
import { entityOf } from "../entity_names.ts";
import type { Source } from "../source.ts";

type Guards = NonNullable<ModelInput["guards"]>;
type InputGuard = NonNullable<Guards["input"]>[number];
type OutputGuard = NonNullable<Guards["output"]>[number];

/** Services that look for attacks on the model, as the built-in guard does. */
const INJECTION = new Set([
  ...["lakera", "lakera_v2", "azure/prompt_shield", "prompt_shield", "lasso", "prompt_security", "pangea"],
]);

/** Gives the guards of the source to every model of the draft. */
export function readGuardrails(list: Source, draft: Draft): void {
  for (const item of list.items()) {
    const params = item.at("litellm_params");
    const kind = params.at("guardrail").text() ?? "";
    const name = item.at("guardrail_name").text() ?? kind;
    if (params.at("default_on").flag() !== true) {
      item.left(
        `${name} is asked for by requests or keys: guards here are a model's or a key's (docs/guards.md), so give it to those`,
      );
      continue;
    }
    const modes = params
      .at("mode")
      .items()
      .map((mode) => mode.text());
    const sees_input = modes.some((mode) => mode === "pre_call" || mode === "during_call");
    const sees_output = modes.includes("post_call");
    const add = (guard: InputGuard & OutputGuard): void => addGuard(draft, guard, sees_input, sees_output);
    if (kind === "presidio") privacy(item, params, draft);
    else if (kind === "hide-secrets" || kind === "hide_secrets") {
      for (const model of models(draft)) model.privacy ??= { mode: "mask", entities: [...SECRETS] };
      item.changed(
        "secrets in requests are masked by privacy, as kinds API_KEY, SECRET, JWT and PRIVATE_KEY",
      );
    } else if (kind === "openai_moderation") {
      const provider = Object.entries(draft.config.providers).find(([, one]) => one.kind === "openai")?.[0];
      if (provider === undefined) item.left("no provider of OpenAI's is configured that could be asked");
      else {
        add({ guard: "moderation", provider });
        item.carried(`the guard moderation, asked of ${provider}`);
      }
    } else if (INJECTION.has(kind)) {
      for (const model of models(draft)) input(model).push("prompt_injection");
      item.changed(`the built-in guard prompt_injection in place of ${kind}`);
    } else if (kind === "litellm_content_filter") contentFilter(item, params, add);
    else
      item.left(
        `${kind} has no equal; a service of your own can be asked as a webhook (docs/guards-remote.md)`,
      );
  }
}

const SECRETS = ["API_KEY", "SECRET", "JWT", "PRIVATE_KEY"] as const;

function models({ config }: Draft): readonly ModelInput[] {
  return Object.values(config.models);
}

function input(model: ModelInput): InputGuard[] {
  model.guards ??= {};
  model.guards.input ??= [];
  return model.guards.input;
}

function addGuard(
  draft: Draft,
  guard: InputGuard & OutputGuard,
  sees_input: boolean,
  sees_output: boolean,
): void {
  for (const model of models(draft)) {
    if (sees_input || !sees_output) input(model).push(structuredClone(guard));
    if (!sees_output) continue;
    model.guards ??= {};
    model.guards.output = [...(model.guards.output ?? []), structuredClone(guard)];
  }
}

/** Presidio: the gateway's own recognisers, with placeholders where the answer is to have the values again. */
function privacy(item: Source, params: Source, draft: Draft): void {
  const kinds = params.at("pii_entities_config").entries();
  const entities: string[] = [];
  for (const [name, source] of kinds) {
    const entity = entityOf(name);
    if (entity === null) source.left(`there is no kind of personal data like ${name}`);
    else if (!entities.includes(entity)) entities.push(entity);
  }
  const blocks = kinds.some(([, action]) => action.text()?.toUpperCase() === "BLOCK");
  const mode = blocks ? "block" : params.at("output_parse_pii").flag() === true ? "redact" : "mask";
  for (const model of models(draft)) model.privacy = { mode, ...(entities.length === 0 ? {} : { entities }) };
  item.changed(`the gateway's own recognisers find personal data, mode ${mode}; no Presidio is needed`);
  params.leave(
    ["presidio_analyzer_api_base", "presidio_anonymizer_api_base", "presidio_language"],
    "no Presidio is asked",
  );
}

function contentFilter(item: Source, params: Source, add: (guard: InputGuard & OutputGuard) => void): void {
  const words = params
    .at("blocked_words")
    .items()
    .map((word) => (word.is_map ? word.at("keyword").text() : word.text()))
    .filter((word) => word !== null);
  if (words.length > 0) {
    add({ guard: "denied_words", words });
    item.carried("the guard denied_words");
  } else
    item.left("its patterns and categories have no equal; see privacy and denied_topics (docs/guards.md)");
  params.leave(
    ["patterns", "categories", "blocked_words_file"],
    "see privacy and denied_topics (docs/guards.md)",
  );
}
