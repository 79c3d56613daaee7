// Drills: a provider is made to fail for a while, so that it can be seen what takes its place.

import { useState } from "preact/hooks";
import type { List } from "./answers.ts";
import { ask, Fault } from "./api.ts";
import { useAsked } from "./asked.ts";
import { Confirm } from "./dialog.tsx";
import { timeOfDay } from "./format.ts";
import { Card, Trouble } from "./parts.tsx";
import { Table } from "./table.tsx";

interface Drill {
  readonly id: string;
  readonly provider: string;
  readonly model: string | null;
  readonly failure: string;
  readonly began: string;
  readonly end: string;
}

const FAILURES = [
  ["503", "answers with 503"],
  ["timeout", "does not answer"],
  ["cut", "breaks off"],
] as const;
const TIMES = [
  ["30s", "30 seconds"],
  ["60s", "a minute"],
  ["5m", "5 minutes"],
  ["15m", "15 minutes"],
] as const;

interface Wish {
  readonly provider: string;
  readonly status: string;
  readonly for: string;
}

/** The drills that are under way, and the beginning of another. */
export function DrillsCard({ providers }: { readonly providers: readonly string[] }) {
  const drills = useAsked<List<Drill>>("drills", 2_000);
  const [wish, setWish] = useState<Wish | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const end = async (id: string) => {
    try {
      await ask(`drills/${encodeURIComponent(id)}`, "DELETE");
      setFault(null);
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault(String(error), 0));
    }
    drills.reload();
  };
  return (
    <Card title="Drills">
      <form
        class="fields tight"
        onSubmit={(event) => {
          event.preventDefault();
          const form = new FormData(event.currentTarget);
          const text = (name: string) => String(form.get(name));
          setWish({ provider: text("provider"), status: text("status"), for: text("for") });
        }}
      >
        <Field
          name="provider"
          label="Provider"
          options={providers.map((provider) => [provider, provider] as const)}
        />
        <Field name="status" label="What it does" options={FAILURES} />
        <Field name="for" label="For" options={TIMES} />
        <div class="fields-end">
          <button type="submit" disabled={providers.length === 0}>
            Begin a drill
          </button>
        </div>
      </form>
      <Trouble fault={fault ?? drills.fault} />
      <Table
        label="Drills under way"
        rows={drills.value?.data ?? []}
        keyOf={({ id }) => id}
        empty={
          drills.value === null ? null : (
            <p>
              No drill is under way. In a drill the provider is sent nothing: its calls fail here, and
              fallbacks take over.
            </p>
          )
        }
        columns={[
          {
            head: "Provider",
            cell: ({ provider, model }) => (
              <span class="name">{model === null ? provider : `${provider}/${model}`}</span>
            ),
          },
          { head: "Fails with", cell: ({ failure }) => failure },
          { head: "Since", cell: ({ began }) => timeOfDay(began) },
          { head: "Until", cell: (drill) => timeOfDay(drill.end) },
          {
            head: "What to do",
            cell: ({ id, provider }) => (
              <button
                type="button"
                class="quiet danger"
                aria-label={`End the drill of ${provider}`}
                onClick={() => void end(id)}
              >
                End
              </button>
            ),
          },
        ]}
      />
      {wish !== null && (
        <Confirm
          title={`Make ${wish.provider} fail?`}
          doing="Begin the drill"
          onDo={async () => {
            await ask("drills", "POST", wish);
            drills.reload();
          }}
          onClose={() => setWish(null)}
        >
          <p>
            Calls to {wish.provider} fail for {TIMES.find(([time]) => time === wish.for)?.[1]}, those of your
            users too. Where a model has no other target, they get the failure.
          </p>
        </Confirm>
      )}
    </Card>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly options: readonly (readonly [string, string])[];
}

function Field({ name, label, options }: FieldProps) {
  return (
    <label>
      <span>{label}</span>
      <select name={name}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
