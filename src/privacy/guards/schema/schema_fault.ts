// What is wrong with a schema, in words that hold nothing but what is in it.

/** A schema is none, or none that can be used here. */
export class SchemaFault extends Error {}
