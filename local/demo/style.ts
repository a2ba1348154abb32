import type { Writable } from 'node:stream'
import { stripVTControlCharacters, styleText } from 'node:util'

/** Where the demo writes: standard output, or any stream in a test. */
export type Output = Writable & { isTTY?: boolean; columns?: number; hasColors?(): boolean }

export type Style = {
  strong(text: string): string
  faint(text: string): string
  good(text: string): string
  bad(text: string): string
  accent(text: string): string
}

type Format = Parameters<typeof styleText>[0]

/** Colours for a terminal that has them and whose user has not set NO_COLOR; plain text for anything else. */
export const createStyle = (output: Output): Style => {
  const coloured = output.hasColors?.() === true
  const paint = (format: Format) => (text: string) =>
    coloured ? styleText(format, text, { validateStream: false }) : text
  return {
    strong: paint('bold'),
    faint: paint('dim'),
    good: paint('green'),
    bad: paint('red'),
    accent: paint('cyan'),
  }
}

/** How many columns a text takes on a terminal. */
export const measureWidth = (text: string): number => [...stripVTControlCharacters(text)].length

export const padEnd = (text: string, width: number): string =>
  text + ' '.repeat(Math.max(0, width - measureWidth(text)))

export const padStart = (text: string, width: number): string =>
  ' '.repeat(Math.max(0, width - measureWidth(text))) + text

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence starts with a control character
const ESCAPE = /(\u001b\[[0-9;]*m)/

/** Cuts a text to so many columns; escape sequences take none and are all kept, so that no colour runs on. */
export const cutToWidth = (text: string, columns: number): string => {
  let left = columns
  const parts = text.split(ESCAPE).map((part, index) => {
    const isEscape = index % 2 === 1
    if (isEscape) return part
    const kept = [...part].slice(0, left)
    left -= kept.length
    return kept.join('')
  })
  return parts.join('')
}
