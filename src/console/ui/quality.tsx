// How models answer: the last 24 hours, the days before, and what of that is more than chance.

import { useAsked } from "./asked.ts";
import { count, NOTHING, percent } from "./format.ts";
import { Badge, Card, Trouble } from "./parts.tsx";
import { Table } from "./table.tsx";

type Measure = "refusals" | "cut" | "invalid_json" | "tool_failures" | "length" | "similarity";

interface Comparison {
  readonly measure: Measure;
  readonly now: number | null;
  readonly usual: number | null;
  readonly count_now: number;
  readonly shift: boolean;
}

interface Model {
  readonly provider: string;
  readonly model: string;
  readonly measures: readonly Comparison[];
}

interface Quality {
  readonly models: readonly Model[];
}

const SLOW_MS = 30_000;

/** The measures, in the order of their columns. */
const COLUMNS: readonly (readonly [measure: Measure, head: string])[] = [
  ["refusals", "Refused"],
  ["cut", "Cut short"],
  ["invalid_json", "Invalid JSON"],
  ["tool_failures", "Tools failed"],
  ["length", "Tokens"],
  ["similarity", "Similarity"],
];

/** What is watched of models' answers. */
export function QualityCard() {
  const { value, fault, reload } = useAsked<Quality>("quality", SLOW_MS);
  return (
    <Card title="How models answer, 24 hours beside the 28 days before">
      <Trouble fault={fault} onRetry={reload} />
      <Table
        label="How models answer"
        rows={value?.models ?? []}
        keyOf={nameOf}
        empty={
          value === null ? null : (
            <p>
              No model has answered yet. Answers are looked at as they come; nothing of what they say is kept.
            </p>
          )
        }
        columns={[
          {
            head: "Model",
            by: nameOf,
            cell: (model) => (
              <>
                <span class="name">{nameOf(model)}</span>{" "}
                {model.measures.some(({ shift }) => shift) && <Badge tone="bad">otherwise than usual</Badge>}
              </>
            ),
          },
          { head: "Answers", is_number: true, by: answersOf, cell: (model) => count(answersOf(model)) },
          ...COLUMNS.map(([measure, head]) => ({
            head,
            is_number: true,
            cell: (model: Model) => <Values of={model.measures.find((one) => one.measure === measure)} />,
          })),
        ]}
      />
    </Card>
  );
}

function Values({ of }: { readonly of: Comparison | undefined }) {
  if (of === undefined || of.now === null) return <>{NOTHING}</>;
  const { measure, now, usual, shift } = of;
  return (
    <>
      {shift ? <strong>{text(measure, now)}</strong> : text(measure, now)}{" "}
      <span class="dim">{usual === null ? "new" : `was ${text(measure, usual)}`}</span>
    </>
  );
}

function text(measure: Measure, value: number): string {
  if (measure === "length") return count(Math.round(value));
  return measure === "similarity" ? value.toFixed(2) : percent(value);
}

function nameOf({ provider, model }: Model): string {
  return model === "" ? provider : `${provider}/${model}`;
}

/** Of the last 24 hours. */
function answersOf({ measures }: Model): number {
  return measures.find(({ measure }) => measure === "length")?.count_now ?? 0;
}
