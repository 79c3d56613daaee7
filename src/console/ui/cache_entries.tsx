// The kept answers, page after page, and their removal.

import { useState } from "preact/hooks";
import { ask } from "./api.ts";
import { useAsked } from "./asked.ts";
import { Confirm } from "./dialog.tsx";
import { bytes, count, dayAndTime } from "./format.ts";
import { Card, Trouble } from "./parts.tsx";
import { Table } from "./table.tsx";

interface Entry {
  readonly key: string;
  readonly tenant: string;
  readonly within: string;
  readonly model: string;
  readonly served_by: string;
  readonly tags: readonly string[];
  readonly bytes: number;
  readonly created: string;
  readonly ends: string;
}

interface EntryPage {
  readonly data: readonly Entry[];
  readonly next: string | null;
}

/** The kept answers; says what was removed. */
export function Entries({ onDone }: { readonly onDone: (said: string) => void }) {
  const [filter, setFilter] = useState<Readonly<Record<string, string>>>({});
  const [after, setAfter] = useState<readonly string[]>([]);
  const [removing, setRemoving] = useState<Readonly<Record<string, string>> | null>(null);
  const query = new URLSearchParams({
    ...filter,
    limit: "50",
    ...(after.length === 0 ? {} : { after: after.at(-1)! }),
  });
  const page = useAsked<EntryPage>(`cache/entries?${query}`);
  const remove = async () => {
    const { removed } = await ask<{ readonly removed: number }>(
      `cache?${new URLSearchParams(removing!)}`,
      "DELETE",
    );
    onDone(`${count(removed)} ${removed === 1 ? "answer" : "answers"} removed.`);
    setAfter([]);
    page.reload();
  };
  const has_filter = Object.keys(filter).length > 0;
  return (
    <Card
      title="Kept answers"
      aside={
        <button
          type="button"
          class="quiet danger"
          disabled={page.value === null || (page.value.data.length === 0 && !has_filter)}
          onClick={() => setRemoving(has_filter ? filter : { all: "true" })}
        >
          {has_filter ? "Remove all of these" : "Remove all"}
        </button>
      }
    >
      <form
        class="fields tight"
        onSubmit={(event) => {
          event.preventDefault();
          const given = [...new FormData(event.currentTarget)].map(([name, value]) => [
            name,
            String(value).trim(),
          ]);
          setAfter([]);
          setFilter(Object.fromEntries(given.filter(([, value]) => value !== "")));
        }}
      >
        <label>
          <span>Tenant</span>
          <input name="tenant" placeholder="acme" />
        </label>
        <label>
          <span>Model</span>
          <input name="model" placeholder="chat" />
        </label>
        <div class="fields-end">
          <button type="submit">Look for answers</button>
        </div>
      </form>
      <Trouble fault={page.fault} onRetry={page.reload} />
      <Table
        label="Kept answers"
        rows={page.value?.data ?? []}
        keyOf={({ key }) => key}
        empty={
          page.value === null ? null : (
            <p>{has_filter ? "No kept answer is like this." : "No answer is kept at the moment."}</p>
          )
        }
        columns={[
          { head: "Made", cell: ({ created }) => dayAndTime(created) },
          { head: "Tenant", cell: ({ tenant, within }) => (within === "" ? tenant : `${tenant}, ${within}`) },
          { head: "Model", cell: ({ model }) => <span class="name">{model}</span> },
          { head: "Answered by", cell: ({ served_by }) => <span class="name">{served_by}</span> },
          { head: "Size", is_number: true, by: (entry) => entry.bytes, cell: (entry) => bytes(entry.bytes) },
          { head: "Until", cell: ({ ends }) => dayAndTime(ends) },
          {
            head: "What to do",
            cell: ({ key, model }) => (
              <button
                type="button"
                class="quiet danger"
                aria-label={`Mark as bad: an answer of ${model}`}
                onClick={() => setRemoving({ key })}
              >
                Mark as bad
              </button>
            ),
          },
        ]}
      />
      {(after.length > 0 || page.value?.next != null) && (
        <div class="more">
          <button type="button" disabled={after.length === 0} onClick={() => setAfter(after.slice(0, -1))}>
            Back
          </button>{" "}
          <button
            type="button"
            disabled={page.value?.next == null}
            onClick={() => setAfter([...after, page.value!.next!])}
          >
            More
          </button>
        </div>
      )}
      {removing !== null && (
        <Confirm
          title={"key" in removing ? "Mark this answer as bad?" : "Remove these answers?"}
          doing={"key" in removing ? "Mark as bad" : "Remove"}
          onDo={remove}
          onClose={() => setRemoving(null)}
        >
          <p>
            {"key" in removing
              ? "It is removed, and for 90 days it never again answers a similar request. The next call asks a provider."
              : "all" in removing
                ? "Every kept answer of every tenant is removed. Calls ask their providers until answers are kept anew."
                : `Every kept answer of ${Object.entries(removing)
                    .map(([name, value]) => `${name} ${value}`)
                    .join(" and ")} is removed.`}
          </p>
        </Confirm>
      )}
    </Card>
  );
}
