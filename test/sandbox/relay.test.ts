import { describe, expect, it } from 'vitest'
import { RECEIVE } from '../../shared/sandbox/protocol.ts'
import { createRelay } from '../../shared/sandbox/relay.ts'

const relayTo = (limitBytes: number) => {
  const said: string[] = []
  const relay = createRelay(
    {
      log: (kind, text) => said.push(`${kind}: ${text}`),
      progress: ({ fraction }) => said.push(`at ${fraction}`),
    },
    limitBytes,
  )
  return { relay, said }
}
const text = (value: string | Buffer) => ({ kind: RECEIVE.stdout, payload: Buffer.from(value) })

describe('a relay', () => {
  it('joins a letter that comes in pieces', () => {
    const { relay, said } = relayTo(100)
    const letter = Buffer.from('é')
    relay.hear(text(letter.subarray(0, 1)))
    relay.hear(text(letter.subarray(1)))
    expect(said).toEqual(['stdout: é'])
  })

  it('shows at the end the half of a letter that stayed alone', () => {
    const { relay, said } = relayTo(100)
    relay.hear(text(Buffer.from('é').subarray(0, 1)))
    relay.end()
    expect(said).toEqual(['stdout: \ufffd'])
  })

  it('keeps both streams within one limit, and says where it cut', () => {
    const { relay, said } = relayTo(4)
    relay.hear(text('abc'))
    relay.hear({ kind: RECEIVE.stderr, payload: Buffer.from('de') })
    expect(said.join('')).toBe('stdout: abcstderr: dstderr: \n[the log was cut here: its limit is 4 bytes]\n')
    expect(relay.stderrTail()).toContain('d')
  })

  it('ends a sandbox that says more than the harness ever would', () => {
    const { relay } = relayTo(4)
    relay.hear(text('abcde'))
    expect(() => relay.hear(text('f'))).toThrow('more output')
    expect(() => relayTo(4).relay.hear(text('abcdef'))).toThrow('more output')
  })

  it('ends a sandbox that floods its progress', () => {
    const { relay } = relayTo(4)
    const flood = () => {
      for (let line = 0; line < 5_000; line++)
        relay.hear({ kind: RECEIVE.progress, payload: Buffer.from('{"fraction": 0.5}') })
    }
    expect(flood).toThrow('too much progress')
  })

  it('leaves to others what is not something that a run says', () => {
    expect(relayTo(4).relay.hear({ kind: RECEIVE.ended, payload: Buffer.from('') })).toBe(false)
  })
})
