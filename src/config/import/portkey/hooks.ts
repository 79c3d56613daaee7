// Guardrails of a Portkey config: the checks of its default plugin that have an equal here.
// https://portkey.ai/docs/product/guardrails/list-of-guardrail-checks

import type { ModelInput } from "../draft.ts";
import type { Source } from "../source.ts";

type Guards = NonNullable<ModelInput["guards"]>;
type Parts = Pick<ModelInput, "guards" | "privacy">;

/** Reads the guardrails of a level into what its model does. */
export function readHooks(source: Source, model: Parts): void {
  for (const key of ["input_guardrails", "before_request_hooks"]) {
    for (const item of source.at(key).items()) readHook(item, model, "input");
  }
  for (const key of ["output_guardrails", "after_request_hooks"]) {
    for (const item of source.at(key).items()) readHook(item, model, "output");
  }
}

function readHook(item: Source, model: Parts, stage: "input" | "output"): void {
  if (!item.is_map) {
    item.left("this guardrail is kept by Portkey; see guards (docs/guards.md)");
    return;
  }
  const action = item.at("deny").flag() === true ? "block" : "flag";
  item.leave(
    ["on_fail", "on_success", "async", "sequential", "id", "name", "type"],
    "see the guard's action (docs/guards.md)",
  );
  const checks = item.at("checks").items();
  const all =
    checks.length > 0
      ? checks.map((one) => [one.at("id").text() ?? "", one.at("parameters"), one] as const)
      : item
          .entries()
          .filter(([id]) => id.includes("."))
          .map(([id, one]) => [id, one, one] as const);
  for (const [id, parameters, check] of all) {
    const guards: Guards = { ...model.guards };
    if (id === "portkey.moderateContent" || id === "default.moderateContent") {
      add(guards, stage, { guard: "moderation", action });
      check.changed("the guard moderation, asked of the provider openai");
    } else if (id === "portkey.pii" || id === "default.pii") {
      model.privacy = { mode: action === "block" ? "block" : "redact" };
      check.changed("the gateway's own recognisers find personal data");
      continue;
    } else if (id === "default.contains" && parameters.at("operator").text() === "none") {
      const words = parameters
        .at("words")
        .items()
        .flatMap((word) => word.text() ?? []);
      add(guards, stage, { guard: "denied_words", words, action });
      check.carried("the guard denied_words");
    } else if (id === "default.characterCount" && stage === "input") {
      const max_chars = parameters.at("maxCharacters").number() ?? 0;
      guards.input = [...(guards.input ?? []), { guard: "limits", max_chars, action }];
      check.carried("the guard limits");
    } else if (id === "default.jsonSchema" && stage === "output") {
      guards.output = [...(guards.output ?? []), { guard: "json_schema", action }];
      check.changed("the guard json_schema judges by the schema that the request asks for");
    } else {
      check.left(
        "this check has no equal; a service of your own can be asked as a webhook (docs/guards-remote.md)",
      );
      continue;
    }
    model.guards = guards;
  }
}

/** A guard that looks at requests and answers alike. */
type EitherGuard = NonNullable<Guards["input"]>[number] & NonNullable<Guards["output"]>[number];

function add(guards: Guards, stage: "input" | "output", guard: EitherGuard): void {
  if (stage === "input") guards.input = [...(guards.input ?? []), guard];
  else guards.output = [...(guards.output ?? []), guard];
}
