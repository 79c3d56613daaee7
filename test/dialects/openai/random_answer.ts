// Plain answers that look random and are the same in every run, with all that the format can say.

type Random = (limit: number) => number;
type Json = Record<string, unknown>;

const WORDS = [
  ...'the answer is 42 , because of it . \n\n \t \r\n {"a":1} \\ " data: [DONE] : x'.split(" "),
  ...[
    "größer",
    "漢字仮名交じり文章",
    "👩‍👩‍👧‍👦",
    "👍🏽",
    "e\u0301\u0323",
    "🇩🇪",
    "\ud83d",
    "\ude00",
    "\u0000",
    "\u2028",
    "",
  ],
];

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[random(values.length)]!;
}

/** Some text: mostly short, sometimes long, sometimes without a space, sometimes empty. */
export function randomText(random: Random): string {
  const count = oneOf(random, [0, 1, 3, 30, 200]);
  const gap = oneOf(random, [" ", " ", ""]);
  return Array.from({ length: random(count + 1) }, () => oneOf(random, WORDS)).join(gap);
}

function tokensOf(random: Random, text: string): Json[] {
  const tokens = random(8) === 0 ? ["not", " its", " tokens"] : (text.match(/\s*\S{1,4}|\s+$/gu) ?? []);
  return tokens.map((token) => ({
    token,
    logprob: -random(1000) / 7,
    bytes: [...Buffer.from(token)],
    top_logprobs: random(2) === 0 ? [] : [{ token: "x", logprob: -1.5, bytes: null }],
  }));
}

function randomCall(random: Random, index: number): Json {
  const id = `call_${index}_${random(1e9)}`;
  if (random(6) === 0) return { id, type: "custom", custom: { name: "shell", input: randomText(random) } };
  const given = random(4) === 0 ? "" : JSON.stringify({ q: randomText(random), n: 2 ** 60 });
  const call = { id, type: "function", function: { name: `tool_${random(5)}`, arguments: given } };
  return random(4) === 0 ? { ...call, extra_content: { google: { thought_signature: "c2ln" } } } : call;
}

function randomMessage(random: Random): Json {
  const message: Json = { role: "assistant", content: null, refusal: null };
  if (random(6) === 0) message["refusal"] = randomText(random);
  else if (random(5) > 0) message["content"] = randomText(random);
  if (random(5) === 0) {
    message["content"] = [
      { type: "thinking", thinking: [{ type: "text", text: randomText(random) }], closed: true },
      { type: "text", text: randomText(random) },
    ];
  }
  if (random(3) === 0) message[oneOf(random, ["reasoning", "reasoning_content"])] = randomText(random);
  if (random(5) === 0) message["reasoning_details"] = [{ type: "reasoning.text", text: "so", index: 0 }];
  if (random(3) === 0) {
    message["tool_calls"] = Array.from({ length: 1 + random(3) }, (_, index) => randomCall(random, index));
  }
  if (random(9) === 0) message["tool_calls"] = oneOf(random, [null, []]);
  if (random(9) === 0) message["function_call"] = { name: "old", arguments: randomText(random) };
  if (random(4) === 0) message["annotations"] = [{ type: "url_citation", url_citation: { url: "http://a" } }];
  if (random(9) === 0) message["audio"] = { id: "a", data: "AAAA", transcript: "Hi", expires_at: 1787150112 };
  if (random(9) === 0) message["of_its_own"] = { deep: [1, { er: null }] };
  return message;
}

function randomChatChoice(random: Random, index: number): Json {
  const message = randomMessage(random);
  const { content, refusal } = message;
  const logprobs =
    random(3) > 0
      ? null
      : {
          content: typeof content === "string" ? tokensOf(random, content) : null,
          refusal: typeof refusal === "string" ? tokensOf(random, refusal) : null,
        };
  const finish_reason = oneOf(random, ["stop", "length", "tool_calls", "content_filter"]);
  const choice = { index, message, logprobs, finish_reason };
  return random(4) === 0 ? { ...choice, content_filter_results: { hate: { filtered: false } } } : choice;
}

function randomTextChoice(random: Random, index: number): Json {
  const text = randomText(random);
  const tokens = text.split(/(?=\s)/);
  const logprobs =
    random(3) > 0
      ? null
      : {
          tokens,
          token_logprobs: tokens.map(() => -1.25),
          top_logprobs: tokens.map((token) => ({ [token]: -1.25 })),
          text_offset: tokens.map((_, at) => at),
        };
  return { text, index, logprobs, finish_reason: oneOf(random, ["stop", "length"]) };
}

/** An answer of chat completions, or of legacy completions. */
export function randomAnswer(random: Random): Json {
  const is_chat = random(5) > 0;
  const choiceOf = is_chat ? randomChatChoice : randomTextChoice;
  const answer: Json = {
    id: `${is_chat ? "chatcmpl" : "cmpl"}-${random(1e9)}`,
    object: is_chat ? "chat.completion" : "text_completion",
    created: 1_787_150_112 + random(1000),
    model: oneOf(random, ["gpt-5-nano", "mistral/größte"]),
    choices: Array.from({ length: 1 + random(3) }, (_, index) => choiceOf(random, index)),
  };
  if (random(2) === 0) answer["system_fingerprint"] = oneOf(random, ["fp_1", "", null]);
  if (random(2) === 0) answer["service_tier"] = "default";
  if (random(3) === 0) answer["citations"] = ["https://a.example", "https://b.example"];
  if (random(4) > 0) {
    answer["usage"] = {
      prompt_tokens: random(99),
      completion_tokens: 7,
      total_tokens: 9,
      details: { cost: 0.1 },
    };
  }
  return answer;
}
