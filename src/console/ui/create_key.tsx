// The dialog in which a key is made.

import { useState } from "preact/hooks";
import { ask, Fault } from "./api.ts";
import { Dialog } from "./dialog.tsx";
import { Trouble } from "./parts.tsx";

const FIELDS = [
  ["name", "Name", "checkout", true],
  ["tenant", "Tenant", "default", false],
  ["team", "Team", "", false],
  ["tier", "Tier", "", false],
  ["models", "Models, with commas", "*", false],
  ["expires", "Expires", "30d or 2030-01-31", false],
] as const;

const LIMITS = [
  ["rpm", "Requests per minute"],
  ["tpm", "Tokens per minute"],
  ["concurrency", "Calls at once"],
  ["usd_per_day", "Dollars per day"],
  ["usd_per_month", "Dollars per month"],
] as const;

interface CreateProps {
  readonly onMade: (made: { readonly name: string; readonly key: string; readonly first: boolean }) => void;
  readonly onClose: () => void;
}

/** The dialog. */
export function CreateDialog({ onMade, onClose }: CreateProps) {
  const [fault, setFault] = useState<Fault | null>(null);
  const [is_waiting, setWaiting] = useState(false);
  const create = async (form: FormData) => {
    setWaiting(true);
    try {
      onMade(await ask("keys", "POST", wishOf(form)));
      onClose();
    } catch (error) {
      setFault(error instanceof Fault ? error : new Fault(String(error), 0));
      setWaiting(false);
    }
  };
  return (
    <Dialog title="Create a key" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void create(new FormData(event.currentTarget));
        }}
      >
        <div class="fields tight">
          {FIELDS.map(([name, text, example, is_needed]) => (
            <label key={name}>
              <span>{text}</span>
              <input name={name} placeholder={example} required={is_needed} autocomplete="off" />
            </label>
          ))}
        </div>
        <h3>Limits, where there are to be any</h3>
        <div class="fields tight">
          {LIMITS.map(([name, text]) => (
            <label key={name}>
              <span>{text}</span>
              <input name={name} type="number" min="0" step="any" inputMode="decimal" />
            </label>
          ))}
        </div>
        <Trouble fault={fault} />
        <div class="dialog-end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={is_waiting}>
            {is_waiting ? "Creating…" : "Create"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function wishOf(form: FormData): Record<string, unknown> {
  const wish: Record<string, unknown> = {};
  for (const [name] of FIELDS) {
    const value = String(form.get(name) ?? "").trim();
    if (value === "") continue;
    wish[name] = name === "models" ? value.split(",").map((model) => model.trim()) : value;
  }
  const limits: Record<string, number> = {};
  for (const [name] of LIMITS) {
    const value = String(form.get(name) ?? "").trim();
    if (value !== "") limits[name] = Number(value);
  }
  if (Object.keys(limits).length > 0) wish["limits"] = limits;
  return wish;
}
