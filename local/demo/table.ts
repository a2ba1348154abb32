import { measureWidth, padEnd, padStart } from './style.ts'

/** `number` columns line up at the decimal point. */
export type Column = { title: string; align: 'left' | 'right' | 'number' }

const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map(measureWidth))

const fractionWidth = (text: string): number => {
  const point = text.indexOf('.')
  return point < 0 ? 0 : measureWidth(text.slice(point))
}

const alignNumbers = (texts: readonly string[]): string[] => {
  const fraction = Math.max(0, ...texts.map(fractionWidth))
  return texts.map((text) => text + ' '.repeat(fraction - fractionWidth(text)))
}

/** Lays rows out in columns, under a line of titles. */
export const drawTable = (columns: readonly Column[], rows: readonly (readonly string[])[]): string[] => {
  const laidOut = columns.map(({ title, align }, index) => {
    const texts = rows.map((row) => row[index] ?? '')
    const cells = [title, ...(align === 'number' ? alignNumbers(texts) : texts)]
    const width = widest(cells)
    return cells.map((cell) => (align === 'left' ? padEnd(cell, width) : padStart(cell, width)))
  })
  return Array.from({ length: rows.length + 1 }, (_, line) =>
    laidOut
      .map((cells) => cells[line])
      .join('  ')
      .trimEnd(),
  )
}
