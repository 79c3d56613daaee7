// What Cohere's models differ in. Source: https://docs.cohere.com/docs/models, https://docs.cohere.com/docs/reasoning.

/** Beginnings of the names of models that do not think: they tell a plan before they call tools. Newer ones think, and refuse plans. */
const PLANNERS = [
  "command-r",
  "command-a-03-",
  "command-a-vision",
  "command-a-translate",
  "command-light",
  "command-nightly",
  "c4ai-",
  "tiny-aya",
];

/** Whether a model has thoughts of its own, and takes them back. */
export function thinks(model: string): boolean {
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  return name !== "command" && !PLANNERS.some((start) => name.startsWith(start));
}
