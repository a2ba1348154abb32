export type JsonLimits = {
  /** Arrays and objects inside one another, the outermost counted. */
  maxDepth: number
}

/** Where a value's text begins and ends (exclusive) in the scanned text. */
export type JsonSpan = { start: number; end: number }

/** What is wrong with a JSON text, and where: `path` is the way to the value, `position` the character. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
  readonly position: number
  readonly path: (string | number)[]

  constructor(message: string, position: number, path: (string | number)[]) {
    super(message)
    this.position = position
    this.path = path
  }
}

type Frame = { kind: 'object'; key: string; keys: Set<string> } | { kind: 'array'; index: number }

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// The control characters are the ones that RFC 8259 bars from strings.
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is they who are looked for
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y
const SPACE = /[ \t\n\r]*/y
const NOT_JSON = /-?Infinity|NaN/y

/**
 * Checks that `text` is one JSON value (RFC 8259, strictly) and finds the members of the outermost object or array.
 * Works without recursion, so depth costs memory and never the stack. Beyond the grammar it refuses what would
 * silently become something else on the way to Python and back: a name given twice in one object, a number too large
 * for a double (`1e400`; integers of any length are fine), and nesting beyond `maxDepth`.
 *
 * @returns each member of the outermost object with the span of its value; of an array, each element by its index
 * @throws JsonSyntaxError
 */
export const scanJson = (text: string, limits: JsonLimits): Map<string, JsonSpan> => {
  const members = new Map<string, JsonSpan>()
  const frames: Frame[] = []
  let at = 0

  const path = () => frames.map((frame) => (frame.kind === 'object' ? frame.key : frame.index))
  const fail = (message: string): never => {
    throw new JsonSyntaxError(`${message} at character ${at + 1}`, at, path())
  }
  const match = (pattern: RegExp) => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const skipSpace = () => {
    at += match(SPACE)?.length ?? 0
  }
  const readString = (): string => {
    const found = match(STRING)
    if (found === undefined)
      return fail('a string that is not closed, or holds a bare control character or a bad escape,')
    at += found.length
    return found
  }
  const readNumber = () => {
    const found = match(NUMBER)
    if (found === undefined) return fail('an incomplete number')
    if (/[.eE]/.test(found) && !Number.isFinite(Number(found)))
      fail(`the number ${found.slice(0, 40)} is too large for a double,`)
    at += found.length
  }
  const readKey = (frame: Frame & { kind: 'object' }) => {
    skipSpace()
    if (text[at] !== '"') fail('expected a member name in double quotes')
    const start = at
    const key = JSON.parse(readString()) as string
    if (frame.keys.has(key)) {
      at = start
      fail(`the name ${JSON.stringify(key)} is given twice in one object,`)
    }
    frame.keys.add(key)
    frame.key = key
    skipSpace()
    if (text[at] !== ':') fail('expected ":"')
    at += 1
  }
  /** Reads a scalar, or opens a container. */
  const readValue = (): 'scalar' | 'opened' => {
    const character = text[at]
    if (character === '{' || character === '[') {
      if (frames.length >= limits.maxDepth) fail(`nesting deeper than ${limits.maxDepth} levels`)
      at += 1
      skipSpace()
      const close = character === '{' ? '}' : ']'
      if (text[at] === close) {
        at += 1
        return 'scalar'
      }
      if (character === '[') {
        frames.push({ kind: 'array', index: 0 })
      } else {
        const frame = { kind: 'object' as const, key: '', keys: new Set<string>() }
        readKey(frame)
        frames.push(frame)
      }
      return 'opened'
    }
    if (character === '"') readString()
    else if (text.startsWith('true', at) || text.startsWith('null', at)) at += 4
    else if (text.startsWith('false', at)) at += 5
    else if (match(NOT_JSON) !== undefined) fail(`${match(NOT_JSON)} is not JSON`)
    else if (character !== undefined && /[-\d]/.test(character)) readNumber()
    else fail(character === undefined ? 'the text ends where a value should stand,' : 'expected a value')
    return 'scalar'
  }

  skipSpace()
  let valueStart = at
  let state: 'scalar' | 'opened' = readValue()
  while (true) {
    if (state === 'opened') {
      skipSpace()
      if (frames.length === 1) valueStart = at
      state = readValue()
      continue
    }
    // A value is complete: step on in its container, or close it.
    const frame = frames.at(-1)
    if (!frame) break
    if (frames.length === 1) {
      members.set(frame.kind === 'object' ? frame.key : String(frame.index), { start: valueStart, end: at })
    }
    skipSpace()
    if (text[at] === ',') {
      at += 1
      if (frame.kind === 'object') readKey(frame)
      else frame.index += 1
      state = 'opened'
    } else if (text[at] === (frame.kind === 'object' ? '}' : ']')) {
      at += 1
      frames.pop()
    } else {
      fail(
        at >= text.length
          ? 'the text ends inside a container,'
          : `expected "," or "${frame.kind === 'object' ? '}' : ']'}"`,
      )
    }
  }
  skipSpace()
  if (at < text.length) fail('more text after the value')
  return members
}
