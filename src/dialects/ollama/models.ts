// What models at Ollama differ in. Source: https://docs.ollama.com/capabilities/thinking.

/** Whether a model is told how much to think by a word, and cannot be kept from it; others think or do not. */
export function takesEffort(model: string): boolean {
  return model.toLowerCase().includes("gpt-oss");
}
