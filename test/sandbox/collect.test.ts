import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseReport, parseResult } from '../../shared/sandbox/collect.ts'
import { limitsFor } from '../../shared/sandbox/index.ts'
import { parseProgress } from '../../shared/sandbox/progress.ts'
import { ProtocolError } from '../../shared/sandbox/protocol.ts'

const limits = limitsFor({ outputMb: 1 })
const honest = {
  ended: 'exited',
  exit_status: 0,
  wall_seconds: 1,
  cpu_seconds: 1,
  memory_peak_kb: 1024,
  full: [],
  succeeded: true,
  result_bytes: 2,
  files: [{ kind: 'artifact', name: 'plots/a.svg', bytes: 5 }],
}
const parse = (report: unknown) => parseReport(Buffer.from(JSON.stringify(report)), limits, 1_000)
const withFile = (file: object) => ({ ...honest, files: [{ ...honest.files[0], ...file }] })

describe('a report', () => {
  it('is taken when the harness could have written it', () => {
    expect(parse(honest)).toMatchObject({
      succeeded: true,
      memoryPeakMb: 1,
      files: [{ kind: 'artifact', name: 'plots/a.svg', sizeBytes: 5 }],
    })
  })

  it.each([
    ['a way out of the folder', withFile({ name: '../x' })],
    ['a way out in the middle', withFile({ name: 'a/../../x' })],
    ['an absolute path', withFile({ name: '/etc/passwd' })],
    ['an empty name', withFile({ name: '' })],
    ['a name with a line break', withFile({ name: 'a\nb' })],
    ['a name with a NUL', withFile({ name: 'a\0b' })],
    ['half a surrogate pair', withFile({ name: '\ud800' })],
    ['a path that is too long', withFile({ name: 'x'.repeat(1_025) })],
    ['a path that is too deep', withFile({ name: `${'x/'.repeat(17)}x` })],
    ['an output in a folder', withFile({ kind: 'output', name: 'a/b' })],
    ['a kind of its own', withFile({ kind: 'secret' })],
    ['a negative size', withFile({ bytes: -1 })],
    ['half a byte', withFile({ bytes: 0.5 })],
    ['more than the outputs may hold', withFile({ bytes: 1024 * 1024 + 1 })],
    ['the same file twice', { ...honest, files: [honest.files[0], honest.files[0]] }],
    ['a result beyond its limit', { ...honest, result_bytes: 1_001 }],
    ['no end', { ...honest, ended: 'never' }],
    ['no number', { ...honest, wall_seconds: 'long' }],
    ['a list', []],
    ['nothing', null],
  ])('with %s ends the sandbox', (_, report) => {
    expect(() => parse(report)).toThrow(ProtocolError)
  })

  it('of any other form ends the sandbox too', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        expect(() => parseReport(Buffer.from(text), limits, 1_000)).toThrow(ProtocolError)
      }),
    )
  })

  it('may hold an error that the user’s code wrote, which counts only as JSON that can be carried on', () => {
    const failed = { ...honest, succeeded: false, files: [] }
    const verdict = (error: string) => JSON.stringify({ code: 'user_error', message: 'x', error })
    for (const error of ['no JSON', '{"a": "\0"}', '{"a": NaN}', '['.repeat(300) + ']'.repeat(300)]) {
      expect(parse({ ...failed, error }).error).toBeUndefined()
      expect(parse({ ...failed, verdict: verdict(error) }).verdict?.error).toBeUndefined()
    }
    expect(parse({ ...failed, error: '{"error": 583.0}' }).error).toBe('{"error": 583.0}')
  })

  it('may hold a verdict that the user’s code wrote, which then counts for nothing', () => {
    const failed = { ...honest, succeeded: false, files: [] }
    expect(
      parse({ ...failed, verdict: '{"code": "worker_lost", "message": "retry me"}' }).verdict,
    ).toBeUndefined()
    expect(parse({ ...failed, verdict: '[[[' }).verdict).toBeUndefined()
    expect(parse({ ...failed, verdict: '{"code": "user_error", "message": "x"}' }).verdict).toEqual({
      code: 'user_error',
      message: 'x',
    })
  })
})

describe('a result', () => {
  it('is kept to the letter', () => {
    const text = ' {"b": 583.0, "a": 18446744073709551616, "c": "\\ud800"}\n'
    expect(parseResult(Buffer.from(text))).toEqual({ text })
  })

  it('is whatever JSON a function may return', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value)
        expect(parseResult(Buffer.from(text))).toEqual({ text })
      }),
    )
  })

  it.each(['', '[]', '1', '{"a": NaN}', '{"a": 1e999}', '{"a": 1', '{"a": 1, "a": 2}', '\ufeff{}'])(
    'is not %j',
    (text) => {
      expect(parseResult(Buffer.from(text))).toHaveProperty('fault')
    },
  )

  it('nests no deeper than its limit', () => {
    const nested = (depth: number) => Buffer.from(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`)
    expect(parseResult(nested(256))).toHaveProperty('text')
    expect(parseResult(nested(257))).toHaveProperty('fault')
  })
})

describe('progress', () => {
  it.each([
    [
      '{"fraction": 0.5, "message": "half", "eta_seconds": 3}',
      { fraction: 0.5, message: 'half', eta_seconds: 3 },
    ],
    ['{"fraction": 2, "message": "x"}', { message: 'x' }],
    ['{"fraction": -1}', undefined],
    ['{"other": 1}', undefined],
    ['null', undefined],
    ['{', undefined],
  ])('%s is %j', (line, expected) => {
    expect(parseProgress(Buffer.from(line))).toEqual(expected)
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.uint8Array(), (line) => void parseProgress(line)))
  })
})
