/** A type of one-dimensional arrays: its id in PostgreSQL's catalog, the same in every database, and its elements. */
const ARRAYS = {
  bool: { oid: 1000, parse: (text: string) => text === 't' },
  int2: { oid: 1005, parse: Number },
  int4: { oid: 1007, parse: Number },
  // As the driver gives a bigint: it may be too long for a number.
  int8: { oid: 1016, parse: String },
  text: { oid: 1009, parse: String },
  float4: { oid: 1021, parse: Number },
  float8: { oid: 1022, parse: Number },
  uuid: { oid: 2951, parse: String },
} as const

const quote = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

/** An array as PostgreSQL reads it. */
const writeArray = (items: readonly unknown[]): string =>
  `{${items.map((item) => (item === null || item === undefined ? 'NULL' : quote(String(item)))).join(',')}}`

/** A quoted element, an unquoted one, or something else than an array of one dimension. */
const ELEMENT = /"((?:[^"\\]|\\.)*)"|([^",{}\\]+)|(.)/gs

/** The elements of an array as PostgreSQL writes it. @throws for an array of several dimensions */
const readArray = <T>(text: string, parse: (element: string) => T): (T | null)[] => {
  if (!text.startsWith('{') || !text.endsWith('}')) throw new Error('only arrays of one dimension are read')
  const items: (T | null)[] = []
  for (const [, quoted, bare, other] of text.slice(1, -1).matchAll(ELEMENT)) {
    if (quoted !== undefined) items.push(parse(quoted.replace(/\\(.)/gs, '$1')))
    else if (bare !== undefined) items.push(bare === 'NULL' ? null : parse(bare))
    else if (other !== ',') throw new Error('only arrays of one dimension are read')
  }
  return items
}

/**
 * Array types for the driver. Left to itself it asks the catalog for them on every new connection, with a query that
 * nobody awaits: a connection that is lost in that moment ends the process, and one that is refused by a server that
 * still starts leaves the process without array types.
 */
export const arrayTypes = Object.fromEntries(
  Object.entries(ARRAYS).map(([name, { oid, parse }]) => [
    `${name}Array`,
    {
      to: oid,
      from: [oid],
      serialize: writeArray,
      parse: (text: string) => readArray<boolean | number | string>(text, parse),
    },
  ]),
)
