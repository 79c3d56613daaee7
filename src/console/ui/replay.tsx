// A call made again with another model: how far it is, and both answers side by side.

import { useEffect, useRef, useState } from "preact/hooks";
import { type DiffLine, diffLines, sentencesOf } from "../text_diff.ts";
import type { CallRow, Replay, ReplaySide } from "./answers.ts";
import { ask, Fault } from "./api.ts";
import { useAsked } from "./asked.ts";
import { servedBy } from "./call_table.tsx";
import { useMaySeeContent } from "./content.tsx";
import { count, duration, usd } from "./format.ts";
import { Card, Status, Trouble } from "./parts.tsx";
import { Link } from "./place.tsx";

/** How often it is asked how far a replay is. */
const LOOK_MS = 300;

interface Known {
  readonly models?: Readonly<Record<string, unknown>>;
}

/** The card of it; nothing where calls cannot be made again. */
export function ReplayCard({ call }: { readonly call: CallRow }) {
  const may_see = useMaySeeContent();
  const known = useAsked<Known>(may_see === true ? "config" : null);
  const { replay, fault, begin, end } = useReplay();
  if (may_see !== true) return null;
  const is_running = replay?.state === "running";
  return (
    <Card title="Ask again">
      <form
        class="fields tight"
        onSubmit={(event) => {
          event.preventDefault();
          const model = String(new FormData(event.currentTarget).get("model") ?? "").trim();
          begin({ id: call.id, ...(model === "" ? {} : { model }) });
        }}
      >
        <label>
          <span>Model</span>
          <input
            name="model"
            list="replay-models"
            defaultValue={call.model ?? ""}
            placeholder="provider/model"
          />
        </label>
        <datalist id="replay-models">
          {Object.keys(known.value?.models ?? {}).map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <div class="fields-end">
          <button type="submit" disabled={is_running}>
            Ask again
          </button>
          {is_running && (
            <button type="button" class="quiet" onClick={end}>
              Stop
            </button>
          )}
        </div>
      </form>
      <Trouble fault={fault} />
      <p class="help" role="status">
        {is_running
          ? `Asking ${replay.model}: ${(replay.elapsed_ms / 1_000).toFixed(1)} s, ${count(replay.received_bytes)} bytes so far`
          : replay === null
            ? "The same request, to another model: what it costs, how long it takes, and what it says instead. It counts to no key's limits and is kept nowhere."
            : ""}
      </p>
      {replay !== null && replay.state === "failed" && (
        <div class="trouble" role="alert">
          <p>{replay.error}</p>
        </div>
      )}
      {replay !== null && replay.after !== null && <Compared before={replay.before} after={replay.after} />}
    </Card>
  );
}

/** A replay, from its beginning to its end. */
function useReplay() {
  const [replay, setReplay] = useState<Replay | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const told = (error: unknown) => setFault(error instanceof Fault ? error : new Fault(String(error), 0));
  const follow = async (asked: Promise<Replay>) => {
    try {
      const now = await asked;
      setReplay(now);
      if (now.state !== "running") return;
      timer.current = setTimeout(() => void follow(ask<Replay>(`replays/${now.id}`)), LOOK_MS);
    } catch (error) {
      told(error);
      setReplay(null);
    }
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return {
    ...{ replay, fault },
    begin: (wish: { readonly id: string; readonly model?: string }) => {
      clearTimeout(timer.current);
      setFault(null);
      void follow(ask<Replay>("replays", "POST", wish));
    },
    end: () => {
      if (replay !== null) ask(`replays/${replay.id}`, "DELETE").catch(told);
    },
  };
}

function Compared({ before, after }: { readonly before: ReplaySide; readonly after: ReplaySide }) {
  const [old, now] = [before.text, after.text];
  const diff = old === null || now === null ? null : diffLines(sentencesOf(old), sentencesOf(now));
  const is_same = diff !== null && diff.length === 0;
  return (
    <>
      {is_same && <p>Both answers say the same.</p>}
      <div class="two sides">
        <Side title="Before" side={before} lines={is_same ? null : diff} shows="removed" />
        <Side title="Now" side={after} lines={is_same ? null : diff} shows="added" />
      </div>
    </>
  );
}

interface SideProps {
  readonly title: string;
  readonly side: ReplaySide;
  /** Null: the text is shown as it is. */
  readonly lines: readonly DiffLine[] | null;
  /** Which lines it has alone. */
  readonly shows: "removed" | "added";
}

function Side({ title, side, lines, shows }: SideProps) {
  const { call, text, answer_events } = side;
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {call !== null && (
        <dl class="facts">
          <Fact name="Call" value={<Link to={`calls/${call.id}`}>{call.id.slice(0, 13)}…</Link>} />
          <Fact name="Answered by" value={servedBy(call)} />
          <Fact name="Status" value={<Status status={call.status} />} />
          <Fact name="Cost" value={usd(call.cost_usd)} />
          <Fact name="First byte" value={ms(call.timings_us.first_byte)} />
          <Fact name="Took" value={ms(call.timings_us.total)} />
          <Fact
            name="Tokens"
            value={`${count(call.usage.input_tokens)} → ${count(call.usage.output_tokens)}`}
          />
        </dl>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section class="said-lines" tabIndex={0} aria-label={`The answer, ${title.toLowerCase()}`}>
        {lines === null ? (
          <p class="words">{text ?? answer_events ?? "There is no answer."}</p>
        ) : (
          lines.map((line, index) =>
            line.kind === "gap" ? (
              <p key={index} class="gap">{`… ${line.lines} the same …`}</p>
            ) : (
              (line.kind === "same" || line.kind === shows) && (
                <p key={index} class={line.kind}>
                  {line.kind === "same" ? (
                    line.text
                  ) : shows === "added" ? (
                    <ins>{line.text}</ins>
                  ) : (
                    <del>{line.text}</del>
                  )}
                </p>
              )
            ),
          )
        )}
      </section>
    </section>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function ms(duration_us: number | undefined): string {
  return duration(duration_us === undefined ? null : duration_us / 1_000);
}
