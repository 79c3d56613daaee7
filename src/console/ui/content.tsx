// What a call was asked and answered, for whoever may see it: shown when it is wished for, because each look is recorded.

import { useEffect, useState } from "preact/hooks";
import type { CallContent, ContentState } from "./answers.ts";
import { ask, Fault, session } from "./api.ts";
import { useAsked } from "./asked.ts";
import { Card, Trouble } from "./parts.tsx";
import { turnsOf } from "./turns.ts";

interface ContentProps {
  /** The call's id in the ledger. */
  readonly id: string;
  readonly content: CallContent | null;
  readonly onContent: (content: CallContent) => void;
}

/** Whether whoever looks may see what calls said; null until that is known. */
export function useMaySeeContent(): boolean | null {
  const [may, setMay] = useState<boolean | null>(null);
  useEffect(() => {
    session.look().then(
      ({ may_see_content }) => setMay(may_see_content === true),
      () => setMay(false),
    );
  }, []);
  return may;
}

/** The card of it. */
export function ContentCard({ id, content, onContent }: ContentProps) {
  const may_see = useMaySeeContent();
  const state = useAsked<ContentState>("content");
  const [fault, setFault] = useState<Fault | null>(null);
  const [is_waiting, setWaiting] = useState(false);
  const look = async () => {
    setWaiting(true);
    setFault(null);
    try {
      onContent(await ask<CallContent>(`calls/${encodeURIComponent(id)}/content`));
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault(String(error), 0));
    }
    setWaiting(false);
  };
  const { value } = state;
  return (
    <Card title="What was said">
      <Trouble fault={fault} />
      {content !== null && <Said content={content} />}
      {content === null && value !== null && may_see !== null && (
        <div class="empty">
          {value.calls === 0 && value.store !== "on" ? (
            <>
              <p>Prompts and answers are not kept. To keep those of calls from now on, encrypted:</p>
              <pre class="command">{"telemetry:\n  content: { store: on, retention_days: 7 }"}</pre>
            </>
          ) : may_see ? (
            <>
              <button type="button" onClick={() => void look()} disabled={is_waiting}>
                {is_waiting ? "Opening…" : "Show what was said"}
              </button>
              <p>That you looked is noted in the audit log.</p>
            </>
          ) : (
            <p>
              You are logged in without the permission to see what calls said. Log in with the token of{" "}
              <code>admin.content_token</code>, or by a link that <code>venturi ui</code> prints where the
              gateway runs.
            </p>
          )}
        </div>
      )}
    </Card>
  );
}

const LEFT_OUT: Readonly<Record<string, string>> = {
  none: "There was no answer.",
  too_long: "The answer is longer than is kept.",
  guarded: "A guard has changed or stopped the answer: it is not kept.",
};

function Said({ content }: { readonly content: CallContent }) {
  const { request, answer, answer_text, answer_events, answer_left_out, expires } = content;
  const turns = turnsOf(request);
  return (
    <>
      <ol class="turns">
        {turns.map(({ role, text }, index) => (
          <li key={index}>
            <span class="role">{role}</span>
            <p class="words">{text}</p>
          </li>
        ))}
        <li class="answer">
          <span class="role">answer</span>
          <p class="words">
            {answer_text ??
              (answer_left_out === null
                ? answer_events === null
                  ? "It says nothing in words: see below."
                  : "It broke off; its events are below."
                : LEFT_OUT[answer_left_out])}
          </p>
        </li>
      </ol>
      <p class="help">
        As it was sent, without what privacy has taken out. Kept until {new Date(expires).toLocaleString()}.
      </p>
      <details class="raw">
        <summary>Request and answer as JSON</summary>
        <pre class="code wrapped">{JSON.stringify(request, null, 2)}</pre>
        <pre class="code wrapped">{answer_events ?? JSON.stringify(answer, null, 2)}</pre>
      </details>
    </>
  );
}
