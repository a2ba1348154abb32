import { defineConfig } from 'vitest/config'

const shared = { pool: 'forks', testTimeout: 60_000, hookTimeout: 120_000 } as const

/** `npm run test:peers`: the same rules against the real services of production. A missing peer is a failure. */
export default defineConfig({
  test: {
    globalSetup: ['test/services/report-peers.ts'],
    projects: [
      {
        test: {
          ...shared,
          name: 'peers',
          include: ['test/**/*.peers.test.ts'],
          exclude: ['test/abuse/**'],
          globalSetup: ['test/services/run-postgres.ts'],
          maxWorkers: 2,
        },
      },
      {
        // After the others and alone, for it measures a neighbour's latency.
        test: {
          ...shared,
          name: 'abuse',
          include: ['test/abuse/**/*.peers.test.ts'],
          maxWorkers: 1,
          maxConcurrency: 5,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
