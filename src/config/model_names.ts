// The names that a model may go by in tables of prices and facts, the likeliest first.
// Providers, regions and versions put words around a name that the data does not have.

/** Longer names are no models: the data's patterns are not tried on them. */
const MAX_CHARS = 256;

/** A date written without dashes: `-20250514`. */
const PLAIN_DATE = /-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)/g;

/**
 * The names to try for a model as its provider calls it. A fine-tuned model never goes by its base's name: it costs more.
 */
export function namesOf(provider: string, model: string): readonly string[] {
  const name = model.trim();
  if (name === "" || name.length > MAX_CHARS) return [];
  const names = new Set([name]);
  const also = (pattern: RegExp, replacement: string) => {
    for (const known of [...names]) names.add(known.replace(pattern, replacement));
  };
  // Gemini's lists say `models/gemini-2.5-pro`; Bedrock takes an inference profile's whole address.
  also(/^models\//, "");
  also(/^arn:aws[^/]*\/(?:[^/]+\/)*([^/]+)$/, "$1");
  // `us.anthropic.claude-…`: which regions a call may be sent to.
  if (provider === "aws") also(/^(?:us|us-gov|eu|apac|jp|au|ca|global)\./, "");
  // Vertex's endpoint in OpenAI's format names its own models `google/gemini-2.5-flash`.
  if (!provider.startsWith("huggingface")) {
    const own = `${provider}/`;
    for (const known of [...names]) if (known.startsWith(own)) names.add(known.slice(own.length));
  }
  // OpenRouter: how to choose among those who serve the model, at the model's price. `:free` and `:batch` are models.
  if (provider === "openrouter") also(/:(?:nitro|floor|exacto|online)$/, "");
  // Vertex puts a version behind an @.
  also(/@(?=[\w-]+$)/, "-");
  also(PLAIN_DATE, "-$1-$2-$3");
  return [...names];
}
