import { expect } from 'vitest'
import type { Answer } from './site.ts'

/** What an answer never tells: where our code lies, what a statement looks like, how the process is made. */
const INSIDES = /node_modules|\.ts:\d+|PostgresError|routine|ECONNREFUSED/

/** That a request was refused with one of these, and that the answer tells nothing that it should not. */
export const expectRefused = ({ status, text }: Answer, ...statuses: number[]): void => {
  expect(statuses, text.slice(0, 500)).toContain(status)
  expect(text).not.toMatch(INSIDES)
}

/** That an answer, whichever it is, is ours and not a fault. */
export const expectSound = ({ status, text }: Answer): void => {
  expect(status, text.slice(0, 500)).toBeGreaterThanOrEqual(200)
  expect(status, text.slice(0, 500)).toBeLessThan(500)
  if (status >= 400) expect(text).not.toMatch(INSIDES)
}
