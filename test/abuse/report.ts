import type { NeighbourLatency } from './measure-neighbour.ts'

const NOT_RUN = '–'

/** What was seen on every engine, as a table for the end of the run. */
export const createReport = (engines: readonly string[], attacks: readonly string[]) => {
  const rows = new Map(attacks.map((name) => [name, new Map<string, string>()]))
  const note = (row: string, engine: string, text: string) => {
    rows.set(row, (rows.get(row) ?? new Map<string, string>()).set(engine, text))
  }
  return {
    note,
    noteLatency: (engine: string, { aloneMs, besideMs }: NeighbourLatency) => {
      note('neighbour alone, p50', engine, `${aloneMs.toFixed(0)} ms`)
      note('neighbour beside bombs, p50', engine, `${besideMs.toFixed(0)} ms`)
      note('ratio', engine, (besideMs / aloneMs).toFixed(2))
    },
    print: (): string => {
      const lines = [...rows].map(([row, cells]) => [
        row,
        ...engines.map((name) => cells.get(name) ?? NOT_RUN),
      ])
      const table = [['attack', ...engines], ...lines]
      const widths = table[0]?.map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)))
      return table
        .map((line) =>
          line
            .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
            .join('  ')
            .trimEnd(),
        )
        .join('\n')
    },
  }
}
