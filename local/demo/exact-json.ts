// Node 24 has both, TypeScript's library does not know them yet.
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
type ExactReviver = (key: string, value: unknown, context: { source: string }) => unknown

const keepSpelling: ExactReviver = (_key, value, { source }) =>
  typeof value === 'number' ? rawJSON(source) : value

/** Parses JSON whose numbers, stringified again, keep their spelling: `583.0` is sent as `583.0`, not as `583`. */
export const parseExactJson = (text: string): unknown =>
  JSON.parse(text, keepSpelling as Parameters<typeof JSON.parse>[1])
