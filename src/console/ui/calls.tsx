// Calls: the record of all of them, by whatever they are looked for.

import { useEffect, useState } from "preact/hooks";
import type { CallRow, CallsPage as Page } from "./answers.ts";
import { ask, Fault } from "./api.ts";
import { CallTable } from "./call_table.tsx";
import { Card, Trouble } from "./parts.tsx";
import { goTo, type Place, setQuery } from "./place.tsx";

const PAGE = 100;

/** What calls are looked for by: the parameter, what it is called, and an example. */
const FILTERS = [
  ["model", "Model", "chat"],
  ["provider", "Provider", "openai"],
  ["served_model", "Answered by model", "gpt-4o-mini"],
  ["key", "Key", "checkout"],
  ["tenant", "Tenant", "acme"],
  ["team", "Team", "search"],
  ["user", "User", "u-17"],
  ["feature", "Feature", "summary"],
  ["status", "Status", "200"],
  ["error", "Error", "upstream_error"],
  ["cache", "Cache", "hit"],
  ["since", "Since", "24h or 2030-01-31"],
  ["until", "Until", "1h or 2030-01-31"],
  ["request", "Request or call id", "x-request-id"],
] as const;

/** The page. */
export function CallsPage({ place }: { readonly place: Place }) {
  const filters = new URLSearchParams();
  for (const [name] of FILTERS) {
    const value = place.query.get(name);
    if (value !== null) filters.set(name, value);
  }
  const wanted = filters.toString();
  const { calls, next, fault, is_waiting, more, reload } = useCalls(wanted);
  return (
    <>
      <h1 tabIndex={-1}>Calls</h1>
      <FilterForm place={place} filters={filters} />
      <Trouble fault={fault} onRetry={reload} />
      <Card
        title={wanted === "" ? "Newest calls" : "Calls found"}
        aside={
          <button type="button" class="quiet" onClick={reload} disabled={is_waiting}>
            {is_waiting ? "Looking…" : "Look again"}
          </button>
        }
      >
        <CallTable
          label="Calls"
          calls={calls}
          empty={
            is_waiting || fault !== null ? null : wanted === "" ? (
              <p>No call is recorded yet. Calls appear here as soon as they have ended.</p>
            ) : (
              <p>
                No call is like this.{" "}
                <button type="button" class="quiet" onClick={() => goTo("calls")}>
                  Show all calls
                </button>
              </p>
            )
          }
        />
        {next !== null && (
          <div class="more">
            <button type="button" onClick={more} disabled={is_waiting}>
              {is_waiting ? "Looking…" : "Older calls"}
            </button>
          </div>
        )}
      </Card>
    </>
  );
}

/** Calls by a query, page after page. */
function useCalls(wanted: string) {
  const [calls, setCalls] = useState<readonly CallRow[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const [is_waiting, setWaiting] = useState(true);
  const [round, setRound] = useState(0);
  const look = async (before: number | null, isOver: () => boolean) => {
    setWaiting(true);
    const query = new URLSearchParams(wanted);
    query.set("limit", String(PAGE));
    if (before !== null) query.set("before", String(before));
    try {
      const page = await ask<Page>(`calls?${query}`);
      if (isOver()) return;
      setCalls((known) => (before === null ? page.data : [...known, ...page.data]));
      setNext(page.next);
      setFault(null);
    } catch (error) {
      if (isOver()) return;
      setFault(error instanceof Fault ? error : new Fault(String(error), 0));
    }
    setWaiting(false);
  };
  useEffect(() => {
    let is_over = false;
    void look(null, () => is_over);
    return () => {
      is_over = true;
    };
  }, [wanted, round]);
  return {
    ...{ calls, next, fault, is_waiting },
    more: () => void look(next, () => false),
    reload: () => setRound((number) => number + 1),
  };
}

function FilterForm({ place, filters }: { readonly place: Place; readonly filters: URLSearchParams }) {
  const [is_open, setOpen] = useState(false);
  const chosen = [...filters];
  return (
    <form
      class="filters"
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget);
        setQuery(
          place,
          Object.fromEntries(FILTERS.map(([name]) => [name, String(given.get(name) ?? "").trim()])),
        );
      }}
    >
      <div class="filters-head">
        <button
          type="button"
          aria-expanded={is_open}
          aria-controls="filter-fields"
          onClick={() => setOpen(!is_open)}
        >
          Filter
        </button>
        {chosen.map(([name, value]) => (
          <button
            key={name}
            type="button"
            class="chip"
            aria-label={`${name}: ${value}, remove this filter`}
            onClick={() => setQuery(place, { [name]: "" })}
          >
            {name}: {value} <span aria-hidden="true">×</span>
          </button>
        ))}
        {place.query.get("error") === null && place.query.get("status") === null && chosen.length === 0 && (
          <span class="dim">by model, key, tenant, user, feature, status, cache, time or id</span>
        )}
      </div>
      <div id="filter-fields" class="fields" hidden={!is_open}>
        {FILTERS.map(([name, text, example]) => (
          <label key={`${name}=${filters.get(name) ?? ""}`}>
            <span>{text}</span>
            <input name={name} defaultValue={filters.get(name) ?? ""} placeholder={example} />
          </label>
        ))}
        <div class="fields-end">
          <button type="submit" class="primary">
            Look for calls
          </button>
          <button type="button" onClick={() => goTo("calls")}>
            Clear
          </button>
        </div>
      </div>
    </form>
  );
}
