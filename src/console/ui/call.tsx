// One call: where its time went, who was tried, what it cost, and what else is recorded of it.

import { useState } from "preact/hooks";
import type { CallContent, CallRow, CallsPage } from "./answers.ts";
import { useAsked } from "./asked.ts";
import { CacheBadge, servedBy } from "./call_table.tsx";
import { ContentCard } from "./content.tsx";
import { CopyButton } from "./copy.tsx";
import { count, dayAndTime, duration, NOTHING, usd } from "./format.ts";
import { Badge, Card, Status, Tile, Trouble } from "./parts.tsx";
import { Link } from "./place.tsx";
import { ReplayCard } from "./replay.tsx";
import { Table } from "./table.tsx";
import { Waterfall } from "./waterfall.tsx";

/** The page. */
export function CallPage({ id }: { readonly id: string }) {
  const { value, fault, reload } = useAsked<CallsPage>(`calls?request=${encodeURIComponent(id)}&limit=1`);
  const call = value?.data[0];
  return (
    <>
      <p class="back">
        <Link to="calls">← All calls</Link>
      </p>
      <h1 tabIndex={-1}>Call</h1>
      <Trouble fault={fault} onRetry={reload} />
      {value !== null && call === undefined && (
        <Card title="Not found">
          <div class="empty">
            <p>
              There is no call <code>{id}</code> in the ledger: it has not ended yet, or is older than what is
              kept.
            </p>
            <button type="button" onClick={reload}>
              Look again
            </button>
          </div>
        </Card>
      )}
      {call !== undefined && <CallDetails key={call.id} call={call} />}
    </>
  );
}

function CallDetails({ call }: { readonly call: CallRow }) {
  const { timings_us, usage } = call;
  const [content, setContent] = useState<CallContent | null>(null);
  const curl = curlOf(call, content);
  return (
    <>
      <dl class="tiles">
        <Tile
          label="Status"
          value={<Status status={call.status} />}
          note={call.error ?? call.finish_reason ?? (call.stream ? "stream" : "plain")}
        />
        <Tile
          id="took"
          label="Took"
          value={duration(timings_us.total === undefined ? null : timings_us.total / 1_000)}
          note={`of these ${duration((timings_us.overhead ?? 0) / 1_000)} in the gateway`}
        />
        <Tile
          label="Tokens"
          value={`${count(usage.input_tokens)} → ${count(usage.output_tokens)}`}
          note={call.estimated ? "counted by the gateway" : "as the provider counted"}
        />
        <Tile
          id="cost"
          label="Cost"
          value={usd(call.cost_usd)}
          note={call.price_version ?? "price not known"}
        />
      </dl>
      <Card title="Where the time went">
        <Waterfall call={call} />
      </Card>
      <Attempts call={call} />
      <div class="two">
        <Card title="What it was">
          <Facts call={call} />
        </Card>
        <Card title="What it cost">
          <CostLines call={call} />
        </Card>
      </div>
      <ContentCard id={call.id} content={content} onContent={setContent} />
      <ReplayCard call={call} />
      <Card title="As a command" aside={<CopyButton text={curl} />}>
        <pre class="code wrapped">{curl}</pre>
        {content === null && (
          <p class="help">What was said is not in it: put it in place of the three dots, or show it above.</p>
        )}
      </Card>
      <details class="card raw">
        <summary>The row as it is recorded</summary>
        <pre class="code">{JSON.stringify(call, null, 2)}</pre>
      </details>
    </>
  );
}

function Attempts({ call }: { readonly call: CallRow }) {
  return (
    <Card title="Attempts">
      <Table
        label="Attempts"
        rows={call.attempts.map((attempt, index) => ({ ...attempt, index }))}
        keyOf={({ index }) => String(index)}
        columns={[
          { head: "Nr", cell: ({ index }) => index + 1 },
          {
            head: "Target",
            cell: ({ provider, model }) => <span class="name">{`${provider}/${model}`}</span>,
          },
          {
            head: "Began after",
            is_number: true,
            cell: ({ moments_us: at }) => duration(at === undefined ? null : at.started / 1_000),
          },
          {
            head: "First byte after",
            is_number: true,
            cell: ({ moments_us: at }) => duration(at?.first_byte == null ? null : at.first_byte / 1_000),
          },
          {
            head: "Took",
            is_number: true,
            cell: ({ moments_us: at }) => duration(at === undefined ? null : (at.ended - at.started) / 1_000),
          },
          {
            head: "What became of it",
            cell: ({ outcome }) => <Badge tone={outcome === "ok" ? "good" : "bad"}>{outcome}</Badge>,
          },
        ]}
        empty={
          <p>
            Nobody was asked: {call.cache === "bypass" ? "the call ended before" : "a cache had the answer"}.
          </p>
        }
      />
    </Card>
  );
}

function Facts({ call }: { readonly call: CallRow }) {
  const pairs = (record: Readonly<Record<string, unknown>>) =>
    Object.entries(record)
      .map(([name, value]) => (value === "" ? name : `${name}: ${value}`))
      .join(", ");
  const facts: readonly (readonly [string, string | null])[] = [
    ["Arrived", dayAndTime(call.time)],
    ["Call id", call.id],
    ["Request id", call.request_id],
    ["Trace id", call.trace_id],
    ["Made again of", call.replay_of],
    ["Asked for", call.model],
    ["Answered by", call.provider === null ? null : servedBy(call)],
    ["Tenant", call.tenant],
    ["Team", call.team],
    ["Key", call.key],
    ["User", call.user],
    ["Feature", call.feature],
    ["Tags", pairs(call.tags)],
    ["Routing", call.routing === null ? null : pairs(call.routing as Readonly<Record<string, unknown>>)],
    ["Redacted", pairs(call.redactions)],
    ["Guards", pairs(call.guards)],
    ["Similarity", call.similarity === null ? null : call.similarity.toFixed(3)],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, value]) => value !== null && value !== "")
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      <div>
        <dt>Cache</dt>
        <dd>{call.cache === "bypass" ? NOTHING : <CacheBadge cache={call.cache} />}</dd>
      </div>
    </dl>
  );
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  input_tokens: "Input tokens",
  cached_input_tokens: "of these read from the provider's cache",
  output_tokens: "Output tokens",
  reasoning_tokens: "of these for reasoning",
};

function CostLines({ call }: { readonly call: CallRow }) {
  const kinds = Object.entries(call.usage).filter(
    ([kind, number]) => typeof number === "number" && number > 0 && kind !== "told_nano_usd",
  );
  const told = (call.usage as { readonly told_nano_usd?: number }).told_nano_usd ?? 0;
  return (
    <dl class="facts">
      {kinds.map(([kind, number]) => (
        <div key={kind}>
          <dt>{KIND_NAMES[kind] ?? kind.replaceAll("_", " ")}</dt>
          <dd>{count(Number(number))}</dd>
        </div>
      ))}
      {told > 0 && (
        <div>
          <dt>As the provider says</dt>
          <dd>{usd(told / 1e9)}</dd>
        </div>
      )}
      {call.saved_nano_usd > 0 && (
        <div>
          <dt>Saved by a cache</dt>
          <dd>{usd(call.saved_nano_usd / 1e9)}</dd>
        </div>
      )}
      <div class="total">
        <dt>Cost</dt>
        <dd>{call.cost_usd === null ? "not known: set a price in the configuration" : usd(call.cost_usd)}</dd>
      </div>
    </dl>
  );
}

/** A command that asks the same model for something: for the same, where what was said is known. */
function curlOf({ model, stream, feature, user }: CallRow, content: CallContent | null): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const body = content?.request ?? {
    model,
    ...(stream ? { stream: true } : {}),
    ...(user === null ? {} : { user }),
    messages: [{ role: "user", content: "..." }],
  };
  return [
    `curl ${location.origin}${pathOf(content)}`,
    `-H "Authorization: Bearer $KEY"`,
    `-H 'content-type: application/json'`,
    ...(feature === null ? [] : [`-H ${quoted(`x-venturi-feature: ${feature}`)}`]),
    `-d ${quoted(JSON.stringify(body))}`,
  ].join(" \\\n  ");
}

/** Gemini's has the model in it. */
function pathOf(content: CallContent | null): string {
  if (content === null) return "/v1/chat/completions";
  const { endpoint, model, stream } = content;
  if (endpoint !== "/generateContent") return `/v1${endpoint}`;
  const action = stream ? ":streamGenerateContent?alt=sse" : ":generateContent";
  return `/v1beta/models/${encodeURIComponent(model)}${action}`;
}
