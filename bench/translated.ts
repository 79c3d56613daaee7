// Streams that have to be written anew: the provider speaks Anthropic's Messages, Venturi's clients the Chat Completions of OpenAI. The
// others pass the provider's events on as they are.

import { addOverDirect, inTurn, load, onStage, orderFor, type Part } from "./part.ts";
import { streamOrder, streamScript } from "./sse.ts";
import { RELAYS, TRANSLATED_MODEL, VENTURI } from "./targets.ts";

/** Name of the part's only row. */
export const TRANSLATED_ROW = "translated streams";
/** Events of such a stream besides its chunks: it and its only block begin and end, and usage is told. */
const MESSAGE_EVENTS_MORE = 5;

/** CPU per chunk of translated streams, and time to the first chunk. */
export const translated: Part = {
  name: "translated",
  about:
    "The paced streams of a provider that speaks Anthropic's Messages, which Venturi writes as Chat Completions, and the others pass on; by the chunks that the provider writes.",
  usual: { rounds: 5, seconds: 3, streams: 200, chunks: 100, warm_seconds: 20 },
  run: (sizes, log) =>
    onStage(sizes, log, RELAYS, async (stage) => {
      await stage.provider.play({ ...streamScript(sizes), format: "anthropic" });
      const cases = await inTurn(stage, TRANSLATED_ROW, async (target, is_warm_up) => {
        const order = orderFor(stage, target, {
          ...streamOrder(sizes),
          ...(target.name === VENTURI.name
            ? { model: TRANSLATED_MODEL }
            : { events: sizes.chunks + MESSAGE_EVENTS_MORE, last_event: '{"type":"message_stop"}' }),
          seconds: is_warm_up ? sizes.warm_seconds : sizes.seconds,
        });
        const { result, cpu_ms, fault } = await load(stage, target, order);
        const { p50_us, p99_us } = result.first_event;
        const cpu_us_per_chunk = (cpu_ms * 1000) / (result.calls * sizes.chunks);
        const values = { cpu_us_per_chunk, first_p50_us: p50_us, first_p99_us: p99_us };
        return { values, fault, raw: { ...result, cpu_ms } };
      });
      return addOverDirect(cases, ["first_p50_us", "first_p99_us"]);
    }),
};
