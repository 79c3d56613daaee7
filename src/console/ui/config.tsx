// Config: what runs, what the file would change, and whether a draft would be accepted.

import { useState } from "preact/hooks";
import { diffLines } from "../text_diff.ts";
import { ask, Fault } from "./api.ts";
import { useAsked } from "./asked.ts";
import { Badge, Card, Trouble } from "./parts.tsx";
import { yamlLines } from "./yaml_text.ts";

interface Problem {
  readonly file: string;
  readonly line: number;
  readonly col: number;
  readonly message: string;
}

interface Check {
  readonly ok: boolean;
  readonly config: unknown;
  readonly problems: readonly Problem[];
}

/** The page. */
export function ConfigPage() {
  const running = useAsked<Readonly<Record<string, unknown>>>("config", 10_000);
  const file = useAsked<Check>("config/file", 10_000);
  const lines = running.value === null ? null : yamlLines(running.value);
  return (
    <>
      <h1 tabIndex={-1}>Config</h1>
      <Trouble fault={running.fault ?? file.fault} onRetry={running.reload} />
      <FileCard running={lines} file={file.value} />
      <Card title="What runs">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
        <section class="lines" tabIndex={0} aria-label="The running configuration">
          {(lines ?? []).map((line, index) => (
            <div key={`${index} ${line}`}>{line}</div>
          ))}
        </section>
        <p class="help">Secrets are masked. Defaults are filled in; what is empty is left out.</p>
      </Card>
      <DraftCard />
    </>
  );
}

function FileCard({
  running,
  file,
}: {
  readonly running: readonly string[] | null;
  readonly file: Check | null;
}) {
  const differences =
    running === null || file === null || !file.ok ? [] : diffLines(running, yamlLines(file.config));
  const state =
    file === null ? null : !file.ok ? (
      <Badge tone="bad">has faults</Badge>
    ) : differences.length === 0 ? (
      <Badge tone="good">runs as it is</Badge>
    ) : (
      <Badge tone="warn">not what runs</Badge>
    );
  return (
    <Card title="The file" aside={state}>
      {file?.ok === false && (
        <>
          <p>The file would not be accepted, so that what ran before goes on running:</p>
          <Problems problems={file.problems} />
        </>
      )}
      {file?.ok === true && differences.length === 0 && (
        <p class="dim">What the file says is what runs. It is watched: a change of it is in force at once.</p>
      )}
      {differences.length > 0 && (
        <>
          <p class="help above">
            A reload would change this; some settings, such as the data folder, wait for the next start.
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
          <section class="lines" tabIndex={0} aria-label="What a reload would change">
            {differences.map((line, index) =>
              line.kind === "gap" ? (
                <div key={index} class="gap">{`  … ${line.lines} lines as they are`}</div>
              ) : (
                <div key={index} class={line.kind}>
                  {line.kind === "same" ? "  " : line.kind === "added" ? "+ " : "- "}
                  {line.text}
                </div>
              ),
            )}
          </section>
        </>
      )}
    </Card>
  );
}

function Problems({ problems }: { readonly problems: readonly Problem[] }) {
  return (
    <ul class="problems">
      {problems.map(({ file, line, col, message }) => (
        <li key={`${line}:${col} ${message}`}>
          <span class="place">{line > 0 ? `${line}:${col}` : file}</span>
          <span>{message}</span>
        </li>
      ))}
    </ul>
  );
}

function DraftCard() {
  const [text, setText] = useState("");
  const [check, setCheck] = useState<Check | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const [is_waiting, setWaiting] = useState(false);
  const validate = async () => {
    setWaiting(true);
    try {
      setCheck(await ask<Check>("config/check", "POST", { text }));
      setFault(null);
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault(String(error), 0));
    }
    setWaiting(false);
  };
  return (
    <Card title="Try a draft">
      <label class="draft">
        <span class="help">
          A whole configuration, as the file would have it. It is judged and forgotten: nothing changes.
        </span>
        <textarea
          spellcheck={false}
          value={text}
          placeholder={"providers:\n  openai: { kind: openai, api_keys: [$" + "{OPENAI_API_KEY}] }"}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setCheck(null);
          }}
        />
      </label>
      <div class="controls below">
        <button
          type="button"
          class="primary"
          disabled={is_waiting || text.trim() === ""}
          onClick={() => void validate()}
        >
          {is_waiting ? "Checking…" : "Validate"}
        </button>
        <span role="status">
          {check?.ok === true && <Badge tone="good">would be accepted</Badge>}
          {check?.ok === false && (
            <Badge tone="bad">{`${check.problems.length} ${check.problems.length === 1 ? "problem" : "problems"}`}</Badge>
          )}
        </span>
      </div>
      <Trouble fault={fault} />
      {check !== null && <Problems problems={check.problems} />}
    </Card>
  );
}
