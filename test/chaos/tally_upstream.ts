// A provider that keeps its own books: what it has answered, call by call, and how many it answered at once.

/** What it noted of one call. */
export interface Tally {
  readonly id: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

/** A provider with books. */
export interface TallyUpstream {
  readonly base_url: string;
  /** Calls that were answered, by the id that stands in their last message. */
  readonly answered: ReadonlyMap<string, readonly Tally[]>;
  /** Calls that arrived, answered or not. */
  readonly arrived: ReadonlySet<string>;
  /** The most calls at once. */
  most_at_once(): number;
  reset(): void;
  stop(): void;
}

/** Starts one that answers after `latency_ms`. Each id has its own numbers of tokens. */
export function startTally(latency_ms: number): TallyUpstream {
  const answered = new Map<string, Tally[]>();
  const arrived = new Set<string>();
  let at_once = 0;
  let most = 0;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { messages, stream } = (await request.json()) as {
        messages: { content: string }[];
        stream?: boolean;
      };
      const id = messages.at(-1)!.content;
      arrived.add(id);
      at_once += 1;
      most = Math.max(most, at_once);
      await Bun.sleep(latency_ms);
      at_once -= 1;
      const tally = tallyOf(id);
      answered.set(id, [...(answered.get(id) ?? []), tally]);
      const { input_tokens, output_tokens } = tally;
      const usage = {
        prompt_tokens: input_tokens,
        completion_tokens: output_tokens,
        total_tokens: input_tokens + output_tokens,
      };
      if (stream !== true) {
        const message = { role: "assistant", content: id };
        const choices = [{ index: 0, message, finish_reason: "stop" }];
        return Response.json({ object: "chat.completion", choices, usage });
      }
      const events = [
        { choices: [{ index: 0, delta: { content: id }, finish_reason: null }] },
        { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
        { choices: [], usage },
      ];
      const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
      return new Response(`${text}data: [DONE]\n\n`, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return {
    base_url: `http://127.0.0.1:${server.port}/v1`,
    answered,
    arrived,
    most_at_once: () => most,
    reset() {
      answered.clear();
      arrived.clear();
      most = 0;
    },
    stop: () => void server.stop(true),
  };
}

/** The tokens of a call, by the number at its id's end: fewer than any estimate of its prompt, and than its `max_tokens`. */
export function tallyOf(id: string): Tally {
  const number = Number(/(\d+)$/.exec(id)?.[1] ?? 0);
  return { id, input_tokens: 1 + (number % 4), output_tokens: 41 + (number % 13) };
}
