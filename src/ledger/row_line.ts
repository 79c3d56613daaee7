// A row as a line, written by hand: seven fields with tabs between them. Every call writes one, and all of them are read again, so
// that what sums and columns need comes first and without names, and what is empty, zero or usual is left out.
//
// 1. id                      4. status
// 2. request id, as JSON;    5. names: a JSON array, in the order of NAMES
//    empty where it is       6. amounts: numbers with commas between them, in the order of AMOUNTS; what is missing is 0,
//    made of the id             a missing cost is not known
// 3. time                    7. the rest: a JSON object

import { NO_USAGE, type Usage } from "../dialects/usage.ts";
import { LineBuffer } from "../memory/line_buffer.ts";
import { judgedMember } from "./judged.ts";
import { isMadeOf } from "./request_id.ts";
import { type AttemptRow, type LedgerRow, type Moments, NOTHING, type Timings } from "./row.ts";
import type { ClientTrace } from "./trace.ts";

/** Names that most rows share with many others. */
export const NAMES = [
  ...["tenant", "team", "key", "user", "feature", "model", "provider", "served_model"],
  ...["error", "cache"],
] as const;

/** The kinds of usage, in the order of their columns and amounts: those that most calls have come first. */
export const USAGE_KINDS: readonly (keyof Usage)[] = [
  ...(["input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens"] as const),
  ...(["cache_write_5m_tokens", "cache_write_1h_tokens", "input_audio_tokens"] as const),
  ...(["cached_input_audio_tokens", "input_image_tokens", "output_audio_tokens"] as const),
  ...(["output_image_tokens", "searches", "input_audio_ms", "told_nano_usd"] as const),
];

/** What is counted of a row: its cost, what a cache saved, whether its usage is estimated (0 or 1), its usage by kind. */
export const AMOUNTS: readonly string[] = ["cost_nano_usd", "saved_nano_usd", "estimated", ...USAGE_KINDS];

/** Characters of a name, at most: clients choose some of them. */
export const TEXT_MAX = 1000;

/** Texts whose JSON is remembered: names of tenants, keys, models, providers come again and again. */
const TEXTS_MAX = 5_000;
const quoted_texts = new Map<string, Uint8Array>();
const NULL = new TextEncoder().encode("null");

const TAB = 9;
const COMMA = 44;
const OPEN = 91;
const CLOSE = 93;
const BRACE_CLOSE = 125;

function appendQuoted(line: LineBuffer, text: string | null): void {
  line.part(text === null ? NULL : quoted(text));
}

function quoted(whole: string): Uint8Array {
  // The first characters of what is too long are kept, and remembered by them.
  const text = whole.length > TEXT_MAX ? whole.slice(0, TEXT_MAX) : whole;
  let json = quoted_texts.get(text);
  if (json === undefined) {
    json = new TextEncoder().encode(JSON.stringify(text));
    if (quoted_texts.size >= TEXTS_MAX) quoted_texts.clear();
    quoted_texts.set(text, json);
  }
  return json;
}

function appendNames(line: LineBuffer, row: LedgerRow): void {
  line.byte(OPEN);
  appendQuoted(line, row.tenant);
  appendName(line, row.team);
  appendName(line, row.key);
  appendName(line, row.user);
  appendName(line, row.feature);
  appendName(line, row.model);
  appendName(line, row.provider);
  appendName(line, row.served_model);
  appendName(line, row.error);
  appendName(line, row.cache);
  line.byte(CLOSE);
}

function appendName(line: LineBuffer, name: string | null): void {
  line.byte(COMMA);
  appendQuoted(line, name);
}

function appendAmount(line: LineBuffer, amount: number): void {
  line.byte(COMMA);
  line.number(amount);
}

function appendAmounts(line: LineBuffer, row: LedgerRow): void {
  const { usage, saved_nano_usd, estimated } = row;
  if (row.cost_nano_usd !== null) line.number(row.cost_nano_usd);
  if (usage === NO_USAGE && saved_nano_usd === 0 && !estimated) return;
  appendAmount(line, saved_nano_usd);
  appendAmount(line, estimated ? 1 : 0);
  // Written out, because it is done for every call: a loop over the names takes several times as long.
  appendAmount(line, usage.input_tokens);
  appendAmount(line, usage.cached_input_tokens);
  appendAmount(line, usage.output_tokens);
  if (usage.reasoning_tokens > 0 || hasRareKinds(usage)) appendAmount(line, usage.reasoning_tokens);
  if (!hasRareKinds(usage)) return;
  for (const kind of RARE_KINDS) appendAmount(line, usage[kind]);
}

/** All but those that are written first. */
const RARE_KINDS = USAGE_KINDS.slice(4);

function hasRareKinds(usage: Usage): boolean {
  const written = usage.cache_write_5m_tokens + usage.cache_write_1h_tokens;
  const heard = usage.input_audio_tokens + usage.cached_input_audio_tokens + usage.input_image_tokens;
  const made = usage.output_audio_tokens + usage.output_image_tokens + usage.searches;
  return written + heard + made + usage.input_audio_ms + usage.told_nano_usd > 0;
}

/** Durations in the order of STAGES; nothing for a stage that did not take place. */
function appendTimings(line: LineBuffer, timings: Timings): void {
  line.text('{"timings_us":[');
  if (timings !== NOTHING) {
    const { total, auth, body, scan, connect, first_byte, overhead } = timings;
    appendTiming(line, total);
    line.byte(COMMA);
    appendTiming(line, auth);
    line.byte(COMMA);
    appendTiming(line, body);
    line.byte(COMMA);
    appendTiming(line, scan);
    line.byte(COMMA);
    appendTiming(line, connect);
    line.byte(COMMA);
    appendTiming(line, first_byte);
    line.byte(COMMA);
    appendTiming(line, overhead);
    appendMoreTimings(line, timings);
  }
  line.byte(CLOSE);
}

/** Those that came later, and that not every call has. */
function appendMoreTimings(line: LineBuffer, timings: Timings): void {
  const { queue, route, privacy, guards, cache, admit, answer } = timings;
  const has_few = queue === undefined && privacy === undefined && guards === undefined && cache === undefined;
  if (has_few && route === undefined && admit === undefined && answer === undefined) return;
  line.byte(COMMA);
  appendTiming(line, queue);
  line.byte(COMMA);
  appendTiming(line, route);
  if (has_few) line.text(",null,null,null");
  else {
    line.byte(COMMA);
    appendTiming(line, privacy);
    line.byte(COMMA);
    appendTiming(line, guards);
    line.byte(COMMA);
    appendTiming(line, cache);
  }
  line.byte(COMMA);
  appendTiming(line, admit);
  line.byte(COMMA);
  appendTiming(line, answer);
}

function appendTiming(line: LineBuffer, duration_us: number | undefined): void {
  if (duration_us === undefined) line.text("null");
  else line.number(duration_us);
}

/** What became of the call. */
function appendOutcome(line: LineBuffer, row: LedgerRow): void {
  if (row.finish_reason !== null) {
    line.text(',"finish_reason":');
    appendQuoted(line, row.finish_reason);
  }
  if (row.price_version !== null) {
    line.text(',"price_version":');
    appendQuoted(line, row.price_version);
  }
  if (row.stream) line.text(',"stream":true');
  if (row.endpoint !== null) {
    line.text(',"endpoint":');
    appendQuoted(line, row.endpoint);
  }
  if (row.sampled) line.text(',"sampled":true');
  if (row.trace !== null) appendTrace(line, row.trace);
  if (row.similarity !== null) line.text(`,"similarity":${row.similarity}`);
  if (row.attempts.length > 0) appendAttempts(line, row);
}

/** The ids are hexadecimal digits, and need no quoting. */
function appendTrace(line: LineBuffer, { trace_id, parent_id, is_sampled }: ClientTrace): void {
  line.text(`,"trace":["${trace_id}","${parent_id}",${is_sampled ? 1 : 0}]`);
}

/** Whether a try went to the target that the row names. */
function isUsual({ provider, model }: AttemptRow, row: LedgerRow): boolean {
  return provider === row.provider && model === row.served_model;
}

/** The tries; usual ones are told by what came of them alone. */
function appendAttempts(line: LineBuffer, row: LedgerRow): void {
  line.text(',"attempts":');
  let mark = OPEN;
  for (const attempt of row.attempts) {
    line.byte(mark);
    const is_usual = isUsual(attempt, row);
    if (is_usual && attempt.moments_us === undefined) appendQuoted(line, attempt.outcome);
    else appendAttempt(line, attempt, is_usual);
    mark = COMMA;
  }
  line.byte(CLOSE);
}

function appendAttempt(line: LineBuffer, attempt: AttemptRow, is_usual: boolean): void {
  const { provider, model, outcome, moments_us } = attempt;
  line.text('{"outcome":');
  appendQuoted(line, outcome);
  if (!is_usual) {
    line.text(',"provider":');
    appendQuoted(line, provider);
    line.text(',"model":');
    appendQuoted(line, model);
  }
  if (moments_us !== undefined) appendMoments(line, moments_us);
  line.byte(BRACE_CLOSE);
}

function appendMoments(line: LineBuffer, { started, connected, first_byte, ended }: Moments): void {
  line.text(',"at":[');
  line.number(started);
  line.byte(COMMA);
  appendTiming(line, connected ?? undefined);
  line.byte(COMMA);
  appendTiming(line, first_byte ?? undefined);
  line.byte(COMMA);
  line.number(ended);
  line.byte(CLOSE);
}

function appendRecord(
  line: LineBuffer,
  name: string,
  record: Readonly<Record<string, string | number>>,
): void {
  if (record === NOTHING) return;
  for (const _ in record) {
    line.text(`,"${name}":${JSON.stringify(record)}`);
    return;
  }
}

/** Writes the row behind what is in the line. Its id has no control characters. */
export function appendRow(line: LineBuffer, row: LedgerRow): void {
  line.text(row.id);
  line.byte(TAB);
  if (!isMadeOf(row.request_id, row.id)) line.text(JSON.stringify(row.request_id));
  line.byte(TAB);
  line.number(row.time);
  line.byte(TAB);
  line.number(row.status);
  line.byte(TAB);
  appendNames(line, row);
  line.byte(TAB);
  appendAmounts(line, row);
  line.byte(TAB);
  appendTimings(line, row.timings_us);
  appendOutcome(line, row);
  appendRecord(line, "tags", row.tags);
  appendRecord(line, "redactions", row.redactions);
  appendRecord(line, "guards", row.guards);
  if (row.refusal) line.text(',"refusal":true');
  if (row.shadow !== null) line.text(`,"shadow":${JSON.stringify(row.shadow)}`);
  if (row.replay_of !== null) {
    line.text(',"replay_of":');
    appendQuoted(line, row.replay_of);
  }
  if (row.routing !== null) line.text(`,"routing":${JSON.stringify(row.routing)}`);
  // The last: it is looked for there.
  if (row.judged !== null) line.text(judgedMember(row.judged));
  line.byte(BRACE_CLOSE);
}

const whole_line = new LineBuffer();

/** The row as a line, without its end. `readRow` gives the same row back. */
export function writeRow(row: LedgerRow): string {
  whole_line.begin();
  appendRow(whole_line, row);
  return whole_line.toString();
}
