type Span = { start: number; end: number }

const countCharacters = (text: string): number => [...text].length

/** A source by byte offsets, which is what Ruff counts in. */
export class SourceText {
  readonly #text: string
  /** Undefined when the source is ASCII: then bytes and characters are the same. */
  readonly #bytes: Buffer | undefined
  #lineStarts: number[] | undefined

  constructor(text: string) {
    this.#text = text
    if (Buffer.byteLength(text) !== text.length) this.#bytes = Buffer.from(text)
  }

  /** The whole source with identifiers as Python compares them. */
  get normalized(): string {
    return this.#bytes === undefined ? this.#text : this.#text.normalize('NFKC')
  }

  slice({ start, end }: Span): string {
    return this.#bytes?.toString('utf8', start, end) ?? this.#text.slice(start, end)
  }

  /** 1-based line and column, in characters, of a byte offset. */
  locate(offset: number): { line: number; column: number } {
    this.#lineStarts ??= this.#findLineStarts()
    let line = 0
    let beyond = this.#lineStarts.length
    while (beyond - line > 1) {
      const middle = (line + beyond) >> 1
      if ((this.#lineStarts[middle] ?? 0) <= offset) line = middle
      else beyond = middle
    }
    const start = this.#lineStarts[line] ?? 0
    const before =
      this.#bytes === undefined ? offset - start : countCharacters(this.slice({ start, end: offset }))
    return { line: line + 1, column: before + 1 }
  }

  /** The source with these spans turned into as many blanks. */
  blank(spans: readonly Span[]): string {
    if (spans.length === 0) return this.#text
    const parts: string[] = []
    let from = 0
    for (const span of spans) {
      parts.push(this.slice({ start: from, end: span.start }), ' '.repeat(countCharacters(this.slice(span))))
      from = span.end
    }
    return parts.join('') + this.slice({ start: from, end: this.#bytes?.length ?? this.#text.length })
  }

  /** A carriage return alone ends a line in Python too. */
  #findLineStarts(): number[] {
    const starts = [0]
    let offset = 0
    for (const [line] of (this.#bytes?.toString('latin1') ?? this.#text).matchAll(
      /[^\r\n]*(?:\r\n|\r|\n)/g,
    )) {
      offset += line.length
      starts.push(offset)
    }
    return starts
  }
}
