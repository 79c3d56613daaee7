// LiteLLM's fallbacks: lists of a model and those that are asked in its place, of several kinds.
// https://docs.litellm.ai/docs/proxy/reliability

import type { Draft } from "../draft.ts";
import type { Source } from "../source.ts";

/** Finds the name here of a model of the source; null where there is none. */
export type FindModel = (name: string) => string | null;

/** Gives models their fallbacks, whichever of the two groups of settings has them. */
export function readFallbacks(groups: readonly Source[], draft: Draft, find: FindModel): void {
  for (const settings of groups) {
    for (const [model, others, source] of pairs(settings.at("fallbacks"))) {
      if (addTo(draft, model, others, source, find)) source.carried(`fallbacks of ${model}`);
    }
    for (const [model, others, source] of pairs(settings.at("context_window_fallbacks"))) {
      if (addTo(draft, model, others, source, find))
        source.changed(
          `asked after all other failures of ${model}, too; a prompt that is known to be too long for it goes there at once`,
        );
    }
    for (const [model, others, source] of pairs(settings.at("content_policy_fallbacks")))
      cascadeTo(draft, model, others, source, find);
    const defaults = settings.at("default_fallbacks");
    if (defaults.is_there) {
      for (const model of Object.keys(draft.config.models))
        addTo(draft, model, defaults.items(), defaults, find);
      defaults.carried("fallbacks of every model");
    }
    settings.at("max_fallbacks").left("all fallbacks are asked, within the call's deadline");
  }
}

/** `[{ a: [b, c] }]` apart. */
function* pairs(list: Source): Generator<readonly [string, readonly Source[], Source]> {
  for (const item of list.items())
    for (const [model, others] of item.entries()) yield [model, others.items(), others];
}

/** Adds to a model's fallbacks; false where there is no such model. */
function addTo(
  draft: Draft,
  name: string,
  others: readonly Source[],
  source: Source,
  find: FindModel,
): boolean {
  const names = name === "*" ? Object.keys(draft.config.models) : [find(name)].filter((one) => one !== null);
  if (names.length === 0) source.left(`there is no model ${JSON.stringify(name)} in model_list`);
  for (const own of names) {
    const model = draft.model(own)!;
    const known = model.fallbacks ?? [];
    for (const other of others) {
      const wanted = other.is_map ? other.at("model").text() : other.text();
      const found = wanted === null ? null : find(wanted);
      if (found === null) other.left(`there is no model ${JSON.stringify(wanted)} in model_list`);
      else if (found !== own && !known.includes(found)) known.push(found);
      if (other.is_map) other.changed("only its model is carried, not what is to change in the request");
    }
    if (known.length > 0) model.fallbacks = known;
  }
  return names.length > 0;
}

/** What a provider refuses by its policy comes as an answer that is a refusal: a cascade asks another for it. */
function cascadeTo(
  draft: Draft,
  name: string,
  others: readonly Source[],
  source: Source,
  find: FindModel,
): void {
  const own = find(name);
  const model = own === null ? undefined : draft.model(own);
  const to = others.map((other) => find(other.text() ?? "")).find((one) => one !== null && one !== own);
  if (model === undefined || to == null) {
    source.left(`there is no model ${JSON.stringify(name)} in model_list, or none of those it falls back to`);
    return;
  }
  model.cascade = { to, when: ["refusal"] };
  source.changed(`a cascade: ${to} is asked where an answer of ${name} is a refusal`);
}
