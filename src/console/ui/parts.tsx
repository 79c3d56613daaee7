// The small parts that pages are made of: cards, tiles of one number, meters, badges, and what is said where something is wrong.

import type { ComponentChildren } from "preact";
import type { Fault } from "./api.ts";
import { percent } from "./format.ts";

interface CardProps {
  readonly title: string;
  /** Beside the title: what is chosen, or done. */
  readonly aside?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}

/** A part of a page with a title. */
export function Card({ title, aside, children, class: kind = "" }: CardProps) {
  return (
    <section class={`card ${kind}`}>
      <header class="card-head">
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

interface TileProps {
  readonly label: string;
  readonly value: ComponentChildren;
  /** Smaller, below. */
  readonly note?: ComponentChildren;
  readonly tone?: "plain" | "bad";
  /** For tests and links. */
  readonly id?: string;
}

/** One number. */
export function Tile({ label, value, note, tone = "plain", id }: TileProps) {
  return (
    <div class={`tile ${tone}`} id={id}>
      <dt>{label}</dt>
      <dd class="tile-value">{value}</dd>
      <dd class="tile-note">{note ?? "\u00a0"}</dd>
    </div>
  );
}

interface MeterProps {
  readonly label: string;
  readonly used: number;
  readonly limit: number;
}

/** How far something is used up. */
export function Meter({ label, used, limit }: MeterProps) {
  const share = limit > 0 ? used / limit : 0;
  const tone = share >= 0.95 ? "bad" : share >= 0.8 ? "warn" : "good";
  return (
    <span class="meter-row">
      <span
        class={`meter ${tone}`}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(Math.min(1, share) * 100)}
      >
        <i style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
      <span class="meter-text">{percent(share)}</span>
    </span>
  );
}

/** A word with a tone. */
export function Badge({
  tone,
  children,
}: {
  readonly tone: "good" | "warn" | "bad" | "plain";
  readonly children: ComponentChildren;
}) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

/** The status of a call. */
export function Status({ status }: { readonly status: number }) {
  const tone = status < 400 ? "good" : status < 500 ? "warn" : "bad";
  return <Badge tone={tone}>{status === 0 ? "cut" : status}</Badge>;
}

/** What went wrong, and how to try again. */
export function Trouble({ fault, onRetry }: { readonly fault: Fault | null; readonly onRetry?: () => void }) {
  if (fault === null) return null;
  return (
    <div class="trouble" role="alert">
      <p>{fault.message}</p>
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly (readonly [T, string])[];
  readonly onChange: (value: T) => void;
}

/** One of a few. */
export function Choice<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
          {text}
        </button>
      ))}
    </div>
  );
}

/** One of many. */
export function Pick<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <label class="pick">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}
