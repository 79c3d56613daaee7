// Routing: which request goes to which model, which targets that has and how they share its calls, what tests have shown, and how
// models answer.

import type { List, Target, Usage } from "./answers.ts";
import { useAsked } from "./asked.ts";
import { DrillsCard } from "./drills.tsx";
import { ExperimentsCard } from "./experiments.tsx";
import { count, NOTHING, percent } from "./format.ts";
import { Badge, Card, Trouble } from "./parts.tsx";
import { QualityCard } from "./quality.tsx";
import { Table } from "./table.tsx";
import { TARGET_STATES } from "./target_states.ts";

interface Rule {
  readonly name?: string;
  readonly when: Readonly<Record<string, unknown>>;
  readonly use?: string;
  readonly split?: Readonly<Record<string, number>>;
}

interface ConfiguredModel {
  readonly strategy?: string;
  readonly targets?: readonly (
    | string
    | { readonly provider: string; readonly model: string; readonly weight?: number }
  )[];
  readonly fallbacks?: readonly string[];
}

/** What of the configuration the page shows. */
interface Config {
  readonly routes?: readonly Rule[];
  readonly models?: Readonly<Record<string, ConfiguredModel>>;
  readonly providers?: Readonly<Record<string, unknown>>;
}

/** The page. */
export function RoutingPage() {
  const config = useAsked<Config>("config");
  const usage = useAsked<Usage>("usage?by=model,provider,served_model&since=24h", 10_000);
  const targets = useAsked<List<Target>>("health", 2_000);
  return (
    <>
      <h1 tabIndex={-1}>Routing</h1>
      <Trouble fault={config.fault} onRetry={config.reload} />
      <PolicyTable rules={config.value?.routes ?? null} />
      <Models models={config.value?.models ?? null} usage={usage.value} targets={targets.value?.data ?? []} />
      <ExperimentsCard />
      <QualityCard />
      <DrillsCard providers={Object.keys(config.value?.providers ?? {})} />
    </>
  );
}

function PolicyTable({ rules }: { readonly rules: readonly Rule[] | null }) {
  return (
    <Card title="Policy table">
      <Table
        label="Policy table"
        rows={(rules ?? []).map((rule, index) => ({ ...rule, index }))}
        keyOf={({ index }) => String(index)}
        empty={
          rules === null ? null : (
            <>
              <p>
                There are no rules: clients name the model themselves. The first rule that holds decides, such
                as this one:
              </p>
              <pre class="command">
                {'routes:\n  - { when: { model: auto, prompt_tokens: ">8000" }, use: long }'}
              </pre>
            </>
          )
        }
        columns={[
          { head: "Nr", cell: ({ index }) => index + 1 },
          { head: "Rule", cell: ({ name, index }) => <span class="name">{name ?? `routes[${index}]`}</span> },
          { head: "When all of this is so", cell: ({ when }) => <span class="wrap">{whenText(when)}</span> },
          { head: "Then", cell: (rule) => <span class="name">{thenText(rule)}</span> },
        ]}
      />
    </Card>
  );
}

function whenText(when: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(when).map(([name, value]) => {
    const text =
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? JSON.stringify(value)
        : String(value).replaceAll(",", ", ");
    return `${name.replaceAll("_", " ")} is ${text}`;
  });
  return parts.length === 0 ? "always" : parts.join(" and ");
}

function thenText({ use, split }: Rule): string {
  if (use !== undefined) return use;
  const all = Object.values(split ?? {}).reduce((total, part) => total + part, 0);
  return Object.entries(split ?? {})
    .map(([model, part]) => `${model} ${percent(all === 0 ? 0 : part / all)}`)
    .join(", ");
}

interface TargetRow {
  readonly id: string;
  readonly model: string;
  readonly strategy: string;
  readonly target: string;
  readonly weight: number | null;
  readonly calls: number;
  readonly share: number | null;
  readonly health: Target | undefined;
}

function Models({
  models,
  usage,
  targets,
}: {
  readonly models: Readonly<Record<string, ConfiguredModel>> | null;
  readonly usage: Usage | null;
  readonly targets: readonly Target[];
}) {
  const rows = Object.entries(models ?? {}).flatMap(([name, model]) => rowsOf(name, model, usage, targets));
  return (
    <Card title="Models and their targets, shares of the last 24 hours">
      <Table
        label="Models and their targets"
        rows={rows}
        keyOf={({ id }) => id}
        columns={[
          { head: "Model", by: ({ model }) => model, cell: ({ model }) => <span class="name">{model}</span> },
          { head: "Strategy", by: ({ strategy }) => strategy, cell: ({ strategy }) => strategy },
          {
            head: "Target",
            by: ({ target }) => target,
            cell: ({ target }) => <span class="name">{target}</span>,
          },
          { head: "Weight", is_number: true, cell: ({ weight }) => weight ?? NOTHING },
          { head: "Calls", is_number: true, by: ({ calls }) => calls, cell: ({ calls }) => count(calls) },
          {
            head: "Share",
            by: ({ share }) => share ?? 0,
            cell: ({ share }) => (
              <span class="meter-row">
                <span class="bar" aria-hidden="true">
                  <i style={{ width: `${(share ?? 0) * 100}%` }} />
                </span>
                {percent(share)}
              </span>
            ),
          },
          {
            head: "Breaker",
            cell: ({ health }) => {
              if (health === undefined) return NOTHING;
              const [tone, text] = TARGET_STATES[health.state];
              return (
                <>
                  <Badge tone={tone}>{text}</Badge>{" "}
                  {health.state !== "closed" && <span class="dim">{health.reason}</span>}
                </>
              );
            },
          },
        ]}
        empty={
          models === null ? null : (
            <>
              <p>
                No model is configured: clients ask for provider/model. A model has a name of your own and
                targets to choose from:
              </p>
              <pre class="command">
                {"models:\n  chat: { targets: [openai/gpt-5-mini, groq/llama-3.3-70b-versatile] }"}
              </pre>
            </>
          )
        }
      />
    </Card>
  );
}

function rowsOf(
  name: string,
  model: ConfiguredModel,
  usage: Usage | null,
  targets: readonly Target[],
): TargetRow[] {
  const own = (usage?.data ?? []).filter((row) => row["model"] === name && row["provider"] !== null);
  const all = own.reduce((total, { calls }) => total + calls, 0);
  return (model.targets ?? []).map((configured, index) => {
    const { target, weight } =
      typeof configured === "string"
        ? { target: configured, weight: null }
        : { target: `${configured.provider}/${configured.model}`, weight: configured.weight ?? null };
    const calls = own
      .filter((row) => `${row["provider"]}/${row["served_model"]}` === target)
      .reduce((total, row) => total + row.calls, 0);
    return {
      ...{
        id: `${name} ${index}`,
        model: name,
        strategy: model.strategy ?? "priority",
        target,
        weight,
        calls,
      },
      share: all === 0 ? null : calls / all,
      health: targets.find((one) => `${one.provider}/${one.model}` === target),
    };
  });
}
