// The stored keys: made, given another secret, revoked. A secret is shown once, where it was made.

import { useState } from "preact/hooks";
import { ask } from "./api.ts";
import { useAsked } from "./asked.ts";
import { CopyButton } from "./copy.tsx";
import { CreateDialog } from "./create_key.tsx";
import { Confirm, Dialog } from "./dialog.tsx";
import { dayAndTime, NOTHING } from "./format.ts";
import { Badge, Card, Trouble } from "./parts.tsx";
import { Link } from "./place.tsx";
import { Table } from "./table.tsx";

interface Key {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly team: string | null;
  readonly tier: string | null;
  readonly models: readonly string[];
  readonly limits: Readonly<Record<string, number>> | null;
  readonly created: string;
  readonly expires: string | null;
  readonly state: "active" | "expired" | "revoked";
}

interface KeyPage {
  readonly data: readonly Key[];
  readonly has_more: boolean;
}

type Asking = { readonly what: "create" } | { readonly what: "rotate" | "revoke"; readonly key: Key };

/** Stored keys, and what can be done with them. */
export function KeysCard() {
  const keys = useAsked<KeyPage>("keys");
  const [asking, setAsking] = useState<Asking | null>(null);
  const [made, setMade] = useState<{
    readonly name: string;
    readonly secret: string;
    readonly first: boolean;
  } | null>(null);
  const close = () => setAsking(null);
  const issued = ({
    name,
    key,
    first,
  }: {
    readonly name: string;
    readonly key: string;
    readonly first: boolean;
  }) => {
    setMade({ name, secret: key, first });
    keys.reload();
  };
  return (
    <Card
      title="Stored keys"
      aside={
        <button type="button" class="primary" onClick={() => setAsking({ what: "create" })}>
          Create a key
        </button>
      }
    >
      <Trouble fault={keys.fault} onRetry={keys.reload} />
      <Table
        label="Stored keys"
        rows={keys.value?.data ?? []}
        keyOf={({ id }) => id}
        classOf={({ state }) => (state === "active" ? "" : "faded")}
        empty={
          keys.value === null ? null : (
            <p>
              No key is stored. Keys of the configuration are not shown here; they go on working beside stored
              ones, which need no reload.
            </p>
          )
        }
        columns={[
          {
            head: "Name",
            by: ({ name }) => name,
            cell: ({ name }) => <Link to={`calls?key=${encodeURIComponent(name)}`}>{name}</Link>,
          },
          {
            head: "Tenant",
            by: ({ tenant }) => tenant,
            cell: ({ tenant, team }) => (team === null ? tenant : `${tenant}/${team}`),
          },
          { head: "Tier", cell: ({ tier }) => tier ?? NOTHING },
          { head: "Models", cell: ({ models }) => <span class="name">{models.join(", ")}</span> },
          {
            head: "Limits",
            cell: ({ limits }) =>
              limits === null
                ? NOTHING
                : Object.entries(limits)
                    .map(([name, value]) => `${name} ${value}`)
                    .join(", "),
          },
          {
            head: "State",
            by: ({ state }) => state,
            cell: ({ state }) => <Badge tone={state === "active" ? "good" : "plain"}>{state}</Badge>,
          },
          { head: "Created", by: ({ created }) => created, cell: ({ created }) => dayAndTime(created) },
          { head: "Expires", cell: ({ expires }) => (expires === null ? "never" : dayAndTime(expires)) },
          {
            head: "What to do",
            cell: (key) =>
              key.state === "revoked" ? null : (
                <span class="actions">
                  <button
                    type="button"
                    class="quiet"
                    aria-label={`Rotate ${key.name}`}
                    onClick={() => setAsking({ what: "rotate", key })}
                  >
                    Rotate
                  </button>
                  <button
                    type="button"
                    class="quiet danger"
                    aria-label={`Revoke ${key.name}`}
                    onClick={() => setAsking({ what: "revoke", key })}
                  >
                    Revoke
                  </button>
                </span>
              ),
          },
        ]}
      />
      {asking?.what === "create" && <CreateDialog onMade={issued} onClose={close} />}
      {asking?.what === "rotate" && (
        <Confirm
          title={`Give ${asking.key.name} another secret?`}
          doing="Rotate"
          onDo={async () => issued(await ask(`keys/${asking.key.id}/rotate`, "POST", { overlap: "24h" }))}
          onClose={close}
        >
          <p>
            The new secret is shown once. The present one goes on working for 24 hours, so that clients can
            change over.
          </p>
        </Confirm>
      )}
      {asking?.what === "revoke" && (
        <Confirm
          title={`Revoke ${asking.key.name}?`}
          doing="Revoke"
          onDo={async () => {
            await ask(`keys/${asking.key.id}`, "DELETE");
            keys.reload();
          }}
          onClose={close}
        >
          <p>Its next call is refused, and that for good. What it has used stays in the ledger.</p>
        </Confirm>
      )}
      {made !== null && (
        <Dialog title={`The key ${made.name}`} onClose={() => setMade(null)}>
          <p>This is its secret. It is shown this once; nobody can look it up later.</p>
          <pre class="command secret">{made.secret}</pre>
          {made.first && <p class="help">It is the first key: from now on every call needs one.</p>}
          <div class="dialog-end">
            <CopyButton text={made.secret} name="Copy the secret" />
            <button type="button" class="primary" onClick={() => setMade(null)}>
              I have it
            </button>
          </div>
        </Dialog>
      )}
    </Card>
  );
}
