/** A token of Ruff's parser: its kind, and where it is in the UTF-8 source. */
export type Token = { kind: string; start: number; end: number }

/** Reads the listing that Ruff prints, one `Kind start..end (flags)` a line. */
export const readTokens = (listing: string): Token[] => {
  const tokens: Token[] = []
  for (const [, kind = '', start, end] of listing.matchAll(/^ {4}(\w+) (\d+)\.\.(\d+)/gm)) {
    tokens.push({ kind, start: Number(start), end: Number(end) })
  }
  return tokens
}
