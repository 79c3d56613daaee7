// What a format cannot say of a request: an error that names the parameter, or a note that it was dropped.

import type { OnUnsupported } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";

/** How much a parameter matters: a schema changes what the answer is, a cache mark only what it costs. */
export type Weight = "meaning" | "hint";

/** Collects what is lost while one request is written. */
export class Losses {
  readonly dropped: string[] = [];
  /** The first loss that refuses the call. */
  error: GatewayError | null = null;
  readonly #policy: OnUnsupported;
  readonly #target: string;

  /** @param target how the error calls what cannot take it: `provider/model` */
  constructor(policy: OnUnsupported, target: string) {
    this.#policy = policy;
    this.#target = target;
  }

  /** A parameter (by its path in the client's format where that is known) cannot be said. */
  lose(param: string, weight: Weight): void {
    const refuses = this.#policy === "error" || (this.#policy === "default" && weight === "meaning");
    if (refuses) {
      this.error ??= new GatewayError(
        "invalid_value",
        `'${param}' cannot be carried to ${this.#target}. Leave it out, or set 'on_unsupported: drop' for the model.`,
        { param },
      );
    } else if (!this.dropped.includes(param)) this.dropped.push(param);
  }
}
